"""Taking people out of the database: one member at their own wish, or everybody of a server that the bot has left."""

import logging
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.db import files, guilds, privacy
from bot.db.engine import Database
from bot.db.privacy import Person
from bot.domain.errors import Refused
from bot.ports import MediaStore

log = logging.getLogger(__name__)

#: For how long a server's data are kept after the bot was removed from it (contract, Money).
KEPT_AFTER_REMOVAL = timedelta(days=30)
PSEUDONYM_BITS = 62
SECRET_BYTES = 32


def new_pseudonym() -> int:
    """Make a number that no Discord id can be: below zero."""
    return -1 - secrets.randbits(PSEUDONYM_BITS)


class Erasure:
    """Erases rows in transactions, and files after their commit; the sweep of files finds what a kill left."""

    def __init__(self, database: Database, clock: Clock, *, store: MediaStore) -> None:
        self._database = database
        self._clock = clock
        self._store = store

    async def member(self, user_id: int) -> None:
        """Take a person out of everything, in one transaction. What they have used of running periods still counts.

        Raises:
            Refused: `privacy_open_jobs`: a job of theirs is open or watched. Nothing changed.
        """
        person = Person(user_id, new_pseudonym())
        async with self._database.begin() as connection:
            now = self._clock.now()
            await privacy.lock_erasures(connection)
            await privacy.forget_roles(connection, person)
            await privacy.lock_member(connection, user_id, is_shared=False)
            found = await privacy.erase(connection, person, now=now)
            if await privacy.owns_jobs(connection, person):
                raise Refused("privacy_busy")
            secret = await guilds.set_value_once(connection, privacy.SECRET_KEY, secrets.token_hex(SECRET_BYTES))
            await privacy.keep_running_allowance(connection, person, secret=secret, now=now)
            gone = await files.unused(connection, found)
        await self.delete_files(gone)

    async def left_guilds(self) -> None:
        """Erase the data of servers that the bot left long ago. A transaction for each person, and one for the rest."""
        async with self._database.read() as connection:
            due = await files.guilds_to_erase(connection, removed_before=self._clock.now() - KEPT_AFTER_REMOVAL)
        for guild_id in due:
            async with self._database.read() as connection:
                is_busy = bool(await privacy.unsettled(connection, guild_id=guild_id))
                people = await privacy.people(connection, guild_id)
            if is_busy:
                log.warning("guild.still_has_jobs", extra={"guild_id": guild_id})
            elif await self._people_of(guild_id, people):
                log.info("guild.erased", extra={"guild_id": guild_id})

    async def _people_of(self, guild_id: int, people: Iterable[int]) -> bool:
        """Erase a left server. False where the bot came back meanwhile: what is left then stays."""
        for user_id in people:
            person = Person(user_id, new_pseudonym(), guild_id)
            async with self._database.begin() as connection:
                now = self._clock.now()
                await privacy.lock_erasures(connection)
                if not await self._is_due(connection, guild_id, now):
                    return False
                await privacy.forget_roles(connection, person)
                gone = await files.unused(connection, await privacy.erase(connection, person, now=now))
            await self.delete_files(gone)
        async with self._database.begin() as connection:
            now = self._clock.now()
            if not await self._is_due(connection, guild_id, now):
                return False
            await files.erase_guild(connection, guild_id, now=now)
        return True

    async def _is_due(self, connection: AsyncConnection, guild_id: int, now: datetime) -> bool:
        row = await guilds.lock(connection, guild_id)
        return row.removed_at is not None and row.removed_at <= now - KEPT_AFTER_REMOVAL

    async def delete_files(self, keys: Iterable[str]) -> None:
        """Delete files that no row names any more."""
        for key in keys:
            await self._store.delete(key)
