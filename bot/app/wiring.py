"""Wires the services of one process to each other and to the edges, which come in as ports."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bot.app.build import money_rules, timings
from bot.clock import Clock
from bot.db.engine import Database
from bot.domain.catalog import Catalog
from bot.ports import Links, MediaStore, MediaWorkshop, Messenger, Provider, ReferenceIntake
from bot.services.admission import Admission
from bot.services.alerts import LOW_CLIPS, Alerts, AlertWriter, clip_costs
from bot.services.approvals import Approvals
from bot.services.balances import Balances
from bot.services.board import Board
from bot.services.budgets import Budgets
from bot.services.callbacks import Callbacks
from bot.services.cancellation import Cancellation
from bot.services.cards import Cards
from bot.services.clip_reports import ClipReports
from bot.services.config import Timings
from bot.services.delivery import Delivery
from bot.services.dispatch import Dispatch
from bot.services.fetching import Fetching
from bot.services.generation import Generation
from bot.services.guilds import Guilds
from bot.services.journal import Journal, LineWriter
from bot.services.leases import Leases
from bot.services.levels import LevelBook
from bot.services.moderation import Moderation
from bot.services.operator_desk import DeskRules, Measure, OperatorDesk
from bot.services.outside_moves import OutsideMoves
from bot.services.pacing import Pacing
from bot.services.privacy import Privacy
from bot.services.queries import Queries
from bot.services.quotes import Quotes
from bot.services.refunds import Refunds
from bot.services.rerun import Rerun
from bot.services.retention import Retention
from bot.services.sharing import Sharing
from bot.services.standing import Standings
from bot.services.status import StatusCheck
from bot.services.styles import Styles
from bot.services.submission import Submitter
from bot.services.usage import Usage
from bot.services.wake import Wake
from bot.settings import Settings
from bot.workers.loop import NoteState, WorkerLoop, note_nothing
from bot.workers.steps import Steps

CARD_REST_S = 0.3
#: Fetching a clip and putting it into the channel seldom take longer.
CARD_PASSING_S = 2.0


class Writer(LineWriter, AlertWriter, Protocol):
    """Makes words of what the services tell moderators and operators."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """The ports of one process, and who makes words of what the services tell."""

    providers: Mapping[str, Provider]
    messenger: Messenger
    intake: ReferenceIntake
    store: MediaStore
    workshop: MediaWorkshop
    links: Links
    writer: Writer
    measure: Measure


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSet:
    """Every service of one process."""

    generation: Generation
    quotes: Quotes
    approvals: Approvals
    rerun: Rerun
    cards: Cards
    cancellation: Cancellation
    delivery: Delivery
    sharing: Sharing
    queries: Queries
    standings: Standings
    usage: Usage
    board: Board
    budgets: Budgets
    refunds: Refunds
    moderation: Moderation
    clip_reports: ClipReports
    privacy: Privacy
    operator_desk: OperatorDesk
    alerts: Alerts
    outside_moves: OutsideMoves
    journal: Journal
    guilds: Guilds
    styles: Styles
    callbacks: Callbacks
    retention: Retention
    leases: Leases
    loop: WorkerLoop


class Wiring:
    """Makes each service once, in the order in which they need each other."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: Clock,
        *,
        offered: Catalog,
        pace: Pacing,
        edges: Edges,
        owners: frozenset[int] = frozenset(),
        note_state: NoteState = note_nothing,
    ) -> None:
        """`owners` are the operators where OPERATOR_IDS names none."""
        self.database, self.clock, self.edges = database, clock, edges
        self.settings, self.offered, self.pace, self.note_state = settings, offered, pace, note_state
        self.operator_ids = settings.operator_ids or owners
        self.timings: Timings = timings(settings)
        self.levels = LevelBook(money_rules(settings, owners=owners))
        self.admission = Admission(offered, self.levels)
        self.wake = Wake()
        self.places = {name: settings.provider(name).concurrency for name in edges.providers}
        self.cancellable = frozenset(name for name, one in edges.providers.items() if one.traits.has_cancel)
        self.cards = Cards(
            database,
            clock,
            messenger=edges.messenger,
            breaker=pace.view,
            places=self.places,
            cancellable=self.cancellable,
            timings=self.timings,
            rest_s=CARD_REST_S,
            passing_s=CARD_PASSING_S,
        )
        self.quotes = Quotes(database, clock, admission=self.admission, wake=self.wake, timings=self.timings)
        self.approvals = self._approvals()
        self.delivery = self._delivery()
        self.leases = Leases(database, clock, lease_s=self.timings.lease_s)

    def services(self) -> ServiceSet:
        """Make every service."""
        database, clock, edges, levels = self.database, self.clock, self.edges, self.levels
        generation = Generation(
            database,
            clock,
            catalog=self.offered,
            admission=self.admission,
            intake=edges.intake,
            links=edges.links,
            wake=self.wake,
            timings=self.timings,
        )
        budgets, balances = Budgets(database, clock), self._balances()
        return ServiceSet(
            generation=generation,
            quotes=self.quotes,
            approvals=self.approvals,
            rerun=Rerun(
                database, generation=generation, catalog=self.offered, store=edges.store, workshop=edges.workshop
            ),
            cards=self.cards,
            cancellation=Cancellation(database, clock, wake=self.wake, cancellable=self.cancellable),
            delivery=self.delivery,
            sharing=self._sharing(),
            queries=Queries(database, clock, levels=levels),
            standings=Standings(database, clock, levels=levels),
            usage=Usage(database, clock, levels=levels),
            board=Board(database),
            budgets=budgets,
            refunds=Refunds(database, clock),
            moderation=Moderation(database, clock, levels=levels, catalog=self.offered),
            clip_reports=ClipReports(database, clock),
            privacy=Privacy(database, clock, store=edges.store),
            operator_desk=self._operator_desk(budgets, balances),
            alerts=self._alerts(balances),
            outside_moves=OutsideMoves(database, cards=self.cards),
            journal=Journal(database, clock, messenger=edges.messenger, writer=edges.writer),
            guilds=Guilds(database, clock),
            styles=Styles(database, clock, providers=edges.providers, catalog=self.offered),
            callbacks=Callbacks(database, clock, wake=self.wake),
            retention=Retention(database, clock, store=edges.store, cards=self.cards, timings=self.timings),
            leases=self.leases,
            loop=self._loop(),
        )

    def _loop(self) -> WorkerLoop:
        dispatch = Dispatch(
            self.database, self.clock, breaker=self.pace, places=self.places, cards=self.cards, rate=self.pace
        )
        return WorkerLoop(
            self.clock,
            leases=self.leases,
            steps=self._steps(),
            dispatch=dispatch,
            cards=self.cards,
            wake=self.wake,
            lease_s=self.timings.lease_s,
            note_state=self.note_state,
        )

    def _balances(self) -> Balances:
        filled = {name: cost * LOW_CLIPS for name, cost in clip_costs(self.offered).items()}
        return Balances(
            self.database, self.clock, providers=self.edges.providers, breaker=self.pace, filled_from=filled
        )

    def _alerts(self, balances: Balances) -> Alerts:
        return Alerts(
            self.database,
            self.clock,
            messenger=self.edges.messenger,
            balances=balances,
            writer=self.edges.writer,
            operator_ids=self.operator_ids,
            clip_costs=clip_costs(self.offered),
            has_callbacks=self.settings.public_base_url is not None,
            intake=self.edges.intake,
            measure=self.edges.measure,
            unknown_deadline_s=self.timings.unknown_deadline_s,
        )

    def _operator_desk(self, budgets: Budgets, balances: Balances) -> OperatorDesk:
        announcing = [name for name, one in self.edges.providers.items() if one.traits.has_callback]
        rules = DeskRules(
            operator_ids=self.operator_ids,
            guild_id=self.settings.operator_guild_id,
            providers=list(self.edges.providers),
            announcing=frozenset(announcing if self.settings.public_base_url else ()),
            unknown_deadline_s=self.timings.unknown_deadline_s,
        )
        return OperatorDesk(
            self.database,
            self.clock,
            rules=rules,
            levels=self.levels,
            breaker=self.pace,
            balances=balances,
            budgets=budgets,
            cards=self.cards,
            measure=self.edges.measure,
        )

    def _approvals(self) -> Approvals:
        return Approvals(
            self.database,
            self.clock,
            admission=self.admission,
            messenger=self.edges.messenger,
            store=self.edges.store,
            wake=self.wake,
            timings=self.timings,
        )

    def _delivery(self) -> Delivery:
        return Delivery(
            self.database,
            self.clock,
            messenger=self.edges.messenger,
            workshop=self.edges.workshop,
            store=self.edges.store,
            links=self.edges.links,
            wake=self.wake,
            timings=self.timings,
        )

    def _sharing(self) -> Sharing:
        return Sharing(
            self.database,
            self.clock,
            messenger=self.edges.messenger,
            workshop=self.edges.workshop,
            store=self.edges.store,
            links=self.edges.links,
            timings=self.timings,
        )

    def _steps(self) -> Steps:
        submitter = Submitter(
            self.database,
            self.clock,
            providers=self.edges.providers,
            breaker=self.pace,
            store=self.edges.store,
            links=self.edges.links,
            timings=self.timings,
            rate=self.pace,
        )
        status = StatusCheck(
            self.database,
            self.clock,
            providers=self.edges.providers,
            breaker=self.pace,
            catalog=self.offered,
            submitter=submitter,
            timings=self.timings,
        )
        fetching = Fetching(
            self.database,
            self.clock,
            workshop=self.edges.workshop,
            providers=self.edges.providers,
            timings=self.timings,
        )
        return Steps(submitter, status, fetching, self.delivery, self.quotes, self.approvals)
