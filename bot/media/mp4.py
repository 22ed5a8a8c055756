"""Proof from an MP4's own tables that every frame of it is there, without decoding (ISO/IEC 14496-12 and -15).

A clip of one megabyte is proven in about a millisecond; a decoder in a child process needs thirty. The proof only ever
says yes: sizes add up to the file's end, every sample lies inside the media data, and every video sample is an unbroken
chain of H.264 or H.265 units that begins with a key frame, which no cut, swapped or zeroed file is. Whatever is
different (another codec, a fragmented file, anything odd) is left to the decoder.
"""

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

from bot.ports import ClipInfo

SAMPLES_MAX = 20_000
INDEX_BYTES_MAX = 4 * 1024 * 1024
BOXES_MAX = 256  # in one box, or at the top
TRACKS_MAX = 8
UNITS_MAX = 500_000
SAMPLE_ENTRY_BYTES = 86  # size, type and the fixed fields of a visual sample entry
H264, H265 = frozenset({b"avc1", b"avc3"}), frozenset({b"hvc1", b"hev1"})

Span = tuple[int, int]


class _Unproven(Exception):
    """Something is not as the proof needs it."""


@dataclass(frozen=True, slots=True)
class _Track:
    handler: bytes
    codec: bytes
    width: int
    height: int
    unit_prefix_bytes: int
    samples: list[Span]


def read_clip(path: Path) -> ClipInfo | None:
    """Return what the tables say of a clip that they prove whole, None where they prove nothing. Blocking."""
    size_bytes = path.stat().st_size
    if size_bytes == 0:
        return None
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            return _prove(data, size_bytes)
        except (_Unproven, struct.error, IndexError):
            return None


def _prove(data: mmap.mmap, size_bytes: int) -> ClipInfo:
    boxes = list(_boxes(data, 0, size_bytes))
    kinds = [kind for kind, _, _ in boxes]
    if not kinds or kinds[0] != b"ftyp" or kinds.count(b"moov") != 1 or b"moof" in kinds:
        raise _Unproven
    media = [(start, end) for kind, start, end in boxes if kind == b"mdat"]
    _, start, end = boxes[kinds.index(b"moov")]
    if end - start > INDEX_BYTES_MAX:
        raise _Unproven
    index = data[start:end]
    tracks = [_track(index, *span) for span in _all(index, b"trak", 0, len(index))[:TRACKS_MAX]]
    videos = [track for track in tracks if track.handler == b"vide"]
    if len(videos) != 1 or not videos[0].samples or not videos[0].width * videos[0].height:
        raise _Unproven
    for track in tracks:
        _check_inside(track.samples, media)
    _check_chains(data, videos[0])
    has_audio = any(track.handler == b"soun" and track.samples for track in tracks)
    return ClipInfo(size_bytes, _duration_s(index), videos[0].width, videos[0].height, has_audio)


def _boxes(data: bytes | mmap.mmap, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield (type, first byte of the body, end) of the boxes that fill a span exactly."""
    for _ in range(BOXES_MAX):
        if at == end:
            return
        length, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if length == 1:
            length, head = struct.unpack_from(">Q", data, at + 8)[0], 16
        elif length == 0:
            length = end - at
        if length < head or at + length > end:
            raise _Unproven
        yield kind, at + head, at + length
        at += length
    raise _Unproven


def _all(data: bytes, kind: bytes, start: int, end: int) -> list[Span]:
    return [(first, last) for found, first, last in _boxes(data, start, end) if found == kind]


def _one(data: bytes, path: tuple[bytes, ...], span: Span) -> Span:
    for kind in path:
        found = _all(data, kind, *span)
        if len(found) != 1:
            raise _Unproven
        span = found[0]
    return span


def _duration_s(index: bytes) -> float:
    at, _ = _one(index, (b"mvhd",), (0, len(index)))
    scale, length = (
        struct.unpack_from(">IQ", index, at + 20) if index[at] else struct.unpack_from(">II", index, at + 12)
    )
    if not scale or not length:
        raise _Unproven
    return float(length / scale)


def _track(index: bytes, start: int, end: int) -> _Track:
    media = _one(index, (b"mdia",), (start, end))
    handler_at, _ = _one(index, (b"hdlr",), media)
    handler = index[handler_at + 8 : handler_at + 12]
    tables = _one(index, (b"minf", b"stbl"), media)
    at, last = _one(index, (b"stsd",), tables)
    entry = at + 8
    codec = index[entry + 4 : entry + 8]
    width = height = prefix = 0
    if handler == b"vide":
        width, height = struct.unpack_from(">HH", index, entry + 32)
        prefix = _unit_prefix_bytes(index, codec, (entry + SAMPLE_ENTRY_BYTES, last))
    return _Track(handler, codec, width, height, prefix, _samples(index, tables))


def _unit_prefix_bytes(index: bytes, codec: bytes, span: Span) -> int:
    if codec in H264:
        at, _ = _one(index, (b"avcC",), span)
        return (index[at + 4] & 3) + 1
    if codec in H265:
        at, _ = _one(index, (b"hvcC",), span)
        return (index[at + 21] & 3) + 1
    raise _Unproven


def _samples(index: bytes, tables: Span) -> list[Span]:
    """List where each sample of a track begins and ends in the file."""
    at, _ = _one(index, (b"stsz",), tables)
    size, count = struct.unpack_from(">II", index, at + 4)
    if count > SAMPLES_MAX:
        raise _Unproven
    sizes = [size] * count if size else list(struct.unpack_from(f">{count}I", index, at + 12))
    chunks = _chunk_offsets(index, tables)
    at, _ = _one(index, (b"stsc",), tables)
    (runs,) = struct.unpack_from(">I", index, at + 4)
    if runs > len(chunks):
        raise _Unproven
    firsts = [struct.unpack_from(">II", index, at + 8 + 12 * run) for run in range(runs)]
    samples: list[Span] = []
    for (first, per_chunk), (following, _) in zip(firsts, [*firsts[1:], (len(chunks) + 1, 0)], strict=True):
        for chunk in range(first - 1, following - 1):
            held = sizes[len(samples) : len(samples) + per_chunk]
            ends = list(accumulate(held, initial=chunks[chunk]))
            samples += pairwise(ends)
    if len(samples) != count:
        raise _Unproven
    return samples


def _chunk_offsets(index: bytes, tables: Span) -> list[int]:
    is_wide = not _all(index, b"stco", *tables)
    at, _ = _one(index, (b"co64" if is_wide else b"stco",), tables)
    (count,) = struct.unpack_from(">I", index, at + 4)
    if count > SAMPLES_MAX:
        raise _Unproven
    return list(struct.unpack_from(f">{count}{'Q' if is_wide else 'I'}", index, at + 8))


def _check_inside(samples: list[Span], media: list[Span]) -> None:
    for start, end in samples:
        if not any(first <= start and end <= last for first, last in media):
            raise _Unproven


def _check_chains(data: mmap.mmap, track: _Track) -> None:
    prefix, is_h264, units = track.unit_prefix_bytes, track.codec in H264, 0
    for number, (start, end) in enumerate(track.samples):
        at, has_key = start, False
        while at < end:
            length = int.from_bytes(data[at : at + prefix])
            first = data[at + prefix]
            kind = first & 0x1F if is_h264 else first >> 1 & 0x3F
            has_key = has_key or (kind == 5 if is_h264 else 16 <= kind <= 21)  # the standards' key frames
            at, units = at + prefix + length, units + 1
            if not length or first & 0x80 or at > end or units > UNITS_MAX:
                raise _Unproven
        if start == end or (number == 0 and not has_key):
            raise _Unproven
