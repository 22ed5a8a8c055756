"""Files of the simulated Discord: stored on disk, reached by signed links that expire."""

from __future__ import annotations

import hashlib
import hmac
import mimetypes
import re
import secrets
import struct
import tempfile
import time
from collections import OrderedDict
from pathlib import Path

from aiohttp import web

from playground.discord.model import Attachment

STORED_BYTES_MAX = 4 * 1024**3
"""Beyond this the oldest files go, so that a long load run does not fill the disk."""


class Cdn:
    """Keeps attachments in a temporary folder; serves GET and HEAD with ranges."""

    def __init__(self, lifetime_s: float) -> None:
        self.origin = ""
        self.lifetime_s = lifetime_s
        self._folder = tempfile.TemporaryDirectory(prefix="playground-cdn-")
        self._sizes: OrderedDict[int, int] = OrderedDict()
        self._stored_bytes = 0
        self._key = secrets.token_bytes(16)
        self._types: dict[int, str] = {}

    def store(self, attachment_id: int, channel_id: int, filename: str, data: bytes) -> Attachment:
        """Keep the bytes and describe them as Discord would (type by name, size of pictures by header)."""
        filename = re.sub(r"[^A-Za-z0-9._-]+", "_", filename) or "file"
        self._path(attachment_id).write_bytes(data)
        self._sizes[attachment_id] = len(data)
        self._stored_bytes += len(data)
        self._bound()
        content_type = mimetypes.guess_type(filename)[0] or "application/octet-stream"
        self._types[attachment_id] = content_type
        width, height = picture_size(data) if content_type.startswith("image/") else (None, None)
        return Attachment(attachment_id, channel_id, filename, len(data), content_type, width=width, height=height)

    def url(self, attachment: Attachment) -> str:
        """A fresh link; the signature's parameters are Discord's (`ex`, `is`, `hm`)."""
        now = int(time.time())
        path = self._route(attachment.ephemeral, attachment.channel_id, attachment.id, attachment.filename)
        expires, issued = f"{int(now + self.lifetime_s):x}", f"{now:x}"
        return f"{self.origin}{path}?ex={expires}&is={issued}&hm={self._sign(path, expires, issued)}&"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """GET or HEAD of a file: 404 for a wrong or expired signature, as Discord answers."""
        query = request.query
        expires, issued = query.get("ex", ""), query.get("is", "")
        signature = self._sign(request.path, expires, issued)
        if not hmac.compare_digest(signature.encode(), query.get("hm", "").encode()) or int(expires, 16) < time.time():
            return web.Response(status=404, text="This content is no longer available.")
        attachment_id = int(request.match_info["attachment"])
        if attachment_id not in self._sizes:
            return web.Response(status=404, text="This content is no longer available.")
        headers = {"Content-Type": self._types[attachment_id], "Cache-Control": "private, max-age=3600"}
        return web.FileResponse(self._path(attachment_id), headers=headers)

    def close(self) -> None:
        """Delete all files."""
        self._folder.cleanup()

    @staticmethod
    def _route(ephemeral: bool, channel_id: int, attachment_id: int, filename: str) -> str:
        folder = "ephemeral-attachments" if ephemeral else "attachments"
        return f"/cdn/{folder}/{channel_id}/{attachment_id}/{filename}"

    def _path(self, attachment_id: int) -> Path:
        return Path(self._folder.name) / str(attachment_id)

    def _sign(self, path: str, expires: str, issued: str) -> str:
        return hmac.new(self._key, f"{path}|{expires}|{issued}".encode(), hashlib.sha256).hexdigest()

    def _bound(self) -> None:
        while self._stored_bytes > STORED_BYTES_MAX:
            oldest, size_bytes = self._sizes.popitem(last=False)
            self._stored_bytes -= size_bytes
            self._types.pop(oldest, None)
            self._path(oldest).unlink(missing_ok=True)


def picture_size(data: bytes) -> tuple[int | None, int | None]:
    """Width and height in pixels from a PNG, GIF or JPEG header; (None, None) for anything else."""
    if data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    if data[:4] == b"GIF8" and len(data) >= 10:
        width, height = struct.unpack("<HH", data[6:10])
        return width, height
    if data[:2] == b"\xff\xd8":
        return _jpeg_size(data)
    return None, None


def _jpeg_size(data: bytes) -> tuple[int | None, int | None]:
    """Walk a JPEG's segments to its frame header (SOF0 to SOF15 without DHT, JPG and DAC)."""
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    return None, None
