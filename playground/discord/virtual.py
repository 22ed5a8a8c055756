"""The simulated Discord as one object: start it, act as its people, look at what they see."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from aiohttp import web

from playground.discord import payloads, rest
from playground.discord.acting import Acting, Outcome
from playground.discord.cdn import Cdn
from playground.discord.channel_verbs import ChannelVerbs
from playground.discord.faults import DiscordFaults
from playground.discord.gateway import Gateway
from playground.discord.guild_verbs import GuildVerbs
from playground.discord.model import Channel, Json, Person
from playground.discord.rest import RequestRecord, Rest
from playground.discord.settings import DiscordSettings
from playground.discord.verbs import ChannelRef, PersonRef
from playground.discord.world import World, bot_token, view

__all__ = ["Outcome", "VirtualDiscord"]

T = TypeVar("T")
LOOK_AGAIN_S = 0.1


class VirtualDiscord(Acting, ChannelVerbs, GuildVerbs):
    """Discord on 127.0.0.1: REST, gateway and files on one port, and verbs for its people."""

    def __init__(self) -> None:
        self.settings = DiscordSettings()
        self._cdn = Cdn(self.settings.attachment_lifetime_s)
        self._world = World(self.settings, self._cdn)
        self._gateway = Gateway(self._world)
        self._rest = Rest(self._world)
        self._runner: web.AppRunner | None = None
        self.origin = ""
        self.token = bot_token()
        self.guild_id = self._world.guild.id
        self.application_id = self._world.application_id
        self.people: dict[str, Person] = self._world.people

    @classmethod
    async def start(cls, *, port: int = 0, commands_path: Path | None = None) -> VirtualDiscord:
        """Listen on 127.0.0.1; port 0 takes a free one. `commands_path` keeps registered commands over restarts."""
        discord = cls()
        if commands_path is not None:
            discord._world.commands.load(commands_path)
        app = rest.application(discord._rest)
        app.router.add_get("/gateway", discord._gateway.handle)
        app.router.add_get("/gateway/", discord._gateway.handle)
        app.router.add_get("/cdn/{folder}/{channel}/{attachment:\\d+}/{name}", discord._cdn.handle)
        discord._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await discord._runner.setup()
        site = web.TCPSite(discord._runner, "127.0.0.1", port)
        await site.start()
        bound = discord._runner.addresses[0][1]
        discord.origin = discord._cdn.origin = f"http://127.0.0.1:{bound}"
        discord._gateway.url = discord._rest.gateway_url = f"ws://127.0.0.1:{bound}/gateway"
        return discord

    async def stop(self) -> None:
        """Close every connection and delete the files."""
        await self._gateway.drop(1001, resumable=False)
        if self._runner is not None:
            await self._runner.cleanup()
        self._cdn.close()

    # -- looking ----------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether a gateway session is identified."""
        return self._gateway.connected

    @property
    def gateway_sessions(self) -> tuple[int, int]:
        """How many times the bot has identified, and resumed."""
        return self._gateway.identifies, self._gateway.resumes

    @property
    def requests(self) -> list[RequestRecord]:
        """The last 20,000 REST requests, oldest first."""
        return list(self._rest.records)

    @property
    def faults(self) -> DiscordFaults:
        """Faults of the REST side."""
        return self._rest.faults

    @property
    def version(self) -> int:
        """Grows with every change and every request."""
        return self._world.version

    def direct_channel(self, person: PersonRef) -> Channel:
        """The person's direct messages with the bot."""
        return view(self._world, self._world.direct_channel(self._person(person).id))

    def messages(self, channel: ChannelRef, viewer: PersonRef) -> list[Json]:
        """Message payloads oldest first, as this person sees them; nothing where they may not look."""
        place, reader = self._channel(channel), self._person(viewer)
        if not self._world.can_view(reader.id, place):
            return []
        seen = [item for item in place.messages.values() if item.reader_id in (None, reader.id)]
        return [payloads.message(self._world, item) for item in seen]

    def direct_messages(self, person: PersonRef) -> list[Json]:
        """What stands in the person's direct messages with the bot."""
        return self.messages(self.direct_channel(person), person)

    async def changed(self, after: int) -> int:
        """Wait until `version` is greater than `after`; returns it."""
        return await self._world.changed(after)

    async def wait_for(self, predicate: Callable[[], T | None], timeout_s: float = 20) -> T:
        """Wait until the predicate gives something true.

        It is asked again after every change, and from time to time, for what comes to pass outside Discord.

        Raises: TimeoutError after `timeout_s` seconds.
        """
        async with asyncio.timeout(timeout_s):
            while True:
                version = self.version
                found = predicate()
                if found:
                    return found
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.changed(version), LOOK_AGAIN_S)

    async def drop_gateway(self, *, code: int = 4000, resumable: bool = True) -> None:
        """Cut the gateway; without `resumable` the session is gone and a resume is refused."""
        await self._gateway.drop(code, resumable=resumable)
