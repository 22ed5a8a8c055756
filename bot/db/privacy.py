"""Taking a person out of the rows: their id becomes a pseudonym, what they wrote goes, and every sum stays.

`ledger_entry` is append-only for everybody else. Here alone its actor and reason are rewritten; amounts, accounts,
kinds and moments never are.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import money
from bot.db.dialect import upsert
from bot.db.tables import (
    audit,
    budget,
    callback,
    delivery_part,
    erased_member,
    instance_value,
    job,
    job_event,
    ledger_entry,
    log_line,
    member,
    served,
    suspension,
    wallet_grant,
)
from bot.domain.budgets import Level
from bot.domain.jobs import FINAL

#: The row with the key of `mark_of`, made at the first deletion.
SECRET_KEY = "privacy_secret"  # noqa: S105 -- the name of a row, not a secret
PAGE = 500
NEUTRAL_LOCALE = "en-US"

#: What replaces the parts of a stored request that a person wrote or attached. The rest are choices from lists, and the
#: seed, that prices and statistics stand on.
ERASED_SPEC: dict[str, Any] = {"prompt": "", "sample": None, "references": [], "shots": []}

_FINAL = [state.value for state in FINAL]
_IS_SETTLED = sa.and_(job.c.state.in_(_FINAL), job.c.watch_until.is_(None))


@dataclass(frozen=True, slots=True)
class Person:
    """Whom to take out. `pseudonym` is below zero, which no Discord id is; `guild_id` None: everywhere."""

    user_id: int
    pseudonym: int
    guild_id: int | None = None

    def of(self, column: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
        """The condition that a row's guild is meant."""
        return sa.true() if self.guild_id is None else column == self.guild_id


# ----------------------------------------------------------------------------------- who stands in for a deleted member


def mark_of(secret: str, user_id: int) -> str:
    """Return the keyed hash by which a person who deleted their data is known again, 64 hex digits."""
    return hmac.new(secret.encode(), str(user_id).encode(), hashlib.sha256).hexdigest()


async def lock_member(connection: AsyncConnection, user_id: int, *, is_shared: bool) -> None:
    """Keep a person's deletion and the acceptance of their jobs apart until the transaction ends.

    Acceptances share the lock. On SQLite every writing transaction is alone anyway.
    """
    if connection.dialect.name == "postgresql":
        take = sa.func.pg_advisory_xact_lock_shared if is_shared else sa.func.pg_advisory_xact_lock
        await connection.execute(sa.select(take(user_id)))


async def lock_erasures(connection: AsyncConnection) -> None:
    """Let one erasure run at a time: each changes rows of other people too, and two could wait for each other in a
    circle. Before anything else is locked."""
    if connection.dialect.name == "postgresql":
        await connection.execute(sa.text("SELECT pg_advisory_xact_lock(0, 1)"))


async def stand_in(connection: AsyncConnection, user_id: int, *, now: datetime) -> int | None:
    """Return the pseudonym under which a deleted member's running allowance is kept, None where there is none."""
    secret = (
        await connection.execute(sa.select(instance_value.c.value).where(instance_value.c.key == SECRET_KEY))
    ).scalar()
    if secret is None:
        return None
    e = erased_member.c
    found: int | None = (
        await connection.execute(sa.select(e.pseudonym).where(e.mark == mark_of(secret, user_id), e.until > now))
    ).scalar()
    return found


async def allowance_subject(
    connection: AsyncConnection, *, guild_id: int, user_id: int, now: datetime, lock: bool = True
) -> str:
    """Return the subject of a member's allowance row: their id, or the pseudonym that keeps what they had used of the
    running period when they deleted their data.

    A writer takes the member's lock here and must not have locked a budget row before.
    """
    if lock:
        await lock_member(connection, user_id, is_shared=True)
    pseudonym = await stand_in(connection, user_id, now=now)
    if pseudonym is None:
        return str(user_id)
    b = budget.c
    running = sa.select(b.id).where(
        b.level == Level.ALLOWANCE.value,
        b.guild_id == guild_id,
        b.subject == str(pseudonym),
        b.starts_at <= now,
        b.ends_at > now,
    )
    is_kept = (await connection.execute(running.limit(1))).first() is not None
    return str(pseudonym if is_kept else user_id)


