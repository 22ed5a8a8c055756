"""Types come from content alone."""

from pathlib import Path

import pytest

from bot.domain.requests import MediaKind
from bot.media.sniff import names, sniff
from tests.media.files import animated, picture


@pytest.mark.parametrize(
    ("data", "content_type", "kind"),
    [
        (picture("PNG"), "image/png", MediaKind.IMAGE),
        (picture("JPEG"), "image/jpeg", MediaKind.IMAGE),
        (picture("WEBP"), "image/webp", MediaKind.IMAGE),
        (animated("GIF"), "image/gif", None),
        (b"\0\0\0\x18ftypqt  \0\0\0\0qt  ", "video/quicktime", MediaKind.VIDEO),
        (b"\0\0\0\x18ftypM4V \0\0\0\0M4V mp42", "video/mp4", MediaKind.VIDEO),
        (b"\0\0\0\x18ftypiso6\0\0\0\0iso6dash", "video/mp4", MediaKind.VIDEO),
        (b"ID3\x04" + bytes(40), "audio/mpeg", MediaKind.AUDIO),
        (b"RIFF\x24\0\0\0WAVEfmt " + bytes(40), "audio/wav", MediaKind.AUDIO),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_recognises(data: bytes, content_type: str, kind: MediaKind | None) -> None:
    """What models take is recognised; a GIF is named but guides nothing."""
    found = sniff(data[:8192])

    assert found is not None
    assert (found.content_type, found.kind) == (content_type, kind)


@pytest.mark.parametrize(
    "data", [b"", b"just text, called cat.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<!doctype html>"]
)
def test_text_is_nothing_we_know(data: bytes) -> None:
    """Text, SVG and HTML never pass as media."""
    found = sniff(data)

    assert found is None or found.kind is None


def test_recognises_rendered_clips(clip_file: Path, webm_file: Path) -> None:
    """Real files of both containers."""
    found = [sniff(file.read_bytes()[:8192]) for file in (clip_file, webm_file)]

    assert [item and item.content_type for item in found] == ["video/mp4", "video/webm"]


def test_names_types_for_people() -> None:
    """Members read MOV, not video/quicktime."""
    assert names(("image/png", "video/quicktime")) == "PNG, MOV"
