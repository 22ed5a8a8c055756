"""Putting a clip before the member, once.

Every message is written down before it is sent. Where the answer is lost, the channel is searched for the job's message
mark before anything is sent again; where it cannot be searched, the job ends `undelivered` rather than twice.
"""

import logging
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
from bot.services import settlement
from bot.services.cancellation import may_act
from bot.services.config import Timings
from bot.services.delivery_ladder import FROM_THE_TOP, Rung, Surroundings, detour, rungs
from bot.services.delivery_package import Package, Packing
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
        """Post the clip on the first rung that takes it.

        Transactions: one before each message leaves, one with its receipt and the job's move.
        """
        earlier, around = await self._look(held)
        if earlier is not None:
            is_absent, moved = await self._settle_doubt(held, earlier)
            if not is_absent:
                return moved
        around = await self._with_member(held, around)
        for rung in rungs(held, around, now=self._clock.now()):
            try:
                return await self._delivered(held, await self._post_on(held, rung, around))
            except MediaRejected:
                return await self._lost(held)
            except DeliveryAmbiguous as error:
                return await self._retry(held, error)  # the next try begins with a search for the message mark
            except DeliveryForbidden as error:
                log.warning("delivery.rung_closed", extra={"job_id": held.id, "rung": rung.value, "code": error.code})
                held = await self._forget(held, closed=rung)
            except DeliveryError as error:
                if not self._is_over(held, error):
                    return await self._retry(await self._forget(held), error)
                held = await self._forget(held, closed=rung)
        return await self._end(held, cause="no way to the member is open", code="no_way")

    async def _look(self, held: Job) -> tuple[Any, Surroundings]:
        """Read what an earlier try meant to post, and what the guild says. One read."""
        async with self._database.read() as connection:
            parts = await work.parts(connection, held.id, held.delivery_number)
            guild = await guilds.find(connection, held.guild_id)
            rules = await guilds.rules(connection, held.guild_id)
        has_left = guild is not None and guild.removed_at is not None
        return (parts[0] if parts else None), Surroundings(rules, has_bot_left=has_left)

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

    async def _settle_doubt(self, held: Job, part: Any) -> tuple[bool, Job | None]:
        """Find out what became of a message that was about to be sent: whether it surely does not exist, else the job
        as moved (None: it is looked for again later). Where history cannot be read, it is never sent a second time.
        """
        if part.message_id is not None:
            return False, await self._delivered(held, Posted(part.channel_id, part.message_id))
        if part.rung == Rung.FOLLOW_UP.value or not part.channel_id:
            return False, await self._end(held, cause="a follow-up may have been shown", code="doubt")
        try:
            search = await self._messenger.find_mark(
                part.channel_id, held, held.delivery_number, after=part.intended_at - CLOCK_TOLERANCE
            )
        except DeliveryForbidden:
            return False, await self._end(held, cause="the channel cannot be read", code="doubt")
        except DeliveryError as error:
            return False, await self._retry(held, error)
        if search.found is not None:
            return False, await self._delivered(held, search.found)
        if not search.is_certain:
            return False, await self._end(held, cause="history cannot be read", code="doubt")
        return True, None

    # ------------------------------------------------------------------------------------------------ rungs

    async def _post_on(self, held: Job, rung: Rung, around: Surroundings) -> Posted:
        """Post on one rung, smaller after each refusal for size. What is refused without a file is not too large.

        Raises:
            MediaRejected: the kept clip is gone.
            DeliveryError: it was not posted there, or (`DeliveryAmbiguous`) it may have been.
        """
        package = await self._packing.pack(held, rung)
        for _ in range(MAX_SIZES):
            try:
                return await self._post(held, rung, around, package)
            except DeliveryTooLarge as error:
                if not package.size_bytes:
                    raise DeliveryForbidden(error.code, status=error.status) from error
                package = await self._packing.smaller(held, rung, package)
        raise DeliveryForbidden

    async def _post(self, held: Job, rung: Rung, around: Surroundings, package: Package) -> Posted:
        channel_id = await self._messenger.open_direct(held.user_id) if rung.is_direct else held.channel_id
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
        post = ClipPost(
            job=held,
            nonce=f"{held.id}-{held.delivery_number}-0",
            file=package.file,
            link=package.link,
            link_expires_at=package.link_expires_at,
            preview=package.preview,
            mention=around.rules.ping or rung.is_direct,
            prompt_shown=around.prompt_shown(held, rung),
            detour=detour(held, rung, around),
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
        """Try an undelivered clip anew, as a new delivery; with `prefer_direct` by direct message first.

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
                delivery_rung=FROM_THE_TOP if prefer_direct else None,
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
