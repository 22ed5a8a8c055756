"""The page in a real browser: what a newcomer sees and does."""

import os
import time
from pathlib import Path

import pytest

from playground.rig import Rig
from playground.rig_bot import PROJECT
from tests.playground.page.browser import Browser, open_page

SCREENSHOT = PROJECT / "docs" / "playground.png"

pytestmark = pytest.mark.slow


async def test_a_newcomer_presses_enter_and_a_clip_plays(rig: Rig, browser: Browser) -> None:
    """The example is filled in and Send has the focus; the clip arrives and plays; nothing in the page complains."""
    await open_page(browser, rig)
    prompt = await browser.evaluate("document.querySelector('#option-prompt').value")
    await browser.press("Enter", 13)
    await browser.until("document.querySelector('.thinking, [data-id]')")
    await browser.until("document.querySelector('#messages video')?.readyState >= 1")

    assert prompt in await browser.evaluate("document.querySelector('#messages').innerText")
    assert await browser.evaluate("document.querySelector('#messages video').duration") == pytest.approx(5, abs=0.3)
    await browser.evaluate("document.querySelector('#messages video').play()")
    await browser.until("document.querySelector('#messages video').currentTime > 0.05")
    assert "completed" in await browser.evaluate("document.querySelector('.tasks').innerText")
    assert browser.problems == []


async def test_a_clip_plays_on_while_other_messages_come(rig: Rig, browser: Browser) -> None:
    """Its link is signed anew each second, which does not draw it a second time."""
    await open_page(browser, rig)
    await browser.press("Enter", 13)
    await browser.until("document.querySelector('#messages video')?.readyState >= 2")
    await browser.evaluate("window.playing = document.querySelector('#messages video'); window.since = Date.now(); 0")
    await browser.until("Date.now() - window.since > 1100")
    await rig.discord.slash("ann", "video-lab", "balance", {})
    await browser.until("document.querySelector('.message.private')")

    assert await browser.evaluate("document.contains(window.playing)")


async def test_a_typed_command_is_found_filled_and_sent(rig: Rig, browser: Browser) -> None:
    """Slash, a few letters, Enter; the private answer says that only its reader sees it, and Ben does not see it."""
    await open_page(browser, rig)
    await browser.press("Escape", 27)
    await browser.type("/bal")
    await browser.press("Enter", 13)
    await browser.until("document.querySelector('.command-head b')?.innerText === '/balance'")
    await browser.evaluate("document.querySelector('#send').click()")
    await browser.until("document.querySelector('.message.private')")

    assert "Only you can see this" in await browser.evaluate("document.querySelector('#messages').innerText")
    await browser.evaluate("document.querySelector('[data-person=ben]').click()")
    await browser.until("document.querySelector('[data-person=ben]').getAttribute('aria-checked') === 'true'")
    assert await browser.evaluate("document.querySelector('.message.private')") is None
    assert browser.problems == []


async def test_a_slash_typed_anywhere_begins_a_command(rig: Rig, browser: Browser) -> None:
    """With the focus on a person, a slash brings it to the command line, and the commands unfold."""
    await open_page(browser, rig)
    await browser.evaluate("document.querySelector('[data-person=ann]').focus()")
    await browser.press("/", 191)
    await browser.type("/")

    assert await browser.evaluate("document.activeElement.id") == "command-filter"
    assert "/balance" in await browser.evaluate("document.querySelector('#command-choices').innerText")


async def test_what_members_type_is_never_html(rig: Rig, browser: Browser) -> None:
    """A prompt full of markup shows as it was typed."""
    await open_page(browser, rig)
    await rig.discord.slash("ann", "video-lab", "video", {"prompt": "<img src=x onerror=alert(1)> <b>bold</b>"})
    await browser.until("document.querySelector('#messages').innerText.includes('<b>bold</b>')")

    assert (
        await browser.evaluate("document.querySelectorAll('#messages img, #messages b').length") == 1
    )  # "used /video"
    assert browser.problems == []


async def test_a_moment_after_tomorrow_is_not_called_tomorrow(rig: Rig, browser: Browser) -> None:
    """A day and a bit from now: Discord counts days as well."""
    await open_page(browser, rig)
    await browser.press("Escape", 27)
    await browser.type(f"Until <t:{int(time.time()) + 110_000}:R>.")
    await browser.press("Enter", 13)
    await browser.until("document.querySelector('#messages time[data-relative]')")

    assert await browser.evaluate("document.querySelector('#messages time[data-relative]').innerText") == "in 1 day"


async def test_an_application_that_does_not_respond(rig: Rig, browser: Browser) -> None:
    """The page says it in Discord's own words, and keeps what was typed."""
    await open_page(browser, rig)
    await browser.press("Escape", 27)
    await browser.type("/silence")
    await browser.press("Enter", 13)
    await browser.evaluate("document.querySelector('#send').click()")

    await browser.until("document.querySelector('#status').innerText === 'The application did not respond'")
    assert await browser.evaluate("document.querySelector('.command-head b').innerText") == "/silence"


async def test_kill_and_start_from_the_side_panel(rig: Rig, browser: Browser) -> None:
    """The bot's state is told in words, and the buttons fit it."""
    await open_page(browser, rig)
    await browser.until("!document.querySelector('#bot-kill').disabled")
    await browser.evaluate("document.querySelector('#bot-kill').click()")
    await browser.until("document.querySelector('#bot-state').innerText.includes('Not running')")

    assert await browser.evaluate("document.querySelector('#bot-offline').hidden") is False
    await browser.evaluate("document.querySelector('#bot-start').click()")
    await browser.until("document.querySelector('#bot-state').innerText.includes('Running')")
    assert rig.running


@pytest.mark.skipif(
    "SEEDANCE_SCREENSHOT" not in os.environ, reason="set SEEDANCE_SCREENSHOT to renew docs/playground.png"
)
async def test_picture_for_the_readme(tmp_path: Path, browser: Browser) -> None:
    """The real bot: a clip that has arrived, and the next one under way."""
    rig = await Rig.start(tmp_path / "data", page_port=0)
    try:
        rig.movie.render_s = 8.0
        await browser.call(
            "Emulation.setDeviceMetricsOverride", width=1440, height=960, deviceScaleFactor=1, mobile=False
        )
        await open_page(browser, rig)
        await browser.press("Enter", 13)
        await browser.until("document.querySelector('#messages video')?.readyState >= 2")
        await rig.discord.slash(
            "ann", "video-lab", "video", {"prompt": "A paper boat sails down a rainy street at dusk"}
        )
        await browser.until("document.querySelector('.state.processing')")
        await browser.evaluate("document.querySelector('#messages video').currentTime = 2.4")
        await browser.evaluate("document.querySelector('#messages').scrollTop = 1e6")
        await browser.until("!document.querySelector('#messages video').seeking")
        picture = await browser.screenshot()

        assert picture.startswith(b"\x89PNG")
        SCREENSHOT.write_bytes(picture)
    finally:
        await rig.stop()
