"""Putting a private clip before its channel, once, at its requester's wish.

As a delivery is, the message is written down before it is sent; a lost answer is looked up by the message mark before
anything is sent again. Deliveries are numbered from 1, so 0 is the shared message's own number.
"""

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

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
from bot.domain.jobs import Job, JobState
from bot.ports import ClipPost, Links, MediaStore, MediaWorkshop, Messenger, Posted
from bot.services.config import Timings
from bot.services.delivery_ladder import Rung
from bot.services.delivery_package import Package, Packing

log = logging.getLogger(__name__)

SHARE_NUMBER = 0
RUNG = "share"
MOST_REFUSALS = 3
#: For so long another press may still be posting; after that its message is looked for.
UNDER_WAY_FOR = timedelta(minutes=4)
CLOCK_TOLERANCE = timedelta(minutes=2)


class Sharing:
    """Shows private clips to their channels, and takes them away again."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        messenger: Messenger,
        workshop: MediaWorkshop,
        store: MediaStore,
        links: Links,
        timings: Timings,
    ) -> None:
        self._database = database
        self._clock = clock
        self._messenger = messenger
        self._store = store
        self._packing = Packing(database, clock, workshop=workshop, store=store, links=links, timings=timings)

    async def share(self, job_id: str, *, user_id: int, guild_id: int | None) -> Posted:
        """Post the clip of a private job to the channel where it was asked for.

        Transactions: one before the message leaves, one with its receipt.

        Raises:
            NotFound: no such job of this member.
            Refused: `already_public`, `already_shared`, `not_delivered`, `clip_gone`, `share_under_way`,
                `share_doubt` or `share_closed`.
            DeliveryError: Discord did not take it this time; nothing was posted.
        """
        held, earlier = await self._own(job_id, user_id=user_id, guild_id=guild_id)
        if earlier is not None and (posted := await self._settle_doubt(held, earlier)) is not None:
            return posted
        await self._require_clip(held)
        await self._intend(held, earlier)
        try:
            posted = await self._post(held)
        except DeliveryForbidden as error:
            await self._forget(held)
            raise Refused("share_closed", channel_id=held.channel_id) from error
        except DeliveryAmbiguous as error:
            raise Refused("share_doubt", job=held.id) from error
        except MediaRejected as error:
            await self._forget(held)
            raise Refused("clip_gone", job=held.id) from error
        except DeliveryError:
            await self._forget(held)
            raise
        await self._posted(held, posted)
        return posted

    async def withdraw(self, job_id: str) -> None:
        """Delete the shared message of a job, where there is one; whoever may is decided before.

        Raises:
            DeliveryError: Discord did not delete it.
        """
        async with self._database.read() as connection:
            part = await _part(connection, job_id)
        if part is not None and part.message_id is not None:
            await self._messenger.delete_message(part.channel_id, part.message_id)

    async def _own(self, job_id: str, *, user_id: int, guild_id: int | None) -> tuple[Job, Any]:
        async with self._database.read() as connection:
            found = await jobs.get(connection, job_id)
            part = await _part(connection, job_id)
        if found is None or (guild_id is not None and found.guild_id != guild_id):
            raise NotFound("job_not_found", job=job_id)
        if found.user_id != user_id:
            raise Refused("not_yours", job=job_id)
        if not found.is_private:
            raise Refused("already_public", job=job_id)
        if part is not None and part.message_id is not None:
            raise Refused("already_shared", job=job_id)
        return found, part

    async def _require_clip(self, held: Job) -> None:
        if held.state is JobState.DELIVERING:
            raise Refused("share_under_way", job=held.id)  # its message may be there, and its receipt on the way
        if not held.is_final or held.message_id is None:
            raise Refused("not_delivered", job=held.id)
        try:
            await self._store.local(held.clip_key or "clips/none")
        except MediaRejected as error:
            raise Refused("clip_gone", job=held.id) from error

    async def _settle_doubt(self, held: Job, part: Any) -> Posted | None:
        """Find out what became of a message that was about to be sent. None: it surely does not exist."""
        if self._clock.now() - part.intended_at < UNDER_WAY_FOR:
            raise Refused("share_under_way", job=held.id)
        try:
            search = await self._messenger.find_mark(
                part.channel_id, held, SHARE_NUMBER, after=part.intended_at - CLOCK_TOLERANCE
            )
        except DeliveryForbidden as error:
            raise Refused("share_doubt", job=held.id) from error
        if search.found is not None:
            await self._posted(held, search.found)
        elif not search.is_certain:
            raise Refused("share_doubt", job=held.id)
        return search.found

    async def _intend(self, held: Job, earlier: Any) -> None:
        """Write the message down. Of two presses at once the second one finds the first one's line."""
        async with self._database.begin() as connection:
            await jobs.lock(connection, held.id)
            part = await _part(connection, held.id)
            if _moment(part) != _moment(earlier):
                raise Refused("share_under_way", job=held.id)
            await work.intend(
                connection,
                job_id=held.id,
                number=SHARE_NUMBER,
                part=0,
                rung=RUNG,
                channel_id=held.channel_id,
                now=self._clock.now(),
            )

    async def _post(self, held: Job) -> Posted:
        """Post the file, smaller and smaller where Discord finds it too large, as a link where nothing fits."""
        async with self._database.read() as connection:
            rules = await guilds.rules(connection, held.guild_id)
        shown = replace(held, is_private=False, delivery_number=SHARE_NUMBER)
        post = ClipPost(
            job=shown, nonce=f"{held.id}-{SHARE_NUMBER}-0", mention=False, prompt_shown=rules.public_prompts
        )
        package = await self._packing.pack(held, Rung.CHANNEL)
        for _ in range(MOST_REFUSALS):
            try:
                return await self._messenger.post_clip(held.channel_id, _filled(post, package))
            except DeliveryTooLarge:
                package = await self._packing.smaller(held, Rung.CHANNEL, package)
        return await self._messenger.post_clip(held.channel_id, _filled(post, package))

    async def _forget(self, held: Job) -> None:
        async with self._database.begin() as connection:
            await work.forget_intent(connection, job_id=held.id, number=SHARE_NUMBER, part=0)

    async def _posted(self, held: Job, posted: Posted) -> None:
        async with self._database.begin() as connection:
            await work.posted(
                connection,
                job_id=held.id,
                number=SHARE_NUMBER,
                part=0,
                channel_id=posted.channel_id,
                message_id=posted.message_id,
                now=self._clock.now(),
            )
        log.info("clip.shared", extra={"job_id": held.id})


async def _part(connection: AsyncConnection, job_id: str) -> Any:
    """Return the line of a job's shared message, None where it was never shared."""
    parts = await work.parts(connection, job_id, SHARE_NUMBER)
    return parts[0] if parts else None


def _moment(part: Any) -> datetime | None:
    return None if part is None else part.intended_at


def _filled(post: ClipPost, package: Package) -> ClipPost:
    return replace(
        post,
        file=package.file,
        link=package.link,
        link_expires_at=package.link_expires_at,
        preview=package.preview,
    )
