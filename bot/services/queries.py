"""What people may look at: their jobs, their balance. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.clock import Clock
from bot.db import guilds, jobs, members, money, own_data, privacy, reports
from bot.db.engine import Database
from bot.domain.budgets import Account, Level
from bot.domain.errors import NotFound
from bot.domain.jobs import Job, JobState
from bot.domain.money import ZERO, Credits
from bot.ports import BudgetLine
from bot.services.levels import LevelBook

MOST_JOBS = 25
LAST_ENTRIES = 5


@dataclass(frozen=True, slots=True)
class JobEvent:
    """One line of a job's history. `before` is None for its first."""

    at: datetime
    before: str | None
    after: str
    cause: str


@dataclass(frozen=True, slots=True)
class EntryView:
    """One ledger entry as its member sees it."""

    at: datetime
    kind: str
    amount: Credits
    job_id: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class BalanceView:
    """A member's figures in one guild. `wallet_expires` pairs what is left of each grant with its end."""

    allowance: BudgetLine
    wallet: Credits
    wallet_expires: list[tuple[Credits, datetime | None]]
    held: Credits
    open_jobs: int
    entries: list[EntryView]


class Queries:
    """Reads for people, with the rules of who may see what."""

    def __init__(self, database: Database, clock: Clock, *, levels: LevelBook) -> None:
        self._database = database
        self._clock = clock
        self._levels = levels

    async def jobs(
        self,
        *,
        user_id: int | None = None,
        guild_id: int | None = None,
        state: str | None = None,
        only_open: bool = False,
        limit: int = MOST_JOBS,
    ) -> list[Job]:
        """Return jobs, newest first. `state` is a state's value."""
        async with self._database.read() as connection:
            return await reports.jobs(
                connection, user_id=user_id, guild_id=guild_id, state=state, only_open=only_open, limit=limit
            )

    async def job(self, job_id: str, *, viewer_id: int, guild_id: int | None, is_moderator: bool = False) -> Job:
        """Return one job that this person may see: their own, or a moderator's guild's public ones.

        Raises:
            NotFound: none such.
        """
        async with self._database.read() as connection:
            found = await jobs.get(connection, job_id)
        if found is None or (guild_id is not None and found.guild_id != guild_id):
            raise NotFound("job_not_found", job=job_id)
        is_seen_by_staff = is_moderator and guild_id is not None and not found.is_private
        if found.user_id != viewer_id and not is_seen_by_staff:
            raise NotFound("job_not_found", job=job_id)
        return found

    async def job_for_operator(self, job_id: str) -> Job:
        """Return any job.

        Raises:
            NotFound: none such.
        """
        async with self._database.read() as connection:
            found = await jobs.get(connection, job_id)
        if found is None:
            raise NotFound("job_not_found", job=job_id)
        return found

    async def history(self, job_id: str) -> list[JobEvent]:
        """Return a job's moves, oldest first."""
        async with self._database.read() as connection:
            rows = await reports.events(connection, job_id)
        return [JobEvent(row.at, row.before, row.after, row.cause) for row in rows]

    async def suggest_jobs(
        self, *, user_id: int, guild_id: int | None, prefix: str, states: frozenset[JobState] | None = None
    ) -> list[Job]:
        """Return a member's own jobs for autocomplete, newest first: ids or prompts that contain `prefix`."""
        own = await self.jobs(user_id=user_id, guild_id=guild_id, limit=100)
        wanted = prefix.strip().lower()
        return [
            one
            for one in own
            if (states is None or one.state in states)
            and (not wanted or wanted in one.id.lower() or wanted in one.spec.prompt.lower())
        ][:MOST_JOBS]

    async def balance(self, *, guild_id: int, user_id: int, role_ids: Sequence[int] | None = None) -> BalanceView:
        """Return a member's figures; `role_ids` None means the roles last seen. One read; no row is made for it."""
        now = self._clock.now()
        async with self._database.read() as connection:
            settings = await guilds.find(connection, guild_id)
            calendar = self._levels.calendar(settings, now)
            if role_ids is None:
                role_ids = await members.roles(connection, guild_id=guild_id, user_id=user_id) or ()
            limit = await self._levels.allowance_limit(
                connection, guild_id=guild_id, user_id=user_id, role_ids=role_ids
            )
            subject = await privacy.allowance_subject(
                connection, guild_id=guild_id, user_id=user_id, now=now, lock=False
            )
            row = await money.find_budget(connection, Level.ALLOWANCE, guild_id=guild_id, subject=subject, now=now)
            grants = await money.grants(connection, guild_id=guild_id, user_id=user_id, now=now, lock=False)
            expiries = await money.grant_expiries(connection, [grant.id for grant in grants])
            accounts = await reports.member_accounts(connection, guild_id=guild_id, user_id=user_id)
            if subject == str(user_id):
                entries = await reports.entries(connection, accounts, limit=LAST_ENTRIES)
            else:  # the row of a period in which they deleted their data has entries that are theirs no more
                entries = await own_data.entries(connection, user_id=user_id, guild_id=guild_id, limit=LAST_ENTRIES)
                accounts |= {} if row is None else {row.account.key: row.account.held}
            open_jobs = await reports.count_open(connection, guild_id=guild_id, user_id=user_id)
        fallback = calendar.bounds(now)[1]
        account = row.account if row else Account(Level.ALLOWANCE, 0, limit, ZERO, ZERO)
        return BalanceView(
            allowance=BudgetLine(
                Level.ALLOWANCE, limit, account.settled, account.held, row.ends_at if row else fallback
            ),
            wallet=sum((grant.available or ZERO for grant in grants), ZERO),
            wallet_expires=[(grant.available or ZERO, expiries[grant.id]) for grant in grants if grant.available],
            held=sum(accounts.values(), ZERO),
            open_jobs=open_jobs,
            entries=[EntryView(e.at, e.kind, Credits(e.amount_milli), e.job_id, e.reason) for e in entries],
        )

    async def untold(self, user_id: int) -> list[Job]:
        """Return a member's private jobs whose outcome could not be told yet."""
        async with self._database.read() as connection:
            return await reports.untold(connection, user_id)

    async def mark_told(self, job_id: str) -> None:
        """Note that a private outcome has been told. One transaction."""
        async with self._database.begin() as connection:
            await jobs.update_any(connection, job_id, told_at=self._clock.now())
