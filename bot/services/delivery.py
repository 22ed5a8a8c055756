"""Putting a clip before the member, once.

Every message is written down before it is sent. Where the answer is lost, the channel is searched for the job's message
mark before anything is sent again; where it cannot be searched, the job ends `undelivered` rather than twice.
"""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from bot.clock import Clock
from bot.db import guilds, jobs, work
from bot.db.engine import Database
from bot.domain.errors import (
    DeliveryAmbiguous,
    DeliveryError,
    DeliveryForbidden,
    DeliveryTooLarge,
    MediaRejected,
    NotFound,
    Refused,
)
from bot.domain.jobs import CardTarget, Job, JobState
from bot.ports import ClipFile, ClipPost, Links, MediaStore, MediaWorkshop, Messenger, Posted
from bot.services.cancellation import may_act
from bot.services.config import Timings
from bot.services.wake import Wake

log = logging.getLogger(__name__)

MEBIBYTE = 1024 * 1024
#: One request's whole size (Discord's message resource); the rest of the request needs a little room.
REQUEST_LIMIT_BYTES = 25 * MEBIBYTE - 64 * 1024
#: Direct messages take no more than this, whatever the guild takes.
DIRECT_LIMIT_BYTES = 10 * MEBIBYTE
LEARNED_FOR = timedelta(days=30)
PROVIDER_LINK_LIFETIME = timedelta(days=7)
GIVE_UP_AFTER = timedelta(hours=6)
RETRY_BASE_S = 2.0
RETRY_MAX_S = 300.0
CLOCK_TOLERANCE = timedelta(minutes=2)


class Rung(StrEnum):
    """The ways to a member, tried in this order."""

    CHANNEL = "channel"
    FOLLOW_UP = "follow_up"
    DIRECT = "direct"


@dataclass(frozen=True, slots=True)
class Package:
    """What to post: the file, or a link with a picture where no file fits."""

    file: ClipFile | None = None
    link: str | None = None
    link_expires_at: datetime | None = None
    preview: ClipFile | None = None


