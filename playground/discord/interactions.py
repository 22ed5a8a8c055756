"""The life of an interaction: created by a person, answered by the bot within 3 seconds, followed up for 15 minutes.

Source: Discord's documentation, interactions/receiving-and-responding.
"""

from __future__ import annotations

import base64
import secrets
import time

from playground.discord import errors, messages, payloads, sending_rules
from playground.discord.commands import GROUP, SUBCOMMAND, check_choice
from playground.discord.components import numbered
from playground.discord.messages import Origin
from playground.discord.modals import check_modal
from playground.discord.model import (
    ChannelState,
    Interaction,
    InteractionType,
    Json,
    Message,
    MessageFlag,
    Upload,
)
from playground.discord.world import World

USER_MENU, MESSAGE_MENU = 2, 3
PONG, MESSAGE, DEFER, DEFER_UPDATE, UPDATE, AUTOCOMPLETE, MODAL = 1, 4, 5, 6, 7, 8, 9
KINDS = {
    PONG: "pong",
    MESSAGE: "message",
    DEFER: "defer",
    DEFER_UPDATE: "defer_update",
    UPDATE: "update",
    AUTOCOMPLETE: "autocomplete",
    MODAL: "modal",
}
ALLOWED = {
    InteractionType.COMMAND: {MESSAGE, DEFER, MODAL},
    InteractionType.COMPONENT: {MESSAGE, DEFER, DEFER_UPDATE, UPDATE, MODAL},
    InteractionType.AUTOCOMPLETE: {AUTOCOMPLETE},
    InteractionType.MODAL_SUBMIT: {MESSAGE, DEFER, DEFER_UPDATE, UPDATE},
}
INTERACTIONS_KEPT = 50_000
"""The oldest are forgotten beyond this, so that a load run stays in memory."""


def start(
    world: World,
    kind: InteractionType,
    user_id: int,
    channel: ChannelState,
    data: Json,
    *,
    source: Message | None = None,
    opener: Interaction | None = None,
) -> Interaction:
    """Record what a person did and tell the bot; `opener` opened the modal that is submitted."""
    interaction_id = world.ids.next()
    secret = base64.urlsafe_b64encode(f"interaction:{interaction_id}:".encode() + secrets.token_bytes(48)).decode()
    interaction = Interaction(
        interaction_id,
        secret.rstrip("="),
        kind,
        channel.id,
        user_id,
        time.monotonic(),
        details=_details(world, data) if kind is InteractionType.COMMAND else {},
        opener=opener,
        source_message_id=None if source is None else source.id,
    )
    world.interactions[interaction.id] = interaction
    world.tokens[interaction.token] = interaction
    while len(world.interactions) > INTERACTIONS_KEPT:
        oldest = world.interactions.pop(next(iter(world.interactions)))
        del world.tokens[oldest.token]
    world.emit("INTERACTION_CREATE", _payload(world, interaction, channel, data, source), channel.guild_id)
    return interaction


def _details(world: World, data: Json) -> Json:
    """What the metadata says of a command: its name with those of its subcommands, its kind, and what a context menu
    was used on."""
    details: Json = {"name": " ".join(_names(data)), "command_type": data["type"]}
    if data["type"] == USER_MENU:
        details["target_user"] = payloads.user(world.users[int(data["target_id"])])
    if data["type"] == MESSAGE_MENU:
        details["target_message_id"] = data["target_id"]
    return details


def _names(data: Json) -> list[str]:
    within = [option for option in data.get("options") or [] if option["type"] in (SUBCOMMAND, GROUP)]
    return [data["name"], *(name for option in within for name in _names(option))]


def owners(world: World, channel: ChannelState) -> Json:
    """`authorizing_integration_owners` of a guild install; "0" as the guild stands for the bot's own DM."""
    return {"0": str(channel.guild_id or 0)}


def _payload(world: World, interaction: Interaction, channel: ChannelState, data: Json, source: Message | None) -> Json:
    payload: Json = {
        "id": str(interaction.id),
        "application_id": str(world.application_id),
        "type": int(interaction.type),
        "token": interaction.token,
        "version": 1,
        "data": data,
        "channel_id": str(channel.id),
        "channel": _place(world, interaction, channel),
        "locale": world.settings.locales.get(interaction.user_id, "en-US"),
        "app_permissions": str(world.permissions(world.bot.id, channel)),
        "entitlements": [],
        "authorizing_integration_owners": owners(world, channel),
        "context": 0 if channel.guild_id is not None else 1,
        "attachment_size_limit": world.settings.interaction_limit_bytes,
    }
    if source is not None:
        payload["message"] = payloads.message(world, source)
    guild = world.guild_of(channel)
    if guild is None:
        return {**payload, "user": payloads.user(world.users[interaction.user_id])}
    member = payloads.member(world, guild.members[interaction.user_id])
    member["permissions"] = str(world.permissions(interaction.user_id, channel))
    locale = world.locale_of(guild)
    return {
        **payload,
        "guild_id": str(guild.id),
        "guild": {"id": str(guild.id), "locale": locale, "features": []},
        "guild_locale": locale,
        "member": member,
    }


