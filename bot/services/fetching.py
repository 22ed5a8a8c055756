"""Fetching a finished clip, and what happens where it can never be fetched."""

import logging
from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.db import jobs
from bot.db.engine import Database
from bot.domain.errors import DownloadFailed, MediaRejected, ProviderError
from bot.domain.jobs import Job, JobState
from bot.ports import MediaWorkshop, Provider
from bot.services import settlement
from bot.services.config import Timings

log = logging.getLogger(__name__)

MAX_FETCHES = 100  # over about a day: storage that is down is not gone
MAX_GONE = 3  # in a row, each after asking for a fresh address
RETRY_BASE_S = 2.0
RETRY_MAX_S = 900.0


class Fetching:
    """Brings a clip home."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        workshop: MediaWorkshop,
        providers: Mapping[str, Provider],
        timings: Timings,
    ) -> None:
        self._database = database
        self._clock = clock
        self._workshop = workshop
        self._providers = providers
        self._timings = timings

    async def fetch(self, held: Job) -> Job | None:
        """Download the clip and move on to delivering; later tries resume what an earlier one left.

        Transactions: one, with the outcome. After too many failures the member is refunded and the operator told.
        """
        key = held.clip_key or f"clips/{held.id}.mp4"
        try:
            await self._workshop.fetch_clip(held.result_url or "", key)
        except DownloadFailed as error:
            return await self._failed(held, error.code, is_gone=error.is_gone)
        except MediaRejected as error:
            return await self._failed(held, error.code, is_gone=True)
        async with self._database.begin() as connection:
            now = self._clock.now()
            return await jobs.move_fenced(
                connection,
                held,
                JobState.DELIVERING,
                now=now,
                cause="clip fetched",
                clip_key=key,
                delivery_number=held.delivery_number + 1,
                delivery_rung=None,
                run_at=now + timedelta(seconds=self._timings.lease_s),
            )

    async def _failed(self, held: Job, code: str, *, is_gone: bool) -> Job | None:
        failures = held.fetch_failures + 1
        log.warning("fetch.failed", extra={"job_id": held.id, "code": code, "failures": failures})
        url = await self._renewed_url(held) if is_gone else held.result_url
        gone = held.missing_count + 1 if is_gone and url == held.result_url else 0
        if gone >= MAX_GONE or failures >= MAX_FETCHES:
            return await self._lost(held, code)
        async with self._database.begin() as connection:
            wait_s = min(RETRY_BASE_S * 2 ** (failures - 1), RETRY_MAX_S)
            await jobs.update_fenced(
                connection,
                held,
                fetch_failures=failures,
                missing_count=gone,
                result_url=url,
                attempt=0,
                run_at=self._clock.now() + timedelta(seconds=wait_s),
            )
        return None

    async def _renewed_url(self, held: Job) -> str | None:
        """Ask for a fresh address: signed ones expire."""
        try:
            status = await self._providers[held.provider].status(held.task_id or "")
        except ProviderError:
            return held.result_url
        return status.result_url or held.result_url

    async def _lost(self, held: Job, code: str) -> Job:
        log.error("clip.lost", extra={"job_id": held.id, "provider": held.provider, "code": code})
        async with self._database.begin() as connection:
            now = self._clock.now()
            moved = await jobs.move_fenced(
                connection,
                held,
                JobState.UNDELIVERED,
                now=now,
                cause=f"clip can never be fetched: {code}",
                error_code="clip_lost",
            )
            await self._refund(connection, held)
        return moved

    async def _refund(self, connection: AsyncConnection, held: Job) -> None:
        await settlement.refund(
            connection,
            job_id=held.id,
            actor=settlement.BOT,
            reason="the clip could not be fetched",
            now=self._clock.now(),
        )
