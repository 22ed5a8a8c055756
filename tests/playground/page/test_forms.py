"""The page in a real browser: modals, selects, context menus, files, and messages for one reader."""

import json
from pathlib import Path

import pytest

from playground.rig import Rig
from tests.playground.page.browser import Browser, open_page

pytestmark = pytest.mark.slow

LAST = "[...document.querySelectorAll('#messages [data-id]')].at(-1)"


def field(label: str, inner: str) -> str:
    """What a selector finds inside the modal's field of that label."""
    fields = "[...document.querySelectorAll('#dialog .field')]"
    return (
        f"{fields}.find((one) => one.querySelector('.name').innerText.startsWith('{label}')).querySelector('{inner}')"
    )


async def choose(browser: Browser, select: str, label: str) -> None:
    """Choose the option with that label in a drop-down list."""
    await browser.evaluate(
        f"(() => {{ const list = {select};"
        f" list.value = [...list.options].find((one) => one.label.includes({json.dumps(label)})).value;"
        " list.dispatchEvent(new Event('change', { bubbles: true })); })()"
    )


async def tick(browser: Browser, inside: str, *labels: str) -> None:
    """Press the boxes with these labels."""
    for label in labels:
        await browser.evaluate(
            f"[...{inside}.querySelectorAll('.choice')]"
            f".find((one) => one.textContent.includes({json.dumps(label)})).querySelector('input').click()"
        )


async def command(browser: Browser, name: str) -> None:
    """Pick a command and send it as it is."""
    await browser.press("Escape", 27)
    await browser.type("/" + name)
    await browser.press("Enter", 13)
    await browser.until(f"document.querySelector('.command-head b')?.innerText === '/{name}'")
    await browser.evaluate("document.querySelector('#send').click()")


async def press_menu(browser: Browser, opener: str, label: str) -> None:
    """Open a menu by its button and press one of its entries, once it is offered."""
    entries = "[...document.querySelectorAll('#menu [role=menuitem]')]"
    await browser.until(
        f"(() => {{ {opener}.click();"
        f" const entry = {entries}.find((one) => one.innerText === {json.dumps(label)});"
        f" if (entry) entry.click(); else {opener}.click();"
        " return entry; })()"
    )


async def last_text(browser: Browser, wanted: str) -> str:
    """The text of the newest message once it has `wanted` in it."""
    await browser.until(f"{LAST}?.innerText.includes({json.dumps(wanted)})")
    text: str = await browser.evaluate(f"{LAST}.innerText")
    return text


async def test_a_modal_with_text_selects_and_files(rig: Rig, browser: Browser, tmp_path: Path) -> None:
    """A prompt of 4000 characters, a model, two people, a channel and two files arrive as they were given."""
    (tmp_path / "one.png").write_bytes(b"\x89PNG\r\n\x1a\n1")
    (tmp_path / "two.png").write_bytes(b"\x89PNG\r\n\x1a\n22")
    await open_page(browser, rig)
    await command(browser, "form")
    await browser.until("document.querySelector('#dialog').open")
    await browser.evaluate(f"{field('Prompt', 'textarea')}.select()")
    await browser.type("x" * 4000)
    await choose(browser, field("Model", "select"), "Good")
    await tick(browser, field("For whom", ".boxes"), "Ben", "Mo")
    await choose(browser, field("Where", "select"), "#general")
    await browser.choose_files(field("Pictures", "input"), tmp_path / "one.png", tmp_path / "two.png")
    await browser.evaluate("document.querySelector('#modal-submit').click()")

    said = await last_text(browser, "files:")
    assert "prompt: 4000 characters" in said
    assert "model: good" in said
    assert "viewers: Ben, Mo" in said
    assert "place: general" in said
    assert "files: one.png (9), two.png (10)" in said
    assert await browser.evaluate("document.querySelector('#dialog').open") is False
    assert browser.problems == []


