"""Building commands whose names and descriptions come from the catalogue."""

from collections.abc import Callable, Coroutine
from typing import Any

import discord
from discord import app_commands
from discord.app_commands import locale_str

from bot.i18n import Catalogue

Command = app_commands.Command[Any, ..., Any]
Callback = Callable[..., Coroutine[Any, Any, None]]

GUILD_INSTALLS = app_commands.AppInstallationType(guild=True, user=False)
IN_GUILDS = app_commands.AppCommandContext(guild=True, dm_channel=False, private_channel=False)
IN_GUILDS_AND_DIRECT = app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=False)


class Labels:
    """Texts of commands: English, with the catalogue key that the translator looks other languages up by."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def __call__(self, key: str) -> locale_str:
        """Return the text of `key`, to be translated when commands are registered."""
        return locale_str(self._catalogue.text(key, "en"), key=key)

    def command(
        self,
        path: str,
        callback: Callback,
        *,
        contexts: app_commands.AppCommandContext | None = None,
        options: dict[str, str] | None = None,
    ) -> Command:
        """Make a command. `path` is its catalogue path (`jobs.list`).

        `contexts` is None for a command of a group, which has the group's. `options` names the catalogue entries of
        parameters that are not called like them.
        """
        made: Command = app_commands.Command(
            name=self(f"command.{path}.name"),
            description=self(f"command.{path}.description"),
            callback=callback,
            allowed_contexts=contexts,
            allowed_installs=None if contexts is None else GUILD_INSTALLS,
        )
        entries = {p.name: (options or {}).get(p.name, p.name) for p in made.parameters}
        app_commands.describe(**{name: self(f"option.{entry}.description") for name, entry in entries.items()})(made)
        app_commands.rename(**{name: self(f"option.{entry}.name") for name, entry in entries.items()})(made)
        return made

    def group(
        self,
        path: str,
        *,
        contexts: app_commands.AppCommandContext,
        permissions: discord.Permissions | None = None,
    ) -> app_commands.Group:
        """Make a group of commands; `permissions` is who may use it unless a server's admins say otherwise."""
        return app_commands.Group(
            name=self(f"command.{path}.name"),
            description=self(f"command.{path}.description"),
            allowed_contexts=contexts,
            allowed_installs=GUILD_INSTALLS,
            default_permissions=permissions,
        )
