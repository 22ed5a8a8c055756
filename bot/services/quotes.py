"""Quotes: a job over the server's threshold waits for its member's own word, and holds nothing until then."""

from dataclasses import replace
from datetime import timedelta

from bot.clock import Clock
from bot.db import jobs, members
from bot.db.engine import Database
from bot.domain.errors import NotFound, Refused
from bot.domain.jobs import Job, JobState
from bot.services.admission import Admission, first_state, note_refusal
from bot.services.config import Timings
from bot.services.generation import Requester
from bot.services.wake import Wake


class Quotes:
    """Confirms, declines and lapses quotes."""

    def __init__(self, database: Database, clock: Clock, *, admission: Admission, wake: Wake, timings: Timings) -> None:
        self._database = database
        self._clock = clock
        self._admission = admission
        self._wake = wake
        self._ttl = timedelta(seconds=timings.quote_ttl_s)

    async def confirm(self, requester: Requester, job_id: str) -> Job:
        """Take the hold at the quoted price, under the rules and budgets of now; whether the channel is age-restricted
        is what `requester` says. One transaction.

        The job's card is where `requester` says. Returns the job, queued or waiting for approval.

        Raises:
            NotFound: no such job of this member here.
            Refused: `quote_lapsed`, `quote_taken`, or what a rule or budget refuses; the quote stays as it was.
        """
        try:
            confirmed = await self._confirm(requester, job_id)
        except Refused as refusal:
            await note_refusal(
                self._database,
                refusal,
                guild_id=requester.guild_id,
                user_id=requester.user_id,
                channel_id=requester.channel_id,
                now=self._clock.now(),
            )
            raise
        self._wake.up()
        return confirmed

    async def _confirm(self, requester: Requester, job_id: str) -> Job:
        async with self._database.begin() as connection:
            now = self._clock.now()
            found = _own_quote(await jobs.lock(connection, job_id), requester.user_id, requester.guild_id)
            found = replace(found, is_age_restricted=requester.is_age_restricted)
            if found.updated_at + self._ttl <= now:
                raise Refused("quote_lapsed")
            rules = await self._admission.check_job(connection, found, now=now)
            await members.remember(
                connection,
                guild_id=found.guild_id,
                user_id=found.user_id,
                role_ids=requester.role_ids,
                now=now,
            )
            card = requester.card
            confirmed = await jobs.move_locked(
                connection,
                found,
                first_state(rules, found.quote, is_confirmed=True),
                now=now,
                cause="confirmed",
                run_at=now,
                is_age_restricted=found.is_age_restricted,
                expected_end_at=now + timedelta(seconds=found.expected_s),
                application_id=card.application_id,
                interaction_token=card.interaction_token,
                token_expires_at=card.token_expires_at,
                card_channel_id=card.channel_id,
                card_message_id=card.message_id,
            )
            await self._admission.hold(connection, confirmed, rules, role_ids=requester.role_ids, now=now)
            await jobs.note_job(connection, confirmed, "job.accepted", now=now)
        return confirmed

    async def decline(self, job_id: str, *, user_id: int, guild_id: int | None) -> Job:
        """Drop a quote. One transaction.

        Raises:
            NotFound: no such job of this member.
            Refused: `quote_lapsed` or `quote_taken`.
        """
        async with self._database.begin() as connection:
            found = _own_quote(await jobs.lock(connection, job_id), user_id, guild_id)
            now = self._clock.now()
            return await jobs.move_locked(
                connection, found, JobState.CANCELLED, now=now, cause=f"declined by {user_id}"
            )

    async def lapse(self, held: Job) -> Job | None:
        """Let a quote lapse whose time is over: its `run_at` came. One transaction.

        Raises:
            LeaseLost: it was confirmed or declined a moment ago.
        """
        async with self._database.begin() as connection:
            return await jobs.move_fenced(
                connection, held, JobState.EXPIRED, now=self._clock.now(), cause="lapsed", error_code="quote_lapsed"
            )


def _own_quote(found: Job | None, user_id: int, guild_id: int | None) -> Job:
    if found is None or found.user_id != user_id or (guild_id is not None and found.guild_id != guild_id):
        raise NotFound("job_not_found", job="" if found is None else found.id)
    if found.state is JobState.EXPIRED:
        raise Refused("quote_lapsed")
    if found.state is not JobState.QUOTED:
        raise Refused("quote_taken", state=found.state.value)
    return found
