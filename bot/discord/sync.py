"""Registering the commands, only when they changed.

Discord allows 200 creates a day and guild (interactions/application-commands, Registering a Command).
"""

import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import discord
from discord import app_commands

from bot.i18n import Catalogue

log = logging.getLogger(__name__)

Load = Callable[[str], Awaitable[str | None]]
Save = Callable[[str, str], Awaitable[None]]
Tree = app_commands.CommandTree[Any]


class CatalogueTranslator(app_commands.Translator):
    """Localises what carries a catalogue key; languages without a catalogue of their own get nothing."""

    def __init__(self, catalogue: Catalogue) -> None:
        super().__init__()
        self._catalogue = catalogue

    async def translate(
        self, string: app_commands.locale_str, locale: discord.Locale, context: app_commands.TranslationContextTypes
    ) -> str | None:
        """Return the text of `string`'s key in `locale`; None keeps the English one."""
        key = string.extras.get("key")
        if key is None or locale.value.startswith("en-"):
            return None
        return self._catalogue.find(key, locale.value)


async def payload(tree: Tree) -> list[dict[str, Any]]:
    """Return the commands as they are registered, localisations included."""
    commands = sorted(tree.get_commands(), key=lambda command: command.name)
    translator = tree.translator
    if translator is None:
        return [command.to_dict(tree) for command in commands]
    return [await command.get_translated_payload(tree, translator) for command in commands]


async def sync_commands(
    tree: Tree, *, application_id: int, guild_id: int | None, load: Load, save: Save, is_forced: bool = False
) -> bool:
    """Register the commands where they belong if anything changed since the last time. Returns whether it did.

    With `guild_id` they go to that guild only and the global set is emptied; without, the guild used before is.
    """
    key = f"commands:{application_id}"
    commands = await payload(tree)
    digest = hashlib.sha256(json.dumps(commands, sort_keys=True, default=str).encode()).hexdigest()
    wanted = {"hash": digest, "guild": guild_id}
    before = _known(await load(key))
    if before == wanted and not is_forced:
        return False
    http = tree.client.http
    await _empty_former_guild(http, application_id, before.get("guild"), guild_id)
    if guild_id is None:
        await http.bulk_upsert_global_commands(application_id, commands)
    else:
        await http.bulk_upsert_guild_commands(application_id, guild_id, commands)
        await http.bulk_upsert_global_commands(application_id, [])
    await save(key, json.dumps(wanted))
    log.info("commands.synced", extra={"count": len(commands), "guild_id": guild_id})
    return True


async def command_differences(tree: Tree, *, application_id: int, guild_id: int | None) -> list[str]:
    """Compare what is registered with what should be: `+name` is missing at Discord, `-name` too many, `~name` else."""
    http = tree.client.http
    if guild_id is None:
        remote = await http.get_global_commands(application_id)
    else:
        remote = await http.get_guild_commands(application_id, guild_id)
    ours = {command["name"]: _shape(command) for command in await payload(tree)}
    theirs = {command["name"]: _shape(command) for command in remote}
    changed = [f"~{name}" for name in sorted(ours.keys() & theirs.keys()) if ours[name] != theirs[name]]
    return [
        *(f"+{n}" for n in sorted(ours.keys() - theirs)),
        *(f"-{n}" for n in sorted(theirs.keys() - ours)),
        *changed,
    ]


async def _empty_former_guild(http: Any, application_id: int, former: object, guild_id: int | None) -> None:
    if not isinstance(former, int) or former == guild_id:
        return
    try:
        await http.bulk_upsert_guild_commands(application_id, former, [])
    except (discord.Forbidden, discord.NotFound):
        log.info("commands.former_guild_gone", extra={"guild_id": former})


def _known(text: str | None) -> dict[str, Any]:
    found = json.loads(text) if text else {}
    return found if isinstance(found, dict) else {}


def _shape(command: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what matters of a command or option, without the defaults that Discord fills in."""
    options = tuple(_shape(option) for option in command.get("options", ()))
    return (command["name"], command.get("description"), bool(command.get("required")), options)