async def test_a_modal_that_lacks_something_stays_open(rig: Rig, browser: Browser) -> None:
    """The field is named, gets the focus, and what was typed stays."""
    await open_page(browser, rig)
    await command(browser, "form")
    await browser.until("document.querySelector('#dialog').open")
    await browser.evaluate("document.querySelector('#modal-submit').click()")

    said = await browser.evaluate("document.querySelector('#dialog [role=alert]').innerText")
    assert said == "Model: choose one."
    assert await browser.evaluate(f"document.activeElement === {field('Model', 'select')}")
    assert await browser.evaluate(f"{field('Prompt', 'textarea')}.value") == "A cat"


async def test_a_modal_that_the_bot_did_not_take_can_be_sent_again(rig: Rig, browser: Browser) -> None:
    """The answer is late: the dialog says so and keeps everything; sent again, it arrives."""
    await open_page(browser, rig)
    await command(browser, "settings")
    await browser.until("document.querySelector('.select select')")
    await choose(browser, "document.querySelector('.select select')", "Limits")
    await browser.until("document.querySelector('#dialog').open")
    await tick(browser, field("Public", ".boxes"), "yes")
    await tick(browser, field("Models", ".boxes"), "good")
    rig.discord.faults.refuse(10062, path_regex="/callback$")
    await browser.evaluate("document.querySelector('#modal-submit').click()")
    said = "document.querySelector('#dialog [role=alert]').innerText"
    await browser.until(f"{said} === 'The application did not respond'")

    assert await browser.evaluate(f"{field('Models', 'input:checked')}.value") == "good"
    await browser.evaluate("document.querySelector('#modal-submit').click()")
    assert "rules: yes; good; True;" in await last_text(browser, "rules:")
    await browser.until("!document.querySelector('#dialog').open")


async def test_a_menu_by_keyboard(rig: Rig, browser: Browser) -> None:
    """Down and up go around, Escape gives the focus back, Enter chooses."""
    await open_page(browser, rig)
    message = rig.discord.say("ben", "video-lab", "look at this")
    dots = f"document.querySelector('[data-id=\"{message['id']}\"] .dots')"
    entry = "document.activeElement.innerText"
    await browser.until(dots)
    await browser.evaluate(f"{dots}.click()")

    assert await browser.evaluate(entry) == "Report clip"
    await browser.press("ArrowUp", 38)
    assert await browser.evaluate(entry) == "Delete message"
    await browser.press("ArrowDown", 40)
    await browser.press("Escape", 27)
    assert await browser.evaluate(f"document.activeElement === {dots}")
    await browser.press("Enter", 13)
    assert await browser.evaluate(entry) == "Report clip"
    await browser.press("Enter", 13)
    await last_text(browser, "reported")


async def test_a_select_opens_a_modal_with_radios_and_boxes(rig: Rig, browser: Browser) -> None:
    """One choice of a select is sent at once; one of, some of, yes or no, and roles come back."""
    await open_page(browser, rig)
    await command(browser, "settings")
    await browser.until("document.querySelector('.select select')")
    await choose(browser, "document.querySelector('.select select')", "Limits")
    await browser.until("document.querySelector('#dialog').open")
    assert await browser.evaluate("document.querySelector('#dialog-title').innerText") == "Limits"
    await tick(browser, field("Public", ".boxes"), "no")
    await tick(browser, field("Models", ".boxes"), "fast", "best")
    await browser.evaluate(f"{field('Ping', 'input')}.click()")
    await tick(browser, field("Moderator", ".boxes"), "moderator")
    await browser.evaluate("document.querySelector('#modal-submit').click()")

    assert "rules: no; fast+best; False; moderator" in await last_text(browser, "rules:")
    assert browser.problems == []


async def test_several_people_are_chosen_in_a_message(rig: Rig, browser: Browser) -> None:
    """A select for several is sent with a press on Choose."""
    await open_page(browser, rig)
    await command(browser, "settings")
    await browser.until("document.querySelector('.select details')")
    await browser.evaluate("document.querySelector('.select summary').click()")
    await tick(browser, "document.querySelector('.select details')", "Ann", "Mo")
    await browser.evaluate("document.querySelector('.select details button').click()")

    assert "members: Ann, Mo" in await last_text(browser, "members:")