async def keep_running_allowance(connection: AsyncConnection, person: Person, *, secret: str, now: datetime) -> None:
    """Let new jobs of an erased member find what they have used of the periods that still run. After `erase`."""
    before = await stand_in(connection, person.user_id, now=now)
    b = budget.c
    is_running = sa.and_(b.level == Level.ALLOWANCE.value, b.ends_at > now)
    if before is not None:  # deleted once already in this period: that row follows
        await connection.execute(
            sa.update(budget).where(is_running, b.subject == str(before)).values(subject=str(person.pseudonym))
        )
    until = (
        await connection.execute(
            sa.select(b.ends_at)
            .where(is_running, b.subject == str(person.pseudonym))
            .order_by(b.ends_at.desc())
            .limit(1)
        )
    ).scalar()
    if until is not None:
        key = {"mark": mark_of(secret, person.user_id)}
        await upsert(connection, erased_member, key, {"pseudonym": person.pseudonym, "until": until})


async def forget_stand_ins(connection: AsyncConnection, *, now: datetime) -> int:
    """Delete the marks whose periods are over: nothing leads from a person to their pseudonym then."""
    done = await connection.execute(sa.delete(erased_member).where(erased_member.c.until <= now))
    return done.rowcount


# -------------------------------------------------------------------------------------------------------------- erasing


async def unsettled(
    connection: AsyncConnection, *, user_id: int | None = None, guild_id: int | None = None
) -> list[Any]:
    """Return jobs (`id`, `state`, `watch_until`) that are open, or ended but still watched at their provider."""
    query = sa.select(job.c.id, job.c.state, job.c.watch_until).where(~_IS_SETTLED)
    if user_id is not None:
        query = query.where(job.c.user_id == user_id)
    if guild_id is not None:
        query = query.where(job.c.guild_id == guild_id)
    return list((await connection.execute(query.order_by(job.c.created_at).limit(PAGE))).all())


async def owns_jobs(connection: AsyncConnection, person: Person) -> bool:
    """Whether any job still carries the person's own id."""
    query = sa.select(job.c.id).where(job.c.user_id == person.user_id, person.of(job.c.guild_id)).limit(1)
    return (await connection.execute(query)).first() is not None


async def people(connection: AsyncConnection, guild_id: int) -> list[int]:
    """Return whose ids stand in a guild's jobs, budgets, grants and ledger entries."""
    found = {
        row[0]
        for query in (
            sa.select(job.c.user_id).where(job.c.guild_id == guild_id).distinct(),
            sa.select(job.c.decided_by).where(job.c.guild_id == guild_id, job.c.decided_by.is_not(None)).distinct(),
            sa.select(wallet_grant.c.user_id).where(wallet_grant.c.guild_id == guild_id).distinct(),
        )
        for row in await connection.execute(query)
    }
    allowances = sa.select(budget.c.subject).where(
        budget.c.guild_id == guild_id, budget.c.level == Level.ALLOWANCE.value
    )
    actors = sa.select(ledger_entry.c.actor).where(_entry_of_guild(guild_id))
    for query in (allowances.distinct(), actors.distinct()):
        found |= {int(row[0]) for row in await connection.execute(query) if row[0].isdecimal()}
    return sorted(user_id for user_id in found if user_id > 0)


async def forget_roles(connection: AsyncConnection, person: Person) -> None:
    """Delete the roles that a person was last seen with.

    Before the member's lock: an acceptance writes this row first and takes that lock then.
    """
    own = sa.and_(member.c.user_id == person.user_id, person.of(member.c.guild_id))
    await connection.execute(sa.delete(member).where(own))


