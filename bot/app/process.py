"""One process of the bot, from its settings to its end."""

import asyncio
import logging
import os
import secrets as random
import signal
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from aiohttp import web

import cogs
from bot.app.build import catalog, pacing
from bot.app.desk import measure
from bot.app.outside import SUPPORTED, Outside, open_outside
from bot.app.readiness import Readiness, figures
from bot.app.wiring import Edges, ServiceSet, Wiring
from bot.clock import Clock, SystemClock
from bot.db import guilds, migrate
from bot.db.engine import Database
from bot.discord import guild_report
from bot.discord.client import BotClient
from bot.discord.journal_text import JournalText
from bot.discord.messenger import RestMessenger
from bot.discord.render import Renderer
from bot.discord.sync import sync_commands
from bot.domain.errors import SettingsInvalid
from bot.i18n import Catalogue
from bot.media.charts import Charts
from bot.services.pacing import Pacing
from bot.settings import Settings
from bot.web.listeners import Listeners
from bot.web.metrics import Metrics
from bot.web.private import private_app
from bot.web.public import public_app
from bot.workers.duties import Duties, Duty
from cogs.queue import redraw_panels
from cogs.services import Services

log = logging.getLogger(__name__)

SECRET_KEY = "callback_secret"  # noqa: S105 -- the name of a row, not a secret
SECRET_BYTES = 32
TOKENS_EVERY_S = 15.0
MEDIA_EVERY_S = 600.0
PARKED_EVERY_S = 300.0
REPORTS_EVERY_S = 60.0
JOURNAL_EVERY_S = 5.0
OUTSIDE_MOVES_EVERY_S = 3.0
ALERTS_EVERY_S = 60.0
HOUSEKEEPING_EVERY_S = 3600.0
PANELS_EVERY_S = 10.0
CARDS_EVERY_S = 5.0
STYLES_EVERY_S = 300.0
TIDY_AFTER_S = 86_400.0
STOP_GRACE_S = 13.0
OTHER_PORTS = {"HTTP": 8090, "ADMIN": 8091}  # to choose where the usual ones are taken