async def test_menus_on_messages_and_on_people(rig: Rig, browser: Browser) -> None:
    """Ann reports what Ben wrote; the menu on people is offered to a moderator and not to Ann."""
    await open_page(browser, rig)
    message = rig.discord.say("ben", "video-lab", "look at this")
    await browser.until(f"document.querySelector('[data-id=\"{message['id']}\"]')")
    await press_menu(browser, f"document.querySelector('[data-id=\"{message['id']}\"] .dots')", "Report clip")

    assert f"reported {message['id']}" in await last_text(browser, "reported")
    await browser.evaluate("document.querySelector('#dots-ben').click()")
    assert "offers nothing on Ben" in await browser.evaluate("document.querySelector('#menu').innerText")
    await browser.press("Escape", 27)
    assert await browser.evaluate("document.activeElement.id") == "dots-ben"
    await browser.evaluate("document.querySelector('[data-person=mo]').click()")
    await browser.until("document.querySelector('[data-person=mo]').getAttribute('aria-checked') === 'true'")
    await press_menu(browser, "document.querySelector('#dots-ben')", "Show balance")
    assert "balance of Ben" in await last_text(browser, "balance of")
    assert browser.problems == []


async def test_embeds_tables_and_spoilers(rig: Rig, browser: Browser) -> None:
    """Pictures show, a table can be looked at and downloaded, hidden text and pictures show when pressed."""
    await open_page(browser, rig)
    await command(browser, "show")
    await browser.until("document.querySelector('.embed img')?.naturalWidth === 1")
    assert await browser.evaluate("document.querySelector('.file a').download") == "use.csv"
    await browser.evaluate("document.querySelector('.preview summary').click()")
    await browser.until("document.querySelector('.preview pre').innerText.includes('ben,18')")

    assert "secret" not in await browser.evaluate("document.querySelector('.embed').innerText")
    await browser.evaluate("document.querySelector('.spoiler').click()")
    assert await browser.evaluate("document.querySelectorAll('.message img').length") == 2
    assert "the secret\nending" in await browser.evaluate("document.querySelector('.embed').innerText")
    assert await browser.evaluate("document.querySelector('.covered').firstChild.inert")
    await browser.evaluate("document.querySelector('.uncover').click()")
    assert await browser.evaluate("document.querySelector('.covered, [inert]')") is None
    assert browser.problems == []


async def test_a_private_message_is_its_readers_alone(rig: Rig, browser: Browser) -> None:
    """Its button works for the reader; Ben sees what was shared and nothing else; dismissed, it is gone."""
    await open_page(browser, rig)
    await command(browser, "whisper")
    await last_text(browser, "for your eyes")
    await browser.evaluate("document.querySelector('.private .button').click()")
    await last_text(browser, "shared by Ann")
    await browser.evaluate("document.querySelector('[data-person=ben]').click()")

    assert "shared by Ann" in await last_text(browser, "shared by Ann")
    assert "for your eyes" not in await browser.evaluate("document.querySelector('#messages').innerText")
    await browser.evaluate("document.querySelector('[data-person=ann]').click()")
    await browser.until("document.querySelector('.only-you button')")
    await browser.evaluate("document.querySelector('.only-you button').click()")
    await browser.until("!document.querySelector('.message.private')")


async def test_an_ordinary_message_with_a_picture(rig: Rig, browser: Browser, tmp_path: Path) -> None:
    """What does not begin with a slash is said, with its files."""
    (tmp_path / "cat.png").write_bytes(b"\x89PNG\r\n\x1a\n1")
    await open_page(browser, rig)
    await browser.press("Escape", 27)
    await browser.choose_files("document.querySelector('#message-files')", tmp_path / "cat.png")
    await browser.type("my cat")
    await browser.press("Enter", 13)

    await last_text(browser, "my cat")
    said = rig.discord.messages("video-lab", "ben")[-1]
    assert (said["content"], [file["filename"] for file in said["attachments"]]) == ("my cat", ["cat.png"])
