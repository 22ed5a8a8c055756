"""Accepting a request: rules, quote, caps, holds and the job row in one transaction."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.db import guilds, jobs, work
from bot.db.engine import Database
from bot.domain.catalog import Catalog
from bot.domain.errors import BudgetRefused, MediaRejected, NotFound, Refused
from bot.domain.jobs import CardTarget, Job, JobState, new_job_id
from bot.domain.money import Credits
from bot.domain.requests import GenerationRequest, Reference, Spec
from bot.ports import MediaStore, ReferenceIntake
from bot.services import settlement
from bot.services.config import Timings
from bot.services.levels import LevelBook
from bot.services.wake import Wake


@dataclass(frozen=True, slots=True, kw_only=True)
class Requester:
    """Who asks, where, and where the answer is shown. `channel_id` is the thread where there is one."""

    guild_id: int
    channel_id: int
    parent_channel_id: int
    user_id: int
    role_ids: tuple[int, ...]
    locale: str
    public_locale: str
    guild_owner_id: int
    size_limit_bytes: int
    card: CardTarget


class Generation:
    """Turns requests into queued jobs."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        catalog: Catalog,
        levels: LevelBook,
        intake: ReferenceIntake,
        store: MediaStore,
        wake: Wake,
        timings: Timings,
    ) -> None:
        self._database = database
        self._clock = clock
        self._catalog = catalog
        self._levels = levels
        self._intake = intake
        self._store = store
        self._wake = wake
        self._timings = timings

    def model_keys(self) -> list[str]:
        """Return the models on offer, as shown to people."""
        return list(self._catalog.models)

    def check(self, request: GenerationRequest) -> Spec:
        """Decide every option of a request. No I/O.

        Raises:
            Refused: what is wrong and what would work.
        """
        return self._catalog.decide(request)

    async def accept(self, requester: Requester, request: GenerationRequest, spec: Spec) -> Job:
        """Store the references, then hold the quote and queue the job in one transaction.

        Raises:
            MediaRejected: a reference is not what it must be.
            BudgetRefused: a level cannot take the cost.
            Refused: any other rule. Nothing was held and no reference was kept.
        """
        self._catalog.quote(spec)
        if not await self._intake.has_room():
            raise Refused("storage_full")
        model = self._catalog.model(spec.model)
        references = await self._intake.store(request.attachments, model)
        return await self._queue_or_discard(
            requester, replace(spec, references=references), references, is_private=request.private
        )

    async def again(self, requester: Requester, job_id: str) -> Job:
        """Ask for a finished job once more, with a new seed, at today's price.

        Raises:
            NotFound: no such job in this guild, or a private one of somebody else.
            Refused: `reference_gone`, or as `accept` does.
        """
        async with self._database.read() as connection:
            old = await jobs.get(connection, job_id)
        if old is None or old.guild_id != requester.guild_id:
            raise NotFound("job_not_found", job=job_id)
        if old.is_private and old.user_id != requester.user_id:
            raise NotFound("job_not_found", job=job_id)
        request = GenerationRequest(
            prompt=old.spec.prompt,
            kind=old.spec.kind,
            model=old.spec.model,
            duration_s=old.spec.duration_s,
            resolution=old.spec.resolution,
            aspect_ratio=old.spec.aspect_ratio,
            audio=old.spec.audio,
            watermark=old.spec.watermark,
            sample=old.spec.sample,
        )
        spec = self.check(request)
        for reference in old.spec.references:
            await self._require(reference)
        return await self._queue_or_discard(
            requester, replace(spec, references=old.spec.references), (), is_private=old.is_private
        )

    async def _require(self, reference: Reference) -> None:
        try:
            await self._store.local(reference.key)
        except MediaRejected as error:
            raise Refused("reference_gone", option=reference.option or reference.role.value) from error

    async def _queue_or_discard(
        self, requester: Requester, spec: Spec, fresh: tuple[Reference, ...], *, is_private: bool
    ) -> Job:
        is_queued = False
        try:
            new = await self._queue(requester, spec, is_private=is_private)
            is_queued = True
        finally:
            if not is_queued:
                await self._intake.discard(fresh)
        self._wake.up()
        return new

    async def _queue(self, requester: Requester, spec: Spec, *, is_private: bool) -> Job:
        cost = self._catalog.quote(spec)
        async with self._database.begin() as connection:
            now = self._clock.now()
            expected_s = await work.expected_s(connection, model=spec.model)
            new = _new_job(requester, spec, cost, now, is_private=is_private, expected_s=expected_s)
            await guilds.save(connection, requester.guild_id, owner_id=requester.guild_owner_id, removed_at=None)
            await jobs.insert(connection, new, cause="accepted")
            levels = await self._levels.find(
                connection, guild_id=new.guild_id, user_id=new.user_id, provider=new.provider, now=now
            )
            await self._hold(connection, levels, new)
            await self._check_cap(connection, new)
        return new

    async def _hold(self, connection: AsyncConnection, levels: settlement.Levels, new: Job) -> None:
        """Hold the quote; a refusal carries the cheapest variant that fits every level."""
        try:
            await settlement.hold(
                connection,
                levels,
                job_id=new.id,
                cost=new.quote,
                guild_id=new.guild_id,
                actor=str(new.user_id),
                now=new.created_at,
            )
        except BudgetRefused as refusal:
            if levels.room:
                refusal.cheaper = self._catalog.cheaper(new.spec, levels.room)
            raise

    async def _check_cap(self, connection: AsyncConnection, new: Job) -> None:
        """Refuse more waiting jobs than the cap. The hold has locked the member's rows, so the count is exact."""
        waiting = await work.count_waiting(connection, guild_id=new.guild_id, user_id=new.user_id)
        if waiting > self._levels.rules.queued_cap:
            raise Refused("queued_cap", cap=self._levels.rules.queued_cap)


def _new_job(
    requester: Requester, spec: Spec, cost: Credits, now: datetime, *, is_private: bool, expected_s: int
) -> Job:
    return Job(
        id=new_job_id(),
        guild_id=requester.guild_id,
        channel_id=requester.channel_id,
        user_id=requester.user_id,
        locale=requester.locale,
        public_locale=requester.public_locale,
        spec=spec,
        is_private=is_private,
        state=JobState.QUEUED,
        created_at=now,
        updated_at=now,
        run_at=now,
        quote=cost,
        size_limit_bytes=requester.size_limit_bytes,
        expected_s=expected_s,
        expected_end_at=now + timedelta(seconds=expected_s),
        card=requester.card,
    )