class App:
    """Everything of one process. `start`, then `stop`; or `run_until_signal`."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self.database = Database(settings.database_url)
        self.catalogue = Catalogue.load()
        self.offered = catalog(settings, SUPPORTED)
        self.metrics = Metrics(lambda: figures(self.database))
        self.pace: Pacing = pacing(settings, self.database, self.clock)
        self.client = BotClient(
            api_base=settings.discord_api_base,
            observe=lambda _method, _route, status: self.metrics.count_discord_request(status),
            shard_count=settings.shard_count,
            shard_ids=list(settings.shard_ids) if settings.shard_ids else None,
        )
        self.listeners = Listeners()
        self.outside: Outside | None = None
        self.services: ServiceSet | None = None
        self._duties: Duties | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Bring the schema to head, sign in, start listeners, workers and the gateway, in this order.

        Raises:
            SettingsInvalid: Discord refuses the token, a port is taken, or the database is of a newer version.
        """
        await migrate.upgrade(self.database)
        await self.pace.setup()
        outside, services = await self.sign_in(await self._secret())
        await self.sync()
        if self.database.is_sqlite:
            await services.leases.take_over()
        await self._listen(outside, services)
        self._begin(services, outside)
        await services.retention.redraw()
        await services.approvals.redraw_recent()

    async def sign_in(self, secret: bytes) -> tuple[Outside, ServiceSet]:
        """Sign in to Discord and put the commands on the client. Nothing runs yet and the database is not touched.

        `secret` is the root of the signing keys.

        Raises:
            SettingsInvalid: Discord refuses the token.
        """
        outside = open_outside(
            self.settings,
            self.clock,
            secret=secret,
            rate=self.pace,
            observe=self.metrics.count_provider_request,
        )
        self.outside = outside
        token = self.settings.discord_token.get_secret_value() if self.settings.discord_token else ""
        await self.client.sign_in(token)
        services = self._build(outside)
        self.services = services
        await cogs.setup(self.client, self._surface(services))
        return outside, services

    async def _secret(self) -> bytes:
        """Return the root of the signing keys: the setting, else one made once and kept in the database."""
        if self.settings.callback_secret is not None:
            return self.settings.callback_secret.get_secret_value().encode()
        async with self.database.begin() as connection:
            return (await guilds.set_value_once(connection, SECRET_KEY, random.token_hex(SECRET_BYTES))).encode()

    def _build(self, outside: Outside) -> ServiceSet:
        edges = Edges(
            providers=outside.providers,
            messenger=RestMessenger(self.client, Renderer(self.catalogue), self.clock),
            intake=outside.intake,
            store=outside.store,
            workshop=outside.workshop,
            links=outside.links,
            writer=JournalText(self.catalogue),
            measure=measure(self.settings, outside.store.used_bytes),
        )
        wiring = Wiring(
            self.settings,
            self.database,
            self.clock,
            offered=self.offered,
            pace=self.pace,
            edges=edges,
            owners=self.client.owner_ids_of_application(),
            note_state=self.metrics.note_state,
        )
        return wiring.services()

    def _surface(self, services: ServiceSet) -> Services:
        return Services(
            **{one.name: getattr(services, one.name) for one in fields(Services) if hasattr(services, one.name)},
            catalogue=self.catalogue,
            clock=self.clock,
            charts=Charts(),
            token_lifetime_s=self.settings.interaction_token_lifetime_s,
            quote_ttl_s=self.settings.quote_ttl_s,
        )

    async def sync(self, *, is_forced: bool = False) -> bool:
        """Register the commands if they changed, or anyway. Only after `sign_in`. Returns whether it did."""

        async def load(key: str) -> str | None:
            async with self.database.read() as connection:
                return await guilds.value(connection, key)

        async def save(key: str, text: str) -> None:
            async with self.database.begin() as connection:
                await guilds.set_value(connection, key, text)

        return await sync_commands(
            self.client.tree,
            application_id=self.client.application_id or 0,
            guild_id=self.settings.discord_guild_id,
            operator_guild_id=self.settings.operator_guild_id,
            load=load,
            save=save,
            is_forced=is_forced,
        )

    async def _listen(self, outside: Outside, services: ServiceSet) -> None:
        public = public_app(
            callbacks=services.callbacks,
            links=outside.links,
            store=outside.store,
            clock=self.clock,
            count_callback=self.metrics.count_callback,
        )
        await self._open(public, "HTTP", self.settings.http_host, self.settings.http_port)
        if self.settings.admin_port:
            ready = Readiness(self.database, self.client.is_ready, self._is_working)
            private = private_app(readiness=ready.reasons, metrics=self.metrics)
            await self._open(private, "ADMIN", self.settings.admin_host, self.settings.admin_port)

    async def _open(self, served: web.Application, which: str, host: str, port: int) -> None:
        try:
            await self.listeners.start(served, host, port)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else "no such address"
            raise SettingsInvalid(
                f"{which}_PORT: the bot cannot listen on {host} port {port} ({reason}); another program may have the"
                f" port, or {which}_HOST not be an address of this machine. Example: {which}_PORT={OTHER_PORTS[which]}"
            ) from error

    def _begin(self, services: ServiceSet, outside: Outside) -> None:
        async def tidy() -> None:
            await services.retention.media()
            await outside.store.tidy(TIDY_AFTER_S)

        async def show_cards() -> None:
            services.cards.show_again()

        self._duties = Duties(
            self.clock,
            [
                Duty("tokens", TOKENS_EVERY_S, services.retention.tokens),
                Duty("media", MEDIA_EVERY_S, tidy),
                Duty("parked", PARKED_EVERY_S, services.retention.parked),
                Duty("journal", JOURNAL_EVERY_S, services.journal.flush),
                Duty("reports", REPORTS_EVERY_S, services.clip_reports.pass_on),
                Duty("outside moves", OUTSIDE_MOVES_EVERY_S, services.outside_moves.look),
                Duty("alerts", ALERTS_EVERY_S, services.alerts.look),
                Duty("housekeeping", HOUSEKEEPING_EVERY_S, services.retention.housekeeping),
                Duty("styles", STYLES_EVERY_S, services.styles.refresh),
                Duty("cards", CARDS_EVERY_S, show_cards),
                Duty("panels", PANELS_EVERY_S, lambda: redraw_panels(self.client)),
            ],
        )
        self._duties.start()
        self._tasks = [
            asyncio.create_task(services.loop.run(), name="worker loop"),
            asyncio.create_task(self.metrics.watch_loop(self.clock), name="loop lag"),
            asyncio.create_task(self.client.connect(reconnect=True), name="gateway"),
        ]

    def _is_working(self) -> bool:
        return bool(self._tasks) and not self._tasks[0].done()

    async def stop(self) -> None:
        """Stop in reverse order: no new work, running steps finish or are handed back, connections close."""
        try:
            async with asyncio.timeout(STOP_GRACE_S):
                await self._stop_work()
        except TimeoutError:
            log.warning("app.stop_cut_short")
        for task in self._tasks:
            task.cancel()
        await self.client.close()  # discord.py passes over a cancel while it reconnects: only this ends it then
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.outside is not None:
            await self.outside.close()
        await self.database.dispose()

    async def _stop_work(self) -> None:
        if self._duties is not None:
            await self._duties.stop()
        if self.services is not None:
            await self.services.loop.stop()
            await self.services.cards.stop()
        await self.listeners.stop()

    async def run_until_signal(self, announce: Callable[[str], None] = print) -> int:
        """Start, work until SIGTERM or SIGINT (or until the gateway gives up), stop. Returns the exit code."""
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ended.set)
        try:
            await self.start()
            log.info("app.started")
            for warning in self.settings.warnings:
                log.warning("setting.warning", extra={"about": warning})
            announce(f"Invite the bot to a server: {self.client.invite_link()}")
            waiting = asyncio.create_task(ended.wait())
            reporting = asyncio.create_task(self._report(announce), name="report")
            done, _ = await asyncio.wait({waiting, *self._tasks}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            reporting.cancel()
            await asyncio.gather(reporting, return_exceptions=True)
            return _outcome(done - {waiting})
        finally:
            await self.stop()

    async def _report(self, announce: Callable[[str], None]) -> None:
        """Say once the gateway is ready what the bot lacks in each of its servers."""
        await self.client.wait_until_ready()
        for line in guild_report.lines(self.client):
            announce(line)


def _outcome(ended: set[asyncio.Task[Any]]) -> int:
    """Return 0 after a signal; where a part ended by itself, log why and return 1."""
    for task in ended:
        error = None if task.cancelled() else task.exception()
        log.error("app.part_ended", extra={"part": task.get_name(), "error": type(error).__name__})
        if isinstance(error, SettingsInvalid):
            raise error
    return 1 if ended else 0


async def run(settings: Settings, *, announce: Callable[[str], None] = print) -> int:
    """Run the bot until it is told to stop. `announce` gets the lines for the operator's terminal.

    Returns the exit code.
    """
    return await App(settings).run_until_signal(announce)
