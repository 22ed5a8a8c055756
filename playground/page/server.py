"""The page's own web server: static files, a stream per open page, and what its visitors do."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web
from aiohttp.typedefs import Handler

from playground.discord import VirtualDiscord
from playground.page import acts
from playground.page.acts import FILES_BYTES_MAX, BadRequest
from playground.page.cdn_proxy import CdnProxy
from playground.page.guard import add_headers, guard
from playground.page.scene import scene
from playground.page.stream import ViewStream
from playground.page.switches import turn

STATIC = Path(__file__).parent / "static"
LOG_TAIL_BYTES = 12_000


class BotControl(Protocol):
    """The bot's process as the side panel steers it."""

    @property
    def running(self) -> bool:
        """Whether the process is alive."""

    async def start_bot(self) -> None:
        """Start it and wait until it is ready."""

    async def kill_bot(self) -> None:
        """SIGKILL."""

    async def terminate_bot(self) -> tuple[int, float]:
        """SIGTERM; the exit code and the seconds that it took."""

    def log_tail(self, size_bytes: int) -> str:
        """The end of its log."""


class ProviderPanel(Protocol):
    """A simulated provider as the side panel shows it."""

    def faults(self) -> list[dict[str, Any]]:
        """What can be made to go wrong: name, label, and either choices, or toggle, or neither."""

    def state(self) -> dict[str, Any]:
        """title, credits (label → amount), tasks (newest first: id, status, prompt, facts), toggles, waiting."""

    def apply(self, name: str, choice: str | None, on: bool) -> str:
        """Arrange a fault and say in a sentence what will happen. Raises KeyError for an unknown one."""


class PageServer:
    """Serves the page on 127.0.0.1 only."""

    def __init__(self, discord: VirtualDiscord, bot: BotControl, providers: Mapping[str, ProviderPanel]) -> None:
        """`providers` go by a name that is unique here, and are shown in this order."""
        self._discord = discord
        self._bot = bot
        self._providers = dict(providers)
        self._runner: web.AppRunner | None = None
        self.origin = ""

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1:`port` (0: any free one). Raises OSError when the port is in use."""
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=0.2, handler_cancellation=True)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", port).start()
        except OSError:
            await self.stop()
            raise
        self.origin = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Close the port and every open stream."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[guard, say_what_is_wrong], client_max_size=FILES_BYTES_MAX)
        cdn = CdnProxy(self._discord.origin)
        app.on_startup.append(cdn.run)
        app.on_cleanup.append(cdn.close)
        app.on_response_prepare.append(add_headers)
        app.add_routes(
            [
                web.get("/", self._index),
                web.static("/static", STATIC),
                web.get("/cdn/{path:.+}", cdn.handle),
                web.get("/api/start", self._start),
                web.get("/api/stream", self._stream),
                web.get("/api/autocomplete", self._autocomplete),
                web.post("/api/act", self._act),
                web.post("/api/server", self._server),
                web.post("/api/bot", self._steer_bot),
                web.post("/api/fault", self._fault),
            ]
        )
        return app

    async def _index(self, _request: web.Request) -> web.StreamResponse:
        return web.FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})

    async def _start(self, _request: web.Request) -> web.Response:
        first = next(iter(self._discord.people.values()))
        providers = [
            {"name": name, "title": panel.state()["title"], "faults": panel.faults()}
            for name, panel in self._providers.items()
        ]
        return web.json_response(
            {
                "server": scene(self._discord, first),
                "application": {"id": str(self._discord.application_id), "name": "Seedance"},
                "cdn_origin": self._discord.origin,
                "providers": providers,
            }
        )

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        person = acts.person_of(self._discord, request.query)
        channel = acts.channel_of(self._discord, request.query, person)
        view = ViewStream(self._discord, person, channel, request.query["channel"], self.panel)
        return await view.serve(request)

    async def _autocomplete(self, request: web.Request) -> web.Response:
        return web.json_response({"choices": await acts.suggest(self._discord, request.query)})

    async def _act(self, request: web.Request) -> web.Response:
        fields, files = await acts.read_action(request)
        return web.json_response(await acts.carry_out(self._discord, fields, files))

    async def _server(self, request: web.Request) -> web.Response:
        fields, _files = await acts.read_action(request)
        return web.json_response({"said": turn(self._discord, fields)})

    async def _steer_bot(self, request: web.Request) -> web.Response:
        fields, _files = await acts.read_action(request)
        match fields.get("action"):
            case "start":
                await self._bot.start_bot()
                said = "The bot is running again."
            case "kill":
                await self._bot.kill_bot()
                said = "The bot was killed (SIGKILL). What it had promised is in its database."
            case "stop":
                code, seconds = await self._bot.terminate_bot()
                said = f"The bot stopped by itself after {seconds:.1f} s (exit code {code})."
            case other:
                raise BadRequest(f"The bot cannot be told to {other}")
        return web.json_response({"said": said})

    async def _fault(self, request: web.Request) -> web.Response:
        fields, _files = await acts.read_action(request)
        panel = self._providers.get(fields.get("provider", ""))
        if panel is None:
            raise BadRequest(f"There is no provider called {fields.get('provider')} here")
        try:
            said = panel.apply(fields["name"], fields.get("choice"), bool(fields.get("on")))
        except KeyError as error:
            raise BadRequest(f"There is no fault called {error}") from error
        return web.json_response({"said": said})

    def panel(self) -> dict[str, Any]:
        """The side panel's contents: bot, providers by name, log."""
        running, connected = self._bot.running, self._discord.connected
        says = "Running" if running and connected else "Starting…" if running else "Not running"
        dot = "up" if running and connected else "" if running else "down"
        return {
            "bot": {"running": running, "connected": running and connected, "says": says, "dot": dot},
            "providers": {name: panel.state() for name, panel in self._providers.items()},
            "log": self._bot.log_tail(LOG_TAIL_BYTES),
        }


@web.middleware
async def say_what_is_wrong(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 400 to what a visitor asked wrongly, 409 to what the playground could not do, each with a sentence."""
    try:
        return await handler(request)
    except BadRequest as error:
        return web.json_response({"error": str(error)}, status=400)
    except (RuntimeError, TimeoutError) as error:
        return web.json_response({"error": str(error)}, status=409)
