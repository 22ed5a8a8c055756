"""The server as one person sees it: people, roles, channels and where the bot stands, for lists and switches."""

from typing import Any

from playground.discord import Channel, Person, VirtualDiscord

MIB = 1024 * 1024
HOME = "home"
"""The key of the guild that everybody is in at the start."""

BOT_PERMISSIONS = {
    "view_channel": "View Channel",
    "send_messages": "Send Messages",
    "send_messages_in_threads": "Send Messages in Threads",
    "attach_files": "Attach Files",
    "embed_links": "Embed Links",
    "read_message_history": "Read Message History",
}
"""The permissions that the bot asks for, as the simulation names them, with the words of Discord's own settings."""

LOCALES = {"en-US": "English (US)", "en-GB": "English (UK)", "ja": "日本語", "nl": "Nederlands", "de": "Deutsch"}
"""Languages of Discord's app to try: three that a bot could speak, one variant, and one that it may lack."""

UPLOAD_LIMITS = {"10": "10 MiB (no boosts)", "50": "50 MiB (level 2)", "100": "100 MiB (level 3)"}
"""Discord's limits per file, in MiB, by the server's boost level."""

REFUSALS = {
    "10003": "10003 Unknown Channel",
    "40005": "40005 file too large",
    "50001": "50001 Missing Access",
    "50013": "50013 Missing Permissions",
    "50083": "50083 thread is archived",
    "200000": "200000 blocked by AutoMod",
    "429": "429 too many requests (sent again)",
    "500": "500 Discord's own error (sent again)",
    "503": "503 Discord unavailable (sent again)",
}
"""What Discord may answer to a message that the bot posts, by code or HTTP status."""

TOKEN_LIFETIMES = {"900": "15 minutes, as in Discord", "60": "1 minute", "10": "10 seconds"}
"""How long an answer to a command can be edited and followed up, in seconds."""

NOT_GIVEN = ("everyone", "bot")
CHANNEL_TYPES = {"text": 0, "dm": 1, "thread": 11}
"""Discord's numbers of the kinds of channel."""


def scene(discord: VirtualDiscord, viewer: Person) -> dict[str, Any]:
    """Everything that the lists and the Server tab show; `visible` says which channels the viewer sees."""
    members = [person for person in discord.people.values() if is_member(discord, person)]
    return {
        "people": [_person(discord, person, is_in=person in members) for person in discord.people.values()],
        "roles": [
            {"id": str(role.id), "key": key, "name": role.name, "given": "/" not in key and key not in NOT_GIVEN}
            for key, role in discord.roles.items()
        ],
        "channels": [_channel(discord, channel, viewer, members) for channel in discord.channels.values()],
        "guilds": [{"id": str(guild.id), "name": guild.name} for guild in discord.guilds.values()],
        "bot": {"member": discord.in_guild(), "commands": _commands(discord)},
        "locales": list(LOCALES.items()),
        "guild_locale": discord.settings.guild_locale,
        "upload_limits": list(UPLOAD_LIMITS.items()),
        "refusals": list(REFUSALS.items()),
        "refusals_waiting": len(discord.faults.active),
        "token_lifetimes": list(TOKEN_LIFETIMES.items()),
        "token_lifetime": f"{discord.settings.token_lifetime_s:.0f}",
        "upload_limit": str(discord.settings.upload_limit_bytes // MIB),
    }


def is_member(discord: VirtualDiscord, person: Person) -> bool:
    """Whether the person is in the home guild."""
    home = discord.guilds[HOME].id
    places = (channel for channel in discord.channels.values() if channel.guild_id == home)
    return any(discord.permissions(person, channel) for channel in places)


def _commands(discord: VirtualDiscord) -> list[str]:
    """The names of the slash commands that the owner is offered."""
    first = next(iter(discord.channels.values()))
    return sorted(command["name"] for command in discord.commands("owner", first) if command.get("type", 1) == 1)


def _person(discord: VirtualDiscord, person: Person, *, is_in: bool) -> dict[str, Any]:
    keys = discord.member_roles(person) if is_in else []
    names = [discord.roles[key].name for key in keys if key in discord.roles]
    is_owner = person.key == "owner"
    return {
        "id": str(person.id),
        "key": person.key,
        "name": person.name,
        "role": ", ".join([*(["Owner of the server"] if is_owner else []), *names])
        or ("Member" if is_in else "Not in the server"),
        "member": is_in,
        "owner": is_owner,
        "roles": [str(discord.roles[key].id) for key in keys if key in discord.roles],
        "locale": discord.settings.locales.get(person.id, "en-US"),
        "dms_open": person.id not in discord.settings.dm_closed,
    }


def _channel(discord: VirtualDiscord, channel: Channel, viewer: Person, members: list[Person]) -> dict[str, Any]:
    granted = discord.permissions(None, channel)
    is_thread = channel.kind == "thread"
    needed = {"view_channel", "send_messages_in_threads" if is_thread else "send_messages"}
    return {
        "id": str(channel.id),
        "key": channel.key,
        "name": channel.name,
        "kind": channel.kind,
        "type": CHANNEL_TYPES[channel.kind],
        "guild": str(channel.guild_id),
        "parent": None if channel.parent_id is None else str(channel.parent_id),
        "age_restricted": channel.nsfw,
        "archived": channel.archived,
        "locked": channel.locked,
        "visible": _sees(discord, viewer, channel),
        "staff_only": not is_thread and not all(_sees(discord, person, channel) for person in members),
        "bot_may_post": needed.issubset(granted),
        "bot": [[name, words, name in granted] for name, words in BOT_PERMISSIONS.items()],
    }


def _sees(discord: VirtualDiscord, person: Person, channel: Channel) -> bool:
    return "view_channel" in discord.permissions(person, channel)
