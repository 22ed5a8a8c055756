"""The journal: lines of what happens in a guild, posted to its log channel in batches, each line once.

A batch is claimed before it is posted: who posts it, which lines, until when. Its nonce is made of its first line, and
who takes over a claim posts the very same lines, so that a crash between posting and deleting shows nothing twice for
as long as Discord remembers a nonce (some minutes).
"""

import asyncio
import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.db import guilds, log_lines, values
from bot.db.engine import Database
from bot.domain.errors import DeliveryAmbiguous, DeliveryError, DeliveryForbidden, DeliveryTooLarge
from bot.ports import Messenger, Notice

log = logging.getLogger(__name__)

PREFIX = "journal:"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_GUILDS = 20  # per flush
MOST_LINES = 40  # per message
MESSAGE_CHARS = 2000
CLAIMED_FOR = timedelta(seconds=90)  # longer than a post may take
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=10)
#: Lines for a channel that stays closed to the bot are dropped after so long, and never more than so many are kept.
PATIENCE = timedelta(hours=1)
MOST_KEPT = 500

#: A guild's claim before its first one.
FRESH: dict[str, Any] = {"channel": None, "last": None, "closed_since": None, "failures": 0}


class LineWriter(Protocol):
    """Makes a sentence of what happened."""

    def line(self, event: str, at: datetime, detail: Mapping[str, Any], locale: str) -> str:
        """Return one harmless line of at most 400 characters."""
        ...


@dataclass(frozen=True, slots=True)
class _Batch:
    """What one message is made of. `claim` is what the database says of it while it is posted."""

    guild_id: int
    channel_id: int
    lines: list[log_lines.Line]
    text: str
    claim: dict[str, Any]

    @property
    def nonce(self) -> str:
        """A name of the first line that no other line has, although SQLite uses the ids of deleted rows again."""
        first = self.lines[0]
        facts = f"{self.guild_id} {first.id} {first.at.isoformat()} {first.event} {sorted(first.detail.items())}"
        return f"log-{hashlib.sha256(facts.encode()).hexdigest()[:20]}"


class Journal:
    """Writes the log channels. Any number of processes may flush: a guild's lines are claimed by one of them."""

    def __init__(self, database: Database, clock: Clock, *, messenger: Messenger, writer: LineWriter) -> None:
        self._database = database
        self._clock = clock
        self._messenger = messenger
        self._writer = writer

    async def flush(self) -> None:
        """Post one message for each guild that has lines.

        One read; then per guild one transaction that claims and one that deletes what was posted.
        """
        async with self._database.read() as connection:
            claims = await values.read_all(connection, PREFIX)
            waiting = {_guild_id(key) for key, claim in claims.items() if _moment(claim["until"]) > self._clock.now()}
            due = await log_lines.guilds_with_lines(connection, limit=MOST_GUILDS, but=waiting)
        await asyncio.gather(*(self._flush(guild_id) for guild_id in due))

    async def _flush(self, guild_id: int) -> None:
        batch = await self._claim(guild_id)
        if batch is None:
            return
        notice = Notice(text=batch.text, nonce=batch.nonce)
        try:
            await self._messenger.post_notice(batch.channel_id, notice)
        except DeliveryError as error:
            await self._failed(batch, error)
        else:
            await self._posted(batch)

    async def _claim(self, guild_id: int) -> _Batch | None:
        """Take a guild's next lines. None where another process has them, or there is nowhere to post them."""
        now = self._clock.now()
        key = f"{PREFIX}{guild_id}"
        async with self._database.begin() as connection:
            before = await values.read(connection, key)
            if before is not None and _moment(before["until"]) > now:
                return None
            claim = (before or FRESH) | {"until": _micros(now + CLAIMED_FOR)}
            if not await values.swap(connection, key, before, claim):  # lines are read only once they are ours
                return None
            found, channel_id, locale = await self._next_lines(connection, guild_id, claim["last"])
            if not found or channel_id is None:
                if found:
                    await log_lines.delete(connection, guild_id)
                await values.swap(connection, key, claim, None)
                return None
            lines, text = self._write(found, locale)
            known = claim if claim["channel"] == channel_id else claim | {"closed_since": None, "failures": 0}
            final = known | {"channel": channel_id, "last": lines[-1].id}
            await values.swap(connection, key, claim, final)
        return _Batch(guild_id, channel_id, lines, text, final)

    async def _next_lines(
        self, connection: AsyncConnection, guild_id: int, last: int | None
    ) -> tuple[list[log_lines.Line], int | None, str]:
        """Return a guild's oldest lines, log channel and language; with `last` the lines of a batch begun before."""
        rules = await guilds.rules(connection, guild_id)
        row = await guilds.find(connection, guild_id)
        await log_lines.keep_newest(connection, guild_id, most=MOST_KEPT)
        found = await log_lines.oldest(connection, guild_id, limit=MOST_LINES, last=last)
        if not found and last is not None:  # its lines were dropped meanwhile
            found = await log_lines.oldest(connection, guild_id, limit=MOST_LINES)
        if row is None or row.removed_at is not None:
            return found, None, ""
        return found, rules.log_channel_id, rules.language or row.locale

    def _write(self, found: list[log_lines.Line], locale: str) -> tuple[list[log_lines.Line], str]:
        """Return the lines that fit one message, and their text."""
        taken: list[log_lines.Line] = []
        text = ""
        for one in found:
            longer = f"{text}\n{self._writer.line(one.event, one.at, one.detail, locale)}".lstrip("\n")
            if taken and len(longer) > MESSAGE_CHARS:
                break
            taken.append(one)
            text = longer[:MESSAGE_CHARS]
        return taken, text

    async def _posted(self, batch: _Batch) -> None:
        """Delete what was posted, unless another process took the claim over: then it does."""
        async with self._database.begin() as connection:
            if await values.swap(connection, f"{PREFIX}{batch.guild_id}", batch.claim, None):
                await log_lines.delete(connection, batch.guild_id, last=batch.lines[-1].id)

    async def _failed(self, batch: _Batch, error: DeliveryError) -> None:
        """Wait before the next try; drop the lines for a channel that has been closed for long."""
        now = self._clock.now()
        is_closed = isinstance(error, DeliveryForbidden | DeliveryTooLarge)
        since = batch.claim["closed_since"] if is_closed else None
        is_news = is_closed and since is None
        failures = batch.claim["failures"] + 1
        wait = min(FIRST_WAIT * 2 ** min(failures - 1, 10), LONGEST_WAIT)
        if error.retry_after_s is not None:
            wait = timedelta(seconds=error.retry_after_s)
        claim = batch.claim | {
            "until": _micros(now + wait),
            "last": batch.claim["last"] if isinstance(error, DeliveryAmbiguous) else None,
            "closed_since": _micros(now) if is_news else since,
            "failures": failures,
        }
        is_hopeless = since is not None and now - _moment(since) >= PATIENCE
        async with self._database.begin() as connection:
            if not await values.swap(connection, f"{PREFIX}{batch.guild_id}", batch.claim, claim):
                return
            if is_hopeless:
                await log_lines.delete(connection, batch.guild_id)
        if is_news:
            about = {"guild_id": batch.guild_id, "channel_id": batch.channel_id, "code": error.code}
            log.warning("journal.channel_closed", extra=about)


def _guild_id(key: str) -> int:
    return int(key.removeprefix(PREFIX))


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def _moment(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)
