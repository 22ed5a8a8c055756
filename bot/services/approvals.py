"""Approvals: a job over the server's threshold waits, with its credits held, for a moderator's word."""

import logging
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.db import guilds, jobs, queue
from bot.db.engine import Database
from bot.domain.errors import (
    DeliveryError,
    DeliveryForbidden,
    DeliveryTooLarge,
    LeaseLost,
    MediaRejected,
    NotFound,
    Refused,
)
from bot.domain.jobs import Job, JobState
from bot.domain.requests import MediaKind
from bot.ports import ApprovalView, ClipFile, MediaStore, Messenger, Posted
from bot.services import settlement
from bot.services.acts import note_act
from bot.services.admission import Admission
from bot.services.config import Timings
from bot.services.wake import Wake

log = logging.getLogger(__name__)

TRY_AGAIN = timedelta(seconds=30)
#: Pictures that go with an approval card; a message takes ten files and 25 MiB, and a small server 10 MiB each.
MAX_PICTURES = 4
MAX_PICTURE_BYTES = 6 * 1024 * 1024
#: Decisions whose cards are drawn anew after a start.
RECENT = timedelta(hours=1)
MOST_REDRAWN = 50
LAPSED, DENIED = "approval_lapsed", "denied"


@dataclass(frozen=True, slots=True)
class _Seen:
    """What showing an approval card needs of the database."""

    channel_id: int | None
    locale: str


