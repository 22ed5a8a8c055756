"""Files on their way to Discord, laid out as it wants them (reference, Uploading Files)."""

import asyncio
import mimetypes
from collections.abc import Iterable
from contextlib import AsyncExitStack
from io import BufferedIOBase, RawIOBase
from typing import Any

import discord

from bot.domain.errors import DeliveryRetry
from bot.ports import ClipFile

#: What a server without boosts takes for one file, and a whole request at most (resources/message, Create Message).
FILE_LIMIT_BYTES = 10 * 1024 * 1024
REQUEST_LIMIT_BYTES = 24 * 1024 * 1024
#: Files of one message (resources/message, Create Message).
MOST_FILES = 10
PLAIN_BYTES = "application/octet-stream"


class SecondSending(Exception):
    """discord.py is about to send the same request again."""


class Upload(discord.File):
    """A file for one message. With `is_once` it cannot be sent a second time."""

    def __init__(self, fp: BufferedIOBase | RawIOBase, filename: str, *, is_once: bool) -> None:
        super().__init__(fp, filename)  # type: ignore[arg-type]
        self._is_once = is_once

    def reset(self, *, seek: int | bool = True) -> None:
        """Go back to the beginning; discord.py calls this before each sending, with the number of earlier ones."""
        if seek and self._is_once:
            raise SecondSending
        super().reset(seek=seek)


class Once:
    """Stands in a request's list of files to stop discord.py from sending it again: follow-ups have no nonce."""

    def reset(self, *, seek: int) -> None:
        """Refuse every sending but the first."""
        if seek:
            raise SecondSending


async def open_files(stack: AsyncExitStack, files: Iterable[ClipFile | None], *, is_once: bool = False) -> list[Upload]:
    """Open files for one request; `stack` closes them after it.

    Raises:
        DeliveryRetry: a file is not there; nothing was sent.
    """
    found: list[Upload] = []
    for file in files:
        if file is not None:
            try:
                opened = await asyncio.to_thread(file.path.open, "rb")
            except OSError as error:
                raise DeliveryRetry from error
            stack.callback(opened.close)
            found.append(Upload(opened, file.filename, is_once=is_once))
    return found


def that_fit(files: Iterable[ClipFile]) -> list[ClipFile]:
    """Return the first files that one message takes anywhere; larger ones are left out."""
    taken: list[ClipFile] = []
    room_bytes = REQUEST_LIMIT_BYTES
    for file in files:
        if len(taken) < MOST_FILES and file.size_bytes <= min(room_bytes, FILE_LIMIT_BYTES):
            taken.append(file)
            room_bytes -= file.size_bytes
    return taken


def multipart(payload: dict[str, Any], files: list[Upload]) -> list[dict[str, Any]]:
    """Lay a message and its files out as one form."""
    attachments = [{"id": index, "filename": file.filename} for index, file in enumerate(files)]
    body = discord.utils._to_json({**payload, "attachments": attachments})
    parts: list[dict[str, Any]] = [{"name": "payload_json", "value": body, "content_type": "application/json"}]
    for index, file in enumerate(files):
        kind = mimetypes.guess_type(file.filename)[0] or PLAIN_BYTES
        name = f"files[{index}]"
        parts.append({"name": name, "value": file.fp, "filename": file.filename, "content_type": kind})
    return parts
