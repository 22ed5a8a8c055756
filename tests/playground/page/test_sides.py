"""The page in a real browser: the list of channels, direct messages, the Server tab, narrow windows, the keyboard."""

from pathlib import Path

import pytest

from playground.page.panels import movie_panel
from playground.page.server import PageServer
from playground.rig import Rig
from tests.playground.page.browser import Browser, open_page

pytestmark = pytest.mark.slow

CONTRAST = (Path(__file__).parent / "contrast.js").read_text()


async def be(browser: Browser, key: str) -> None:
    """Look as another person."""
    await browser.evaluate(f"document.querySelector('[data-person={key}]').click()")
    await browser.until(f"document.querySelector('[data-person={key}]').getAttribute('aria-checked') === 'true'")


async def open_server_tab(browser: Browser, entry: str) -> None:
    """Show the Server tab and unfold one entry."""
    await browser.evaluate("document.querySelector('#tab-server').click()")
    await browser.evaluate(f"document.getElementById('{entry}').open = true")


async def press(browser: Browser, element_id: str) -> None:
    """Press the control with this id."""
    await browser.evaluate(f"document.getElementById('{element_id}').click()")


async def test_the_list_marks_channels_and_hides_the_staff_room(rig: Rig, browser: Browser) -> None:
    """Ann sees the marks in words and no staff room; the moderator sees it."""
    await open_page(browser, rig)
    channels = await browser.evaluate("document.querySelector('#channels').innerText")
    mark = "document.querySelector('[data-channel={}] .mark').getAttribute('aria-label')"

    assert "staff" not in channels
    assert await browser.evaluate(mark.format("after-dark")) == "Age-restricted"
    assert await browser.evaluate(mark.format("no-posting")) == "The bot may not post here"
    await be(browser, "mo")
    await browser.until("document.querySelector('[data-channel=staff]')")
    await press(browser, "channel-staff")
    await be(browser, "ann")
    await browser.until("document.querySelector('#status').innerText === 'Ann does not see #staff.'")
    assert await browser.evaluate("document.querySelector('#channel-title').innerText") == "# video-lab"
    assert browser.problems == []


async def test_a_role_given_by_hand_opens_the_staff_room(rig: Rig, browser: Browser) -> None:
    """One press in the Server tab; the list follows; the pressed box keeps the focus."""
    await open_page(browser, rig)
    await open_server_tab(browser, "server-ann")
    box = f"server-ann-role-{rig.discord.roles['moderator'].id}"
    await browser.evaluate(f"document.getElementById('{box}').focus()")
    await browser.press(" ", 32)
    await browser.until("document.querySelector('[data-channel=staff]')")

    assert rig.discord.member_roles("ann") == ["moderator"]
    assert await browser.evaluate("document.activeElement.id") == box
    assert await browser.evaluate("document.getElementById('server-ann').open")


async def test_a_permission_taken_by_hand_shows_and_counts(rig: Rig, browser: Browser) -> None:
    """The bot may not send in #general: the list says so, and so does what the bot knows of the channel."""
    await open_page(browser, rig)
    await open_server_tab(browser, "server-general")
    await press(browser, "server-general-send_messages")
    await browser.until("document.querySelector('[data-channel=general] .mark')")

    assert "send_messages" not in rig.discord.permissions(None, "general")
    assert "send_messages" in rig.discord.permissions(None, "video-lab")
    assert browser.problems == []


async def test_a_direct_message_is_counted_and_read(rig: Rig, browser: Browser) -> None:
    """Ben has one new message; he reads it; Ann does not see it; closed messages take nothing."""
    await open_page(browser, rig)
    ben = str(rig.discord.people["ben"].id)
    await rig.discord.slash("ann", "video-lab", "letter", {"member": ben})
    await browser.until("document.querySelector('[data-person=ben] .count')?.innerText === '1'")
    await press(browser, "channel-direct")
    assert "a letter" not in await browser.evaluate("document.querySelector('#messages').innerText")
    await be(browser, "ben")
    await browser.until("document.querySelector('#messages').innerText.includes('a letter from the bot')")
    await browser.until("!document.querySelector('[data-person=ben] .count')")

    await open_server_tab(browser, "server-ben")
    await press(browser, "server-ben-dms")
    await rig.discord.wait_for(lambda: rig.discord.settings.dm_closed)
    await rig.discord.slash("ann", "video-lab", "letter", {"member": ben})
    await be(browser, "ann")
    await press(browser, "channel-video-lab")
    await browser.until("document.querySelector('#messages').innerText.includes('Ben takes no letters')")


async def test_a_thread_is_opened_and_looked_into(rig: Rig, browser: Browser) -> None:
    """It stands under its channel; archived, it says so."""
    await open_page(browser, rig)
    await open_server_tab(browser, "server-general")
    await press(browser, "server-general-thread")
    await browser.until("document.querySelector('.channel.thread')")
    key = await browser.evaluate("document.querySelector('.channel.thread').dataset.channel")
    await press(browser, f"channel-{key}")
    await browser.until(f"document.querySelector('#channel-title').innerText === '# {key}'")
    await press(browser, f"server-{key}-archived")

    await browser.until("document.querySelector('#channel-topic').innerText === 'Archived thread'")
    assert browser.problems == []


