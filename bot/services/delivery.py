"""Putting a clip or pictures before the member, once.

Every message is written down before it is sent. Where the answer is lost, the channel is searched for the job's message
mark before anything is sent again; where it cannot be searched, the job ends `undelivered` rather than twice. Pictures
may take several messages. Each has a number, a nonce and a mark of its own and is written down with the pictures that
it brings, so that after a crash, on another rung or at another limit only those go that nobody has seen.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.db import files, guilds, jobs, work
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
from bot.domain.rules import GuildRules
from bot.ports import ClipPost, Links, MediaStore, MediaWorkshop, Messenger, Posted
from bot.services import settlement
from bot.services.acts import note_act
from bot.services.cancellation import may_act
from bot.services.config import Timings
from bot.services.delivery_ladder import FROM_THE_TOP, Rung, Surroundings, detour, rungs
from bot.services.delivery_package import Package, Packing
from bot.services.delivery_pictures import Progress, pictures_of
from bot.services.wake import Wake

log = logging.getLogger(__name__)

GIVE_UP_AFTER = timedelta(hours=6)
RETRY_BASE_S = 2.0
RETRY_MAX_S = 300.0
#: Whoever asked so recently is still a member; later it is looked up before a clip is posted where they may not see it.
SURELY_MEMBER_FOR = timedelta(seconds=60)
#: From 25 MiB down by halves to one, then a picture, then a bare link: more refusals for size are not about size.
MAX_SIZES = 10
CLOCK_TOLERANCE = timedelta(minutes=2)
#: HTTP's answer to a dead bot token: it closes no rung, and the operator has to act first.
UNAUTHORISED = 401


class _Unsettled(Exception):
    """A message in doubt stays so for now. `moved` is what became of the job, None where it is tried again later."""

    def __init__(self, moved: Job | None) -> None:
        super().__init__()
        self.moved = moved


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
        self._packing = Packing(database, clock, workshop=workshop, store=store, links=links, timings=timings)
        self._store = store
        self._wake = wake
        self._timings = timings

    async def deliver(self, held: Job) -> Job | None:
        """Post the clip, or the pictures in as many messages as they take, on the first rung that takes them.

        Transactions: one before each message leaves, one with its receipt; the last one moves the job as well.
        """
        progress, around = await self._look(held)
        try:
            for row in progress.doubts:
                if (found := await self._find(held, row)) is not None:
                    held = await self._posted(held, progress, row.part, pictures_of(row) or progress.numbers, found)
        except _Unsettled as stopped:
            return stopped.moved
        if held.state is not JobState.DELIVERING:
            return held
        if not progress.missing:
            return await self._delivered(held, progress)
        return await self._climb(held, progress, await self._with_member(held, around))

    async def _climb(self, held: Job, progress: Progress, around: Surroundings) -> Job | None:
        """Post what is missing, on each rung that is still open until all of it is there."""
        for rung in rungs(held, around, now=self._clock.now()):
            try:
                while progress.missing:
                    held = await self._post_on(held, rung, around, progress)
                return held
            except MediaRejected:
                return await self._lost(held)
            except DeliveryAmbiguous as error:
                return await self._retry(held, error)  # the next try begins with a search for the message mark
            except DeliveryForbidden as error:
                log.warning("delivery.rung_closed", extra={"job_id": held.id, "rung": rung.value, "code": error.code})
                held = await self._forget(held, progress, closed=rung)
            except DeliveryError as error:
                if not self._is_over(held, error):
                    return await self._retry(await self._forget(held, progress), error)
                held = await self._forget(held, progress, closed=rung)
        return await self._end(held, cause="no way to the member is open", code="no_way")

    async def _look(self, held: Job) -> tuple[Progress, Surroundings]:
        """Read what an earlier try posted or meant to post, and what the guild says. One read."""
        async with self._database.read() as connection:
            parts = await work.parts(connection, held.id, held.delivery_number)
            guild = await guilds.find(connection, held.guild_id)
            may_have_followed_up = await work.are_in_doubt(
                connection, held.id, before=held.delivery_number, rung=Rung.FOLLOW_UP.value
            )
        rules = GuildRules.from_json("{}" if guild is None else guild.settings)
        has_left = guild is not None and guild.removed_at is not None
        around = Surroundings(rules, has_bot_left=has_left, may_have_followed_up=may_have_followed_up)
        return Progress.of(held, parts), around

    async def _with_member(self, held: Job, around: Surroundings) -> Surroundings:
        """Find out whether the requester is still there. Where Discord does not say, they are taken to be."""
        if around.has_bot_left or self._clock.now() - held.created_at < SURELY_MEMBER_FOR:
            return around
        try:
            is_member = await self._messenger.is_member(held.guild_id, held.user_id)
        except DeliveryError as error:
            log.info("delivery.member_unknown", extra={"job_id": held.id, "status": error.status, "code": error.code})
            return around
        return replace(around, has_member_left=not is_member)

    # ------------------------------------------------------------------------------------------------ doubt

    async def _find(self, held: Job, part: Any) -> Posted | None:
        """Find out what became of a message that was about to be sent. None: it surely does not exist. Where history
        cannot be read, it is never sent a second time; nor is a follow-up, which has no nonce.

        Raises:
            _Unsettled: it cannot be found out now; the job ends, or it is looked for again later.
        """
        is_follow_up = part.rung == Rung.FOLLOW_UP.value
        if not part.channel_id or (is_follow_up and held.is_private):  # what only one person sees is in no history
            raise _Unsettled(await self._end(held, cause="a follow-up may have been shown", code="doubt"))
        after = part.intended_at - CLOCK_TOLERANCE
        try:
            search = await self._messenger.find_mark(
                part.channel_id, held, held.delivery_number, after=after, part=part.part
            )
        except DeliveryForbidden:
            raise _Unsettled(await self._end(held, cause="the channel cannot be read", code="doubt")) from None
        except DeliveryError as error:
            raise _Unsettled(await self._retry(held, error)) from None
        if search.found is None and is_follow_up:
            raise _Unsettled(await self._end(held, cause="a follow-up may have been shown", code="doubt"))
        if search.found is None and not search.is_certain:
            raise _Unsettled(await self._end(held, cause="history cannot be read", code="doubt"))
        return search.found

    # ------------------------------------------------------------------------------------------------ rungs

    async def _post_on(self, held: Job, rung: Rung, around: Surroundings, progress: Progress) -> Job:
        """Post one message on one rung, smaller after each refusal for size; what is refused without a file is not too
        large. Returns the job, delivered where nothing is missing any more.

        Raises:
            MediaRejected: the kept clip is gone.
            DeliveryError: it was not posted there, or (`DeliveryAmbiguous`) it may have been.
        """
        package = await self._packing.pack(held, rung, progress.wanted)
        for _ in range(MAX_SIZES):
            try:
                posted = await self._post(held, rung, around, progress, package)
            except DeliveryTooLarge as error:
                if not package.size_bytes:
                    raise DeliveryForbidden(error.code, status=error.status) from error
                progress.is_alone = progress.is_alone or len(package.pictures) > 1
                package = await self._packing.smaller(held, rung, package)
            else:
                return await self._posted(held, progress, progress.next_part, package.numbers, posted)
        raise DeliveryForbidden

    async def _post(self, held: Job, rung: Rung, around: Surroundings, progress: Progress, package: Package) -> Posted:
        channel_id = await self._messenger.open_direct(held.user_id) if rung.is_direct else held.channel_id
        part, is_first = progress.next_part, not progress.receipts
        async with self._database.begin() as connection:
            await jobs.update_fenced(connection, held, delivery_rung=held.delivery_rung)
            await work.intend(
                connection,
                job_id=held.id,
                number=held.delivery_number,
                part=part,
                rung=rung.value,
                channel_id=channel_id,
                now=self._clock.now(),
                pictures=package.numbers,
            )
        bare = ClipPost(
            job=held,
            nonce=f"{held.id}-{held.delivery_number}-{part}",
            part=part,
            mention=is_first and (around.rules.ping or rung.is_direct),
            prompt_shown=around.prompt_shown(held, rung),
            detour=detour(held, rung, around),
        )
        post = package.fill(bare)
        if rung is Rung.FOLLOW_UP and held.card is not None:
            return await self._messenger.follow_up(held.card, post)
        is_at_card = rung is Rung.CHANNEL and held.card is not None and held.card.channel_id == channel_id
        if is_at_card and is_first and held.card is not None:
            post = replace(post, reply_to=held.card.message_id)
        return await self._messenger.post_clip(channel_id, post)

    # --------------------------------------------------------------------------------------------- outcomes

    async def _posted(self, held: Job, progress: Progress, part: int, numbers: Sequence[int], posted: Posted) -> Job:
        """Store a receipt; the one of the last message delivers the job in the same transaction."""
        progress.note(part, numbers or progress.numbers, posted)
        async with self._database.begin() as connection:
            await work.posted(
                connection,
                job_id=held.id,
                number=held.delivery_number,
                part=part,
                channel_id=posted.channel_id,
                message_id=posted.message_id,
                now=self._clock.now(),
            )
            if progress.missing:
                return await jobs.update_fenced(connection, held, delivery_rung=held.delivery_rung)
            return await self._move(connection, held, progress)

    async def _delivered(self, held: Job, progress: Progress) -> Job:
        """Deliver a job whose receipts are all there."""
        async with self._database.begin() as connection:
            return await self._move(connection, held, progress)

    async def _move(self, connection: AsyncConnection, held: Job, progress: Progress) -> Job:
        now = self._clock.now()
        return await jobs.move_fenced(
            connection,
            held,
            JobState.DELIVERED,
            now=now,
            cause="posted",
            message_channel_id=progress.first.channel_id,
            message_id=progress.first.message_id,
            told_at=now,
            error_code=None,
        )

    async def _forget(self, held: Job, progress: Progress, *, closed: Rung | None = None) -> Job:
        """Take an intent back whose message surely does not exist, and remember a rung that is closed."""
        rung = held.delivery_rung if closed is None else closed.value
        number, part = held.delivery_number, progress.next_part
        async with self._database.begin() as connection:
            await work.forget_intent(connection, job_id=held.id, number=number, part=part)
            return await jobs.update_fenced(connection, held, delivery_rung=rung)

    def _is_over(self, held: Job, error: DeliveryError) -> bool:
        """Whether the same has been tried for long enough: six hours; as long as clips are kept with a dead token."""
        is_locked_out = error.status == UNAUTHORISED
        patience = self._timings.undelivered_retention if is_locked_out else GIVE_UP_AFTER
        return self._clock.now() - held.updated_at >= patience

    async def _retry(self, held: Job, error: DeliveryError) -> Job | None:
        """Try again later: when Discord says, else after half the time that it has been tried for."""
        if self._is_over(held, error):
            return await self._end(held, cause="Discord never said whether it was posted", code="doubt")
        now = self._clock.now()
        wait_s = error.retry_after_s
        if wait_s is None:
            wait_s = min(max(RETRY_BASE_S, (now - held.updated_at).total_seconds() / 2), RETRY_MAX_S)
        async with self._database.begin() as connection:
            await jobs.update_fenced(connection, held, run_at=now + timedelta(seconds=wait_s), attempt=0)
        return None

    async def _end(self, held: Job, *, cause: str, code: str) -> Job:
        log.error("job.undelivered", extra={"job_id": held.id, "cause": cause})
        async with self._database.begin() as connection:
            return await jobs.move_fenced(
                connection, held, JobState.UNDELIVERED, now=self._clock.now(), cause=cause, error_code=code
            )

    async def _lost(self, held: Job) -> Job:
        """The kept clip is gone and can never be posted: the member gets the credits back. One transaction."""
        log.error("clip.lost", extra={"job_id": held.id, "provider": held.provider, "code": "file_gone"})
        now, cause = self._clock.now(), "the kept clip is gone"
        async with self._database.begin() as connection:
            moved = await jobs.move_fenced(
                connection, held, JobState.UNDELIVERED, now=now, cause=cause, error_code="clip_lost"
            )
            if held.refunded_at is None:
                await settlement.refund(connection, job_id=held.id, actor=settlement.BOT, reason=cause, now=now)
        return moved

    # -------------------------------------------------------------------------------------------- on request

    async def redeliver(self, job_id: str, *, user_id: int, guild_id: int | None, prefer_direct: bool = False) -> Job:
        """Try an undelivered clip anew, as a new delivery; with `prefer_direct` by direct message first. Pictures that
        were posted are part of the new delivery, which posts the others.

        One transaction.

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
            now, number = self._clock.now(), found.delivery_number + 1
            await work.carry_over(connection, job_id=job_id, before=found.delivery_number, after=number)
            moved = await jobs.move_locked(
                connection,
                found,
                JobState.DELIVERING,
                now=now,
                cause=f"asked for by {user_id}",
                run_at=now,
                finished_at=None,
                delivery_number=number,
                delivery_rung=FROM_THE_TOP if prefer_direct else None,
            )
        self._wake.up()
        return moved

    async def delete_result(
        self, job_id: str, *, actor_id: int, guild_id: int | None, is_moderator: bool, is_noted: bool = True
    ) -> None:
        """Delete all messages of a delivery and what is kept of it; for its requester or a moderator, whose act is
        noted unless the caller does that.

        Raises:
            NotFound: no such job.
            Refused: `not_yours`, `not_delivered`, `share_under_way`.
        """
        async with self._database.begin() as connection:
            found = await jobs.lock(connection, job_id)
            if found is None or (guild_id is not None and found.guild_id != guild_id):
                raise NotFound("job_not_found", job=job_id)
            if not may_act(found, actor_id=actor_id, guild_id=guild_id, is_moderator=is_moderator):
                raise Refused("not_yours", job=job_id)
            messages = await self._messages(connection, found)
            if found.state is JobState.DELIVERING:
                raise Refused("share_under_way", job=job_id)  # its message may be there, and its receipt on the way
            if not found.is_final or not messages:
                raise Refused("not_delivered", job=job_id)
            if is_noted and found.user_id != actor_id:
                act = {"action": "job.delete", "subject": found.id, "detail": f"member {found.user_id}"}
                await note_act(connection, found.guild_id, str(actor_id), **act, now=self._clock.now())
            if found.state is JobState.UNDELIVERED:  # what is deleted is not delivered again
                await files.forget_clip(connection, job_id)
        for message in messages:
            await self._messenger.delete_message(message.channel_id, message.message_id)
        if found.clip_key:
            await self._store.delete(found.clip_key)

    async def _messages(self, connection: AsyncConnection, found: Job) -> list[Posted]:
        """Return the messages of a job's newest delivery."""
        rows = await work.parts(connection, found.id, found.delivery_number)
        messages = list(Progress.of(found, rows).receipts.values())
        if found.message_channel_id is not None and found.message_id is not None:
            first = Posted(found.message_channel_id, found.message_id)
            messages += [] if first in messages else [first]
        return messages
