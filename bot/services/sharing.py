"""Putting a private clip before its channel, once, at its requester's wish.

As a delivery is, the message is written down before it is sent; a lost answer is looked up by the message mark before
anything is sent again. Deliveries are numbered from 1, so 0 is the shared messages' own number.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
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
from bot.domain.jobs import Job, JobState
from bot.ports import ClipPost, Links, MediaStore, MediaWorkshop, Messenger, Posted
from bot.services.config import Timings
from bot.services.delivery_ladder import Rung
from bot.services.delivery_package import Package, Packing
from bot.services.delivery_pictures import Progress, is_pictures, kept_picture, numbers_of, pictures_of

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
        held, progress = await self._own(job_id, user_id=user_id, guild_id=guild_id)
        for row in progress.doubts:
            if (found := await self._find(held, row)) is not None:
                await self._posted(held, progress, row.part, pictures_of(row), found)
        if progress.missing:
            await self._require_clip(held)
        while progress.missing:
            try:
                await self._post(held, progress)
            except DeliveryForbidden as error:
                await self._forget(held, progress)
                raise Refused("share_closed", channel_id=held.channel_id) from error
            except DeliveryAmbiguous as error:
                raise Refused("share_doubt", job=held.id) from error
            except MediaRejected as error:
                await self._forget(held, progress)
                raise Refused("clip_gone", job=held.id) from error
            except DeliveryError:
                await self._forget(held, progress)
                raise
        log.info("clip.shared", extra={"job_id": held.id})
        return progress.first

    async def withdraw(self, job_id: str) -> None:
        """Delete the shared messages of a job, where there are any; whoever may is decided before.

        Raises:
            DeliveryError: Discord did not delete one.
        """
        async with self._database.read() as connection:
            parts = await work.parts(connection, job_id, SHARE_NUMBER)
        for part in parts:
            if part.message_id is not None:
                await self._messenger.delete_message(part.channel_id, part.message_id)

    async def _own(self, job_id: str, *, user_id: int, guild_id: int | None) -> tuple[Job, Progress]:
        async with self._database.read() as connection:
            found = await jobs.get(connection, job_id)
            parts = await work.parts(connection, job_id, SHARE_NUMBER)
        if found is None or (guild_id is not None and found.guild_id != guild_id):
            raise NotFound("job_not_found", job=job_id)
        if found.user_id != user_id:
            raise Refused("not_yours", job=job_id)
        if not found.is_private:
            raise Refused("already_public", job=job_id)
        progress = Progress.of(found, parts)
        if not progress.missing:
            raise Refused("already_shared", job=job_id)
        return found, progress

    async def _require_clip(self, held: Job) -> None:
        if held.state is JobState.DELIVERING:
            raise Refused("share_under_way", job=held.id)  # its message may be there, and its receipt on the way
        if not held.is_final or held.message_id is None:
            raise Refused("not_delivered", job=held.id)
        try:
            if is_pictures(held):
                await kept_picture(self._store, held, numbers_of(held)[0])
            else:
                await self._store.local(held.clip_key or "clips/none")
        except MediaRejected as error:
            raise Refused("clip_gone", job=held.id) from error

    async def _find(self, held: Job, part: Any) -> Posted | None:
        """Find out what became of a message that was about to be sent. None: it surely does not exist."""
        if self._clock.now() - part.intended_at < UNDER_WAY_FOR:
            raise Refused("share_under_way", job=held.id)
        after = part.intended_at - CLOCK_TOLERANCE
        try:
            search = await self._messenger.find_mark(part.channel_id, held, SHARE_NUMBER, after=after, part=part.part)
        except DeliveryForbidden as error:
            raise Refused("share_doubt", job=held.id) from error
        if search.found is None and not search.is_certain:
            raise Refused("share_doubt", job=held.id)
        return search.found

    async def _intend(self, held: Job, progress: Progress, package: Package) -> None:
        """Write the next message down. Of two presses at once the second one finds the first one's line."""
        async with self._database.begin() as connection:
            await jobs.lock(connection, held.id)
            now, part = self._clock.now(), progress.next_part
            if Progress.of(held, await work.parts(connection, held.id, SHARE_NUMBER)).known != progress.known:
                raise Refused("share_under_way", job=held.id)
            await work.intend(
                connection,
                job_id=held.id,
                number=SHARE_NUMBER,
                part=part,
                rung=RUNG,
                channel_id=held.channel_id,
                now=now,
                pictures=package.numbers,
            )
        progress.known[part] = (now, None)

    async def _post(self, held: Job, progress: Progress) -> None:
        """Post one message, smaller and smaller where Discord finds it too large, as a link where nothing fits."""
        async with self._database.read() as connection:
            rules = await guilds.rules(connection, held.guild_id)
        part = progress.next_part
        bare = ClipPost(
            job=replace(held, is_private=False, delivery_number=SHARE_NUMBER),
            nonce=f"{held.id}-{SHARE_NUMBER}-{part}",
            part=part,
            mention=False,
            prompt_shown=rules.public_prompts,
        )
        package = await self._packing.pack(held, Rung.CHANNEL, progress.wanted)
        for refusals_left in reversed(range(MOST_REFUSALS + 1)):
            await self._intend(held, progress, package)
            try:
                posted = await self._messenger.post_clip(held.channel_id, package.fill(bare))
            except DeliveryTooLarge:
                if not refusals_left:
                    raise
                progress.is_alone = progress.is_alone or len(package.pictures) > 1
                package = await self._packing.smaller(held, Rung.CHANNEL, package)
            else:
                return await self._posted(held, progress, part, package.numbers, posted)

    async def _forget(self, held: Job, progress: Progress) -> None:
        async with self._database.begin() as connection:
            await work.forget_intent(connection, job_id=held.id, number=SHARE_NUMBER, part=progress.next_part)

    async def _posted(self, held: Job, progress: Progress, part: int, numbers: Sequence[int], posted: Posted) -> None:
        progress.note(part, numbers or progress.numbers, posted)
        async with self._database.begin() as connection:
            await work.posted(
                connection,
                job_id=held.id,
                number=SHARE_NUMBER,
                part=part,
                channel_id=posted.channel_id,
                message_id=posted.message_id,
                now=self._clock.now(),
            )
        progress.known[part] = (progress.known[part][0], posted.message_id)
