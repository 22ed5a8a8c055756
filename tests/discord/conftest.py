"""A simulated Discord on a port of its own, and a bot that is signed in without a gateway, as workers are."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.discord.client import BotClient
from bot.discord.messenger import RestMessenger
from bot.discord.render import Renderer
from bot.domain.jobs import CardTarget
from bot.i18n import Catalogue
from bot.ports import ClipFile
from playground.discord import VirtualDiscord
from tests.manual_clock import ManualClock


class HurriedAsyncio:
    """asyncio for discord.py, whose pauses between repeated requests take no time."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, _seconds: float) -> None:
        """Go on at once."""
        await asyncio.sleep(0)


@dataclass
class Post:
    """A Discord, and a bot that can post there."""

    discord: VirtualDiscord
    client: BotClient
    messenger: RestMessenger
    clock: ManualClock
    folder: Path

    @property
    def channel_id(self) -> int:
        return self.discord.channels["video-lab"].id

    def clip(self, size_bytes: int = 1000) -> ClipFile:
        """Make a file to post."""
        path = self.folder / "clip.mp4"
        path.write_bytes(b"\0" * size_bytes)
        return ClipFile(path=path, filename="clip.mp4", size_bytes=size_bytes)

    def messages(self, viewer: str = "ann") -> list[dict[str, Any]]:
        """What a person sees in the channel."""
        return self.discord.messages("video-lab", viewer)

    async def card(self, *, ephemeral: bool = False) -> CardTarget:
        """Ann uses a command, which the bot defers; the target to edit the reply with."""
        command = {"name": "video", "description": "x", "type": 1}
        await self.client.http.bulk_upsert_global_commands(self.client.application_id or 0, [command])  # type: ignore[list-item]
        known = set(self.discord._world.interactions)
        asking = asyncio.create_task(self.discord.slash("ann", "video-lab", "video"))
        new = await self.discord.wait_for(lambda: self.discord._world.interactions.keys() - known)
        interaction = self.discord._world.interactions[new.pop()]
        route = Route("POST", f"/interactions/{interaction.id}/{interaction.token}/callback")
        data = {"flags": 64} if ephemeral else {}
        await self.client.http.request(route, json={"type": 5, "data": data})
        await asking
        return CardTarget(
            application_id=self.client.application_id or 0,
            interaction_token=interaction.token,
            token_expires_at=self.clock.now() + timedelta(seconds=900),
            channel_id=self.channel_id,
        )


@pytest.fixture
async def post(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Post]:
    """The Discord and the bot; discord.py's process-wide addresses are put back afterwards."""
    monkeypatch.setattr(Route, "BASE", Route.BASE)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", DiscordWebSocket.DEFAULT_GATEWAY)
    monkeypatch.setattr("discord.http.asyncio", HurriedAsyncio())
    monkeypatch.setattr("discord.webhook.async_.asyncio", HurriedAsyncio())
    virtual = await VirtualDiscord.start()
    client = BotClient(api_base=f"{virtual.origin}/api/v10")
    await client.sign_in(virtual.token)
    clock = ManualClock(datetime.now(UTC))
    yield Post(virtual, client, RestMessenger(client, Renderer(Catalogue.load()), clock), clock, tmp_path)
    await client.close()
    await virtual.stop()
