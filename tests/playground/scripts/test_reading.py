"""Messages and forms as scripts read them."""

import io

import pytest
from PIL import Image

from playground.scripts.pictures import png
from playground.scripts.reading import button, clip_url, field, is_filled, is_private, job_of, labels, text_of

MESSAGE = {
    "flags": 64,
    "content": "Your clip\nis ready.",
    "embeds": [{"title": "Job", "fields": [{"name": "Cost", "value": "9.0"}], "footer": {"text": "Job 0123456789AB"}}],
    "components": [
        {
            "type": 1,
            "components": [
                {"type": 2, "label": "Again", "custom_id": "sb1:again:0123456789AB:1"},
                {"type": 2, "label": "Delete", "custom_id": "sb1:delete:0123456789AB:1"},
            ],
        }
    ],
    "attachments": [{"filename": "clip.mp4", "url": "http://127.0.0.1/clip.mp4"}],
}
MODAL = {
    "title": "Delivery",
    "components": [
        {"type": 18, "label": "Log channel", "component": {"type": 8, "custom_id": "log_channel_id:aa:bb"}},
        {"type": 18, "label": "Ping", "component": {"type": 3, "custom_id": "ping:cc:dd"}},
    ],
}


def test_text_has_everything_that_a_reader_sees_in_one_line() -> None:
    """Content, embeds with fields and footer, buttons, and the names of files."""
    assert text_of(MESSAGE) == "Your clip is ready. Job Cost 9.0 Job 0123456789AB Again Delete clip.mp4"
    assert text_of(None) == ""


def test_buttons_are_found_by_what_they_say() -> None:
    """A label leads to its custom id; an unknown one to nothing."""
    assert button(MESSAGE, "Delete") == "sb1:delete:0123456789AB:1"
    assert button(MESSAGE, "Share") == button(None, "Share") == ""
    assert labels(MESSAGE) == ["Again", "Delete"]


def test_clip_and_job_are_read_from_a_message() -> None:
    """The MP4's address, and the id of the job that made it; nothing where there is none."""
    assert clip_url(MESSAGE) == "http://127.0.0.1/clip.mp4"
    assert clip_url({"attachments": [{"filename": "a.png", "url": "x"}]}) == ""
    assert job_of(MESSAGE) == "0123456789AB"
    assert job_of({"content": "HELLO"}) == ""


def test_private_and_loading_messages_are_told_from_others() -> None:
    """By the flags that Discord sets."""
    assert is_private(MESSAGE) and is_filled(MESSAGE)
    assert not is_private({"flags": 0})
    assert not is_filled({"flags": 64 | 128})


def test_fields_of_a_form_are_found_inside_their_labels() -> None:
    """By the first part of the custom id; an unknown one is an error."""
    assert field(MODAL, "ping") == "ping:cc:dd"
    with pytest.raises(KeyError):
        field(MODAL, "zone")


def test_the_picture_is_a_real_png() -> None:
    """It decodes to its size and its colour."""
    picture = Image.open(io.BytesIO(png(300, 310, (1, 2, 3))))
    picture.load()

    assert picture.size == (300, 310)
    assert picture.getpixel((299, 309)) == (1, 2, 3)
