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

GLOBAL = "global"


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


async def payload(tree: Tree, *, guild_id: int | None = None) -> list[dict[str, Any]]:
    """Return the commands as they are registered, localisations included; with `guild_id` those of that guild alone."""
    guild = None if guild_id is None else discord.Object(guild_id)
    commands = sorted(tree.get_commands(guild=guild), key=lambda command: command.name)
    translator = tree.translator
    if translator is None:
        return [command.to_dict(tree) for command in commands]
    return [await command.get_translated_payload(tree, translator) for command in commands]


async def sync_commands(
    tree: Tree,
    *,
    application_id: int,
    guild_id: int | None,
    load: Load,
    save: Save,
    operator_guild_id: int | None = None,
    is_forced: bool = False,
) -> bool:
    """Register each set of commands that changed since the last time where it belongs. Returns whether any did.

    With `guild_id` the commands go to that guild only and the global set is emptied. What the tree has for
    `operator_guild_id` goes there beside them. Guilds that have no set any more are emptied.
    """
    key = f"commands:{application_id}"
    sets = await _sets(tree, guild_id, operator_guild_id)
    wanted = {where: {"hash": _digest(commands)} for where, commands in sets.items()}
    before = _known(await load(key))
    if before == wanted and not is_forced:
        return False
    done = dict(before)
    for where in before.keys() - sets.keys():
        await _empty(tree.client.http, application_id, where)
        del done[where]
    for where, commands in sets.items():
        is_new = is_forced or before.get(where) != wanted[where]
        if not is_new or await _register(tree.client.http, application_id, where, commands, operator_guild_id):
            done[where] = wanted[where]
    await save(key, json.dumps(done))
    log.info("commands.synced", extra={"sets": {where: len(commands) for where, commands in sets.items()}})
    return True


async def command_differences(
    tree: Tree, *, application_id: int, guild_id: int | None, operator_guild_id: int | None = None
) -> list[str]:
    """Compare what is registered with what should be: `+name` is missing at Discord, `-name` too many, `~name` else."""
    http = tree.client.http
    found = []
    for where, commands in (await _sets(tree, guild_id, operator_guild_id)).items():
        if where == GLOBAL and guild_id is not None:
            continue
        if where == GLOBAL:
            remote = await http.get_global_commands(application_id)
        else:
            remote = await http.get_guild_commands(application_id, int(where))
        ours = {command["name"]: _shape(command) for command in commands}
        theirs = {command["name"]: _shape(command) for command in remote}
        found += [f"+{name}" for name in sorted(ours.keys() - theirs)]
        found += [f"-{name}" for name in sorted(theirs.keys() - ours)]
        found += [f"~{name}" for name in sorted(ours.keys() & theirs.keys()) if ours[name] != theirs[name]]
    return found


async def _sets(tree: Tree, guild_id: int | None, operator_guild_id: int | None) -> dict[str, list[dict[str, Any]]]:
    """Return which commands belong where: the global set, or guilds by id."""
    commands = await payload(tree)
    sets = {GLOBAL: commands} if guild_id is None else {str(guild_id): commands, GLOBAL: []}
    if operator_guild_id is not None:
        own = await payload(tree, guild_id=operator_guild_id)
        sets[str(operator_guild_id)] = [*sets.get(str(operator_guild_id), []), *own]
    return sets


async def _register(
    http: Any, application_id: int, where: str, commands: list[dict[str, Any]], operator_guild_id: int | None
) -> bool:
    """Put a set where it belongs. False where the operator's guild is closed to the bot: everything else works on."""
    if where == GLOBAL:
        await http.bulk_upsert_global_commands(application_id, commands)
        return True
    try:
        await http.bulk_upsert_guild_commands(application_id, int(where), commands)
    except (discord.Forbidden, discord.NotFound):
        if where != str(operator_guild_id):
            raise
        log.error("commands.operator_guild_closed", extra={"guild_id": operator_guild_id})
        return False
    return True


async def _empty(http: Any, application_id: int, where: str) -> None:
    if where == GLOBAL:
        await http.bulk_upsert_global_commands(application_id, [])
        return
    try:
        await http.bulk_upsert_guild_commands(application_id, int(where), [])
    except (discord.Forbidden, discord.NotFound):
        log.info("commands.former_guild_gone", extra={"guild_id": int(where)})


def _digest(commands: list[dict[str, Any]]) -> str:
    return hashlib.sha256(json.dumps(commands, sort_keys=True, default=str).encode()).hexdigest()


def _known(text: str | None) -> dict[str, Any]:
    """Read what was registered where. The first version wrote one set's hash and its guild: that is registered anew."""
    found = json.loads(text) if text else {}
    if not isinstance(found, dict):
        return {}
    if isinstance(found.get("hash"), str):
        return {str(found["guild"]): {}} if isinstance(found.get("guild"), int) else {}
    return found


def _shape(command: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what matters of a command or option, without the defaults that Discord fills in."""
    options = tuple(_shape(option) for option in command.get("options", ()))
    return (command["name"], command.get("description") or "", bool(command.get("required")), options)