async def erase(connection: AsyncConnection, person: Person, *, now: datetime) -> list[tuple[int, str]]:
    """Take a person out of every row but last seen roles and their moderators' rules on them (limits, suspensions).

    Jobs that are open or watched are left as they are: the caller looks for them afterwards. Returns the (guild id,
    media key) of the files that belonged to the jobs, to be deleted after the commit.
    """
    files = await _erase_jobs(connection, person, now)
    await _erase_accounts(connection, person)
    await _erase_ledger(connection, person)
    await _erase_records(connection, person)
    return files


async def _erase_jobs(connection: AsyncConnection, person: Person, now: datetime) -> list[tuple[int, str]]:
    files: list[tuple[int, str]] = []
    own = (
        sa.select(job.c.id, job.c.guild_id, job.c.spec, job.c.clip_key)
        .where(job.c.user_id == person.user_id, person.of(job.c.guild_id), _IS_SETTLED)
        .order_by(job.c.id)
        .limit(PAGE)
        .with_for_update()
    )
    while rows := (await connection.execute(own)).all():
        ids = [row.id for row in rows]
        specs = []
        for row in rows:
            spec = json.loads(row.spec)
            files += [(row.guild_id, reference["key"]) for reference in spec["references"]]
            files += [(row.guild_id, row.clip_key)] if row.clip_key else []
            specs.append({"job_id": row.id, "erased": json.dumps(spec | ERASED_SPEC, separators=(",", ":"))})
        rewrite = sa.update(job).where(job.c.id == sa.bindparam("job_id")).values(spec=sa.bindparam("erased"))
        await connection.execute(rewrite, specs)
        await connection.execute(sa.update(job).where(job.c.id.in_(ids)).values(**_erased_columns(person, now)))
        await connection.execute(sa.delete(callback).where(callback.c.job_id.in_(ids)))
        await connection.execute(sa.delete(delivery_part).where(delivery_part.c.job_id.in_(ids)))
    decided = sa.update(job).where(job.c.decided_by == person.user_id, person.of(job.c.guild_id))
    await connection.execute(decided.values(decided_by=person.pseudonym))
    return files


def _erased_columns(person: Person, now: datetime) -> dict[str, Any]:
    """What becomes of a job's columns: of where it was shown, only the channel stays; of the thread, its parent."""
    gone = (
        "submit_body",
        "candidate_task_id",
        "result_url",
        "result_urls",
        "last_frame_url",
        "clip_key",
        "message_channel_id",
        "message_id",
        "interaction_token",
        "token_expires_at",
        "card_channel_id",
        "card_message_id",
        "approval_channel_id",
        "approval_message_id",
        "decision_reason",
        "parked_reason",
    )
    parent = job.c.parent_channel_id
    return dict.fromkeys(gone) | {
        "user_id": person.pseudonym,
        "locale": NEUTRAL_LOCALE,
        "channel_id": sa.case((parent == 0, job.c.channel_id), else_=parent),
        "application_id": 0,
        "told_at": now,
    }


async def _erase_accounts(connection: AsyncConnection, person: Person) -> None:
    b, w = budget.c, wallet_grant.c
    await money.lock_wallet(connection, user_id=person.user_id, guild_id=person.guild_id)
    own = sa.and_(b.level == Level.ALLOWANCE.value, b.subject == str(person.user_id), person.of(b.guild_id))
    await connection.execute(sa.update(budget).where(own).values(subject=str(person.pseudonym)))
    granted = sa.update(wallet_grant).where(w.user_id == person.user_id, person.of(w.guild_id))
    await connection.execute(granted.values(user_id=person.pseudonym))


def _key(prefix: str, column: sa.ColumnElement[int]) -> sa.ColumnElement[str]:
    return sa.literal(prefix) + sa.cast(column, sa.String)


