"""Fetching a finished clip or pictures, and what happens where they can never be fetched."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.db import jobs
from bot.db.engine import Database
from bot.domain.errors import DownloadFailed, MediaRejected, ProviderError, TaskNotFound
from bot.domain.jobs import Job, JobState
from bot.ports import MediaWorkshop, Provider
from bot.services import settlement
from bot.services.config import Timings
from bot.services.delivery_pictures import addresses, is_pictures, stem_of

log = logging.getLogger(__name__)

MAX_FETCHES = 100  # over about a day: storage that is down is not gone
#: In a row, each with the provider answering that it has no other address. The first ones of a new address may come too
#: soon for its storage, so that they spread over two minutes at the usual poll interval.
MAX_GONE = 5
MAX_GONE_RENEWED = 7  # in a row where it names a fresh address each time, within ten minutes
RETRY_BASE_S = 2.0
RETRY_MAX_S = 900.0


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why something did not come. `numbers` are the pictures that are missing, none for a clip."""

    code: str
    is_gone: bool
    numbers: tuple[int, ...] = ()


class Fetching:
    """Brings clips and pictures home."""

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
        """Download the clip or every picture and move on to delivering; later tries resume what an earlier one left.

        Where the last try found nothing at the address, the provider is asked for a fresh one first: signed addresses
        expire. Transactions: one, with the outcome. After too many failures the member is refunded and the operator
        told; those pictures that came are delivered nevertheless.
        """
        fresh = await self._renewed(held) if held.missing_count else None
        found = replace(held, **(fresh or {}))
        if is_pictures(found):
            key, failure = stem_of(found), await self._fetch_pictures(found)
        else:
            key = found.clip_key or f"clips/{found.id}.mp4"
            failure = await self._fetch_clip(found, key)
        if failure is not None:
            return await self._failed(found, failure, fresh)
        return await self._home(found, key, **(fresh or {}))

    async def _fetch_clip(self, held: Job, key: str) -> _Failure | None:
        try:
            await self._workshop.fetch_clip(held.result_url or "", key)
        except DownloadFailed as error:
            return _Failure(error.code, error.is_gone)
        except MediaRejected as error:
            return _Failure(error.code, is_gone=True)
        return None

    async def _fetch_pictures(self, held: Job) -> _Failure | None:
        """Fetch what is not here yet, one after the other; one that fails keeps none of the others back."""
        code, gone = "", {}
        for number, url in enumerate(addresses(held), 1):
            try:
                await self._workshop.fetch_picture(url, f"{stem_of(held)}.{number}")
            except DownloadFailed as error:
                code, gone[number] = error.code, error.is_gone
            except MediaRejected as error:
                code, gone[number] = error.code, True
        return _Failure(code, all(gone.values()), tuple(gone)) if gone else None

    async def _home(self, held: Job, key: str, **values: Any) -> Job:
        async with self._database.begin() as connection:
            now = self._clock.now()
            moved = await jobs.move_fenced(
                connection,
                held,
                JobState.DELIVERING,
                now=now,
                cause="pictures fetched" if is_pictures(held) else "clip fetched",
                clip_key=key,
                delivery_number=held.delivery_number + 1,
                delivery_rung=None,
                run_at=now + timedelta(seconds=self._timings.lease_s),
                **values,
            )
            if "refunded_at" in values:
                await self._refund(connection, held)
        return moved

    async def _failed(self, held: Job, failure: _Failure, fresh: dict[str, Any] | None) -> Job | None:
        """Try again later, or give up. What is gone counts only where the provider named the address just now."""
        failures = held.fetch_failures + 1
        log.warning("fetch.failed", extra={"job_id": held.id, "code": failure.code, "failures": failures})
        is_told = fresh is not None or not held.missing_count
        gone = held.missing_count + is_told if failure.is_gone else 0
        if gone >= (MAX_GONE_RENEWED if fresh else MAX_GONE) or failures >= MAX_FETCHES:
            return await self._lost(held, failure)
        base_s = max(RETRY_BASE_S, self._timings.poll_interval_s) if failure.is_gone else RETRY_BASE_S
        async with self._database.begin() as connection:
            tries = gone if gone and is_told else failures  # an address that ran out is soon replaced
            wait_s = min(base_s * 2 ** (tries - 1), RETRY_MAX_S)
            await jobs.update_fenced(
                connection,
                held,
                fetch_failures=failures,
                missing_count=gone,
                attempt=0,
                run_at=self._clock.now() + timedelta(seconds=wait_s),
                **(fresh or {}),
            )
        return None

    async def _renewed(self, held: Job) -> dict[str, Any] | None:
        """Ask for the addresses again. Returns the columns that change, None where the provider did not say."""
        try:
            status = await self._providers[held.provider].status(held.task_id or "")
        except TaskNotFound:
            return {}
        except ProviderError:
            return None
        fresh: dict[str, Any] = {}
        if status.result_url and status.result_url != held.result_url:
            fresh["result_url"] = status.result_url
        if len(status.result_urls) == len(held.result_urls) and status.result_urls != held.result_urls:
            fresh["result_urls"] = status.result_urls
        return fresh

    async def _lost(self, held: Job, failure: _Failure) -> Job:
        extra = {"job_id": held.id, "provider": held.provider, "code": failure.code}
        log.error("clip.lost", extra=extra | {"pictures": list(failure.numbers)})
        came = [url if number not in failure.numbers else "" for number, url in enumerate(addresses(held), 1)]
        if failure.numbers and any(came):
            return await self._home(held, stem_of(held), result_urls=tuple(came), refunded_at=self._clock.now())
        async with self._database.begin() as connection:
            now = self._clock.now()
            moved = await jobs.move_fenced(
                connection,
                held,
                JobState.UNDELIVERED,
                now=now,
                cause=f"clip can never be fetched: {failure.code}",
                error_code="clip_lost",
            )
            await self._refund(connection, held)
        return moved

    async def _refund(self, connection: AsyncConnection, held: Job) -> None:
        await settlement.refund(
            connection,
            job_id=held.id,
            actor=settlement.BOT,
            reason="what was made could not be fetched",
            now=self._clock.now(),
        )