def _place(world: World, interaction: Interaction, channel: ChannelState) -> Json:
    """The interaction's channel, in a guild with the permissions that the person has there."""
    payload = payloads.channel(world, channel)
    if channel.guild_id is not None:
        payload["permissions"] = str(world.permissions(interaction.user_id, channel))
    return payload


# -- the first answer -----------------------------------------------------------


def respond(world: World, interaction_id: int, token: str, body: Json, uploads: list[Upload]) -> Json:
    """The callback: once, in time, of a type that fits; returns the body for `with_response`."""
    interaction = world.interactions.get(interaction_id)
    if interaction is None or interaction.token != token:
        raise errors.known(10062)
    if interaction.answered is not None:
        raise errors.known(40060)
    if time.monotonic() - interaction.created > world.settings.answer_deadline_s:
        raise errors.known(10062)
    kind, data = body.get("type"), body.get("data") or {}
    if kind not in ALLOWED[interaction.type]:
        raise errors.form_error("type", "INTERACTION_INVALID_CALLBACK_TYPE", "Interaction callback type is invalid")
    message = _answer(world, interaction, kind, data, uploads)
    interaction.answered = time.monotonic()
    interaction.kind = KINDS[kind]
    interaction.done.set()
    if message is not None:
        interaction.message_id = message.id
    world.touch()
    return _response_body(world, interaction, kind, message)


def _answer(world: World, interaction: Interaction, kind: int, data: Json, uploads: list[Upload]) -> Message | None:
    """Let the answer have its effect; the message that it made or points at.

    A modal that a command opened may be closed without a message: deferred, with none to update.
    """
    if kind == MESSAGE:
        message = _make(world, interaction, data, uploads, flags=0)
        messages.announce(world, "MESSAGE_CREATE", message)
        return message
    if kind == DEFER:
        flags = {"flags": (data.get("flags") or 0) & MessageFlag.EPHEMERAL}
        message = _make(world, interaction, flags, [], flags=MessageFlag.LOADING)
        messages.announce(world, "MESSAGE_CREATE", message)
        return message
    if kind == MODAL:
        check_modal(data)
        interaction.modal = {**data, "components": numbered(data["components"])}
    elif kind == AUTOCOMPLETE:
        interaction.choices = _choices(data)
    elif kind == UPDATE or interaction.type is InteractionType.COMPONENT or interaction.source_message_id is not None:
        source = _source(world, interaction)
        sending_rules.check_unlocked(world, world.channel(source.channel_id))
        return messages.edit(world, source, data, uploads) if kind == UPDATE else source
    return None


def _source(world: World, interaction: Interaction) -> Message:
    """The message whose component was used (also through a modal opened by it)."""
    if interaction.source_message_id is None:
        code = "INTERACTION_INVALID_CALLBACK_TYPE"
        raise errors.form_error("type", code, "Interaction callback type is invalid")
    return world.message(interaction.channel_id, interaction.source_message_id)


def _choices(data: Json) -> list[Json]:
    choices = data.get("choices") or []
    if len(choices) > 25:
        raise errors.too_long("data.choices", 25)
    for index, choice in enumerate(choices):
        kind = {str: 3, int: 4}.get(type(choice.get("value")), 10)
        check_choice(choice, kind, f"data.choices.{index}")
    return list(choices)


def _make(
    world: World, interaction: Interaction, body: Json, uploads: list[Upload], *, flags: int, follow_up: bool = False
) -> Message:
    """A message of this interaction, ephemeral if its flags say so; AutoMod does not read what webhooks say."""
    channel = world.channel(interaction.channel_id)
    sending_rules.check_unlocked(world, channel)
    is_ephemeral = bool((body.get("flags") or 0) & MessageFlag.EPHEMERAL)
    origin = Origin(
        metadata=metadata(world, interaction, channel, follow_up=follow_up),
        type=_message_type(interaction),
        reader_id=interaction.user_id if is_ephemeral else None,
        flags=int(flags),
    )
    answered_id = interaction.message_id if follow_up else interaction.source_message_id
    if answered_id in channel.messages:
        origin.type = messages.REPLY
        origin.reference = {"type": 0, "channel_id": str(channel.id), "message_id": str(answered_id)}
    pending = bool(flags & MessageFlag.LOADING)
    message = messages.create(world, channel, body, uploads, origin, pending=pending)
    if message.reader_id is None:
        sending_rules.wake(world, channel)
    return message


