"""Builds the services from the settings. Edges (Discord, providers, media) come in as ports."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from bot.app.prices import load_prices
from bot.clock import Clock
from bot.db.engine import Database
from bot.domain.budgets import Period
from bot.domain.catalog import Catalog
from bot.domain.money import MILLI, Credits, Limit
from bot.ports import Links, MediaStore, MediaWorkshop, Messenger, Provider, ReferenceIntake
from bot.services.admission import Admission
from bot.services.approvals import Approvals
from bot.services.budgets import Budgets
from bot.services.callbacks import Callbacks
from bot.services.cancellation import Cancellation
from bot.services.cards import Cards
from bot.services.config import MoneyRules, Timings
from bot.services.delivery import Delivery
from bot.services.dispatch import Dispatch
from bot.services.fetching import Fetching
from bot.services.generation import Generation
from bot.services.guilds import Guilds
from bot.services.leases import Leases
from bot.services.levels import LevelBook
from bot.services.pacing import Pacing
from bot.services.queries import Queries
from bot.services.quotes import Quotes
from bot.services.retention import Retention
from bot.services.status import StatusCheck
from bot.services.submission import Submitter
from bot.services.wake import Wake
from bot.settings import Settings, SettingsError
from bot.workers.loop import NoteState, WorkerLoop, note_nothing
from bot.workers.steps import Steps

SECONDS_A_MINUTE = 60.0
CARD_REST_S = 0.3


def limit(amount: Decimal | None) -> Limit:
    """Turn a setting's amount into a limit; None is unlimited."""
    return None if amount is None else Credits(int(amount * MILLI))


def money_rules(settings: Settings, *, owners: frozenset[int] = frozenset()) -> MoneyRules:
    """Collect what the operator set about budgets. `owners` are the operators where OPERATOR_IDS names none."""
    return MoneyRules(
        member_allowance=limit(settings.member_allowance_credits),
        allowance_period=Period(settings.member_allowance_period),
        guild_pool=limit(settings.guild_pool_credits),
        instance_daily=limit(settings.instance_daily_credits),
        provider_daily={name: limit(settings.provider(name).daily_credits) for name in settings.enabled_providers},
        home_guild_id=settings.discord_guild_id,
        operator_ids=settings.operator_ids or owners,
    )


def timings(settings: Settings) -> Timings:
    """Collect durations."""
    return Timings(
        poll_interval_s=settings.poll_interval_s,
        lease_s=settings.lease_s,
        job_deadline_s=settings.job_deadline_s,
        unknown_deadline_s=settings.unknown_deadline_s,
        search_interval_s=settings.search_interval_s,
        interaction_token_s=settings.interaction_token_lifetime_s,
        quote_ttl_s=settings.quote_ttl_s,
        approval_ttl_s=settings.approval_ttl_s,
        reference_retention=timedelta(days=settings.reference_retention_days),
        clip_retention=timedelta(days=settings.clip_retention_days),
        undelivered_retention=timedelta(days=settings.undelivered_retention_days),
    )


def catalog(settings: Settings, supported: tuple[str, ...]) -> Catalog:
    """Build the catalogue of the providers that have a key.

    Raises:
        SettingsError: no provider, DEFAULT_MODEL is not among the models, or PRICES_FILE is wrong.
    """
    names = [name for name in settings.enabled_providers if name in supported]
    if not names:
        needed = " or ".join(f"{name.replace('-', '_').upper()}_API_KEY" for name in supported)
        raise SettingsError(f"{needed}: is needed and not set. Example: {needed}=your-key")
    rates = {name: settings.provider(name).credit_rate for name in names}
    try:
        return Catalog.build(
            providers=names,
            rates=rates,
            prices=load_prices(settings.prices_file),
            default_model=settings.default_model,
        )
    except SettingsError:
        raise
    except ValueError as error:
        raise SettingsError(f"DEFAULT_MODEL: {error}. Example: DEFAULT_MODEL=seedance2-movie/seedance-2.0") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """The ports of one process."""

    providers: Mapping[str, Provider]
    messenger: Messenger
    intake: ReferenceIntake
    store: MediaStore
    workshop: MediaWorkshop
    links: Links


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSet:
    """Every service of one process."""

    generation: Generation
    quotes: Quotes
    approvals: Approvals
    cards: Cards
    cancellation: Cancellation
    delivery: Delivery
    queries: Queries
    budgets: Budgets
    guilds: Guilds
    callbacks: Callbacks
    retention: Retention
    leases: Leases
    dispatch: Dispatch
    loop: WorkerLoop
    wake: Wake


