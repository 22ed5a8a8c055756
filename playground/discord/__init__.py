"""A simulated Discord: the real wire on 127.0.0.1, and people to act as."""

from playground.discord.errors import ClientRefusal
from playground.discord.faults import DiscordFaults
from playground.discord.model import Channel, Person
from playground.discord.rest import RequestRecord
from playground.discord.virtual import Outcome, VirtualDiscord

__all__ = ["Channel", "ClientRefusal", "DiscordFaults", "Outcome", "Person", "RequestRecord", "VirtualDiscord"]
