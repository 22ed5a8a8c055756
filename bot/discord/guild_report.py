"""What the bot lacks in each server that it is in, as lines for the operator's terminal."""

import discord

from bot.discord.client import NEEDED_PERMISSIONS

#: Discord's own names of what the bot needs (topics/permissions).
NAMES = {
    "view_channel": "View Channels",
    "send_messages": "Send Messages",
    "send_messages_in_threads": "Send Messages in Threads",
    "attach_files": "Attach Files",
    "embed_links": "Embed Links",
    "read_message_history": "Read Message History",
}


def lines(client: discord.Client) -> list[str]:
    """Return one line per server where something is missing, and one that says that nothing is where that is so.

    Only after the gateway is ready. Single channels may still be closed: a refusal names those when it matters.
    """
    guilds = sorted(client.guilds, key=lambda guild: guild.id)
    if not guilds:
        return ["The bot is in no server yet; the link above invites it."]
    found = [f"{guild.name} ({guild.id}): missing {', '.join(missing(guild))}" for guild in guilds if missing(guild)]
    well = len(guilds) - len(found)
    return [
        *found,
        f"{well} of {len(guilds)} {'server' if len(guilds) == 1 else 'servers'}: every permission is there.",
    ]


def missing(guild: discord.Guild) -> list[str]:
    """Name the permissions that the bot's roles in a server lack."""
    held = guild.me.guild_permissions
    if held.administrator:
        return []
    return [NAMES.get(name, name) for name, is_needed in NEEDED_PERMISSIONS if is_needed and not getattr(held, name)]
