"""The whole playground in one object: simulated Discord and providers, page, and the bot itself as a child process."""

import asyncio
import contextlib
import random
import socket
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

import aiohttp

from playground.discord import VirtualDiscord
from playground.emulators import PROVIDERS, Emulators
from playground.page import PageServer
from playground.page.panels import panels_of
from playground.rig_bot import BotProcess, bot_command

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 5.0
"""How long the bot may take to stop at the end; what it then leaves is in its database."""
COMMAND_TIMEOUT_S = 60.0
POLL_S = 0.05
ERROR_LOG_BYTES = 2000
OWN_PORTS = range(10_000, 32_768)
"""Linux gives ports from 32768 on to whoever asks for any (ip_local_port_range)."""
PORT_TRIES = 100


class Rig:
    """Made by `start`, ended by `stop`. Restarts of the bot keep its ports, so that callback addresses stay valid."""

    def __init__(
        self, discord: VirtualDiscord, emulators: Emulators, data_dir: Path, providers: Sequence[str] = PROVIDERS
    ) -> None:
        """`providers` are those that the bot gets a key of."""
        self.discord = discord
        self.emulators = emulators
        self.movie, self.ai, self.tv = emulators.movie, emulators.ai, emulators.tv
        self.providers = tuple(providers)
        self.data_dir = data_dir.resolve()
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.http_port, self.admin_port = free_ports(2)
        self.page: PageServer | None = None
        self._own_command = True
        self._bot = BotProcess([], {}, self.data_dir)

    @classmethod
    async def start(
        cls,
        data_dir: Path,
        *,
        database_url: str | None = None,
        bot_env: Mapping[str, str] | None = None,
        page_port: int | None = None,
        start_bot: bool = True,
        command: Sequence[str] | None = None,
        providers: Sequence[str] = PROVIDERS,
    ) -> Self:
        """Start everything, and wait until the bot is ready.

        `page_port` None means no page, 0 any free port. `bot_env` adds settings to the bot's environment. `command`
        runs another program in the bot's place; then a gateway connection with registered commands counts as ready.
        `providers` are those that the bot gets a key of; the first model of the first one is its default.

        Raises:
            KeyError: a provider of `providers` does not exist.
            OSError: the page's port is in use.
            RuntimeError: the bot ended while it was starting; the message has the end of its log.
            TimeoutError: the bot was not ready in time.
        """
        commands_path = data_dir / "discord-commands.json"
        discord = await VirtualDiscord.start(commands_path=commands_path)
        rig = cls(discord, await Emulators.start(), data_dir, providers)
        rig._own_command = command is None
        async with AsyncExitStack() as undo:
            undo.push_async_callback(rig.stop)
            settings = rig.settings(database_url) | dict(bot_env or {})
            rig._bot = BotProcess(command or bot_command(), settings, rig.data_dir)
            if page_port is not None:
                page = PageServer(rig.discord, rig, panels_of(rig.emulators, rig.providers))
                await page.start(page_port)
                rig.page = page
            if start_bot:
                await rig.start_bot()
            undo.pop_all()
        return rig

    async def stop(self) -> None:
        """End the bot and close every port."""
        await self._bot.terminate(STOP_TIMEOUT_S)
        if self.page is not None:
            await self.page.stop()
        await self.emulators.stop()
        await self.discord.stop()

    def settings(self, database_url: str | None = None) -> dict[str, str]:
        """The bot's environment: settings that make sense in production, with addresses of this machine."""
        return {
            "DISCORD_TOKEN": self.discord.token,
            "DISCORD_API_BASE": f"{self.discord.origin}/api/v10",
            "DISCORD_GUILD_ID": str(self.discord.guild_id),
            "DATABASE_URL": database_url or f"sqlite+aiosqlite:///{self.data_dir / 'bot.db'}",
            "DATA_DIR": str(self.data_dir),
            "HTTP_HOST": "127.0.0.1",
            "HTTP_PORT": str(self.http_port),
            "ADMIN_HOST": "127.0.0.1",
            "ADMIN_PORT": str(self.admin_port),
            "PUBLIC_BASE_URL": f"http://127.0.0.1:{self.http_port}",
            "PROVIDER_ALLOW_PRIVATE_HOSTS": "true",
            **self.emulators.settings(self.providers),
        }

    # -- the bot's process ----------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether the bot's process is alive."""
        return self._bot.running

    @property
    def bot_pid(self) -> int | None:
        """The bot's process id while it runs."""
        return self._bot.pid

    @property
    def bot_log_path(self) -> Path:
        """Everything that the bot printed, over all its starts."""
        return self._bot.log_path

    def log_tail(self, size_bytes: int) -> str:
        """The end of the bot's log."""
        return self._bot.log_tail(size_bytes)

    async def start_bot(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Start the bot if it does not run, and wait until it is ready. Raises what `start` raises for the bot."""
        if self._bot.running:
            return
        await self._bot.launch()
        try:
            async with asyncio.timeout(timeout_s):
                await self._until_ready()
        except TimeoutError as error:
            raise TimeoutError(f"The bot was not ready after {timeout_s:.0f} s. {self._last_words()}") from error

    async def kill_bot(self) -> None:
        """SIGKILL to the bot and its children."""
        await self._bot.kill()

    async def terminate_bot(self, timeout_s: float = 20) -> tuple[int, float]:
        """SIGTERM; the exit code and the seconds until the bot was gone."""
        return await self._bot.terminate(timeout_s)

    async def run_command(self, *arguments: str, timeout_s: float = COMMAND_TIMEOUT_S) -> tuple[int, str]:
        """Run `python -m bot ARGUMENTS` with the bot's settings: its exit code, and what it printed."""
        return await self._bot.run_beside(arguments, timeout_s)

    async def restart(self) -> None:
        """SIGKILL, then start again."""
        await self.kill_bot()
        await self.start_bot()

    async def _until_ready(self) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            while not await self._is_ready(session):
                if not self._bot.running:
                    raise RuntimeError(f"The bot ended while it was starting. {self._last_words()}")
                await asyncio.sleep(POLL_S)

    async def _is_ready(self, session: aiohttp.ClientSession) -> bool:
        channel = next(iter(self.discord.channels.values()))
        if not self.discord.connected or not self.discord.commands(self.discord.people["owner"], channel):
            return False
        if not self._own_command:
            return True
        try:
            async with session.get(f"http://127.0.0.1:{self.admin_port}/readyz") as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    def _last_words(self) -> str:
        return f"The end of {self.bot_log_path}:\n{self.log_tail(ERROR_LOG_BYTES)}"


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listened on a moment ago, all different.

    Below those that systems give away by themselves: a restarted bot still finds its own. Raises OSError for none.
    """
    found: list[int] = []
    for port in random.sample(OWN_PORTS, PORT_TRIES):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            return found
    raise OSError("no free port")
