"""Registering the commands, only when they changed.

Discord allows 200 creates a day and guild (interactions/application-commands, Registering a Command).
"""

import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
import discord
from discord import app_commands

from bot.domain.errors import DeliveryRetry, SettingsInvalid
from bot.i18n import Catalogue

log = logging.getLogger(__name__)

Load = Callable[[str], Awaitable[str | None]]
Save = Callable[[str, str], Awaitable[None]]
Tree = app_commands.CommandTree[Any]

GLOBAL = "global"


class CatalogueTranslator(app_commands.Translator):
    """Localises names, descriptions and choices; languages without a catalogue of their own get nothing."""

    def __init__(self, catalogue: Catalogue) -> None:
        super().__init__()
        self._catalogue = catalogue

    async def translate(
        self, string: app_commands.locale_str, locale: discord.Locale, context: app_commands.TranslationContextTypes
    ) -> str | None:
        """Return the text of `string`'s key in `locale`; None keeps the English one.

        What has no key (`480p`) reads the same in every language that there is.
        """
        if locale.value.startswith("en-") or not self._catalogue.speaks(locale.value):
            return None
        key = string.extras.get("key")
        return string.message if key is None else self._catalogue.find(key, locale.value)


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

    Raises:
        SettingsInvalid: `guild_id` is closed to the bot.
        DeliveryRetry: Discord does not answer as it should; another try continues where this one ended.
    """
    key = f"commands:{application_id}"
    sets = await _sets(tree, guild_id, operator_guild_id)
    wanted = {where: {"hash": _digest(commands)} for where, commands in sets.items()}
    before = _known(await load(key))
    if before == wanted and not is_forced:
        return False
    new = [where for where in sets if is_forced or before.get(where) != wanted[where]]
    old = before.keys() - sets.keys()
    done = before | {where: {} for where in (*old, *new)}  # ends this half-way, the next start does these again
    await save(key, json.dumps(done))
    try:
        for where in old:
            await _empty(tree.client.http, application_id, where)
            del done[where]
        for where in new:
            if await _register(tree, application_id, where, sets[where], operator_guild_id):
                done[where] = wanted[where]
            else:
                del done[where]
    except discord.HTTPException as error:
        raise DeliveryRetry(error.code, status=error.status) from error
    except (aiohttp.ClientError, OSError) as error:
        raise DeliveryRetry from error
    await save(key, json.dumps(done))
    log.info("commands.synced", extra={"sets": {where: len(commands) for where, commands in sets.items()}})
    return True


async def command_differences(
    tree: Tree, *, application_id: int, guild_id: int | None, operator_guild_id: int | None = None
) -> list[str]:
    """Compare what is registered with what should be: `+name` is missing at Discord, `-name` too many, `~name` else."""
    found = []
    for where, commands in (await _sets(tree, guild_id, operator_guild_id)).items():
        if where == GLOBAL and guild_id is not None:
            continue
        ours = {command["name"]: command for command in commands}
        remote = await _registered(tree.client.http, application_id, where)
        theirs = {command["name"]: command for command in remote}
        found += [f"+{name}" for name in sorted(ours.keys() - theirs)]
        found += [f"-{name}" for name in sorted(theirs.keys() - ours)]
        found += [f"~{name}" for name in sorted(ours.keys() & theirs.keys()) if _differs(ours[name], theirs[name])]
    return found


async def _registered(http: Any, application_id: int, where: str) -> list[dict[str, Any]]:
    """Return the commands that Discord has, with their localisations, which it leaves out unless it is asked for them
    (interactions/application-commands, Get Global Application Commands); discord.py does not ask."""
    path = "/applications/{application_id}"
    if where == GLOBAL:
        route = discord.http.Route("GET", path + "/commands", application_id=application_id)
    else:
        path += "/guilds/{guild_id}/commands"
        route = discord.http.Route("GET", path, application_id=application_id, guild_id=int(where))
    found: list[dict[str, Any]] = await http.request(route, params={"with_localizations": "true"})
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
    tree: Tree, application_id: int, where: str, commands: list[dict[str, Any]], operator_guild_id: int | None
) -> bool:
    """Put a set where it belongs. False where the operator's guild is closed to the bot: everything else works on."""
    http = tree.client.http
    if where == GLOBAL:
        await http.bulk_upsert_global_commands(application_id, commands)
        return True
    try:
        await http.bulk_upsert_guild_commands(application_id, int(where), commands)
    except (discord.Forbidden, discord.NotFound) as error:
        if where != str(operator_guild_id):
            raise SettingsInvalid(
                f"DISCORD_GUILD_ID: {where} is not a server that the bot is in; copy its id anew, or invite the bot:"
                f" {tree.client.invite_link()} Example: DISCORD_GUILD_ID=81384788765712384"
            ) from error
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


def _differs(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    """Tell whether a command or option is not as it should be, leaving out the defaults that Discord fills in."""
    if _shape(ours) != _shape(theirs):
        return True
    for key in ("name_localizations", "description_localizations"):
        if key in theirs and (theirs[key] or {}) != (ours.get(key) or {}):
            return True
    return any(map(_differs, ours.get("options") or (), theirs.get("options") or ()))


def _shape(command: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what matters of a command or option without those in it, of which it has the names."""
    within = tuple(option["name"] for option in command.get("options") or ())
    return (command["name"], command.get("description") or "", bool(command.get("required")), within)