def _message_type(interaction: Interaction) -> int:
    """The type of a command's reply; others are plain, or replies to the message that was used."""
    if interaction.type is not InteractionType.COMMAND:
        return 0
    is_menu = interaction.details["command_type"] in (USER_MENU, MESSAGE_MENU)
    return messages.CONTEXT_MENU_COMMAND if is_menu else messages.CHAT_INPUT_COMMAND


def metadata(world: World, interaction: Interaction, channel: ChannelState, *, follow_up: bool = False) -> Json:
    """The message's `interaction_metadata`; a modal's names the interaction that opened it."""
    payload: Json = {
        "id": str(interaction.id),
        "type": int(interaction.type),
        "user": payloads.user(world.users[interaction.user_id]),
        "authorizing_integration_owners": owners(world, channel),
        **interaction.details,
    }
    if follow_up and interaction.message_id is not None:
        payload["original_response_message_id"] = str(interaction.message_id)
    if interaction.type is InteractionType.COMPONENT:
        payload["interacted_message_id"] = str(interaction.source_message_id)
    if interaction.opener is not None:
        payload["triggering_interaction_metadata"] = metadata(world, interaction.opener, channel)
    return payload


def _response_body(world: World, interaction: Interaction, kind: int, message: Message | None) -> Json:
    about: Json = {"id": str(interaction.id), "type": int(interaction.type)}
    if message is not None:
        about |= {
            "response_message_id": str(message.id),
            "response_message_loading": message.is_loading,
            "response_message_ephemeral": message.reader_id is not None,
            "channel_id": str(message.channel_id),
        }
        guild_id = world.channel(message.channel_id).guild_id
        if guild_id is not None:
            about["guild_id"] = str(guild_id)
    if message is None or kind not in (MESSAGE, UPDATE):
        return {"interaction": about}
    return {"interaction": about, "resource": {"type": kind, "message": payloads.message(world, message)}}


# -- after the first answer --------------------------------------------------------


def by_token(world: World, application_id: int, token: str) -> Interaction:
    """The interaction of a webhook token; 10015 when unknown or unanswered, 50027 when too old."""
    interaction = world.tokens.get(token)
    if interaction is None or application_id != world.application_id:
        raise errors.known(10015)
    if time.monotonic() - interaction.created > world.settings.token_lifetime_s:
        raise errors.known(50027)
    if interaction.answered is None:
        raise errors.known(10015)
    return interaction


def follow_up(world: World, interaction: Interaction, body: Json, uploads: list[Upload]) -> Message:
    """A follow-up; while the deferred reply still "thinks", it fills that one, private or public as deferred."""
    first = world.channel(interaction.channel_id).messages.get(interaction.message_id or 0)
    if interaction.kind == "defer" and first is not None and first.is_loading:
        sending_rules.check_unlocked(world, world.channel(interaction.channel_id))
        return messages.edit(world, first, body, uploads)
    message = _make(world, interaction, body, uploads, flags=0, follow_up=True)
    interaction.follow_up_ids.append(message.id)
    messages.announce(world, "MESSAGE_CREATE", message)
    return message


def own_message(world: World, interaction: Interaction, which: str) -> Message:
    """The original reply (`@original`), a follow-up, or the message whose component was used; else 10008."""
    message_id = interaction.message_id if which == "@original" else int(which) if which.isdecimal() else None
    own = (interaction.message_id, interaction.source_message_id, *interaction.follow_up_ids)
    if message_id is None or message_id not in own:
        raise errors.unknown_message()
    return world.message(interaction.channel_id, message_id)


def edit_reply(world: World, interaction: Interaction, which: str, body: Json, uploads: list[Upload]) -> Message:
    """Change one of the interaction's messages; 50083 in a locked or archived thread."""
    message = own_message(world, interaction, which)
    sending_rules.check_edit(world, world.channel(message.channel_id))
    return messages.edit(world, message, body, uploads)


def delete_reply(world: World, interaction: Interaction, which: str) -> None:
    """Take one of the interaction's messages away, private ones too."""
    message = own_message(world, interaction, which)
    sending_rules.check_delete(world, world.channel(message.channel_id))
    messages.delete(world, message)
