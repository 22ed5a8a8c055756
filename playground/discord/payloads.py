"""Model to Discord's JSON. Field lists follow Discord's published OpenAPI description (v10)."""

from __future__ import annotations

from playground.discord.model import (
    Attachment,
    ChannelState,
    ChannelType,
    Guild,
    Json,
    Member,
    Message,
    MessageFlag,
    Role,
    User,
)
from playground.discord.settings import MIB
from playground.discord.world import World


def user(account: User) -> Json:
    """A user as others see them."""
    payload: Json = {
        "id": str(account.id),
        "username": account.username,
        "discriminator": "0",
        "global_name": account.global_name,
        "avatar": None,
        "public_flags": 0,
        "flags": 0,
        "primary_guild": None,
    }
    if account.bot:
        payload["bot"] = True
    return payload


def own_user(account: User) -> Json:
    """The bot's own user (`/users/@me` and READY)."""
    return {
        **user(account),
        "verified": True,
        "mfa_enabled": False,
        "locale": "en-US",
        "email": None,
    }


def member(world: World, entry: Member, *, with_user: bool = True) -> Json:
    """A membership, with its user unless Discord leaves that out there."""
    payload: Json = {
        "roles": [str(role_id) for role_id in entry.role_ids],
        "nick": None,
        "avatar": None,
        "banner": None,
        "joined_at": entry.joined_at,
        "premium_since": None,
        "communication_disabled_until": None,
        "deaf": False,
        "mute": False,
        "pending": False,
        "flags": 0,
    }
    if with_user:
        payload["user"] = user(world.users[entry.user_id])
    return payload


def role(entry: Role) -> Json:
    """A role."""
    return {
        "id": str(entry.id),
        "name": entry.name,
        "description": None,
        "permissions": str(entry.permissions),
        "position": entry.position,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": entry.managed,
        "mentionable": False,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
    }


def channel(world: World, entry: ChannelState) -> Json:
    """A text channel, thread or direct-message channel."""
    last = next(reversed(entry.messages), None)
    payload: Json = {
        "id": str(entry.id),
        "type": int(entry.type),
        "flags": 0,
        "last_message_id": None if last is None else str(last),
    }
    if entry.type is ChannelType.DM:
        assert entry.recipient_id is not None
        return {**payload, "recipients": [user(world.users[entry.recipient_id])]}
    payload |= {
        "guild_id": str(entry.guild_id),
        "name": entry.name,
        "parent_id": None if entry.parent_id is None else str(entry.parent_id),
        "rate_limit_per_user": 0,
    }
    if entry.type is ChannelType.PUBLIC_THREAD:
        return {**payload, **_thread(world, entry)}
    return {
        **payload,
        "topic": None,
        "position": list(world.channels).index(entry.id) if entry.id in world.channels else 0,
        "nsfw": entry.nsfw,
        "permission_overwrites": [
            {"id": str(o.target_id), "type": o.type, "allow": str(o.allow), "deny": str(o.deny)}
            for o in entry.overwrites.values()
        ],
    }


HIDDEN_NAME = "___hidden___"
OBFUSCATED = 1 << 17
"""Flag of what the gateway tells of channels that the bot cannot view (resources/channel, Obfuscated Channels)."""


def channel_event(world: World, entry: ChannelState) -> Json:
    """A guild's channel as the gateway carries it: only id, place and permissions of one that the bot cannot view."""
    payload = channel(world, entry)
    if world.can_view(world.bot.id, entry):
        return payload
    kept = ("id", "type", "guild_id", "parent_id", "position", "permission_overwrites")
    return {key: payload[key] for key in kept} | {"name": HIDDEN_NAME, "flags": OBFUSCATED}


def _thread(world: World, entry: ChannelState) -> Json:
    """What only threads have; they do not say `nsfw`: their parent's counts (topics/threads)."""
    return {
        "owner_id": str(world.guilds[entry.guild_id or 0].owner_id),
        "thread_metadata": {
            "archived": entry.archived,
            "auto_archive_duration": 1440,
            "archive_timestamp": entry.archive_changed_at,
            "locked": entry.locked,
        },
        "message_count": len(entry.messages),
        "member_count": 1,
        "total_message_sent": len(entry.messages),
    }


def guild(world: World, entry: Guild) -> Json:
    """The guild as GET /guilds/{id} shows it."""
    limit = world.settings.upload_limit_bytes
    return {
        "id": str(entry.id),
        "name": entry.name,
        "icon": None,
        "description": None,
        "home_header": None,
        "splash": None,
        "discovery_splash": None,
        "banner": None,
        "features": [],
        "owner_id": str(entry.owner_id),
        "application_id": None,
        "region": "automatic",
        "afk_channel_id": None,
        "afk_timeout": 300,
        "system_channel_id": None if entry.system_channel_id is None else str(entry.system_channel_id),
        "system_channel_flags": 0,
        "widget_enabled": False,
        "widget_channel_id": None,
        "verification_level": 0,
        "roles": [role(item) for item in entry.roles.values()],
        "default_message_notifications": 0,
        "mfa_level": 0,
        "explicit_content_filter": 0,
        "max_presences": None,
        "max_members": 500000,
        "max_stage_video_channel_users": 50,
        "max_video_channel_users": 25,
        "vanity_url_code": None,
        "premium_tier": 3 if limit >= 100 * MIB else 2 if limit >= 50 * MIB else 0,
        "premium_subscription_count": 0,
        "preferred_locale": world.locale_of(entry),
        "rules_channel_id": None,
        "safety_alerts_channel_id": None,
        "public_updates_channel_id": None,
        "premium_progress_bar_enabled": False,
        "nsfw": False,
        "nsfw_level": 0,
        "emojis": [],
        "stickers": [],
        "incidents_data": None,
    }


