"""Clips from a provider's address to a local file: bounded, and resumed where the connection broke."""

import asyncio
import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

import aiohttp

from bot.addresses import AddressRefused, open_checked
from bot.domain.errors import DownloadFailed

CLIP_BYTES_MAX = 2 * 1024**3
RESUMES_MAX = 5
CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 30.0
CHUNK_BYTES = 1024 * 1024
GONE_STATUSES = frozenset({403, 404, 410})

_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")


@dataclass(frozen=True, slots=True)
class _Note:
    """What an earlier try knew of the file: its address without the query (hashed), validator and whole size."""

    address: str
    validator: str | None
    total: int | None


class _Mismatch(Exception):
    """What the server offers does not continue what we have: start again from nothing."""


class Downloader:
    """Fetches whole files from addresses that providers name."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        timeout_s: float,
        allow_private: bool = False,
        most_bytes: int = CLIP_BYTES_MAX,
    ) -> None:
        """`session` stands on a guarded connector. `timeout_s` bounds one `fetch` with all its resumptions."""
        self._session = session
        self._timeout_s = timeout_s
        self._allow_private = allow_private
        self._most_bytes = most_bytes

    async def fetch(self, url: str, part: Path, *, most_bytes: int | None = None) -> bool:
        """Fill `part` with the whole file, going on from what it holds. True where it is made of several pieces.

        A `part` left behind by a failure is kept for the next call. `most_bytes` bounds the file more tightly.

        Raises:
            DownloadFailed: not this time; `is_gone` where the address will never answer with a file.
        """
        most = min(self._most_bytes, most_bytes or self._most_bytes)
        try:
            async with asyncio.timeout(self._timeout_s):
                for _ in range(RESUMES_MAX):
                    before = _size(part)
                    try:
                        return await self._pull(url, part, most) > 0
                    except _Mismatch:
                        discard(part)
                    except (aiohttp.ClientError, ConnectionError, TimeoutError) as error:
                        # a line that broke inside the body takes what was not yet read with it: not a sign of no hope
                        if _size(part) <= before and not isinstance(error, aiohttp.ClientPayloadError):
                            raise DownloadFailed("download_broken") from error
        except TimeoutError as error:
            raise DownloadFailed("download_timeout") from error
        except AddressRefused as error:
            raise DownloadFailed("download_address") from error
        raise DownloadFailed("download_broken")

    async def _pull(self, url: str, part: Path, most_bytes: int) -> int:
        """Ask once for what is missing. Returns from which byte on the file came with this answer."""
        note, have = _read_note(part, url), _size(part)
        if note is None and have:
            raise _Mismatch
        headers = {"Range": f"bytes={have}-"} if have else {}
        if have and note is not None and note.validator:
            headers["If-Range"] = note.validator
        limits = aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT_S, sock_read=READ_TIMEOUT_S)
        opened = open_checked(self._session, url, allow_private=self._allow_private, headers=headers, timeout=limits)
        async with opened as response:
            start, total = _where(response, have, note)
            if start is None:
                return have
            if (total or 0) > most_bytes:
                raise DownloadFailed("download_too_large", is_gone=True)
            await asyncio.to_thread(_write_note, part, _Note(_address(url), _validator(response), total))
            await self._write(response, part, start, most_bytes)
            if total is not None and _size(part) != total:
                raise aiohttp.ClientPayloadError("fewer bytes than announced")
            return start

    async def _write(self, response: aiohttp.ClientResponse, part: Path, start: int, most_bytes: int) -> None:
        """Append the body in chunks of a megabyte; what arrived before a break is kept."""
        with await asyncio.to_thread(part.open, "ab" if start else "wb") as file:
            held, written = bytearray(), start
            try:
                async for chunk in response.content.iter_any():
                    held += chunk
                    written += len(chunk)
                    if written > most_bytes:
                        raise DownloadFailed("download_too_large", is_gone=True)
                    if len(held) >= CHUNK_BYTES:
                        await asyncio.to_thread(file.write, bytes(held))
                        held.clear()
            finally:
                file.write(held)


def discard(part: Path) -> None:
    """Remove a partial file and its note."""
    part.unlink(missing_ok=True)
    _note_path(part).unlink(missing_ok=True)


def _where(response: aiohttp.ClientResponse, have: int, note: _Note | None) -> tuple[int | None, int | None]:
    """Tell at which byte the answer's body begins (None: we have it all) and the whole size, None if unknown."""
    found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    total = int(found[2]) if found and found[2] != "*" else None
    if response.status == 200:
        return 0, response.content_length
    if response.status == 206:
        is_same_size = note is None or note.total is None or total is None or total == note.total
        if not have or found is None or found[1] is None or int(found[1]) != have or not is_same_size:
            raise _Mismatch
        return have, total
    if response.status == 416 and have:
        if total == have:
            return None, total
        raise _Mismatch
    raise DownloadFailed(f"http_{response.status}", is_gone=response.status in GONE_STATUSES)


def _validator(response: aiohttp.ClientResponse) -> str | None:
    """Choose what `If-Range` may carry (RFC 9110, 13.1.5): a strong entity tag, else the date."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified")


def _address(url: str) -> str:
    return hashlib.sha256(url.partition("?")[0].encode()).hexdigest()


def _note_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _write_note(part: Path, note: _Note) -> None:
    _note_path(part).write_text(json.dumps(asdict(note)))


def _read_note(part: Path, url: str) -> _Note | None:
    """Return the note of an earlier try at the same address, None where there is none or it is unreadable."""
    try:
        note = _Note(**json.loads(_note_path(part).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return note if note.address == _address(url) else None


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
