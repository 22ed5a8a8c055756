"""The simulated Discord as one object: start it, act as its people, look at what they see."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web

from playground.discord import interactions, messages, payloads, people, rest
from playground.discord.cdn import Cdn
from playground.discord.errors import ClientRefusal
from playground.discord.faults import DiscordFaults
from playground.discord.gateway import Gateway
from playground.discord.model import (
    Channel,
    ChannelState,
    Interaction,
    InteractionType,
    Json,
    Message,
    Person,
)
from playground.discord.permissions import Permission
from playground.discord.rest import RequestRecord, Rest
from playground.discord.settings import DiscordSettings
from playground.discord.world import World, bot_token, now_text, view

T = TypeVar("T")
PersonRef = Person | str
"""A person, or the person's key."""
ChannelRef = Channel | str | int
"""A channel, its key, or its id."""


@dataclass
class Outcome:
    """What came of a person's act; `message` and `modal` are looked up anew each time."""

    acknowledged: bool
    latency_s: float
    kind: str
    interaction_id: int
    _world: World = field(repr=False)
    _interaction: Interaction = field(repr=False)

    @property
    def message(self) -> Json | None:
        """The reply's payload as it is now; None without a reply or once it is deleted."""
        message_id = self._interaction.message_id
        found = None if message_id is None else self._world.find_message(message_id)
        return None if found is None else payloads.message(self._world, found)

    @property
    def follow_ups(self) -> list[Json]:
        """The follow-up messages that still exist, oldest first."""
        found = [self._world.find_message(message_id) for message_id in self._interaction.follow_up_ids]
        return [payloads.message(self._world, message) for message in found if message is not None]

    @property
    def modal(self) -> Json | None:
        """The modal that was opened."""
        return self._interaction.modal


