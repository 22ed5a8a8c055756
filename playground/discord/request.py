"""One REST request of the bot, read into plain values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import BodyPartReader, web

from playground.discord.errors import ApiError, form_error, known
from playground.discord.model import Json, Upload

REQUEST_READ_MAX = 256 * 1024 * 1024
"""A request beyond this is cut off; up to it, it is read whole and then answered 413."""


@dataclass
class Call:
    """What a route gets: numbers of its path in order, query, body and files."""

    method: str
    path: str
    args: tuple[str, ...]
    query: dict[str, str]
    body: Any = None
    uploads: list[Upload] = field(default_factory=list)

    def fields(self) -> Json:
        """The body as an object (an absent body is empty)."""
        if self.body is None:
            return {}
        if not isinstance(self.body, dict):
            raise form_error("", "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
        return self.body


async def read_body(request: web.Request, limit: int) -> tuple[Any, list[Upload]]:
    """The JSON body and the file parts; `limit` is the size of a whole request in bytes.

    Raises: ApiError 400 for a Content-Type that is not exactly `application/json` or multipart, or for broken JSON;
    413 for a request that is too large.
    """
    kind = request.headers.get("Content-Type", "")
    if kind.startswith("multipart/form-data"):
        return await _read_multipart(request, limit)
    raw = await request.read()
    if len(raw) > limit:
        raise known(40005)
    if not raw:
        return None, []
    if kind != "application/json":
        message = (
            'Expected "Content-Type" header to be one of '
            "{'application/json', 'application/x-www-form-urlencoded', 'multipart/form-data'}."
        )
        raise form_error("", "CONTENT_TYPE_INVALID", message)
    return parse_json(raw), []


def parse_json(raw: bytes) -> Any:
    """The value, or 50109."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ApiError(400, 50109, "The request body contains invalid JSON.") from error


async def _read_multipart(request: web.Request, limit: int) -> tuple[Any, list[Upload]]:
    body: Any = None
    uploads: list[Upload] = []
    size = 0
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise form_error("", "CONTENT_TYPE_INVALID", "Nested multipart bodies are not supported")
        data = bytes(await part.read())
        size += len(data)
        if part.name == "payload_json":
            body = parse_json(data)
        elif part.filename is not None:
            slot = re.fullmatch(r"files\[(\d+)\]", part.name or "")
            uploads.append(Upload(slot.group(1) if slot else str(len(uploads)), part.filename, data))
    if size > limit:
        raise known(40005)
    return body, uploads
