"""The public listener: providers' callbacks and signed media."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from bot.clock import Clock
from bot.domain.errors import InvariantBroken, MediaRejected
from bot.media.links import SignedLinks
from bot.ports import MediaStore
from bot.web.answers import SERVER, Handler, answer, application, error_answer, not_found
from bot.web.parts import PartRefused, plain_request

BODY_BYTES_MAX = 64 * 1024
BODY_TIMEOUT_S = 10.0
SEND_TIMEOUT_S = 900.0
READERS_MAX = 128  # files being sent at once: far fewer than connections, so that slow readers keep no callback out
BUSY_RETRY_S = 5

#: Fixed types by the ending of our own keys; anything else is sent as bytes to save, never to show.
CONTENT_TYPES = {
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
    "png": "image/png",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
}


class CallbackSink(Protocol):
    """Where verified callbacks go."""

    async def received(self, provider: str, job_id: str, attempt: int, body: bytes) -> None:
        """Store the hint; it is safe when this returns."""
        ...


def public_app(
    *,
    callbacks: CallbackSink,
    links: SignedLinks,
    store: MediaStore,
    clock: Clock,
    count_callback: Callable[[str], None] = lambda outcome: None,
    body_timeout_s: float = BODY_TIMEOUT_S,
    readers_max: int = READERS_MAX,
) -> web.Application:
    """Build the public application. `count_callback` hears `stored`, `forged`, `too_large`, `too_slow` or `failed`.

    Above `readers_max` files being sent, more are refused for some seconds.
    """
    app = application()
    app.router.add_post(
        "/callbacks/{provider}/{job}/{signature}", _callback_handler(callbacks, links, count_callback, body_timeout_s)
    )
    app.router.add_get("/media/{token}/{filename}", _media_handler(links, store, clock, _Readers(readers_max)))
    return app


def _callback_handler(
    callbacks: CallbackSink, links: SignedLinks, count: Callable[[str], None], body_timeout_s: float
) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        """Verify the address before anything else is read; say 200 only once the hint is stored."""
        provider, job_id = request.match_info["provider"], request.match_info["job"]
        attempt = links.verify_callback(provider, job_id, request.match_info["signature"])
        if attempt is None:
            count("forged")
            return _closing(not_found())
        try:
            async with asyncio.timeout(body_timeout_s):
                body = await _read_body(request)
        except TimeoutError:
            count("too_slow")
            return _closing(error_answer(408, "too_slow"))
        if body is None:
            count("too_large")
            return _closing(error_answer(413, "too_large"))
        outcome = "failed"
        try:
            await callbacks.received(provider, job_id, attempt, body)
            outcome = "stored"
        finally:
            count(outcome)
        return answer(200, ok=True)

    return handle


async def _read_body(request: web.Request) -> bytes | None:
    """Read a body of at most 64 KiB, whatever its framing. None for a larger one, of which no more is read."""
    if (request.content_length or 0) > BODY_BYTES_MAX:
        return None
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            return None
    return bytes(body)


def _closing(response: web.Response) -> web.Response:
    """End the connection with this answer: the rest of the request is not worth reading."""
    response.force_close()
    return response


class _Readers:
    """Counts those whom a file is being sent to."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._count = 0

    @property
    def are_full(self) -> bool:
        """Whether there is no place for another."""
        return self._count >= self._most

    def __enter__(self) -> None:
        self._count += 1

    def __exit__(self, *_: object) -> None:
        self._count -= 1


class _TimedFile(web.FileResponse):
    """A file whose reader has a quarter of an hour."""

    def __init__(self, path: Path, plain: web.Request, *, headers: Mapping[str, str], readers: _Readers) -> None:
        """`plain` is the request that is answered in the place of the client's own."""
        super().__init__(path, headers=headers)
        self._plain = plain
        self._readers = readers

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send the file, or leave a reader that is too slow."""
        try:
            with self._readers:
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    return await super().prepare(self._plain)
        except TimeoutError as error:
            raise ConnectionAbortedError("the reader is too slow") from error


def _media_handler(links: SignedLinks, store: MediaStore, clock: Clock, readers: _Readers) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        """Send a stored file, or a part of it, for an unexpired link. Deleting the file revokes its links."""
        filename = request.match_info["filename"]
        key = links.verify_media(request.match_info["token"], filename, now=clock.now())
        if key is None:
            return not_found()
        if readers.are_full:
            return _busy()
        try:
            path = await store.local(key)
            plain = plain_request(request, await asyncio.to_thread(path.stat))
        except (MediaRejected, InvariantBroken, FileNotFoundError):
            return not_found()
        except PartRefused as refused:
            return _refused_part(refused)
        return _TimedFile(path, plain, headers=_media_headers(key, filename), readers=readers)

    return handle


def _busy() -> web.Response:
    made = error_answer(503, "busy")
    made.headers["Retry-After"] = str(BUSY_RETRY_S)
    return made


def _refused_part(refused: PartRefused) -> web.Response:
    if refused.status == 412:
        return error_answer(412, "changed")
    made = error_answer(416, "no_such_part")
    made.headers["Content-Range"] = f"bytes */{refused.size_bytes}"
    return made


def _media_headers(key: str, filename: str) -> dict[str, str]:
    content_type = CONTENT_TYPES.get(key.rpartition(".")[2], "application/octet-stream")
    place = "inline" if content_type != "application/octet-stream" else "attachment"
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in filename)[:100]
    return {
        **SERVER,
        "Content-Type": content_type,
        "Content-Disposition": f'{place}; filename="{safe}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, max-age=3600",
    }
