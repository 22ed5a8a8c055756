"""A simulated Discord: the real wire on 127.0.0.1, and people to act as."""

from playground.discord.errors import ClientRefusal
from playground.discord.faults import DiscordFaults
from playground.discord.model import Channel, GuildInfo, Person, RoleInfo
from playground.discord.rest import RequestRecord
from playground.discord.virtual import Outcome, VirtualDiscord

__all__ = [
    "Channel",
    "ClientRefusal",
    "DiscordFaults",
    "GuildInfo",
    "Outcome",
    "Person",
    "RequestRecord",
    "RoleInfo",
    "VirtualDiscord",
]
