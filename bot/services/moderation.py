"""What moderators decide about a server: its rules, its calendar, who is suspended.

Every change is one transaction under the lock of the guild's row, with its line in the audit and in the journal.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.db import guilds, members
from bot.db.engine import Database
from bot.domain.budgets import Calendar
from bot.domain.catalog import Catalog
from bot.domain.errors import Refused
from bot.domain.money import Credits
from bot.domain.requests import Kind
from bot.domain.rule_checks import rule_problems
from bot.domain.rules import GuildRules
from bot.services.acts import note_act
from bot.services.levels import LevelBook
from bot.services.zones import find_zone

LONGEST_SUSPENSION = timedelta(days=366)
#: The parts of a calendar that moderators choose.
CALENDAR_FIELDS = ("zone", "period", "week_start")


@dataclass(frozen=True, slots=True)
class GuildSettings:
    """All that `/settings` shows: rules, the calendar that holds, and the one that waits with its moment."""

    rules: GuildRules
    calendar: Calendar
    waiting: Calendar | None = None
    waiting_at: datetime | None = None

    def value(self, name: str) -> Any:
        """Return a setting by its name, as it will be once nothing waits any more."""
        if name in CALENDAR_FIELDS:
            return getattr(self.waiting or self.calendar, name)
        return getattr(self.rules, name)


class Moderation:
    """A server's rules, calendar and suspensions."""

    def __init__(self, database: Database, clock: Clock, *, levels: LevelBook, catalog: Catalog) -> None:
        self._database = database
        self._clock = clock
        self._levels = levels
        self._catalog = catalog

    @property
    def models(self) -> tuple[str, ...]:
        """The models that rules may name, in the catalogue's order."""
        return tuple(self._catalog.models)

    async def rules(self, guild_id: int) -> GuildRules:
        """Return a guild's rules. One read."""
        async with self._database.read() as connection:
            return await guilds.rules(connection, guild_id)

    async def settings(self, guild_id: int) -> GuildSettings:
        """Return everything that `/settings` shows. One read; no row is made for it."""
        async with self._database.read() as connection:
            row = await guilds.find(connection, guild_id)
        return self._settings(row)

    async def is_moderator_role(self, guild_id: int, role_ids: Collection[int]) -> bool:
        """Whether one of the roles is named as a moderators' role. One read."""
        return not (await self.rules(guild_id)).moderator_roles.isdisjoint(role_ids)

    def problems(self, changes: Mapping[str, Any]) -> list[tuple[str, Refused]]:
        """Return what is wrong with settings, each with the setting's name. No I/O but the zone names' first use."""
        clips = [model for model in self._catalog.models.values() if model.kind is Kind.VIDEO]
        shortest = min((model.min_duration_s for model in clips), default=1)
        found = rule_problems({k: v for k, v in changes.items() if k not in CALENDAR_FIELDS}, shortest_clip_s=shortest)
        if "zone" in changes:
            try:
                find_zone(changes["zone"])
            except Refused as error:
                found.append(("zone", error))
        return found

    async def change(
        self, guild_id: int, actor_id: int, changes: Mapping[str, Any], *, seen: Mapping[str, str] | None = None
    ) -> GuildSettings:
        """Change settings of any section: all of them or, where one is refused, none. One transaction.

        `seen` has, by name, the `fingerprint` of the value that the moderator was shown: a setting that somebody else
        changed since is refused rather than overwritten.

        Raises:
            Refused: what is wrong with a value, or `settings_conflict`.
        """
        for _, problem in self.problems(changes):
            raise problem
        wanted = dict(changes)
        if "zone" in wanted:
            wanted["zone"] = find_zone(wanted["zone"])
        async with self._database.begin() as connection:
            before = self._settings(await guilds.lock(connection, guild_id))
            self._check_models(wanted, before.rules)
            for name, known in (seen or {}).items():
                if name in wanted and fingerprint(before.value(name)) != known:
                    raise Refused("settings_conflict", setting=name)
            changed = {name: value for name, value in wanted.items() if before.value(name) != value}
            if not changed:
                return before
            await self._save(connection, guild_id, before, changed)
            for name, value in changed.items():
                detail = _difference(before.value(name), value)
                await self._note(connection, guild_id, actor_id, "settings", subject=name, detail=detail)
            return self._settings(await guilds.find(connection, guild_id))

    async def suspend(self, guild_id: int, actor_id: int, user_id: int, until: datetime | None, reason: str) -> None:
        """Let a member ask for nothing until a moment, or until they are resumed; what runs goes on. One transaction.

        Raises:
            Refused: `expires_past`, or `expires_far` beyond a year.
        """
        now = self._clock.now()
        if until is not None and until <= now:
            raise Refused("expires_past")
        if until is not None and until > now + LONGEST_SUSPENSION:
            raise Refused("expires_far", days=LONGEST_SUSPENSION.days)
        async with self._database.begin() as connection:
            await members.suspend(
                connection,
                guild_id=guild_id,
                user_id=user_id,
                until=until,
                reason=reason,
                actor=str(actor_id),
                now=self._clock.now(),
            )
            detail = "until resumed" if until is None else f"until {until.isoformat(timespec='seconds')}"
            await self._note(
                connection, guild_id, actor_id, "quota.suspend", subject=str(user_id), detail=detail, reason=reason
            )

    async def resume(self, guild_id: int, actor_id: int, user_id: int) -> None:
        """End a member's suspension. One transaction.

        Raises:
            Refused: `not_suspended`.
        """
        async with self._database.begin() as connection:
            if not await members.resume(connection, guild_id=guild_id, user_id=user_id, now=self._clock.now()):
                raise Refused("not_suspended", user_id=user_id)
            await self._note(connection, guild_id, actor_id, "quota.resume", subject=str(user_id), detail="resumed")

    def _settings(self, row: Any) -> GuildSettings:
        """Read a guild's row; None is a guild that has none yet."""
        now = self._clock.now()
        calendar = self._levels.calendar(row, now)
        if row is None:
            return GuildSettings(GuildRules(), calendar)
        rules = GuildRules.from_json(row.settings)
        if row.next_calendar_at is None or row.next_calendar_at <= now:
            return GuildSettings(rules, calendar)
        waiting = self._levels.calendar(row, row.next_calendar_at)
        return GuildSettings(rules, calendar, waiting, row.next_calendar_at)

    def _check_models(self, wanted: Mapping[str, Any], before: GuildRules) -> None:
        """A model that is no longer offered may stay in the rules, but cannot be named anew."""
        for name in ("models", "restricted_models"):
            for key in sorted(wanted.get(name, frozenset()) - getattr(before, name)):
                self._catalog.model(key)

    async def _save(
        self, connection: AsyncConnection, guild_id: int, before: GuildSettings, changed: Mapping[str, Any]
    ) -> None:
        rules = {name: value for name, value in changed.items() if name not in CALENDAR_FIELDS}
        if rules:
            await guilds.save_rules(connection, guild_id, replace(before.rules, **rules))
        calendar = {name: value for name, value in changed.items() if name in CALENDAR_FIELDS}
        if calendar:
            await self._save_calendar(connection, guild_id, before, calendar)

    async def _save_calendar(
        self, connection: AsyncConnection, guild_id: int, before: GuildSettings, changed: Mapping[str, Any]
    ) -> None:
        """Write the calendar that holds and, unless it is the same, the one that waits for the running period's end.

        A change that waited and whose time has come is so made the calendar that holds before another one waits.
        """
        holds = replace(before.calendar, since=None)
        wanted = replace(before.waiting or holds, since=None, **changed)
        waits = wanted != holds
        await guilds.save(
            connection,
            guild_id,
            zone=holds.zone,
            allowance_period=holds.period.value,
            week_start=holds.week_start,
            next_zone=wanted.zone if waits else None,
            next_allowance_period=wanted.period.value if waits else None,
            next_week_start=wanted.week_start if waits else None,
            next_calendar_at=before.calendar.bounds(self._clock.now())[1] if waits else None,
        )

    async def _note(
        self,
        connection: AsyncConnection,
        guild_id: int,
        actor_id: int,
        action: str,
        *,
        subject: str,
        detail: str,
        reason: str = "",
    ) -> None:
        await note_act(
            connection,
            guild_id,
            str(actor_id),
            action=action,
            subject=subject,
            detail=detail,
            reason=reason,
            now=self._clock.now(),
        )


def fingerprint(value: Any) -> str:
    """Return eight characters that are the same for equal settings."""
    return hashlib.blake2s(_text(value).encode(), digest_size=4).hexdigest()


def _difference(before: Any, after: Any) -> str:
    """Write a change for the audit; of many values only those that came or went."""
    if not isinstance(after, frozenset | tuple):
        return f"{_text(before)} -> {_text(after)}"
    came = [f"+{one}" for one in sorted(after) if one not in before]
    went = [f"-{one}" for one in sorted(before) if one not in after]
    return ", ".join([*came, *went])


def _text(value: Any) -> str:
    """Write a setting: the same text for equal values, whatever the order of a set."""
    if value is None:
        return "none"
    if isinstance(value, Credits | str):
        return str(value)
    if isinstance(value, frozenset):
        value = sorted(value)
    if isinstance(value, Sequence):
        return json.dumps(list(value), ensure_ascii=False)
    return str(value)
