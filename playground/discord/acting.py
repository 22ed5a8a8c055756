"""Acting as a person: commands, presses, choices, modals, messages."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from playground.discord import interactions, messages, payloads, people, sending_rules
from playground.discord.command_access import visible_commands
from playground.discord.components import find
from playground.discord.errors import ClientRefusal
from playground.discord.modal_data import Given, modal_data
from playground.discord.model import ChannelState, ChannelType, Interaction, InteractionType, Json, Message, Person
from playground.discord.permissions import Permission
from playground.discord.resolving import File, Files, Resolver
from playground.discord.seed import now_text
from playground.discord.selects import SELECTS
from playground.discord.verbs import ChannelRef, PersonRef, Verbs
from playground.discord.world import World


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


class Acting(Verbs):
    """Verbs of people; each is refused (ClientRefusal) where Discord's app would not let the person do it."""

    def commands(self, person: PersonRef, channel: ChannelRef) -> list[Json]:
        """The registered commands that this person is offered there, in API shape."""
        return visible_commands(self._world, self._person(person).id, self._channel(channel))

    async def slash(
        self,
        person: PersonRef,
        channel: ChannelRef,
        command: str,
        options: dict[str, Any] | None = None,
        files: Files | None = None,
        *,
        checked: bool = True,
    ) -> Outcome:
        """Use a slash command, e.g. "jobs list"; with `checked` False the app's own checks of values are skipped.

        Raises: ClientRefusal for what Discord's app would not send.
        """
        who, place = self._person(person), self._channel(channel)
        data = people.command_data(self._world, who, place, command, options or {}, files=files or {}, checked=checked)
        return await self._act(InteractionType.COMMAND, who, place, data)

    async def context_menu(self, person: PersonRef, channel: ChannelRef, name: str, target: PersonRef | int) -> Outcome:
        """Use a user menu on a person, or a message menu on the message with this id."""
        who, place = self._person(person), self._channel(channel)
        aim: Person | Message | None
        if isinstance(target, int):
            aim = self._world.find_message(target)
            if aim is None or aim.reader_id not in (None, who.id) or aim.channel_id != place.id:
                raise ClientRefusal(f"{who.name} sees no message {target} in {place.name}")
        else:
            aim = self._person(target)
        data = people.menu_data(self._world, who, place, name, aim)
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
        message = self._seen(who, message_id)
        place = self._world.channel(message.channel_id)
        data = people.component_data(self._world, who, message, custom_id, values or [])
        return await self._act(InteractionType.COMPONENT, who, place, data, source=message)

    async def choose(self, person: PersonRef, message_id: int, custom_id: str, values: list[Any]) -> Outcome:
        """Choose in a select: values of its options, or people, roles and channels (objects, ids or keys).

        Raises: ClientRefusal when this person does not see such a select there, or it does not offer this.
        """
        component = find(self._seen(self._person(person), message_id).components, custom_id)
        if component is not None and component["type"] not in SELECTS:
            raise ClientRefusal(f"{custom_id!r} is no select")
        return await self.click(person, message_id, custom_id, values)

    async def submit_modal(
        self,
        person: PersonRef,
        modal_id: int,
        values: dict[str, Any] | None = None,
        files: Given | None = None,
    ) -> Outcome:
        """Send a modal off; `modal_id` is the id of the interaction that opened it, fields go by custom id.

        A field of files takes one or a list. Raises: ClientRefusal for what the app would not send.
        """
        who, opener = self._person(person), self._world.interactions[int(modal_id)]
        if opener.modal is None:
            raise ClientRefusal("that interaction opened no modal")
        if opener.user_id != who.id:
            raise ClientRefusal("the modal is open for somebody else")
        place = self._world.channel(opener.channel_id)
        data = modal_data(Resolver(self._world, place, who.id), opener.modal, values or {}, files or {})
        source = self._world.find_message(opener.source_message_id or 0)
        return await self._act(InteractionType.MODAL_SUBMIT, who, place, data, source=source, opener=opener)

    def say(self, person: PersonRef, channel: ChannelRef, text: str, files: list[File] | None = None) -> Json:
        """Write an ordinary message. Raises: ClientRefusal where the person may not, or AutoMod stops it."""
        who, place = self._person(person), self._channel(channel)
        self._check_may_say(who, place, text)
        message = Message(self._world.ids.next(), place.id, who.id, text, now_text())
        for name, content in files or []:
            message.attachments.append(self._world.cdn.store(self._world.ids.next(), place.id, name, content))
        place.messages[message.id] = message
        messages.announce(self._world, "MESSAGE_CREATE", message)
        sending_rules.wake(self._world, place)
        return payloads.message(self._world, message)

    def dismiss(self, person: PersonRef, message_id: int) -> None:
        """Take away an ephemeral message that only this person sees; the bot is not told."""
        message = self._seen(self._person(person), message_id)
        if message.reader_id is None:
            raise ClientRefusal(f"message {message_id} is not ephemeral")
        messages.delete(self._world, message)

    def delete_message(self, message_id: int) -> None:
        """Take a message away, as a moderator would."""
        message = self._world.find_message(int(message_id))
        if message is not None:
            messages.delete(self._world, message)

    # -- inside ------------------------------------------------------------------------

    # -- inside ------------------------------------------------------------------------

    async def _act(
        self,
        kind: InteractionType,
        who: Person,
        place: ChannelState,
        data: Json,
        *,
        source: Message | None = None,
        opener: Interaction | None = None,
    ) -> Outcome:
        if not self._world.can_view(who.id, place):
            raise ClientRefusal(f"{who.name} does not see {place.name}")
        if place.guild_id is not None and not self._world.is_joined(place.guild_id):
            raise ClientRefusal("the application is not in this server")
        interaction = interactions.start(self._world, kind, who.id, place, data, source=source, opener=opener)
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

    def _seen(self, who: Person, message_id: int) -> Message:
        """The message, if this person sees it."""
        message = self._world.find_message(int(message_id))
        if message is None or message.reader_id not in (None, who.id):
            raise ClientRefusal(f"{who.name} sees no message {message_id}")
        return message

    def _check_may_say(self, who: Person, place: ChannelState, text: str) -> None:
        guild, granted = self._world.guild_of(place), self._world.permissions(who.id, place)
        in_thread = place.type is ChannelType.PUBLIC_THREAD
        needed = Permission.SEND_MESSAGES_IN_THREADS if in_thread else Permission.SEND_MESSAGES
        is_locked = place.locked and not granted & Permission.MANAGE_THREADS
        if not self._world.can_view(who.id, place) or not granted & needed or is_locked:
            raise ClientRefusal(f"{who.name} may not write in {place.name}")
        if guild is not None and sending_rules.blocks(self._world, guild, place, who.id, [text]):
            raise ClientRefusal("AutoMod stops this message")
