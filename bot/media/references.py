"""Attachments that guide a job: read at once, checked by content, stripped, hashed and stored."""

import asyncio
import hashlib
import secrets
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from bot.addresses import AddressRefused, open_checked
from bot.domain.catalog import MEBIBYTE, Model
from bot.domain.errors import MediaRejected
from bot.domain.requests import Attachment, MediaKind, Reference, ReferenceRole
from bot.media.child import Children
from bot.media.pictures import clean_picture
from bot.media.sniff import HEAD_BYTES, Sniffed, extension, names, sniff
from bot.media.store import LocalStore
from bot.media.videos import Videos

DOWNLOADS_AT_ONCE = 8
CHUNK_BYTES = 256 * 1024
LIMITS = aiohttp.ClientTimeout(total=60, connect=10, sock_read=15)


class References:
    """Turns a command's attachments into stored references."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        store: LocalStore,
        children: Children,
        videos: Videos,
        *,
        allow_private: bool = False,
    ) -> None:
        """`session` stands on a guarded connector."""
        self._session = session
        self._store = store
        self._children = children
        self._videos = videos
        self._allow_private = allow_private
        self._places = asyncio.Semaphore(DOWNLOADS_AT_ONCE)

    async def store(
        self, attachments: Sequence[Attachment], model: Model, job_key_prefix: str = "references"
    ) -> tuple[Reference, ...]:
        """Fetch, check and keep all attachments of one command, in their order. All or none are kept.

        Keys are `{job_key_prefix}/{two hex digits}/{random}.{ending}`.

        Raises:
            MediaRejected: the first attachment, in their order, that will not do; `params["option"]` names it. Codes:
                `file_empty`, `file_type`, `file_gif`, `file_too_large`, `download_failed`,
                `picture_too_many_pixels`, `picture_broken`, `picture_animated`, `picture_side`, `video_broken`,
                `video_too_long`.
        """
        kept: list[str] = []
        jobs = [self._store_one(attachment, model, job_key_prefix, kept) for attachment in attachments]
        outcomes: list[Reference | BaseException] = []
        try:
            outcomes = await asyncio.gather(*jobs, return_exceptions=True)
        finally:
            if len(outcomes) != len(jobs) or any(isinstance(outcome, BaseException) for outcome in outcomes):
                await asyncio.shield(self._forget(kept))
        references: list[Reference] = []
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
            references.append(outcome)
        return tuple(references)

    async def _forget(self, keys: list[str]) -> None:
        for key in keys:
            await self._store.delete(key)

    async def _store_one(self, attachment: Attachment, model: Model, prefix: str, kept: list[str]) -> Reference:
        raw, clean = self._store.work_file(), self._store.work_file()
        try:
            async with self._places:
                found = await self._download(attachment, model, raw)
            width, height, duration_s = await self._check(found, model, raw, clean)
            size_bytes, digest = await asyncio.to_thread(_measure, clean)
            if size_bytes > _most_bytes(found, model):
                raise _too_large(size_bytes, _most_bytes(found, model))
            key = f"{prefix}/{digest[:2]}/{secrets.token_hex(16)}.{extension(found.content_type)}"
            kept.append(key)
            await self._store.put(key, clean)
            return Reference(
                role=attachment.role,
                kind=MediaKind(found.content_type.partition("/")[0]),
                content_type=found.content_type,
                size_bytes=size_bytes,
                sha256=digest,
                key=key,
                width=width or None,
                height=height or None,
                duration_s=duration_s,
                option=attachment.option,
                source_url=attachment.url,
            )
        except MediaRejected as error:
            raise MediaRejected(error.code, **{"option": attachment.option, **error.params}) from error
        finally:
            raw.unlink(missing_ok=True)
            clean.unlink(missing_ok=True)

    async def _download(self, attachment: Attachment, model: Model, target: Path) -> Sniffed:
        """Write the attachment to `target`; its type is known after the first bytes, its size limit with it."""
        if attachment.size_bytes == 0:
            raise MediaRejected("file_empty")
        try:
            async with open_checked(
                self._session, attachment.url, allow_private=self._allow_private, timeout=LIMITS
            ) as response:
                if response.status != 200:
                    raise MediaRejected("download_failed")
                head = await _read_head(response)
                found = check_type(sniff(head), bool(head), attachment.role, model)
                await self._copy(response, head, target, _most_bytes(found, model))
                return found
        except (aiohttp.ClientError, ConnectionError, TimeoutError, AddressRefused) as error:
            raise MediaRejected("download_failed") from error

    async def _copy(self, response: aiohttp.ClientResponse, head: bytes, target: Path, most_bytes: int) -> None:
        written = 0
        announced = response.content_length or 0
        with await asyncio.to_thread(target.open, "wb") as file:
            chunk = head
            while chunk:
                written += len(chunk)
                if max(written, announced) > most_bytes:
                    raise _too_large(max(written, announced), most_bytes)
                await asyncio.to_thread(file.write, chunk)
                chunk = await response.content.read(CHUNK_BYTES)

    async def _check(self, found: Sniffed, model: Model, raw: Path, clean: Path) -> tuple[int, int, float | None]:
        """Write the stripped copy; return its width and height in pixels (0 for sounds) and its seconds."""
        if found.kind is MediaKind.IMAGE:
            picture = await clean_picture(self._children, raw, clean, found.content_type)
            check_sides(picture.width, picture.height, model)
            return picture.width, picture.height, None
        await self._videos.strip(raw, clean, found.content_type)
        video = await self._videos.prove(clean, found.content_type)
        check_duration(video.duration_s, model)
        return video.width, video.height, video.duration_s


def check_type(found: Sniffed | None, has_bytes: bool, role: ReferenceRole, model: Model) -> Sniffed:
    """Refuse what the model does not take in that role.

    Raises:
        MediaRejected: `file_empty`, `file_gif` or `file_type`, with what is `offered`.
    """
    offered = tuple(
        content_type
        for content_type in model.reference_types
        if role is ReferenceRole.REFERENCE or content_type.startswith("image/")
    )
    if not has_bytes:
        raise MediaRejected("file_empty")
    if found is not None and found.content_type == "image/gif" and "image/gif" not in offered:
        raise MediaRejected("file_gif", offered=names(offered))
    if found is None or found.kind is None or found.content_type not in offered:
        raise MediaRejected("file_type", offered=names(offered))
    return found


def check_sides(width: int, height: int, model: Model) -> None:
    """Refuse a picture whose sides the model does not take.

    Raises:
        MediaRejected: `picture_side`.
    """
    least, most = model.min_image_side_px, model.max_image_side_px
    if min(width, height) < least or max(width, height) > most:
        raise MediaRejected("picture_side", width=width, height=height, least=least, most=most)


def check_duration(duration_s: float, model: Model) -> None:
    """Refuse a video or sound that is longer than the model takes.

    Raises:
        MediaRejected: `video_too_long`.
    """
    if duration_s > model.max_reference_duration_s:
        raise MediaRejected("video_too_long", duration=round(duration_s, 1), most=round(model.max_reference_duration_s))


def _most_bytes(found: Sniffed, model: Model) -> int:
    return model.max_bytes(found.kind or MediaKind.IMAGE)


def _too_large(size_bytes: int, most_bytes: int) -> MediaRejected:
    return MediaRejected("file_too_large", size_mib=-(-size_bytes // MEBIBYTE), most_mib=most_bytes // MEBIBYTE)


async def _read_head(response: aiohttp.ClientResponse) -> bytes:
    head = b""
    while len(head) < HEAD_BYTES and (chunk := await response.content.read(HEAD_BYTES - len(head))):
        head += chunk
    return head


def _measure(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return path.stat().st_size, digest
