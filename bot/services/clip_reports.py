"""Members' reports of clips: kept in the audit, one for each member and clip.

A report waits until it was shown to the moderators. One that nobody showed, because the process was killed or the
channel was closed just then, is passed on to the journal, which posts it as a line.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from bot.clock import Clock
from bot.db import guilds, jobs, journal, values, work
from bot.db.engine import Database
from bot.db.tables import audit
from bot.domain.errors import NotFound, Refused
from bot.domain.jobs import Job
from bot.services.acts import note_act
from bot.services.sharing import SHARE_NUMBER

REPORT = "clip.report"
WAITING = "report:"
#: Whoever took a report down shows it at once; after so long nobody will.
SHOWN_WITHIN = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class FiledReport:
    """A report that was taken down. `log_channel_id` is where moderators look, None where they named no channel."""

    job: Job
    log_channel_id: int | None
    locale: str
    nonce: str


class ClipReports:
    """Takes reports down, and notes what moderators did about them."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def file(self, job_id: str, *, guild_id: int, reporter_id: int, reason: str) -> FiledReport:
        """Take a report down. One transaction; the job's row keeps a second report of the same member out.

        Raises:
            NotFound: no such clip in this guild that others have seen.
            Refused: `already_reported`.
        """
        async with self._database.begin() as connection:
            found = await jobs.lock(connection, job_id)
            if found is None or found.guild_id != guild_id:
                raise NotFound("job_not_found", job=job_id)
            is_shared = any(part.message_id for part in await work.parts(connection, job_id, SHARE_NUMBER))
            if found.is_private and not is_shared and found.user_id != reporter_id:
                raise NotFound("job_not_found", job=job_id)
            earlier = sa.select(audit.c.id).where(
                audit.c.guild_id == guild_id,
                audit.c.actor == str(reporter_id),
                audit.c.action == REPORT,
                audit.c.subject == job_id,
            )
            if (await connection.execute(earlier)).first() is not None:
                raise Refused("already_reported", job=job_id)
            await guilds.add_audit(
                connection,
                guild_id=guild_id,
                actor=str(reporter_id),
                action=REPORT,
                subject=job_id,
                detail=f"member {found.user_id}",
                reason=reason,
                at=self._clock.now(),
            )
            rules = await guilds.rules(connection, guild_id)
            row = await guilds.find(connection, guild_id)
            locale = rules.language or ("en-US" if row is None else row.locale)
            digest = hashlib.sha256(f"{job_id}:{reporter_id}".encode()).hexdigest()[:10]
            filed = FiledReport(found, rules.log_channel_id, locale, f"{job_id}-r{digest}")
            if filed.log_channel_id is not None:
                until = int((self._clock.now() + SHOWN_WITHIN).timestamp())
                told = {"job_id": job_id, "user_id": reporter_id, "member_id": found.user_id, "reason": reason[:500]}
                await values.swap(connection, WAITING + filed.nonce, None, {"guild": guild_id, "until": until, **told})
        return filed

    async def shown(self, report: FiledReport) -> None:
        """Note that moderators see a report. One transaction."""
        async with self._database.begin() as connection:
            waiting = await values.read(connection, WAITING + report.nonce)
            await values.swap(connection, WAITING + report.nonce, waiting, None)

    async def pass_on(self) -> None:
        """Give the journal what nobody showed in time. One read, and a transaction for each."""
        now = self._clock.now()
        async with self._database.read() as connection:
            waiting = await values.read_all(connection, WAITING)
        for key, told in waiting.items():
            if datetime.fromtimestamp(told["until"], UTC) > now:
                continue
            detail = {name: told[name] for name in ("job_id", "user_id", "member_id", "reason")}
            async with self._database.begin() as connection:
                if await values.swap(connection, key, told, None):
                    await journal.note(connection, told["guild"], "report", now=now, **detail)

    async def reported(self, job_id: str, *, guild_id: int) -> Job:
        """Return a job that was reported.

        Raises:
            NotFound: no such job in this guild.
        """
        async with self._database.read() as connection:
            found = await jobs.get(connection, job_id)
        if found is None or found.guild_id != guild_id:
            raise NotFound("job_not_found", job=job_id)
        return found

    async def handled(self, job_id: str, *, guild_id: int, actor_id: int, outcome: str) -> None:
        """Note what a moderator did about a report: `dismiss`, `delete` or `suspend`. One transaction.

        Raises:
            NotFound: no such job in this guild.
        """
        found = await self.reported(job_id, guild_id=guild_id)
        async with self._database.begin() as connection:
            await note_act(
                connection,
                guild_id,
                str(actor_id),
                action=f"report.{outcome}",
                subject=job_id,
                detail=f"member {found.user_id}",
                now=self._clock.now(),
            )