class Delivery:
    """Delivers clips, delivers them again on request, and deletes them."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        messenger: Messenger,
        workshop: MediaWorkshop,
        store: MediaStore,
        links: Links,
        wake: Wake,
        timings: Timings,
    ) -> None:
        self._database = database
        self._clock = clock
        self._messenger = messenger
        self._workshop = workshop
        self._store = store
        self._links = links
        self._wake = wake
        self._timings = timings

    async def deliver(self, held: Job) -> Job | None:
        """Post the clip on the first rung that takes it.

        Transactions: one before each message leaves, one with its receipt and the job's move.
        """
        earlier = await self._earlier_part(held)
        if earlier is not None:
            settled = await self._settle_doubt(held, earlier)
            if settled is not None:
                return settled
        for rung in self._rungs(held):
            try:
                package = await self._package(held, rung)
            except MediaRejected:
                return await self._end(held, cause="the kept clip is gone", code="clip_lost")
            try:
                return await self._try(held, rung, package)
            except DeliveryForbidden as error:
                log.warning("delivery.rung_closed", extra={"job_id": held.id, "rung": rung.value, "code": error.code})
                held = await self._forget(held, closed=rung)
            except DeliveryTooLarge:
                return await self._learn(held, package)
            except DeliveryAmbiguous:
                return await self._retry(held, None)  # the next try begins with a search for the message mark
            except DeliveryError as error:
                await self._forget(held)
                return await self._retry(held, error.retry_after_s)
        return await self._end(held, cause="no way to the member is open", code="no_way")

    # ------------------------------------------------------------------------------------------------ doubt

    async def _earlier_part(self, held: Job) -> Any:
        async with self._database.read() as connection:
            parts = await work.parts(connection, held.id, held.delivery_number)
        return parts[0] if parts else None

    async def _settle_doubt(self, held: Job, part: Any) -> Job | None:
        """Find out what became of a message that was about to be sent. None: it surely does not exist."""
        if part.message_id is not None:
            return await self._delivered(held, Posted(part.channel_id, part.message_id))
        if part.rung == Rung.FOLLOW_UP.value or not part.channel_id:
            return await self._end(held, cause="a follow-up may have been shown", code="doubt")
        try:
            search = await self._messenger.find_mark(
                part.channel_id, held, held.delivery_number, after=part.intended_at - CLOCK_TOLERANCE
            )
        except DeliveryForbidden:
            return await self._end(held, cause="the channel cannot be read", code="doubt")
        except DeliveryError as error:
            return await self._retry(held, error.retry_after_s)
        if search.found is not None:
            return await self._delivered(held, search.found)
        if not search.is_certain:
            return await self._end(held, cause="history cannot be read", code="doubt")
        return None

    # ---------------------------------------------------------------------------------------------- package

    async def _limit_bytes(self, held: Job, rung: Rung) -> int:
        if rung is Rung.DIRECT:
            return DIRECT_LIMIT_BYTES
        async with self._database.read() as connection:
            learned = await guilds.learned(connection, held.guild_id, now=self._clock.now())
        return min(held.size_limit_bytes, REQUEST_LIMIT_BYTES, learned or REQUEST_LIMIT_BYTES)

    async def _package(self, held: Job, rung: Rung) -> Package:
        key = held.clip_key or ""
        limit_bytes = await self._limit_bytes(held, rung)
        fitted = await self._workshop.fit_clip(key, limit_bytes)
        if fitted is not None:
            return Package(file=_file(fitted, f"seedance-{held.id}.mp4"))
        expires_at = self._clock.now() + self._timings.clip_retention
        link = self._links.media_url(key, f"seedance-{held.id}.mp4", expires_at=expires_at)
        if link is None:
            link, expires_at = held.result_url, held.updated_at + PROVIDER_LINK_LIFETIME
        picture = await self._workshop.preview(key)
        preview = None if picture is None else _file(picture, f"seedance-{held.id}.jpg")
        if preview is not None and preview.size_bytes > limit_bytes:
            preview = None
        return Package(link=link, link_expires_at=expires_at, preview=preview)

    async def _learn(self, held: Job, package: Package) -> Job | None:
        """Discord refused the size: remember a lower limit for the guild and fit the clip to that."""
        posted = package.file or package.preview
        sent = posted.size_bytes if posted else 0
        lower = next((tier * MEBIBYTE for tier in (10, 8) if tier * MEBIBYTE < sent), sent // 2)
        now = self._clock.now()
        async with self._database.begin() as connection:
            await guilds.learn(connection, held.guild_id, limit_bytes=lower, until=now + LEARNED_FOR)
            await work.forget_intent(connection, job_id=held.id, number=held.delivery_number, part=0)
        log.warning("delivery.too_large", extra={"job_id": held.id, "size_bytes": sent, "lower_bytes": lower})
        return await self._retry(held, 0.0)

    # ------------------------------------------------------------------------------------------------ rungs

    def _rungs(self, held: Job) -> list[Rung]:
        """Return the rungs still to try; a private job never goes to a channel."""
        order = [Rung.FOLLOW_UP, Rung.DIRECT] if held.is_private else list(Rung)
        if not _is_live(held.card, self._clock.now()):
            order.remove(Rung.FOLLOW_UP)
        tried = held.delivery_rung
        if tried is None or tried not in order:
            return order
        return order[order.index(Rung(tried)) + 1 :]

    async def _try(self, held: Job, rung: Rung, package: Package) -> Job:
        channel_id = await self._channel_of(held, rung)
        async with self._database.begin() as connection:
            await jobs.update_fenced(connection, held, delivery_rung=held.delivery_rung)
            await work.intend(
                connection,
                job_id=held.id,
                number=held.delivery_number,
                part=0,
                rung=rung.value,
                channel_id=channel_id,
                now=self._clock.now(),
            )
        posted = await self._post(held, rung, channel_id, package)
        return await self._delivered(held, posted)

    async def _channel_of(self, held: Job, rung: Rung) -> int:
        if rung is Rung.DIRECT:
            return await self._messenger.open_direct(held.user_id)
        return held.channel_id

    async def _post(self, held: Job, rung: Rung, channel_id: int, package: Package) -> Posted:
        post = ClipPost(
            job=held,
            nonce=f"{held.id}-{held.delivery_number}-0",
            file=package.file,
            link=package.link,
            link_expires_at=package.link_expires_at,
            preview=package.preview,
        )
        if rung is Rung.FOLLOW_UP and held.card is not None:
            return await self._messenger.follow_up(held.card, post)
        if rung is Rung.CHANNEL and held.card is not None and held.card.channel_id == channel_id:
            post = replace(post, reply_to=held.card.message_id)
        return await self._messenger.post_clip(channel_id, post)

    # --------------------------------------------------------------------------------------------- outcomes

    async def _delivered(self, held: Job, posted: Posted) -> Job:
        async with self._database.begin() as connection:
            now = self._clock.now()
            await work.posted(
                connection,
                job_id=held.id,
                number=held.delivery_number,
                part=0,
                channel_id=posted.channel_id,
                message_id=posted.message_id,
                now=now,
            )
            return await jobs.move_fenced(
                connection,
                held,
                JobState.DELIVERED,
                now=now,
                cause="posted",
                message_channel_id=posted.channel_id,
                message_id=posted.message_id,
                told_at=now,
                error_code=None,
            )

    async def _forget(self, held: Job, *, closed: Rung | None = None) -> Job:
        """Take an intent back whose message surely does not exist, and remember a rung that is closed."""
        rung = held.delivery_rung if closed is None else closed.value
        async with self._database.begin() as connection:
            await work.forget_intent(connection, job_id=held.id, number=held.delivery_number, part=0)
            return await jobs.update_fenced(connection, held, delivery_rung=rung)

    async def _retry(self, held: Job, retry_after_s: float | None) -> Job | None:
        """Try again later: after half the time that it has been tried for, for six hours in all."""
        now = self._clock.now()
        tried_for = now - held.updated_at
        if tried_for >= GIVE_UP_AFTER:
            return await self._end(held, cause="Discord takes nothing", code="no_way")
        patience_s = min(max(RETRY_BASE_S, tried_for.total_seconds() / 2), RETRY_MAX_S)
        wait_s = patience_s if retry_after_s is None else retry_after_s
        async with self._database.begin() as connection:
            await jobs.update_fenced(connection, held, run_at=now + timedelta(seconds=wait_s), attempt=0)
        return None

    async def _end(self, held: Job, *, cause: str, code: str) -> Job:
        log.error("job.undelivered", extra={"job_id": held.id, "cause": cause})
        async with self._database.begin() as connection:
            return await jobs.move_fenced(
                connection, held, JobState.UNDELIVERED, now=self._clock.now(), cause=cause, error_code=code
            )

    # -------------------------------------------------------------------------------------------- on request

    async def redeliver(self, job_id: str, *, user_id: int, guild_id: int | None) -> Job:
        """Try an undelivered clip anew, as a new delivery. One transaction.

        Raises:
            NotFound: no such job of this member.
            Refused: `not_undelivered`, or `clip_lost` where nothing is left to deliver.
        """
        async with self._database.begin() as connection:
            found = await jobs.lock(connection, job_id)
            if found is None or found.user_id != user_id or (guild_id is not None and found.guild_id != guild_id):
                raise NotFound("job_not_found", job=job_id)
            if found.state is not JobState.UNDELIVERED:
                raise Refused("not_undelivered", job=job_id, state=found.state.value)
            if found.clip_key is None or found.error_code == "clip_lost":
                raise Refused("clip_lost", job=job_id)
            now = self._clock.now()
            moved = await jobs.move_locked(
                connection,
                found,
                JobState.DELIVERING,
                now=now,
                cause=f"asked for by {user_id}",
                run_at=now,
                finished_at=None,
                delivery_number=found.delivery_number + 1,
                delivery_rung=None,
            )
        self._wake.up()
        return moved

    async def delete_result(self, job_id: str, *, actor_id: int, guild_id: int | None, is_moderator: bool) -> None:
        """Delete a delivered clip's message and the kept clip; for its requester or a moderator.

        Raises:
            NotFound: no such job.
            Refused: `not_yours`, `not_delivered`.
        """
        async with self._database.read() as connection:
            found = await jobs.get(connection, job_id)
        if found is None or (guild_id is not None and found.guild_id != guild_id):
            raise NotFound("job_not_found", job=job_id)
        if not may_act(found, actor_id=actor_id, guild_id=guild_id, is_moderator=is_moderator):
            raise Refused("not_yours", job=job_id)
        if found.message_channel_id is None or found.message_id is None:
            raise Refused("not_delivered", job=job_id)
        await self._messenger.delete_message(found.message_channel_id, found.message_id)
        if found.clip_key:
            await self._store.delete(found.clip_key)


def _is_live(card: CardTarget | None, now: datetime) -> bool:
    return (
        card is not None
        and card.interaction_token is not None
        and card.token_expires_at is not None
        and card.token_expires_at > now
    )


def _file(path: Path, filename: str) -> ClipFile:
    return ClipFile(path=path, filename=filename, size_bytes=path.stat().st_size)
