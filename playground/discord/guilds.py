"""What happens in servers: they are made, the bot comes and goes, members and roles change, and the bot is told."""

from __future__ import annotations

from playground.discord import payloads, permissions, sending_rules
from playground.discord.command_access import permissions_payload
from playground.discord.model import ChannelState, ChannelType, Guild, Member, Role
from playground.discord.permissions import Permission
from playground.discord.seed import now_text
from playground.discord.world import World


def create(world: World, key: str, name: str, owner_id: int, *, member_ids: list[int]) -> Guild:
    """A new server without the bot: everyone's role, a moderators' role, and two channels."""
    guild = Guild(world.ids.next(), name, owner_id, key=key)
    guild.roles[guild.id] = Role(guild.id, "@everyone", permissions.EVERYONE, key=f"{key}/everyone")
    moderator = Role(world.ids.next(), "moderator", permissions.MODERATOR, 1, key=f"{key}/moderator")
    guild.roles[moderator.id] = moderator
    guild.members = {user_id: Member(user_id, joined_at=now_text()) for user_id in [owner_id, *member_ids]}
    world.guilds[guild.id] = guild
    for channel_name in ("general", "clips"):
        place = ChannelState(
            world.ids.next(), f"{key}/{channel_name}", channel_name, ChannelType.TEXT, guild_id=guild.id
        )
        world.channels[place.id] = place
        guild.system_channel_id = guild.system_channel_id or place.id
    world.touch()
    return guild


def invite_bot(world: World, guild: Guild, granted: int) -> None:
    """The bot joins with a role of its own, above all others, that has the invite's permissions."""
    if world.is_joined(guild.id):
        return
    top = max(role.position for role in guild.roles.values())
    prefix = "" if guild is world.guild else f"{guild.key}/"
    role = Role(world.ids.next(), world.bot.username, granted, top + 1, managed=True, key=f"{prefix}bot")
    guild.roles[role.id] = role
    guild.members[world.bot.id] = Member(world.bot.id, [role.id], now_text())
    world.emit("GUILD_CREATE", payloads.guild_create(world, guild), guild.id)


def remove_bot(world: World, guild: Guild) -> None:
    """The bot is thrown out: its role, its overwrites and the guild's own commands go with it."""
    if not world.is_joined(guild.id):
        return
    world.emit("GUILD_DELETE", {"id": str(guild.id)}, guild.id)
    member = guild.members.pop(world.bot.id)
    for role_id in member.role_ids:
        if guild.roles[role_id].managed:
            del guild.roles[role_id]
    for channel in world.channels.values():
        if channel.guild_id == guild.id:
            channel.overwrites.pop(world.bot.id, None)
    guild.command_overrides.clear()
    world.commands.forget(guild.id)
    world.touch()


def announce_role(world: World, guild: Guild, role: Role, what: str) -> None:
    """GUILD_ROLE_CREATE, GUILD_ROLE_UPDATE or GUILD_ROLE_DELETE."""
    payload = {"guild_id": str(guild.id)}
    part = {"role_id": str(role.id)} if what == "DELETE" else {"role": payloads.role(role)}
    world.emit(f"GUILD_ROLE_{what}", {**payload, **part}, guild.id)


def announce_member(world: World, guild: Guild, user_id: int, what: str) -> None:
    """GUILD_MEMBER_ADD, GUILD_MEMBER_UPDATE or GUILD_MEMBER_REMOVE, for those who have the members intent."""
    payload = {"guild_id": str(guild.id)}
    if what == "REMOVE":
        world.emit("GUILD_MEMBER_REMOVE", {**payload, "user": payloads.user(world.users[user_id])}, guild.id)
        return
    world.emit(f"GUILD_MEMBER_{what}", {**payload, **payloads.member(world, guild.members[user_id])}, guild.id)


def delete_role(world: World, guild: Guild, role: Role) -> None:
    """Take a role away from everyone and everywhere."""
    del guild.roles[role.id]
    for member in guild.members.values():
        if role.id in member.role_ids:
            member.role_ids.remove(role.id)
    for channel in world.channels.values():
        channel.overwrites.pop(role.id, None)
    announce_role(world, guild, role, "DELETE")


def set_role_permission(world: World, guild: Guild, role: Role, permission: Permission, *, allowed: bool) -> None:
    """Give a role a permission or take it, and tell the bot."""
    role.permissions = role.permissions | permission if allowed else role.permissions & ~permission
    announce_role(world, guild, role, "UPDATE")


def override_command(
    world: World, guild: Guild, target_id: int, override: tuple[int, int], allowed: bool | None
) -> None:
    """Set, or with None take back, who may use a command where; `target_id` is the command's or the application's."""
    overrides = guild.command_overrides.setdefault(target_id, {})
    if allowed is None:
        overrides.pop(override, None)
    else:
        overrides[override] = allowed
    payload = permissions_payload(world, guild, target_id)
    world.emit("APPLICATION_COMMAND_PERMISSIONS_UPDATE", payload, guild.id)


def delete_channel(world: World, channel: ChannelState) -> None:
    """Take a channel away with its threads and everything in them."""
    for thread in [item for item in world.channels.values() if item.parent_id == channel.id]:
        delete_channel(world, thread)
    guild = world.guild_of(channel)
    if guild is not None and guild.system_channel_id == channel.id:
        guild.system_channel_id = None
    sending_rules.announce_channel(world, "DELETE", channel)
    del world.channels[channel.id]
    world.touch()