class VirtualDiscord:
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

    @property
    def channels(self) -> dict[str, Channel]:
        """The guild's channels and threads by key."""
        return {item.key: view(item) for item in self._world.channels.values() if item.guild_id is not None}

    def direct_channel(self, person: PersonRef) -> Channel:
        """The person's direct messages with the bot."""
        return view(self._world.direct_channel(self._person(person).id))

    def commands(self, person: PersonRef, channel: ChannelRef) -> list[Json]:
        """The registered commands that this person is offered there, in API shape."""
        return people.visible_commands(self._world, self._person(person).id, self._channel(channel))

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
        """Wait until the predicate gives something true; it is asked again after every change.

        Raises: TimeoutError after `timeout_s` seconds.
        """
        async with asyncio.timeout(timeout_s):
            while True:
                version = self.version
                found = predicate()
                if found:
                    return found
                await self.changed(version)

    # -- acting as a person --------------------------------------------------------

    async def slash(
        self,
        person: PersonRef,
        channel: ChannelRef,
        command: str,
        options: dict[str, Any] | None = None,
        files: people.Files | None = None,
        *,
        checked: bool = True,
    ) -> Outcome:
        """Use a slash command, e.g. "jobs list"; with `checked` False the app's own checks of values are skipped.

        Raises: ClientRefusal for what Discord's app would not send.
        """
        who, place = self._person(person), self._channel(channel)
        data = people.command_data(self._world, who, place, command, options or {}, files=files or {}, checked=checked)
        return await self._act(InteractionType.COMMAND, who, place, data)

    async def context_menu(self, person: PersonRef, channel: ChannelRef, command: str, target: Person | int) -> Outcome:
        """Use a context menu on a person or, by id, on a message."""
        who, place = self._person(person), self._channel(channel)
        on = target if isinstance(target, Person) else self._world.message(place.id, target)
        data = people.menu_data(self._world, who, place, command, on)
        return await self._act(InteractionType.COMMAND, who, place, data)

    async def autocomplete(
        self,
        person: PersonRef,
        channel: ChannelRef,
        command: str,
        option: str,
        value: str,
        *,
        options: dict[str, Any] | None = None,
    ) -> list[Json]:
        """The suggestions (name, value) for what was typed so far; empty when none came in time."""
        who, place = self._person(person), self._channel(channel)
        given = {**(options or {}), option: value}
        data = people.command_data(self._world, who, place, command, given, files={}, focused=option)
        interaction = interactions.start(self._world, InteractionType.AUTOCOMPLETE, who.id, place, data)
        await self._acknowledged(interaction)
        return interaction.choices

    async def click(
        self, person: PersonRef, message_id: int, custom_id: str, values: list[Any] | None = None
    ) -> Outcome:
        """Press a button, or choose `values` in a select.

        Raises: ClientRefusal when this person does not see such a component there, or it is disabled.
        """
        who = self._person(person)
        message = self._world.find_message(int(message_id))
        if message is None or message.reader_id not in (None, who.id):
            raise ClientRefusal(f"{who.name} sees no message {message_id}")
        place = self._world.channel(message.channel_id)
        data = people.component_data(self._world, place, message, custom_id, values or [])
        return await self._act(InteractionType.COMPONENT, who, place, data, message)

    async def submit_modal(
        self,
        person: PersonRef,
        modal_id: int,
        values: dict[str, Any] | None = None,
        files: people.Files | None = None,
    ) -> Outcome:
        """Send a modal off; `modal_id` is the id of the interaction that opened it, fields go by custom id."""
        opener = self._world.interactions[int(modal_id)]
        if opener.modal is None:
            raise ClientRefusal("that interaction opened no modal")
        place = self._world.channel(opener.channel_id)
        data = people.modal_data(self._world, place, opener.modal, values or {}, files or {})
        source = self._world.find_message(opener.source_message_id or 0)
        return await self._act(InteractionType.MODAL_SUBMIT, self._person(person), place, data, source)

    def say(self, person: PersonRef, channel: ChannelRef, text: str) -> Json:
        """Write an ordinary message."""
        who, place = self._person(person), self._channel(channel)
        message = Message(self._world.ids.next(), place.id, who.id, text, now_text())
        place.messages[message.id] = message
        messages.announce(self._world, "MESSAGE_CREATE", message)
        return payloads.message(self._world, message)

    # -- changing circumstances ------------------------------------------------------

    def add_person(self, key: str, name: str) -> Person:
        """Let one more member join, whom one can act as. Raises: ValueError for a key that is taken."""
        return self._world.add_person(key, name)

    def delete_message(self, message_id: int) -> None:
        """Take a message away, as a moderator would."""
        message = self._world.find_message(int(message_id))
        if message is not None:
            messages.delete(self._world, message)

    def delete_channel(self, channel: ChannelRef) -> None:
        """Take a channel away with everything in it."""
        place = self._channel(channel)
        payload = payloads.channel(self._world, place)
        del self._world.channels[place.id]
        self._world.emit("CHANNEL_DELETE", payload, place.guild_id)

    def open_thread(self, parent: ChannelRef, name: str) -> Channel:
        """A new public thread."""
        thread = self._world.open_thread(self._channel(parent).id, name)
        self._world.emit("THREAD_CREATE", payloads.channel(self._world, thread), thread.guild_id)
        return view(thread)

    def permit(self, channel: ChannelRef, permission: str, allowed: bool, who: PersonRef | None = None) -> None:
        """Allow or deny a permission (its name in Discord's documentation) in a channel, to the bot unless `who`."""
        place = self._channel(channel)
        target_id = self._world.bot.id if who is None else self._person(who).id
        self._world.overwrite(place, target_id, Permission[permission.upper()], allowed)
        self._world.emit("CHANNEL_UPDATE", payloads.channel(self._world, place), place.guild_id)

    async def drop_gateway(self, *, code: int = 4000, resumable: bool = True) -> None:
        """Cut the gateway; without `resumable` the session is gone and a resume is refused."""
        await self._gateway.drop(code, resumable=resumable)

    # -- inside ------------------------------------------------------------------------

    async def _act(
        self, kind: InteractionType, who: Person, place: ChannelState, data: Json, source: Message | None = None
    ) -> Outcome:
        if not self._world.can_view(who.id, place):
            raise ClientRefusal(f"{who.name} does not see {place.name}")
        interaction = interactions.start(self._world, kind, who.id, place, data, source=source)
        await self._acknowledged(interaction)
        answered = interaction.answered
        latency_s = (time.monotonic() if answered is None else answered) - interaction.created
        return Outcome(answered is not None, latency_s, interaction.kind, interaction.id, self._world, interaction)

    async def _acknowledged(self, interaction: Interaction) -> None:
        """Wait for the bot's first answer, at most its time."""
        try:
            await asyncio.wait_for(interaction.done.wait(), self.settings.answer_deadline_s)
        except TimeoutError:
            self._world.touch()

    def _person(self, person: PersonRef) -> Person:
        return self.people[person] if isinstance(person, str) else person

    def _channel(self, channel: ChannelRef) -> ChannelState:
        if isinstance(channel, Channel):
            return self._world.channel(channel.id)
        if isinstance(channel, int):
            return self._world.channel(channel)
        return next(item for item in self._world.channels.values() if item.key == channel)
