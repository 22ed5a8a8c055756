"""What is stored about a person: handed out to them, and deleted at their wish."""

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.db import jobs, own_data, privacy
from bot.db.engine import Database
from bot.domain.errors import Refused
from bot.domain.jobs import FINAL, JobState
from bot.domain.money import Credits
from bot.ports import MediaStore
from bot.services.clip_reports import REPORT
from bot.services.erasure import Erasure
from bot.services.own_file import (
    FILE_BYTES_MAX,
    OwnData,
    StatementLine,
    packed,
    role_of,
    statement_line,
    without_others,
)

MOST_JOBS = 5000
MOST_ENTRIES = 50_000
MOST_AUDIT_LINES = 5000
NAMED_JOBS = 10


@dataclass(frozen=True, slots=True)
class Stored:
    """How much is stored about a person, for the question whether to delete it."""

    guilds: int
    jobs: int
    quotes: int


class Privacy:
    """A person's own data, over all servers. Only that person's own commands lead here."""

    def __init__(self, database: Database, clock: Clock, *, store: MediaStore) -> None:
        self._database = database
        self._clock = clock
        self._erasure = Erasure(database, clock, store=store)

    async def guilds_of(self, user_id: int) -> list[int]:
        """Return the servers that anything is stored of a person in, the one of their newest job first."""
        async with self._database.read() as connection:
            return await own_data.guild_ids(connection, user_id)

    async def statement(self, guild_id: int, user_id: int) -> list[StatementLine]:
        """Return a member's ledger entries in a server, newest first."""
        async with self._database.read() as connection:
            rows = await own_data.entries(connection, user_id=user_id, guild_id=guild_id, limit=MOST_ENTRIES)
        return [statement_line(row, user_id) for row in rows]

    async def export(self, user_id: int, *, most_bytes: int = FILE_BYTES_MAX) -> bytes:
        """Return a ZIP of at most `most_bytes` with everything that is stored about a person, as of one moment.

        It has no tokens, no addresses, and no ids of other people. Older jobs that do not fit are counted in it.
        """
        async with self._database.snapshot() as connection:
            data = await self._collect(connection, user_id)
        return await asyncio.to_thread(packed, data, most_bytes=most_bytes)

    async def _collect(self, connection: AsyncConnection, user_id: int) -> OwnData:
        found = await own_data.jobs(connection, user_id, limit=MOST_JOBS)
        count = await own_data.count_jobs(connection, user_id)
        parts = await own_data.job_parts(connection, [job["id"] for job in found])
        facts: dict[str, Any] = await own_data.records(connection, user_id)
        lines = await own_data.audit_lines(connection, user_id, limit=MOST_AUDIT_LINES)
        facts["audit"] = [_audit_line(row, user_id) for row in lines]
        for row in facts["roles_last_seen"]:
            row["role_ids"] = [str(role_id) for role_id in json.loads(row["role_ids"])]
        entries = await own_data.entries(connection, user_id=user_id, guild_id=None, limit=MOST_ENTRIES)
        return OwnData(
            user_id=user_id,
            made_at=self._clock.now(),
            facts={name: [_readable(row) for row in rows] for name, rows in facts.items()},
            jobs=[_job(job, parts[job["id"]], user_id) for job in found],
            lines=[statement_line(row, user_id) for row in entries],
            left_out=count - len(found),
        )

    async def stored(self, user_id: int) -> Stored:
        """Say how much a deletion would take, where it may be done now.

        Raises:
            Refused: as `delete`.
        """
        async with self._database.read() as connection:
            quotes = await _quotes(connection, user_id)
            guilds = await own_data.guild_ids(connection, user_id)
            return Stored(len(guilds), await own_data.count_jobs(connection, user_id), len(quotes))

    async def delete(self, user_id: int) -> None:
        """Delete what is stored about a person; the ledger's sums stay under a fresh pseudonym.

        Open quotes are cancelled first, each in a transaction of its own; all else is one transaction, and files go
        after its commit. What was used of running allowance periods still counts, and moderators' limits and
        suspensions hold on.

        Raises:
            Refused: `privacy_open_jobs` or `privacy_watched_jobs` name the jobs that are not over; `privacy_busy` where
                one began meanwhile. Nothing was deleted.
        """
        async with self._database.read() as connection:
            quotes = await _quotes(connection, user_id)
        for job_id in quotes:
            await self._cancel_quote(job_id)
        await self._erasure.member(user_id)

    async def _cancel_quote(self, job_id: str) -> None:
        async with self._database.begin() as connection:
            found = await jobs.lock(connection, job_id)
            if found is not None and found.state is JobState.QUOTED:
                now = self._clock.now()
                await jobs.move_locked(connection, found, JobState.CANCELLED, now=now, cause="its member's data go")


async def _quotes(connection: AsyncConnection, user_id: int) -> list[str]:
    """Return a person's open quotes, where nothing else of theirs is open or watched.

    Raises:
        Refused: `privacy_open_jobs`, `privacy_watched_jobs`.
    """
    rows = await privacy.unsettled(connection, user_id=user_id)
    ended = {state.value for state in FINAL}
    is_open = [row.id for row in rows if row.state not in ended and row.state != JobState.QUOTED.value]
    watched = [row for row in rows if row.state in ended]
    if is_open:
        raise Refused("privacy_open_jobs", count=len(is_open), jobs=", ".join(is_open[:NAMED_JOBS]))
    if watched:
        until: datetime = max(row.watch_until for row in watched)
        names = ", ".join(row.id for row in watched[:NAMED_JOBS])
        raise Refused("privacy_watched_jobs", count=len(watched), jobs=names, until_at=until)
    return [row.id for row in rows]


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    """Show millicredits as credits, and ids as text: JSON readers round large numbers."""
    shown: dict[str, Any] = {}
    for name, value in row.items():
        if name.endswith("_milli"):
            shown[name.removesuffix("_milli")] = None if value is None else str(Credits(value))
        elif name.endswith("_id") and isinstance(value, int):
            shown[name] = str(value)
        else:
            shown[name] = value
    return shown


def _job(row: dict[str, Any], parts: dict[str, list[dict[str, Any]]], user_id: int) -> dict[str, Any]:
    request = json.loads(row.pop("spec"))
    for reference in request["references"]:
        reference.pop("key")
    for event in parts["history"]:
        event["cause"] = without_others(event["cause"], user_id)
    if row["decision_reason"]:
        row["decision_reason"] = without_others(row["decision_reason"], user_id)
    shown = {name: [_readable(one) for one in rows] for name, rows in parts.items()}
    return _readable(row) | {"request": request} | shown


def _audit_line(row: Any, user_id: int) -> dict[str, Any]:
    """Show an audit line: who acted without a name, and the reason only where it is about this person or theirs."""
    return {
        "guild_id": row.guild_id,
        "at": row.at,
        "by": role_of(row.actor, user_id, others="member" if row.action == REPORT else "moderator"),
        "action": row.action,
        "subject": without_others(row.subject, user_id),
        "detail": without_others(row.detail, user_id),
        "reason": without_others(row.reason, user_id),
    }
