"""`sync`: register the commands at Discord."""

import argparse
from typing import Any

from bot.app import App, desk
from bot.cli.output import put
from bot.cli.start import Commands, add_command, load_settings


def register(commands: "Commands[Any]") -> None:
    """Add the command."""
    add_command(commands, "sync", "register the commands at Discord (a start does it when they changed)", sync)


async def sync(arguments: argparse.Namespace) -> int:
    """Register the commands, whether or not they changed.

    Raises:
        SettingsError: no token or no provider key.
        SettingsInvalid: Discord refuses the token.
    """
    settings = load_settings()
    settings.require_run()
    await desk.upgrade(settings)
    app = App(settings)
    try:
        await app.sign_in(b"")
        await app.sync(is_forced=True)
        names = sorted(command.name for command in app.client.tree.get_commands())
    finally:
        await app.stop()
    where = "in every server" if settings.discord_guild_id is None else f"in server {settings.discord_guild_id}"
    put(arguments.is_json, {"registered": names}, [f"Registered {where}: {', '.join(names)}."])
    return 0
