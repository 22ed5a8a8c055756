"""Where the bot may post, edit and delete: permissions, threads, closed direct messages, AutoMod.

Sources: Discord's documentation, topics/threads (locked and archived threads) and topics/permissions; a locked thread
answers interactions with 50083 as well (discord-api-docs, issues 6884 and 7707).
"""

from __future__ import annotations

from playground.discord import errors, payloads
from playground.discord.components import walk
from playground.discord.model import ChannelState, ChannelType, Guild, Json
from playground.discord.permissions import Permission
from playground.discord.seed import now_text
from playground.discord.world import World


def check_send(world: World, channel: ChannelState, body: Json, *, has_files: bool) -> None:
    """Raise 50001, 50007, 50013, 50083, 50278, 160002 or 200000 when the bot may not post this there."""
    if channel.type is ChannelType.DM:
        check_direct(world, channel)
        return
    in_thread = channel.type is ChannelType.PUBLIC_THREAD
    needed = int(Permission.SEND_MESSAGES_IN_THREADS if in_thread else Permission.SEND_MESSAGES)
    if has_files:
        needed |= Permission.ATTACH_FILES
    if body.get("embeds"):
        needed |= Permission.EMBED_LINKS
    world.require(channel, needed)
    check_unlocked(world, channel)
    if body.get("message_reference"):
        granted = world.permissions(world.bot.id, channel)
        if not granted & Permission.READ_MESSAGE_HISTORY:
            raise errors.known(160002)
    check_words(world, channel, body)


def check_direct(world: World, channel: ChannelState) -> None:
    """Raise 50278 without a guild in common, 50007 when the person closed direct messages."""
    if not world.shares_guild(channel.recipient_id or 0):
        raise errors.known(50278)
    if channel.recipient_id in world.settings.dm_closed:
        raise errors.known(50007)


def check_unlocked(world: World, channel: ChannelState) -> None:
    """Raise 50083 in a locked thread, unless the bot manages threads."""
    if channel.locked and not world.permissions(world.bot.id, channel) & Permission.MANAGE_THREADS:
        raise errors.known(50083)


def check_edit(world: World, channel: ChannelState) -> None:
    """Raise 50083 for an edit in a locked or archived thread: only posting opens an archived one again."""
    check_unlocked(world, channel)
    if channel.archived:
        raise errors.known(50083)


def check_delete(world: World, channel: ChannelState) -> None:
    """Raise 50083 where not even deleting is allowed: a thread that is both locked and archived."""
    if channel.archived:
        check_unlocked(world, channel)


def check_words(world: World, channel: ChannelState, body: Json) -> None:
    """Raise 200000 for words that the guild blocks; whoever manages the guild is exempt."""
    guild = world.guild_of(channel)
    if guild is not None and blocks(world, guild, channel, world.bot.id, texts_of(body)):
        raise errors.known(200000)


def blocks(world: World, guild: Guild, channel: ChannelState, author_id: int, texts: list[str]) -> bool:
    """Whether the guild's AutoMod stops these texts of this author."""
    if world.permissions(author_id, channel) & Permission.MANAGE_GUILD:
        return False
    said = "\n".join(texts).casefold()
    return any(word.casefold() in said for word in guild.blocked_words)


def texts_of(body: Json) -> list[str]:
    """Everything readable in a message's body: content, embeds and text displays."""
    texts = [str(body.get("content") or "")]
    for embed in body.get("embeds") or []:
        texts += [str(embed.get("title") or ""), str(embed.get("description") or "")]
        texts += [f"{field.get('name')}\n{field.get('value')}" for field in embed.get("fields") or []]
    texts += [str(item["content"]) for item in walk(body.get("components") or []) if item.get("content")]
    return texts


def set_archived(world: World, thread: ChannelState, *, archived: bool, locked: bool | None = None) -> None:
    """Archive or open a thread, `locked` None leaves the lock as it is, and tell the bot."""
    was = (thread.archived, thread.locked)
    thread.archived = archived
    thread.locked = thread.locked if locked is None else locked
    if was == (thread.archived, thread.locked):
        return
    if was[0] != archived:
        thread.archive_changed_at = now_text()
    announce_channel(world, "UPDATE", thread)


def wake(world: World, channel: ChannelState) -> None:
    """A message opens an archived thread again."""
    if channel.archived:
        set_archived(world, channel, archived=False)


def announce_channel(world: World, what: str, channel: ChannelState) -> None:
    """CHANNEL_… or THREAD_… (CREATE, UPDATE, DELETE); nothing about threads that the bot cannot view."""
    if channel.type is not ChannelType.PUBLIC_THREAD:
        world.emit(f"CHANNEL_{what}", payloads.channel_event(world, channel), channel.guild_id)
        return
    payload = payloads.channel(world, channel)
    if what == "DELETE":
        payload = {key: payload[key] for key in ("id", "guild_id", "parent_id", "type")}
    if world.can_view(world.bot.id, channel):
        world.emit(f"THREAD_{what}", payload, channel.guild_id)
    world.touch()