class Approvals:
    """Shows what waits for moderators, and does what they say."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        admission: Admission,
        messenger: Messenger,
        store: MediaStore,
        wake: Wake,
        timings: Timings,
    ) -> None:
        self._database = database
        self._clock = clock
        self._admission = admission
        self._messenger = messenger
        self._store = store
        self._wake = wake
        self._ttl = timedelta(seconds=timings.approval_ttl_s)

    async def approve(
        self, job_id: str, *, guild_id: int, actor_id: int, adult_channels: Collection[int] | None = None
    ) -> Job:
        """Queue a waiting job; every rule is checked again. One transaction.

        `adult_channels` are the guild's age-restricted channels of now, None where nobody knows them.

        Raises:
            NotFound: no such job in this guild.
            Refused: `own_approval`, `not_waiting`, or `approval_refused` with the `rule` that holds now; the job waits
                on.
        """
        async with self._database.begin() as connection:
            now = self._clock.now()
            found = await self._waiting(connection, job_id, guild_id=guild_id, actor_id=actor_id, now=now)
            if adult_channels is not None:
                place = found.parent_channel_id or found.channel_id
                found = replace(found, is_age_restricted=place in adult_channels)
            await self._check(connection, found, now)
            moved = await jobs.move_locked(
                connection,
                found,
                JobState.QUEUED,
                now=now,
                cause=f"approved by {actor_id}",
                run_at=now,
                is_age_restricted=found.is_age_restricted,
                decided_by=actor_id,
                expected_end_at=now + timedelta(seconds=found.expected_s),
            )
            await _audit(connection, moved, "approve", actor_id, now)
        self._wake.up()
        return moved

    async def _check(self, connection: AsyncConnection, found: Job, now: datetime) -> None:
        """Check the rules again; what they refuse is said to a moderator here and not to who asked."""
        try:
            await self._admission.check_job(connection, found, now=now)
        except Refused as refusal:
            raise Refused("approval_refused", job=found.id, rule=refusal.code) from refusal

    async def deny(self, job_id: str, *, guild_id: int, actor_id: int, reason: str) -> Job:
        """Cancel a waiting job and release its hold. One transaction.

        Raises:
            NotFound: no such job in this guild.
            Refused: `own_approval` or `not_waiting`.
        """
        async with self._database.begin() as connection:
            now = self._clock.now()
            found = await self._waiting(connection, job_id, guild_id=guild_id, actor_id=actor_id, now=now)
            await settlement.release(connection, job_id=found.id, now=now, reason=f"denied by {actor_id}")
            moved = await jobs.move_locked(
                connection,
                found,
                JobState.CANCELLED,
                now=now,
                cause=f"denied by {actor_id}",
                error_code=DENIED,
                decided_by=actor_id,
                decision_reason=reason[:500],
            )
            await _audit(connection, moved, "deny", actor_id, now)
        return moved

    async def _waiting(
        self, connection: AsyncConnection, job_id: str, *, guild_id: int, actor_id: int, now: datetime
    ) -> Job:
        found = await jobs.lock(connection, job_id)
        if found is None or found.guild_id != guild_id:
            raise NotFound("job_not_found", job=job_id)
        if found.state is not JobState.AWAITING_APPROVAL:
            raise Refused("not_waiting", job=job_id, state=found.state.value)
        if found.updated_at + self._ttl <= now:
            raise Refused("not_waiting", job=job_id, state=JobState.EXPIRED.value)
        if found.user_id == actor_id:
            raise Refused("own_approval", job=job_id)
        return found

    async def step(self, held: Job) -> Job | None:
        """Show the approval card, or let the job lapse whose time is over.

        Transactions: one for the receipt of the card, or one for the move. The card has a nonce, and its receipt is
        stored after it: a kill in between shows it once more at most after some minutes.

        Raises:
            LeaseLost: somebody decided a moment ago.
        """
        now = self._clock.now()
        lapses_at = held.updated_at + self._ttl
        if now >= lapses_at:
            return await self._lapse(held)
        seen = await self._seen(held)
        if seen.channel_id is None or held.approval_message_id is not None:
            await self._wait(held, lapses_at)
            return None
        try:
            shown = replace(held, run_at=lapses_at)  # the card says when it lapses, not when our lease ends
            view = ApprovalView(job=shown, files=await self._pictures(held), locale=seen.locale)
            posted = await self._post(seen.channel_id, view)
        except DeliveryForbidden as error:
            log.warning("approval.not_shown", extra={"job_id": held.id, "code": error.code})
            await self._wait(held, lapses_at)
            return None
        except DeliveryError as error:
            pause = TRY_AGAIN if error.retry_after_s is None else timedelta(seconds=error.retry_after_s)
            await self._wait(held, min(lapses_at, now + pause))
            return None
        await self._shown(held, lapses_at, posted)
        return None

    async def _post(self, channel_id: int, view: ApprovalView) -> Posted:
        """Post the card; where pictures may not be attached or are too large for the place, without them."""
        try:
            return await self._messenger.show_approval(channel_id, view, message_id=None)
        except (DeliveryForbidden, DeliveryTooLarge):
            if not view.files:
                raise
        return await self._messenger.show_approval(channel_id, replace(view, files=()), message_id=None)

    async def _shown(self, held: Job, lapses_at: datetime, posted: Posted) -> None:
        """Store where the card is; somebody who decided while it was posted finds their word on it."""
        place = {"approval_channel_id": posted.channel_id, "approval_message_id": posted.message_id}
        try:
            await self._wait(held, lapses_at, **place)
        except LeaseLost:
            async with self._database.begin() as connection:
                await jobs.update_any(connection, held.id, **place)
                decided = await jobs.get(connection, held.id)
            if decided is not None:
                await self.redraw(decided)
            raise

    async def _wait(self, held: Job, run_at: datetime, **values: object) -> None:
        async with self._database.begin() as connection:
            await jobs.update_fenced(connection, held, run_at=run_at, attempt=0, **values)

    async def _lapse(self, held: Job) -> Job:
        async with self._database.begin() as connection:
            now = self._clock.now()
            moved = await jobs.move_fenced(  # locks the job before the budgets, as everybody does
                connection, held, JobState.EXPIRED, now=now, cause="lapsed", error_code=LAPSED
            )
            await settlement.release(connection, job_id=held.id, now=now, reason="no moderator answered in time")
        await self.redraw(moved)
        return moved

    async def redraw_recent(self) -> None:
        """After a start: a kill may have come between a decision and its card. One read, then an edit for each."""
        async with self._database.read() as connection:
            recent = await queue.decided_since(connection, self._clock.now() - RECENT, most=MOST_REDRAWN)
        for decided in recent:
            await self.redraw(decided)

    async def redraw(self, decided: Job) -> None:
        """Show on the approval card what became of the job. One that cannot be shown is logged, never an error."""
        if decided.approval_channel_id is None or decided.approval_message_id is None:
            return
        if decided.state is JobState.AWAITING_APPROVAL:
            return
        seen = await self._seen(decided)
        view = ApprovalView(
            job=decided, files=(), locale=seen.locale, outcome=_outcome(decided), actor_id=decided.decided_by
        )
        try:
            await self._messenger.show_approval(
                decided.approval_channel_id, view, message_id=decided.approval_message_id
            )
        except DeliveryError as error:
            log.info("approval.not_redrawn", extra={"job_id": decided.id, "code": error.code})

    async def _seen(self, held: Job) -> _Seen:
        async with self._database.read() as connection:
            row = await guilds.find(connection, held.guild_id)
            rules = await guilds.rules(connection, held.guild_id)
        return _Seen(rules.log_channel_id, rules.language or ("en" if row is None else row.locale))

    async def _pictures(self, held: Job) -> tuple[ClipFile, ...]:
        found: list[ClipFile] = []
        for number, reference in enumerate(held.spec.references, start=1):
            is_shown = reference.kind is MediaKind.IMAGE and reference.size_bytes <= MAX_PICTURE_BYTES
            if not is_shown or len(found) == MAX_PICTURES:
                continue
            try:
                path = await self._store.local(reference.key)
            except MediaRejected:
                continue
            ending = reference.content_type.rpartition("/")[2].replace("jpeg", "jpg")
            found.append(ClipFile(path=path, filename=f"reference-{number}.{ending}", size_bytes=reference.size_bytes))
        return tuple(found)


def _outcome(decided: Job) -> str:
    if decided.error_code == LAPSED:
        return "expired"
    if decided.error_code == DENIED:
        return "denied"
    return "approved" if decided.decided_by is not None else "cancelled"


async def _audit(connection: AsyncConnection, decided: Job, action: str, actor_id: int, now: datetime) -> None:
    await note_act(
        connection,
        decided.guild_id,
        str(actor_id),
        action=f"job.{action}",
        subject=decided.id,
        detail=f"member {decided.user_id}, {decided.quote} credits",
        now=now,
        reason=decided.decision_reason or "",
    )