async def test_a_command_is_closed_to_everybody_by_hand(rig: Rig, browser: Browser) -> None:
    """The dialog asks for command, role and permission; then Ann is not offered the command any more."""
    await open_page(browser, rig)
    await browser.evaluate("document.querySelector('#tab-server').click()")
    await press(browser, "server-access")
    for field, value in (("command", "video"), ("role", str(rig.discord.roles["everyone"].id))):
        await browser.evaluate(f"document.querySelector('#dialog [data-field={field}] select').value = '{value}'")
    await browser.evaluate("document.querySelector('#dialog [data-field=wish] input[value=no]').click()")
    await press(browser, "modal-submit")
    await browser.until("!document.querySelector('#dialog').open")

    assert "video" not in [command["name"] for command in rig.discord.commands("ann", "video-lab")]
    assert browser.problems == []


async def test_a_narrow_window_starts_without_the_side_panel(rig: Rig, browser: Browser) -> None:
    """At 800 pixels nothing runs over the edge; the panel opens over the page and closes again; wide, it is there."""
    await browser.call("Emulation.setDeviceMetricsOverride", width=800, height=700, deviceScaleFactor=1, mobile=False)
    await open_page(browser, rig)
    hidden = "getComputedStyle(document.querySelector('#panel')).display === 'none'"

    assert await browser.evaluate(hidden)
    assert await browser.evaluate("document.documentElement.scrollWidth <= 800")
    await press(browser, "panel-toggle")
    assert not await browser.evaluate(hidden)
    await press(browser, "panel-close")
    assert await browser.evaluate(hidden)
    await browser.call("Emulation.setDeviceMetricsOverride", width=1280, height=800, deviceScaleFactor=1, mobile=False)
    await browser.until(f"!({hidden})")
    assert await browser.evaluate("document.documentElement.scrollWidth <= 1280")


async def test_a_phone_shows_messages_beside_a_command(rig: Rig, browser: Browser) -> None:
    """With the first command unfolded a quarter of the window is left to read; a long prompt grows, and not too far."""
    await browser.call("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=1, mobile=True)
    await open_page(browser, rig)
    prompt = "document.querySelector('#option-prompt')"

    assert await browser.evaluate("document.querySelector('#messages').clientHeight >= 844 / 4")
    await browser.evaluate(f"{prompt}.focus()")
    low = await browser.evaluate(f"{prompt}.clientHeight")
    await browser.type("A red fox trots over fresh snow at dawn. " * 50)
    assert low < await browser.evaluate(f"{prompt}.clientHeight") < 844 / 3
    assert await browser.evaluate("document.documentElement.scrollWidth <= 390")


async def test_everything_that_can_be_pressed_has_a_name(rig: Rig, browser: Browser) -> None:
    """Buttons, boxes, lists and fields, in both tabs and unfolded, tell a screen reader what they are."""
    await open_page(browser, rig)
    await browser.evaluate("document.querySelector('#tab-server').click()")
    await browser.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")

    nameless = await browser.evaluate(
        "[...document.querySelectorAll('button, input:not([hidden]), select, textarea, summary')].filter((one) =>"
        " !(one.getAttribute('aria-label') || one.innerText?.trim() || one.textContent.trim()"
        " || one.labels?.length && [...one.labels].some((label) => label.innerText.trim() || label.textContent.trim())"
        ")).map((one) => one.outerHTML)"
    )
    assert nameless == []


async def test_every_text_stands_out_from_what_is_behind_it(rig: Rig, browser: Browser) -> None:
    """In both tabs, with a mention, a private message, selects, an open menu and an open dialog."""
    await open_page(browser, rig)
    rig.discord.say("ben", "video-lab", f"<@{rig.discord.people['ann'].id}> look at `this`: https://example.org")
    for command in ("show", "settings"):
        await rig.discord.slash("ann", "video-lab", command)
    await browser.until("document.querySelector('.select')")
    await browser.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert await browser.evaluate(CONTRAST) == []

    await browser.evaluate("document.querySelector('#tab-server').click()")
    await browser.evaluate("document.querySelector('.message .dots').click()")
    assert await browser.evaluate(CONTRAST) == []
    await browser.evaluate("document.querySelector('#composer .attach, #send').focus()")
    await browser.press("Escape", 27)
    await browser.type("/form")
    await browser.press("Enter", 13)
    await browser.evaluate("document.querySelector('#send').click()")
    await browser.until("document.querySelector('#dialog').open")
    await browser.evaluate("document.querySelector('#modal-submit').click()")
    assert await browser.evaluate(CONTRAST) == []


async def test_several_providers_have_a_panel_each(rig: Rig, browser: Browser) -> None:
    """Each by its own name, with its own switches."""
    page = PageServer(rig.discord, rig, {"one": movie_panel(rig.movie), "two": movie_panel(rig.movie)})
    await page.start()
    try:
        await browser.open(page.origin)
        await browser.until("document.querySelectorAll('.provider .figures dd').length === 6")
        await press(browser, "two-hold_callbacks")
        await browser.until("document.getElementById('one-hold_callbacks').checked")
    finally:
        await page.stop()

    assert not rig.movie.knobs.callbacks.enabled
    assert browser.problems == []
