"""The simulated Discord at its start: who and what there is, with ids that never change."""

from __future__ import annotations

from datetime import UTC, datetime

from playground.discord import permissions
from playground.discord.model import ChannelState, ChannelType, Guild, Member, Overwrite, Person, Role, User
from playground.discord.permissions import Permission

APPLICATION_ID = 1455000000000000001
GUILD_ID = 1455000000000000100
BOT_ROLE_ID = 1455000000000000110
MODERATOR_ROLE_ID = 1455000000000000111
ROLE_IDS = {"patron": 1455000000000000112, "supporter": 1455000000000000113}
CHANNEL_IDS = {
    "video-lab": 1455000000000000200,
    "general": 1455000000000000201,
    "after-dark": 1455000000000000202,
    "staff": 1455000000000000203,
    "no-posting": 1455000000000000204,
}
PEOPLE = {
    "ann": Person(1455000000000000301, "ann", "Ann"),
    "ben": Person(1455000000000000302, "ben", "Ben"),
    "mo": Person(1455000000000000303, "mo", "Mo"),
    "owner": Person(1455000000000000304, "owner", "Olive"),
}
"""Fixed ids: a bot's database from an earlier start keeps fitting the same people and places."""


def now_text() -> str:
    """This moment in the form of Discord's timestamps."""
    return datetime.now(UTC).isoformat()


def make_guild(users: dict[int, User]) -> Guild:
    """The home guild: everybody is in it, and Mo is its moderator."""
    guild = Guild(GUILD_ID, "Playground", PEOPLE["owner"].id, system_channel_id=CHANNEL_IDS["general"])
    bot = users[APPLICATION_ID]
    roles = [
        Role(GUILD_ID, "@everyone", permissions.EVERYONE, key="everyone"),
        Role(ROLE_IDS["patron"], "patron", 0, 1, key="patron"),
        Role(ROLE_IDS["supporter"], "supporter", 0, 2, key="supporter"),
        Role(MODERATOR_ROLE_ID, "moderator", permissions.MODERATOR, 3, key="moderator"),
        Role(BOT_ROLE_ID, bot.username, permissions.BOT, 4, managed=True, key="bot"),
    ]
    guild.roles = {role.id: role for role in roles}
    guild.members = {user_id: Member(user_id, joined_at=now_text()) for user_id in users}
    guild.members[bot.id].role_ids.append(BOT_ROLE_ID)
    guild.members[PEOPLE["mo"].id].role_ids.append(MODERATOR_ROLE_ID)
    return guild


def make_channels() -> dict[int, ChannelState]:
    """The home guild's channels: open ones, an age-restricted one, the staff's, and one where the bot may not post."""
    channels = {
        channel_id: ChannelState(channel_id, key, key, ChannelType.TEXT, GUILD_ID)
        for key, channel_id in CHANNEL_IDS.items()
    }
    channels[CHANNEL_IDS["after-dark"]].nsfw = True
    channels[CHANNEL_IDS["staff"]].overwrites = {
        GUILD_ID: Overwrite(GUILD_ID, 0, deny=int(Permission.VIEW_CHANNEL)),
        MODERATOR_ROLE_ID: Overwrite(MODERATOR_ROLE_ID, 0, allow=int(Permission.VIEW_CHANNEL)),
    }
    channels[CHANNEL_IDS["no-posting"]].overwrites = {
        APPLICATION_ID: Overwrite(APPLICATION_ID, 1, deny=int(Permission.SEND_MESSAGES))
    }
    return channels
