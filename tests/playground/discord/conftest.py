"""A bare discord.py client on the simulated Discord; each test supplies what its commands do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import discord
import pytest
import yarl
from discord import app_commands

from playground.discord import VirtualDiscord

Body = Callable[..., Awaitable[Any]]


class BareBot(discord.Client):
    """Has /act (text, file), /quota set, a user and a message menu; `body` is what they all do."""

    def __init__(self) -> None:
        intents = discord.Intents(guilds=True)
        super().__init__(intents=intents, max_messages=None, chunk_guilds_at_startup=False, guild_ready_timeout=0.05)
        self.tree = app_commands.CommandTree(self)
        self.body: Body = _answer_nothing
        self.outcomes: asyncio.Queue[Any] = asyncio.Queue()

        @self.tree.command(description="Does what the test says")
        @app_commands.choices(size=[app_commands.Choice(name="Small", value="s")])
        async def act(  # noqa: PLR0917 - discord.py reads the options from the signature
            interaction: discord.Interaction,
            text: app_commands.Range[str, 3, 20] = "abc",
            number: app_commands.Range[int, 4, 15] = 5,
            size: str = "s",
            file: discord.Attachment | None = None,
            who: discord.Member | None = None,
        ) -> None:
            await self.run_body(interaction, text=text, number=number, file=file, who=who)

        @act.autocomplete("text")
        async def suggest(interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
            return [app_commands.Choice(name=f"{current}!", value=f"{current}-value")]

        quota = app_commands.Group(
            name="quota",
            description="Budgets",
            guild_only=True,
            default_permissions=discord.Permissions(manage_guild=True),
        )

        @quota.command(name="set", description="Sets one")
        async def quota_set(interaction: discord.Interaction, credits: str) -> None:
            await self.run_body(interaction, text=credits)

        self.tree.add_command(quota)

        @self.tree.context_menu(name="Show balance")
        @app_commands.guild_only()
        @app_commands.default_permissions(manage_guild=True)
        async def balance(interaction: discord.Interaction, member: discord.Member) -> None:
            await self.run_body(interaction, member=member)

        @self.tree.command(description="For grown-ups", nsfw=True)
        @app_commands.guild_only()
        async def wild(interaction: discord.Interaction) -> None:
            await self.run_body(interaction)

        @self.tree.context_menu(name="Report clip")
        async def report(interaction: discord.Interaction, message: discord.Message) -> None:
            await self.run_body(interaction, text=str(message.id))

    async def run_body(self, interaction: discord.Interaction, **options: Any) -> None:
        """Run the test's body; its value or its error becomes the next outcome."""
        try:
            self.outcomes.put_nowait(await self.body(interaction, **options))
        except discord.HTTPException as error:
            self.outcomes.put_nowait(error)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """No pause of five seconds before a second IDENTIFY."""

    async def outcome(self) -> Any:
        """What the body of the command returned, or its HTTP error."""
        return await asyncio.wait_for(self.outcomes.get(), 5)


async def _answer_nothing(interaction: discord.Interaction, **options: Any) -> None:
    await interaction.response.send_message("nothing to do")


@pytest.fixture
async def wire(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[VirtualDiscord]:
    """The simulated Discord, with discord.py pointed at it."""
    virtual = await VirtualDiscord.start()
    monkeypatch.setattr(discord.http.Route, "BASE", f"{virtual.origin}/api/v10")
    monkeypatch.setattr(
        discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(virtual.origin.replace("http", "ws") + "/gateway")
    )
    yield virtual
    await virtual.stop()


@pytest.fixture
async def bot(wire: VirtualDiscord) -> AsyncIterator[BareBot]:
    """The client, logged in, connected, its commands synced."""
    client = BareBot()
    await client.login(wire.token)
    connection = asyncio.create_task(client.connect())
    await asyncio.wait_for(client.wait_until_ready(), 10)
    await client.tree.sync()
    yield client
    await client.close()
    await connection


class Listener:
    """A bare gateway client: every event that its intents let through, in order."""

    def __init__(self, wire: VirtualDiscord, intents: int) -> None:
        self._wire = wire
        self._intents = intents
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.arrived = asyncio.Event()

    async def listen(self) -> None:
        """Identify and collect until cancelled."""
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{self._wire.origin}/gateway") as socket:
            data = {"token": self._wire.token, "intents": self._intents, "properties": {}}
            await socket.send_json({"op": 2, "d": data})
            async for message in socket:
                frame = message.json()
                if frame["op"] == 0:
                    self.events.append((frame["t"], frame["d"]))
                    self.arrived.set()

    async def until(self, name: str) -> dict[str, Any]:
        """The payload of the first event of this name; events before it are dropped."""
        async with asyncio.timeout(5):
            while True:
                while self.events:
                    found, payload = self.events.pop(0)
                    if found == name:
                        return payload
                self.arrived.clear()
                await self.arrived.wait()

    async def names_until(self, name: str) -> list[str]:
        """The names of the events up to the first of this name, that one included."""
        seen: list[str] = []
        async with asyncio.timeout(5):
            while name not in seen:
                if not self.events:
                    self.arrived.clear()
                    await self.arrived.wait()
                seen.append(self.events.pop(0)[0])
        return seen


@pytest.fixture
async def listener(wire: VirtualDiscord) -> AsyncIterator[Listener]:
    """A second client with the GUILDS intent only, identified."""
    found = Listener(wire, intents=1)
    listening = asyncio.create_task(found.listen())
    await found.until("GUILD_CREATE")
    yield found
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


@pytest.fixture
async def http(wire: VirtualDiscord) -> AsyncIterator[aiohttp.ClientSession]:
    """A plain HTTP client with the bot's token, for requests that discord.py would not make."""
    async with aiohttp.ClientSession(
        base_url=f"{wire.origin}/api/v10/", headers={"Authorization": f"Bot {wire.token}"}
    ) as session:
        yield session
