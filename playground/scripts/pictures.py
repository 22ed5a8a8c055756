"""Small real pictures, made without any library."""

import struct
import zlib


def png(width: int = 320, height: int = 240, colour: tuple[int, int, int] = (0, 110, 120)) -> bytes:
    """A PNG of one colour (W3C PNG, 8 bits RGB); models take sides of 300 to 6000 pixels."""
    row = b"\0" + bytes(colour) * width
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(row * height)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
