"""Alerts: what the operator must see to, told once by direct message and in the log until it is well again."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.db import board, breakers, values, work
from bot.db.engine import Database
from bot.domain.catalog import Catalog
from bot.domain.errors import DeliveryError, DeliveryForbidden, DeliveryTooLarge, Refused
from bot.domain.requests import GenerationRequest, Kind
from bot.ports import Messenger, Notice, ReferenceIntake
from bot.services.balances import Balances, Figure
from bot.services.operator_desk import Measure

log = logging.getLogger(__name__)

PREFIX = "alert:"
#: A balance is low below the larger of a tenth of what it was when filled up, and the cost of so many default clips.
LOW_SHARE = Decimal("0.1")
LOW_CLIPS = 20
#: It is well again only clearly above that, so that a refund does not tell the same thing twice.
WELL_FACTOR = Decimal("1.1")
#: Breakers that a person must see to. `paused` is the operator's own doing.
BREAKER_KINDS = ("key", "credits", "outage")
MOST_TRIES = 10  # to tell an alert to those whom Discord did not reach
MOST_NAMED = 5  # jobs in one alert
MOST_COUNTED = 1000
#: For how long a clip that was lost is a trouble of today; nothing can be done for it but to look why.
LOST_FOR = timedelta(hours=1)
ROOM_AGAIN = 2  # jobs
GIBIBYTE = 1024**3


class AlertWriter(Protocol):
    """Makes a message of an alert."""

    def alert(self, kind: str, params: Mapping[str, object]) -> str:
        """Return the text, at most 2000 characters."""
        ...


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is wrong now: `kind` names its sentence, `subject` is what it is about (a provider, `jobs`)."""

    kind: str
    subject: str
    params: Mapping[str, object] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Its row while it lasts."""
        return f"{PREFIX}{self.kind}:{self.subject}"


def clip_costs(offered: Catalog) -> dict[str, Decimal]:
    """Return what each provider's default clip costs, in the provider's own credits."""
    costs: dict[str, Decimal] = {}
    for key in (offered.default_model, *offered.models):
        model = offered.models[key]
        if model.provider in costs or model.kind is not Kind.VIDEO:
            continue
        try:
            cost = offered.quote(offered.decide(GenerationRequest("a default clip", model=key)))
        except Refused:
            continue
        costs[model.provider] = cost.amount / offered.rates[model.provider]
    return costs


def low_below(figure: Figure, clip_cost: Decimal) -> Decimal:
    """Return the balance under which an account is low."""
    return max(figure.highest * LOW_SHARE, clip_cost * LOW_CLIPS)


class Alerts:
    """Looks for trouble and tells the operators. Closed direct messages leave the log."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        messenger: Messenger,
        balances: Balances,
        writer: AlertWriter,
        operator_ids: frozenset[int],
        clip_costs: Mapping[str, Decimal],
        has_callbacks: bool,
        intake: ReferenceIntake,
        measure: Measure,
        unknown_deadline_s: float,
    ) -> None:
        """`clip_costs` has the cost of a default clip of every provider in use, in the provider's credits."""
        self._database = database
        self._clock = clock
        self._messenger = messenger
        self._balances = balances
        self._writer = writer
        self._operator_ids = operator_ids
        self._clip_costs = clip_costs
        self._has_callbacks = has_callbacks
        self._intake = intake
        self._measure = measure
        self._unknown_deadline = timedelta(seconds=unknown_deadline_s)

    async def look(self) -> None:
        """Tell what is newly wrong, tell again those whom Discord did not reach, forget what is well again.

        One read, one more transaction for each alert that begins, is told, or ends.
        """
        async with self._database.read() as connection:
            known = await values.read_all(connection, PREFIX)
        figures = {name: await self._balances.figure(name) for name in self._clip_costs}
        found = {one.key: one for one in await self._troubles(known, figures)}
        for key, state in known.items():
            if key not in found:
                await self._close(key, state)
        for key, trouble in found.items():
            begun = known.get(key) or await self._open(trouble)
            if begun is not None:
                await self._tell(trouble, begun)

    async def _troubles(self, known: Mapping[str, object], figures: Mapping[str, Figure | None]) -> list[Trouble]:
        now = self._clock.now()
        found = await self._room(known)
        async with self._database.read() as connection:
            for provider, figure in figures.items():
                if figure is not None:
                    found += self._balance(provider, figure, known)
                found += await self._of_provider(connection, provider)
            parked = await board.parked(connection, limit=MOST_COUNTED)
            unresolved = await board.unresolved(
                connection, unknown_before=now - self._unknown_deadline, limit=MOST_COUNTED
            )
            lost = await board.lost(connection, since=now - LOST_FOR, limit=MOST_COUNTED)
        return [*found, *_of_jobs("parked", parked), *_of_jobs("unknown", unresolved), *_of_jobs("lost", lost)]

    async def _room(self, known: Mapping[str, object]) -> list[Trouble]:
        """Look at the room for data; where there was none, only some for several jobs is enough."""
        trouble = Trouble("room", "data")
        if await self._intake.has_room(ROOM_AGAIN if trouble.key in known else 1):
            return []
        disk = await self._measure()
        used, limit, free = (
            f"{size / GIBIBYTE:.1f} GiB" for size in (disk.used_bytes, disk.limit_bytes, disk.free_bytes)
        )
        return [replace(trouble, params={"used": used, "limit": limit, "free": free})]

    def _balance(self, provider: str, figure: Figure, known: Mapping[str, object]) -> list[Trouble]:
        threshold = low_below(figure, self._clip_costs[provider])
        params = {"provider": provider, "balance": _number(figure.amount), "threshold": _number(threshold)}
        trouble = Trouble("balance", provider, params)
        is_low = figure.amount < (threshold * WELL_FACTOR if trouble.key in known else threshold)
        return [trouble] if is_low else []

    async def _of_provider(self, connection: AsyncConnection, provider: str) -> list[Trouble]:
        reason = (await breakers.read(connection, provider)).reason
        params = {"provider": provider, "variable": f"{provider.replace('-', '_').upper()}_API_KEY"}
        found = [Trouble(reason, provider, params)] if reason in BREAKER_KINDS else []
        if self._has_callbacks and await work.are_callbacks_silent(connection, provider):
            found.append(Trouble("callbacks", provider, params | {"count": work.SILENT_AFTER}))
        return found

    async def _open(self, trouble: Trouble) -> dict[str, Any] | None:
        """Begin an alert. None where another process begins it."""
        state: dict[str, Any] = {"since": self._clock.now().isoformat(), "told": [], "tries": 0}
        async with self._database.begin() as connection:
            if not await values.swap(connection, trouble.key, None, state):
                return None
        log.error("alert.opened", extra={"kind": trouble.kind, "subject": trouble.subject})
        return state

    async def _close(self, key: str, state: dict[str, Any]) -> None:
        async with self._database.begin() as connection:
            is_ours = await values.swap(connection, key, state, None)
        if is_ours:
            log.warning("alert.closed", extra={"alert": key.removeprefix(PREFIX)})

    async def _tell(self, trouble: Trouble, state: dict[str, Any]) -> None:
        left = sorted(self._operator_ids - set(state["told"]))
        if not left or state["tries"] >= MOST_TRIES:
            return
        text = self._writer.alert(trouble.kind, trouble.params)
        told = [*state["told"], *[one for one in left if await self._reach(one, trouble, state["since"], text)]]
        async with self._database.begin() as connection:
            await values.swap(connection, trouble.key, state, state | {"told": told, "tries": state["tries"] + 1})

    async def _reach(self, user_id: int, trouble: Trouble, since: str, text: str) -> bool:
        """Send one direct message. False where it is worth another try; the nonce keeps it from coming twice."""
        nonce = hashlib.sha256(f"{trouble.key} {since} {user_id}".encode()).hexdigest()[:20]
        try:
            channel_id = await self._messenger.open_direct(user_id)
            await self._messenger.post_notice(channel_id, Notice(text=text, nonce=f"al-{nonce}"))
        except DeliveryError as error:
            is_closed = isinstance(error, DeliveryForbidden | DeliveryTooLarge)
            log.warning("alert.not_told", extra={"kind": trouble.kind, "code": error.code, "is_closed": is_closed})
            return is_closed
        return True


def _of_jobs(kind: str, job_ids: Sequence[str]) -> list[Trouble]:
    if not job_ids:
        return []
    named = ", ".join(f"`{job_id}`" for job_id in job_ids[:MOST_NAMED])
    more = " …" if len(job_ids) > MOST_NAMED else ""
    return [Trouble(kind, "jobs", {"count": len(job_ids), "jobs": named + more})]


def _number(amount: Decimal) -> str:
    return f"{amount.quantize(Decimal('0.01')):f}"
