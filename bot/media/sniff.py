"""What a file is, by its content. Names and declared types count for nothing."""

from dataclasses import dataclass

import filetype  # type: ignore[import-untyped]  # the package has no annotations

from bot.domain.requests import MediaKind

#: As many bytes of a file's beginning as any type needs to be recognised.
HEAD_BYTES = 8192

_NAMES = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/webp": "WebP",
    "video/mp4": "MP4",
    "video/quicktime": "MOV",
    "video/webm": "WebM",
    "audio/mpeg": "MP3",
    "audio/wav": "WAV",
}
_EXTENSIONS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/webm": "webm",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
}
#: ffmpeg's demuxer for each type, so that it never guesses one of its own.
DEMUXERS = {
    "video/mp4": "mov",
    "video/quicktime": "mov",
    "video/webm": "matroska",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
}
# ISO/IEC 14496-12 brands in daily use that `filetype` does not count as MP4 (ftyp box, major brand).
_MP4_BRANDS = frozenset(
    {
        b"isom",
        b"iso2",
        b"iso3",
        b"iso4",
        b"iso5",
        b"iso6",
        b"mp41",
        b"mp42",
        b"avc1",
        b"M4V ",
        b"MSNV",
        b"mmp4",
        b"dash",
    }
)
_SAME = {"audio/x-wav": "audio/wav", "video/x-m4v": "video/mp4"}


@dataclass(frozen=True, slots=True)
class Sniffed:
    """A recognised type. `kind` is None for a type that guides no model."""

    content_type: str
    kind: MediaKind | None


def sniff(head: bytes) -> Sniffed | None:
    """Recognise a file by its first bytes (at least 8 KiB where it has them). None: nothing known, text among it."""
    content_type = _boxed_type(head) or _guessed_type(head)
    if content_type is None:
        return None
    return Sniffed(content_type, MediaKind(content_type.partition("/")[0]) if content_type in _NAMES else None)


def extension(content_type: str) -> str:
    """Return the file ending that we give to a type (`image/jpeg` → `jpg`)."""
    return _EXTENSIONS.get(content_type, "bin")


def names(content_types: tuple[str, ...]) -> str:
    """Name types for people: `PNG, JPEG, MP4`."""
    return ", ".join(_NAMES.get(content_type, content_type) for content_type in content_types)


def _boxed_type(head: bytes) -> str | None:
    if head[4:8] != b"ftyp":
        return None
    brand = head[8:12]
    if brand == b"qt  ":
        return "video/quicktime"
    return "video/mp4" if brand in _MP4_BRANDS else None


def _guessed_type(head: bytes) -> str | None:
    guess = filetype.guess(head[:HEAD_BYTES])
    return None if guess is None else _SAME.get(guess.mime, guess.mime)
