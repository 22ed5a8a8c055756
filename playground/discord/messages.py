"""Sending, editing, deleting and reading messages, with the rules that Discord has for each."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from playground.discord import errors, payloads, sending_rules
from playground.discord.components import numbered
from playground.discord.message_body import check_body, read_flags, read_nonce
from playground.discord.model import (
    Attachment,
    ChannelState,
    Json,
    Message,
    MessageFlag,
    Upload,
)
from playground.discord.permissions import Permission
from playground.discord.seed import now_text
from playground.discord.world import World

REPLY = 19
CHAT_INPUT_COMMAND = 20
CONTEXT_MENU_COMMAND = 23


@dataclass
class Origin:
    """Where a message comes from when an interaction made it; `reader_id` makes it ephemeral."""

    metadata: Json | None = None
    type: int = 0
    reader_id: int | None = None
    reference: Json | None = None
    flags: int = 0


def send(world: World, channel_id: int, body: Json, uploads: list[Upload]) -> Message:
    """The bot posts to a channel: permissions, limits, nonce, then the message."""
    channel = world.channel(channel_id)
    sending_rules.check_send(world, channel, body, has_files=bool(uploads))
    nonce = read_nonce(body)
    known = _known_nonce(world, nonce) if body.get("enforce_nonce") else None
    origin = Origin(reference=_reference(world, channel, body.get("message_reference")))
    origin.type = REPLY if origin.reference is not None else 0
    _check_new(body, uploads, flags=read_flags(body), pending=False)
    if known is not None:
        return known
    message = create(world, channel, body, uploads, origin)
    message.nonce = nonce
    if nonce is not None and body.get("enforce_nonce"):
        world.nonces[(world.bot.id, str(nonce))] = (time.monotonic(), message)
    announce(world, "MESSAGE_CREATE", message)
    sending_rules.wake(world, channel)
    return message


def _known_nonce(world: World, nonce: str | int | None) -> Message | None:
    """The message that this author sent with this nonce in the past minutes, in whatever channel, deleted or not."""
    oldest = time.monotonic() - world.settings.nonce_memory_s
    while world.nonces and next(iter(world.nonces.values()))[0] < oldest:
        del world.nonces[next(iter(world.nonces))]
    entry = world.nonces.get((world.bot.id, str(nonce)))
    return None if entry is None else entry[1]


def _reference(world: World, channel: ChannelState, reference: Json | None) -> Json | None:
    """The reply's reference; 50035 for a message that is gone, or none when that was allowed to fail."""
    if reference is None:
        return None
    message_id = int(reference["message_id"])
    answered = channel.messages.get(message_id)
    if answered is None or answered.reader_id is not None:
        if reference.get("fail_if_not_exists", True):
            raise errors.form_error("message_reference", "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message")
        return None
    payload: Json = {"type": 0, "channel_id": str(channel.id), "message_id": str(message_id)}
    if channel.guild_id is not None:
        payload["guild_id"] = str(channel.guild_id)
    return payload


def _check_new(body: Json, uploads: list[Upload], *, flags: int, pending: bool) -> None:
    names = [_upload_name(body, upload) for upload in uploads]
    check_body(body, flags=flags, file_names=names)
    shown = any(body.get(key) for key in ("content", "embeds", "components", "sticker_ids", "poll")) or uploads
    if not shown and not pending:
        raise errors.known(50006)


def check_sizes(world: World, uploads: list[Upload]) -> None:
    """413 / 40005 for a file over the limit, or files over the limit of a request together."""
    largest = max((len(upload.data) for upload in uploads), default=0)
    together = sum(len(upload.data) for upload in uploads)
    if largest > world.settings.upload_limit_bytes or together > world.settings.request_limit_bytes:
        raise errors.known(40005)


