"""Addresses on our listener cannot be guessed, altered or used for something else."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from bot.media.links import SignedLinks

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
LINKS = SignedLinks(b"root secret", "https://bot.example")


def signature(url: str | None) -> str:
    """The last segment of a callback address."""
    assert url is not None
    return url.rpartition("/")[2]


def media_parts(links: SignedLinks = LINKS, filename: str = "clip.mp4") -> tuple[str, str]:
    """Token and file name of a link that is good for an hour."""
    url = links.media_url("clips/A.mp4", filename, expires_at=NOW + timedelta(hours=1))
    assert url is not None
    token, _, name = url.removeprefix("https://bot.example/media/").partition("/")
    return token, name


def test_callbacks_carry_their_attempt() -> None:
    """The address tells which attempt it was made for, in at most 512 characters."""
    url = LINKS.callback_url("seedance2-movie", "0123456789AB", 3)

    assert url is not None
    assert url.startswith("https://bot.example/callbacks/seedance2-movie/0123456789AB/")
    assert len(url) <= 512
    assert LINKS.verify_callback("seedance2-movie", "0123456789AB", signature(url)) == 3


@pytest.mark.parametrize(
    ("provider", "job", "change"),
    [
        ("seedance2ai", "0123456789AB", lambda s: s),
        ("seedance2-movie", "0123456789AC", lambda s: s),
        ("seedance2-movie", "0123456789AB", lambda s: "2" + s[1:]),
        ("seedance2-movie", "0123456789AB", lambda s: "01" + s[1:]),
        ("seedance2-movie", "0123456789AB", lambda s: s[:-1]),
        ("seedance2-movie", "0123456789AB", lambda s: s[:-1] + ("0" if s[-1] != "0" else "1")),
        ("seedance2-movie", "0123456789AB", lambda s: s + "0"),
        ("seedance2-movie", "0123456789AB", lambda s: ""),
        ("seedance2-movie", "0123456789AB", lambda s: "1-é\udcff"),
        ("seedance2-movie", "0123456789AB", lambda s: "9" * 5000 + s[1:]),
        ("seedance2-movie", "0123456789AB", lambda s: "²" + s[1:]),
    ],
)
def test_forged_callbacks_are_told_apart(provider: str, job: str, change: Callable[[str], str]) -> None:
    """Another provider, job, attempt or a single other character: not ours."""
    good = signature(LINKS.callback_url("seedance2-movie", "0123456789AB", 1))

    assert LINKS.verify_callback(provider, job, change(good)) is None


def test_signatures_have_at_least_128_bits() -> None:
    """Unguessable."""
    mark = signature(LINKS.callback_url("p", "j", 1)).partition("-")[2]

    assert len(bytes.fromhex(mark)) * 8 >= 128


def test_other_secrets_sign_otherwise() -> None:
    """A new root secret revokes everything."""
    other = SignedLinks(b"another", "https://bot.example")
    token, name = media_parts(other)

    assert LINKS.verify_callback("p", "j", signature(other.callback_url("p", "j", 1))) is None
    assert LINKS.verify_media(token, name, now=NOW) is None


def test_media_links_live_until_they_expire() -> None:
    """Good to the last second."""
    token, name = media_parts()

    assert LINKS.verify_media(token, name, now=NOW + timedelta(minutes=59)) == "clips/A.mp4"
    assert LINKS.verify_media(token, name, now=NOW + timedelta(hours=1)) is None


def test_media_links_cannot_be_altered() -> None:
    """Neither token nor file name can be changed."""
    token, name = media_parts()

    assert LINKS.verify_media(token, "evil.html", now=NOW) is None
    assert LINKS.verify_media("A" + token[1:], name, now=NOW) is None
    assert LINKS.verify_media(token[:-1], name, now=NOW) is None
    assert LINKS.verify_media("", name, now=NOW) is None
    assert LINKS.verify_media("x" * 5000, name, now=NOW) is None


def test_no_address_no_links() -> None:
    """Without a public address there are neither callbacks nor links."""
    off = SignedLinks(b"root secret", None)

    assert off.callback_url("p", "j", 1) is None
    assert off.media_url("clips/A.mp4", "a.mp4", expires_at=NOW) is None
