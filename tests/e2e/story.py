"""Verbs that end-to-end tests share: wait for a clip, count, and prove the ledger beside the running bot."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.db import reports
from bot.db.engine import Database
from bot.domain.jobs import Job
from bot.services import operator
from playground.rig import Rig
from tests.waiting import PATIENCE_S

Json = dict[str, Any]

#: Short durations, so that leases and searches pass within a test.
QUICK = {
    "LEASE_S": "2",
    "POLL_INTERVAL_S": "1",
    "SEARCH_INTERVAL_S": "1",
    "MEMBER_ALLOWANCE_CREDITS": "unlimited",
    "SEEDANCE2_MOVIE_REQUESTS_PER_MINUTE": "6000",
    "LOG_LEVEL": "INFO",
}


@asynccontextmanager
async def patient_rig(folder: Path, **options: Any) -> AsyncIterator[Rig]:
    """A playground whose Discord waits for answers for as long as these tests do: the machine may stall."""
    rig = await Rig.start(folder, **options)
    rig.discord.settings.answer_deadline_s = PATIENCE_S
    try:
        yield rig
    finally:
        await rig.stop()


def clips(rig: Rig, channel: str = "video-lab", viewer: str = "owner") -> list[Json]:
    """The bot's messages with an MP4, oldest first."""
    return [
        message
        for message in rig.discord.messages(channel, viewer)
        if any(a["filename"].endswith(".mp4") for a in message.get("attachments", []))
    ]


@asynccontextmanager
async def database_of(rig: Rig) -> AsyncIterator[Database]:
    """The bot's database, read beside the bot as the command line does."""
    database = Database(rig.settings()["DATABASE_URL"])
    try:
        yield database
    finally:
        await database.dispose()


async def jobs_of(rig: Rig, *, user_id: int | None = None, only_open: bool = False) -> list[Job]:
    """Jobs, newest first."""
    async with database_of(rig) as database, database.read() as connection:
        return await reports.jobs(
            connection, user_id=user_id, guild_id=None, state=None, only_open=only_open, limit=100
        )


async def verify_ledger(rig: Rig) -> None:
    """The ledger is exact."""
    async with database_of(rig) as database:
        assert await operator.verify_ledger(database) == []