def create(
    world: World, channel: ChannelState, body: Json, uploads: list[Upload], origin: Origin, *, pending: bool = False
) -> Message:
    """Put a message of the bot into the channel after checking its body; announcing it is the caller's."""
    flags = read_flags(body) | origin.flags
    if origin.reader_id is None:
        flags &= ~MessageFlag.EPHEMERAL
    _check_new(body, uploads, flags=flags, pending=pending)
    message = Message(
        world.ids.next(),
        channel.id,
        world.bot.id,
        content=body.get("content") or "",
        created_at=now_text(),
        type=origin.type,
        flags=flags,
        tts=bool(body.get("tts", False)),
        embeds=_embeds(body),
        components=numbered(body.get("components") or []),
        reference=origin.reference,
        interaction=origin.metadata,
        reader_id=origin.reader_id,
    )
    message.attachments = [_store(world, channel.id, body, upload) for upload in uploads]
    _set_mentions(world, message, body)
    channel.messages[message.id] = message
    return message


def edit(world: World, message: Message, body: Json, uploads: list[Upload]) -> Message:
    """Change the fields that the body names; a "thinking…" message becomes a real one."""
    flags = message.flags
    if body.get("flags") is not None:
        editable = MessageFlag.SUPPRESS_EMBEDS | MessageFlag.IS_COMPONENTS_V2
        kept_v2 = flags & MessageFlag.IS_COMPONENTS_V2
        flags = flags & ~editable | read_flags(body) & editable | kept_v2
    kept = _kept_attachments(message, body)
    new = _new_uploads(message, body, uploads)
    names = [item.filename for item in kept] + [_upload_name(body, upload) for upload in new]
    wanted: Json = {
        "content": body.get("content", message.content),
        "embeds": body.get("embeds", message.embeds),
        "components": body.get("components", message.components),
        "allowed_mentions": body.get("allowed_mentions"),
    }
    check_body(wanted, flags=flags, file_names=names)
    if not (wanted["content"] or wanted["embeds"] or wanted["components"] or names):
        raise errors.known(50006)
    message.content = wanted["content"] or ""
    message.embeds = _embeds(wanted)
    message.components = numbered(wanted["components"] or [])
    message.attachments = kept + [_store(world, message.channel_id, body, upload) for upload in new]
    message.edited_at = None if message.is_loading else now_text()
    message.flags = flags & ~MessageFlag.LOADING
    _set_mentions(world, message, body)
    announce(world, "MESSAGE_UPDATE", message)
    return message


def edit_own(world: World, channel_id: int, message_id: int, body: Json, uploads: list[Upload]) -> Message:
    """The bot edits a message by its token: 10008 for ephemeral ones, 50005 for others' messages."""
    channel = world.channel(channel_id)
    world.require(channel, 0)
    message = world.message(channel_id, message_id)
    if message.reader_id is not None:
        raise errors.unknown_message()
    if message.author_id != world.bot.id:
        raise errors.known(50005)
    sending_rules.check_edit(world, channel)
    if uploads:
        world.require(channel, Permission.ATTACH_FILES)
    sending_rules.check_words(world, channel, body)
    return edit(world, message, body, uploads)


def delete(world: World, message: Message) -> None:
    """Take a message away; replies to it stay."""
    channel = world.channel(message.channel_id)
    del channel.messages[message.id]
    payload: Json = {"id": str(message.id), "channel_id": str(channel.id)}
    if channel.guild_id is not None:
        payload["guild_id"] = str(channel.guild_id)
    if message.reader_id is None and world.can_view(world.bot.id, channel):
        world.emit("MESSAGE_DELETE", payload, channel.guild_id)
    world.touch()


def delete_by_bot(world: World, channel_id: int, message_id: int) -> None:
    """The bot deletes by its token: others' messages need Manage Messages."""
    channel = world.channel(channel_id)
    world.require(channel, 0)
    message = world.message(channel_id, message_id)
    if message.reader_id is not None:
        raise errors.unknown_message()
    sending_rules.check_delete(world, channel)
    if message.author_id != world.bot.id:
        world.require(channel, Permission.MANAGE_MESSAGES)
    delete(world, message)


def read(world: World, channel_id: int, message_id: int) -> Message:
    """One message for the bot; needs Read Message History (50001 without, as Discord answers)."""
    channel = world.channel(channel_id)
    world.require(channel, 0)
    if channel.guild_id is not None:
        granted = world.permissions(world.bot.id, channel)
        if not granted & Permission.READ_MESSAGE_HISTORY:
            raise errors.missing_access()
    message = world.message(channel_id, message_id)
    if message.reader_id is not None:
        raise errors.unknown_message()
    return message