def pacing(settings: Settings, database: Database, clock: Clock) -> Pacing:
    """Build the shared rate budget and breaker."""
    limits = {
        name: (settings.provider(name).requests_per_minute, SECONDS_A_MINUTE) for name in settings.enabled_providers
    }
    return Pacing(database, clock, limits=limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """Wires the services of one process to each other and to the edges."""

    settings: Settings
    database: Database
    clock: Clock
    offered: Catalog
    pace: Pacing
    edges: Edges
    owners: frozenset[int] = frozenset()
    note_state: NoteState = note_nothing

    def services(self) -> ServiceSet:
        """Build every service."""
        database, clock, edges = self.database, self.clock, self.edges
        times = timings(self.settings)
        levels = LevelBook(money_rules(self.settings, owners=self.owners))
        wake = Wake()
        admission = Admission(self.offered, levels)
        places = {name: self.settings.provider(name).concurrency for name in edges.providers}
        cards = Cards(
            database, clock, messenger=edges.messenger, breaker=self.pace.view, places=places, rest_s=CARD_REST_S
        )
        dispatch = Dispatch(database, clock, breaker=self.pace, places=places, cards=cards)
        quotes = Quotes(database, clock, admission=admission, wake=wake, timings=times)
        approvals = Approvals(
            database,
            clock,
            admission=admission,
            messenger=edges.messenger,
            store=edges.store,
            wake=wake,
            timings=times,
        )
        delivery = self._delivery(times, wake)
        leases = Leases(database, clock, lease_s=times.lease_s)
        steps = self._steps(times, delivery, quotes, approvals)
        return ServiceSet(
            generation=Generation(
                database,
                clock,
                catalog=self.offered,
                admission=admission,
                intake=edges.intake,
                wake=wake,
                timings=times,
            ),
            quotes=quotes,
            approvals=approvals,
            cards=cards,
            cancellation=Cancellation(database, clock, wake=wake),
            delivery=delivery,
            queries=Queries(database, clock, levels=levels),
            budgets=Budgets(database, clock),
            guilds=Guilds(database, clock),
            callbacks=Callbacks(database, clock, wake=wake),
            retention=Retention(database, clock, store=edges.store, cards=cards, timings=times),
            leases=leases,
            dispatch=dispatch,
            loop=WorkerLoop(
                clock,
                leases=leases,
                steps=steps,
                dispatch=dispatch,
                cards=cards,
                wake=wake,
                lease_s=times.lease_s,
                note_state=self.note_state,
            ),
            wake=wake,
        )

    def _delivery(self, times: Timings, wake: Wake) -> Delivery:
        return Delivery(
            self.database,
            self.clock,
            messenger=self.edges.messenger,
            workshop=self.edges.workshop,
            store=self.edges.store,
            links=self.edges.links,
            wake=wake,
            timings=times,
        )

    def _steps(self, times: Timings, delivery: Delivery, quotes: Quotes, approvals: Approvals) -> Steps:
        submitter = Submitter(
            self.database,
            self.clock,
            providers=self.edges.providers,
            breaker=self.pace,
            store=self.edges.store,
            links=self.edges.links,
            timings=times,
        )
        status = StatusCheck(
            self.database,
            self.clock,
            providers=self.edges.providers,
            breaker=self.pace,
            catalog=self.offered,
            submitter=submitter,
            timings=times,
        )
        fetching = Fetching(
            self.database,
            self.clock,
            workshop=self.edges.workshop,
            providers=self.edges.providers,
            timings=times,
        )
        return Steps(submitter, status, fetching, delivery, quotes, approvals)
