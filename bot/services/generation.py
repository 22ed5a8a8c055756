"""Accepting a request: rules, quote, caps, holds and the job row in one transaction."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.db import guilds, jobs, members, queue, work
from bot.db.engine import Database
from bot.domain.catalog import Catalog
from bot.domain.errors import MediaRejected, Refused
from bot.domain.jobs import CardTarget, Job, JobState, new_job_id
from bot.domain.money import Credits
from bot.domain.requests import GenerationRequest, Kind, Reference, Spec
from bot.domain.rules import GuildRules, Place
from bot.ports import Links, ReferenceIntake
from bot.services.admission import Admission, first_state, note_refusal
from bot.services.config import Timings
from bot.services.reference_links import NO_LINK, reference_link
from bot.services.wake import Wake

#: The order in which references are sent.
REFERENCE_OPTIONS = ("start_image", "end_image", "reference_1", "reference_2", "reference_3", "reference_4")
#: Open quotes of one member; the oldest lapses for a new one. They hold no credits, but their references take room.
MAX_QUOTES = 5


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
    is_age_restricted: bool = False

    @property
    def place(self) -> Place:
        """Where, as the rules mean it."""
        return Place(self.parent_channel_id, self.is_age_restricted)


@dataclass(frozen=True, slots=True)
class Offer:
    """A model and what it would make of a request, at what price; both None where it cannot serve it."""

    model: str
    spec: Spec | None = None
    cost: Credits | None = None


class Generation:
    """Turns requests into quoted, waiting or queued jobs."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        catalog: Catalog,
        admission: Admission,
        intake: ReferenceIntake,
        links: Links,
        wake: Wake,
        timings: Timings,
    ) -> None:
        self._database = database
        self._clock = clock
        self._catalog = catalog
        self._admission = admission
        self._intake = intake
        self._links = links
        self._wake = wake
        self._timings = timings

    def model_keys(self, kind: Kind) -> list[str]:
        """Return the models on offer that make clips, or pictures, as shown to people."""
        return self._catalog.models_of(kind)

    def offers(self, request: GenerationRequest) -> list[Offer]:
        """Say what each model of the request's kind would make of it, whichever it names. No I/O.

        Those that can serve it come first, each group in the catalogue's order.
        """
        found = [self._offer(replace(request, model=key), key) for key in self._catalog.models_of(request.kind)]
        return sorted(found, key=lambda one: one.spec is None)

    def _offer(self, request: GenerationRequest, key: str) -> Offer:
        try:
            spec = self._catalog.decide(request)
            return Offer(key, spec, self._catalog.quote(spec))
        except Refused:
            return Offer(key)

    def check(self, request: GenerationRequest) -> Spec:
        """Decide every option of a request. No I/O.

        Raises:
            Refused: what is wrong and what would work.
        """
        return self._catalog.decide(request)

    async def accept(
        self,
        requester: Requester,
        request: GenerationRequest,
        spec: Spec,
        *,
        kept: tuple[Reference, ...] = (),
        source_job_id: str | None = None,
    ) -> Job:
        """Check the rules, store the references, then check again and make the job in one transaction.

        `kept` are references of an earlier job (`source_job_id`) that are used again. The job is `quoted` where the
        server wants a quote confirmed first (nothing is held then), `awaiting_approval`, or `queued`.

        Raises:
            MediaRejected: a reference is not what it must be.
            BudgetRefused: a level cannot take the cost.
            Refused: any other rule. Nothing was held and no new reference was kept.
        """
        spec = await self._admit(requester, request, spec)
        self._catalog.quote(spec)
        if not await self._intake.has_room():
            raise Refused("storage_full")
        fresh = await self._intake.store(request.attachments, self._catalog.model(spec.model))
        spec = replace(spec, references=tuple(sorted((*kept, *fresh), key=_place_of)))
        try:
            self._require_links(spec)
        except MediaRejected:
            await self._intake.discard(fresh)
            raise
        try:
            new = await self._make(requester, spec, is_private=request.private, source_job_id=source_job_id)
        except Refused as refusal:  # after anything else the job may be there; the daily sweep takes what no job names
            await self._intake.discard(fresh)
            await self._note(requester, refusal)
            raise
        self._wake.up()
        return new

    def _require_links(self, spec: Spec) -> None:
        """Refuse references that a provider must fetch by itself where there is no address at which it could.

        Raises:
            MediaRejected: `no_link`, with the option that it came by.
        """
        if not self._catalog.model(spec.model).takes_links:
            return
        now = self._clock.now()
        for reference in spec.references:
            if reference_link(self._links, reference, now=now, expires_at=now) is None:
                raise MediaRejected(NO_LINK, option=reference.option)

    async def _admit(self, requester: Requester, request: GenerationRequest, spec: Spec) -> Spec:
        """Check the rules before anything is fetched; what was not chosen gives way to what the server allows."""
        try:
            async with self._database.read() as connection:
                rules = await guilds.rules(connection, requester.guild_id)
                spec = self._catalog.decide(self._within(rules, request, spec, requester.place))
                await self._admission.check(
                    connection,
                    guild_id=requester.guild_id,
                    user_id=requester.user_id,
                    place=requester.place,
                    spec=spec,
                    now=self._clock.now(),
                    rules=rules,
                )
        except Refused as refusal:
            await self._note(requester, refusal)
            raise
        return spec

    def _within(self, rules: GuildRules, request: GenerationRequest, spec: Spec, place: Place) -> GenerationRequest:
        """Return the request with a model, length and resolution that the server allows, where none was chosen."""
        seed = spec.seed if spec.is_seed_chosen else None
        model = spec.model if request.model else self._default_model(rules, spec, place)
        ability = self._catalog.model(model)
        duration_s = request.duration_s
        is_video = ability.kind is Kind.VIDEO
        if duration_s is None and is_video and not request.shots and rules.longest_s is not None:
            duration_s = max(ability.min_duration_s, min(ability.default_duration_s, rules.longest_s))
        resolution = request.resolution
        if resolution is None and rules.highest_resolution is not None:
            allowed = [one for one in ability.resolutions if rules.allows_size(0, one)]
            fits = not allowed or ability.default_resolution in allowed
            resolution = ability.default_resolution if fits else allowed[-1]
        return replace(request, model=model, duration_s=duration_s, resolution=resolution, seed=seed)

    def _default_model(self, rules: GuildRules, spec: Spec, place: Place) -> str:
        def is_open(key: str) -> bool:
            return rules.allows_model(key) and (place.is_age_restricted or key not in rules.restricted_models)

        usual = spec.model
        return next((key for key in (usual, *self._catalog.models_of(spec.kind)) if is_open(key)), usual)

    async def _note(self, requester: Requester, refusal: Refused) -> None:
        await note_refusal(
            self._database,
            refusal,
            guild_id=requester.guild_id,
            user_id=requester.user_id,
            channel_id=requester.channel_id,
            now=self._clock.now(),
        )

    async def _make(self, requester: Requester, spec: Spec, *, is_private: bool, source_job_id: str | None) -> Job:
        cost = self._catalog.quote(spec)
        async with self._database.begin() as connection:
            now = self._clock.now()
            guild = await guilds.save_owner(connection, requester.guild_id, owner_id=requester.guild_owner_id)
            await members.remember(
                connection,
                guild_id=requester.guild_id,
                user_id=requester.user_id,
                role_ids=requester.role_ids,
                now=now,
            )
            rules = await self._admission.check(
                connection,
                guild_id=requester.guild_id,
                user_id=requester.user_id,
                place=requester.place,
                spec=spec,
                now=now,
                rules=GuildRules.from_json(guild.settings),
            )
            expected_s = await work.expected_s(connection, model=spec.model)
            new = replace(
                _new_job(requester, spec, cost, now, is_private=is_private, expected_s=expected_s),
                state=first_state(rules, cost, is_confirmed=False),
                source_job_id=source_job_id,
                public_locale=rules.language or requester.public_locale,
            )
            if new.state is JobState.QUOTED:
                return await self._quote(connection, new, rules, requester.role_ids)
            await jobs.insert(connection, new, cause="accepted")
            await self._admission.hold(connection, new, rules, role_ids=requester.role_ids, now=now, guild=guild)
            await jobs.note_job(connection, new, "job.accepted", now=now)
        return new

    async def _quote(self, connection: AsyncConnection, new: Job, rules: GuildRules, role_ids: tuple[int, ...]) -> Job:
        """Store a quote: nothing is held, but what could not be held now is refused now."""
        now = new.created_at
        async with connection.begin_nested() as trial:
            await jobs.insert(connection, replace(new, state=JobState.QUEUED), cause="tried")
            await self._admission.hold(connection, new, rules, role_ids=role_ids, now=now)
            await trial.rollback()
        for old in await queue.surplus_quotes(
            connection, guild_id=new.guild_id, user_id=new.user_id, keep=MAX_QUOTES - 1
        ):
            await jobs.move_locked(connection, old, JobState.EXPIRED, now=now, cause="a newer quote took its place")
        quoted = replace(new, card=None, run_at=now + timedelta(seconds=self._timings.quote_ttl_s))
        await jobs.insert(connection, quoted, cause="quoted")
        return quoted


def _place_of(reference: Reference) -> int:
    """Return where a reference stands among the options of the command; the provider gets them in this order."""
    return REFERENCE_OPTIONS.index(reference.option) if reference.option in REFERENCE_OPTIONS else 0


def _new_job(
    requester: Requester, spec: Spec, cost: Credits, now: datetime, *, is_private: bool, expected_s: int
) -> Job:
    return Job(
        id=new_job_id(),
        guild_id=requester.guild_id,
        channel_id=requester.channel_id,
        parent_channel_id=requester.parent_channel_id,
        is_age_restricted=requester.is_age_restricted,
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