def guild_create(world: World, entry: Guild) -> Json:
    """The GUILD_CREATE event; without privileged intents only the bot's own membership is in it.

    A join does not say `unavailable`; a guild that becomes available says that it is not.
    """
    inside = [item for item in world.channels.values() if item.guild_id == entry.id]
    threads = [item for item in inside if item.type is ChannelType.PUBLIC_THREAD and not item.archived]
    return {
        **guild(world, entry),
        "joined_at": entry.members[world.bot.id].joined_at,
        "large": False,
        "member_count": len(entry.members),
        "members": [member(world, entry.members[world.bot.id])],
        "channels": [channel_event(world, item) for item in inside if item.type is ChannelType.TEXT],
        "threads": [channel(world, item) for item in threads if world.can_view(world.bot.id, item)],
        "voice_states": [],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


SPOILER = 1 << 3
"""Attachment flag (resources/message)."""


def attachment(world: World, entry: Attachment) -> Json:
    """A stored file with fresh links."""
    url = world.cdn.url(entry)
    payload: Json = {
        "id": str(entry.id),
        "filename": entry.filename,
        "size": entry.size,
        "url": url,
        "proxy_url": url,
        "content_type": entry.content_type,
    }
    if entry.width is not None:
        payload |= {"width": entry.width, "height": entry.height}
    if entry.description is not None:
        payload["description"] = entry.description
    if entry.ephemeral:
        payload["ephemeral"] = True
    if entry.is_spoiler:
        payload["flags"] = SPOILER
    return payload


def message(world: World, entry: Message, *, nested: bool = False) -> Json:
    """A message as anyone who may see it gets it; `nested` leaves out what it answers."""
    payload: Json = {
        "id": str(entry.id),
        "channel_id": str(entry.channel_id),
        "type": entry.type,
        "author": user(world.users[entry.author_id]),
        "content": entry.content,
        "timestamp": entry.created_at,
        "edited_timestamp": entry.edited_at,
        "tts": entry.tts,
        "mention_everyone": entry.mention_everyone,
        "mentions": [user(world.users[user_id]) for user_id in entry.mention_ids],
        "mention_roles": [],
        "attachments": [attachment(world, item) for item in entry.attachments],
        "embeds": _with_links(world, entry, entry.embeds),
        "components": _with_links(world, entry, entry.components),
        "pinned": False,
        "flags": entry.flags,
    }
    if entry.flags & MessageFlag.SUPPRESS_EMBEDS:
        payload["embeds"] = []
    if entry.nonce is not None:
        payload["nonce"] = entry.nonce
    if entry.interaction is not None:
        payload |= {
            "application_id": str(world.application_id),
            "webhook_id": str(world.application_id),
            "interaction_metadata": entry.interaction,
        }
    if entry.reference is not None:
        payload["message_reference"] = entry.reference
        if not nested:
            payload["referenced_message"] = _referenced(world, entry.reference)
    return payload


def _referenced(world: World, reference: Json) -> Json | None:
    """The message that a reply answers; None once it is deleted."""
    place = world.channels.get(int(reference["channel_id"]))
    answered = None if place is None else place.messages.get(int(reference["message_id"]))
    return None if answered is None else message(world, answered, nested=True)


def message_event(world: World, entry: Message) -> Json:
    """A message as MESSAGE_CREATE and MESSAGE_UPDATE carry it."""
    payload = message(world, entry)
    place = world.guild_of(world.channels[entry.channel_id])
    if place is not None:
        payload["guild_id"] = str(place.id)
        membership = place.members.get(entry.author_id)
        if membership is not None:
            payload["member"] = member(world, membership, with_user=False)
    return payload


def _with_links(world: World, entry: Message, items: list[Json]) -> list[Json]:
    """Embeds or components with `attachment://name` turned into the file's link."""
    files = {item.filename: item for item in entry.attachments}
    return [_link(world, item, files) for item in items]


def _link(world: World, node: Json, files: dict[str, Attachment]) -> Json:
    result: Json = {}
    for key, value in node.items():
        if isinstance(value, dict):
            result[key] = _link(world, value, files)
        elif isinstance(value, list):
            result[key] = [_link(world, item, files) if isinstance(item, dict) else item for item in value]
        else:
            result[key] = value
    url = node.get("url")
    if isinstance(url, str) and url.startswith("attachment://"):
        stored = files.get(url.removeprefix("attachment://"))
        if stored is not None:
            link = world.cdn.url(stored)
            result |= {"url": link, "proxy_url": link, "content_type": stored.content_type}
            if stored.width is not None:
                result |= {"width": stored.width, "height": stored.height}
    return result