def _entry_of_guild(guild_id: int) -> sa.ColumnElement[bool]:
    """The condition that a ledger entry is on one of a guild's accounts or of one of its jobs."""
    e = ledger_entry.c
    budgets = sa.select(_key("budget:", budget.c.id)).where(budget.c.guild_id == guild_id)
    grants = sa.select(_key("grant:", wallet_grant.c.id)).where(wallet_grant.c.guild_id == guild_id)
    jobs = sa.select(job.c.id).where(job.c.guild_id == guild_id)
    return sa.or_(e.account.in_(budgets), e.account.in_(grants), e.job_id.in_(jobs))


async def _erase_ledger(connection: AsyncConnection, person: Person) -> None:
    """Pseudonymise actors; reasons that people wrote about this one go, others lose the id. After the accounts."""
    e, own = ledger_entry.c, person.pseudonym
    scope = sa.true() if person.guild_id is None else _entry_of_guild(person.guild_id)
    grants = sa.select(_key("grant:", wallet_grant.c.id)).where(wallet_grant.c.user_id == own)
    jobs = sa.select(job.c.id).where(job.c.user_id == own)
    about = sa.or_(e.account.in_(grants), sa.and_(e.kind == "refund", e.job_id.in_(jobs)))

    async def change(condition: sa.ColumnElement[bool], **values: str) -> None:
        await connection.execute(sa.update(ledger_entry).where(condition).values(**values))

    await change(sa.and_(about, e.reason != ""), reason="")
    await change(sa.and_(e.actor == str(person.user_id), scope), actor=str(own))
    rows = await connection.execute(sa.select(e.id, e.reason).where(e.reason.contains(str(person.user_id)), scope))
    for row_id, text in _without(person, rows.all()):
        await change(e.id == row_id, reason=text)


async def _erase_records(connection: AsyncConnection, person: Person) -> None:
    """Histories and audits lose the id, lines not posted yet go, and so do turns."""
    user = str(person.user_id)
    events = sa.select(job_event.c.id, job_event.c.cause).where(job_event.c.cause.contains(user))
    if person.guild_id is not None:
        events = events.where(job_event.c.job_id.in_(sa.select(job.c.id).where(job.c.guild_id == person.guild_id)))
    for row_id, text in _without(person, (await connection.execute(events)).all()):
        await connection.execute(sa.update(job_event).where(job_event.c.id == row_id).values(cause=text))
    await _erase_audit(connection, person)
    lines = await connection.execute(
        sa.select(log_line.c.id, log_line.c.detail).where(
            log_line.c.detail.contains(user), person.of(log_line.c.guild_id)
        )
    )
    named = [row_id for row_id, _ in _without(person, lines.all())]
    await connection.execute(sa.delete(log_line).where(log_line.c.id.in_(named)))
    own = sa.and_(served.c.user_id == person.user_id, person.of(served.c.guild_id))
    await connection.execute(sa.delete(served).where(own))
    s = suspension.c
    suspended = sa.update(suspension).where(s.actor == user, person.of(s.guild_id))
    await connection.execute(suspended.values(actor=str(person.pseudonym)))


async def _erase_audit(connection: AsyncConnection, person: Person) -> None:
    a, user = audit.c, str(person.user_id)
    query = sa.select(audit).where(
        sa.or_(a.actor == user, a.subject.contains(user), a.detail.contains(user), a.reason.contains(user)),
        person.of(a.guild_id),
    )
    clean = _cleaner(person)
    for row in (await connection.execute(query)).all():
        values = {name: clean(getattr(row, name)) for name in ("actor", "subject", "detail", "reason")}
        if values["subject"] != row.subject:
            values["reason"] = ""  # what a moderator wrote about this person
        await connection.execute(sa.update(audit).where(a.id == row.id).values(**values))


def _cleaner(person: Person) -> Callable[[str], str]:
    pattern = re.compile(rf"(?<!\d){person.user_id}(?!\d)")
    return lambda text: pattern.sub(str(person.pseudonym), text)


def _without(person: Person, rows: Iterable[Any]) -> list[tuple[int, str]]:
    """Return (row id, text without the person's id) of the rows whose text really has it."""
    clean = _cleaner(person)
    return [(row_id, clean(text)) for row_id, text in rows if clean(text) != text]