def history(world: World, channel_id: int, query: dict[str, str]) -> list[Message]:
    """Newest first; empty, not an error, without Read Message History."""
    channel = world.channel(channel_id)
    world.require(channel, 0)
    if channel.guild_id is not None:
        granted = world.permissions(world.bot.id, channel)
        if not granted & Permission.READ_MESSAGE_HISTORY:
            return []
    limit = int(query.get("limit", 50))
    if not 1 <= limit <= 100:
        raise errors.form_error("limit", "NUMBER_TYPE_MAX", "int value should be between 1 and 100.")
    found = [item for item in channel.messages.values() if item.reader_id is None]
    if "around" in query:
        around = int(query["around"])
        nearest = sorted(found, key=lambda item: abs(item.id - around))[:limit]
        return sorted(nearest, key=lambda item: -item.id)
    if "after" in query:
        after = [item for item in found if item.id > int(query["after"])][:limit]
        return after[::-1]
    before = int(query.get("before", 1 << 63))
    return [item for item in reversed(found) if item.id < before][:limit]


def announce(world: World, event: str, message: Message) -> None:
    """Send the gateway event of a message; ephemeral ones, and those out of the bot's sight, only count as a change."""
    channel = world.channel(message.channel_id)
    if message.reader_id is not None or not world.can_view(world.bot.id, channel):
        world.touch()
        return
    world.emit(event, payloads.message_event(world, message), channel.guild_id)


def _embeds(body: Json) -> list[Json]:
    return [{"type": "rich", **embed} for embed in body.get("embeds") or []]


def _described(body: Json, upload: Upload) -> Json:
    """The entry of `attachments` that speaks of this file part."""
    for item in body.get("attachments") or []:
        if str(item.get("id")) == upload.slot:
            return dict(item)
    return {}


def _upload_name(body: Json, upload: Upload) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", str(_described(body, upload).get("filename") or upload.filename))


def _store(world: World, channel_id: int, body: Json, upload: Upload) -> Attachment:
    stored = world.cdn.store(world.ids.next(), channel_id, _upload_name(body, upload), upload.data)
    stored.description = _described(body, upload).get("description")
    stored.is_spoiler = stored.filename.startswith("SPOILER_") or bool(_described(body, upload).get("is_spoiler"))
    return stored


def _kept_attachments(message: Message, body: Json) -> list[Attachment]:
    """The old files that stay: all unless the body lists `attachments`."""
    if "attachments" not in body:
        return list(message.attachments)
    listed = {str(item.get("id")) for item in body["attachments"] or []}
    return [item for item in message.attachments if str(item.id) in listed]


def _new_uploads(message: Message, body: Json, uploads: list[Upload]) -> list[Upload]:
    """The file parts to add; 50035 for a listed id that is neither an old file nor a part."""
    if "attachments" not in body:
        return uploads
    old = {str(item.id) for item in message.attachments}
    parts = {upload.slot for upload in uploads}
    listed = [str(item.get("id")) for item in body["attachments"] or []]
    for index, attachment_id in enumerate(listed):
        if attachment_id not in old | parts:
            raise errors.form_error(f"attachments.{index}.id", "ATTACHMENT_NOT_FOUND", "Attachment not found")
    return [upload for upload in uploads if upload.slot in listed]


def _set_mentions(world: World, message: Message, body: Json) -> None:
    """Whom the message mentions; `allowed_mentions` decides who is in that list, i.e. pinged."""
    policy = body.get("allowed_mentions")
    text = message.content + "".join(str(item.get("content", "")) for item in message.components)
    ids = [int(found) for found in re.findall(r"<@!?(\d+)>", text)]
    known = [user_id for user_id in dict.fromkeys(ids) if user_id in world.users]
    if policy is not None and "users" not in (policy.get("parse") or []):
        allowed = {int(user_id) for user_id in policy.get("users") or []}
        known = [user_id for user_id in known if user_id in allowed]
    if message.reference is not None and (policy or {}).get("replied_user", policy is None):
        answered = world.find_message(int(message.reference["message_id"]))
        if answered is not None and answered.author_id not in known:
            known.append(answered.author_id)
    message.mention_ids = known
