"""Registered application commands, checked the way Discord checks them.

Source: Discord's documentation, interactions/application-commands (naming, option and choice limits, 8,000 characters).
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playground.discord.errors import ApiError, form_error, required, too_long
from playground.discord.model import Json, Snowflakes

COMMANDS_MAX = {1: 100, 2: 15, 3: 15}
OPTIONS_MAX = 25
CHOICES_MAX = 25
CHARACTERS_MAX = 8000
# fmt: off
LOCALES = frozenset((
    "id", "da", "de", "en-GB", "en-US", "es-ES", "es-419", "fr", "hr", "it", "lt", "hu", "nl", "no", "pl", "pt-BR",
    "ro", "fi", "sv-SE", "vi", "tr", "cs", "el", "bg", "ru", "uk", "hi", "th", "zh-CN", "ja", "zh-TW", "ko",
))
# fmt: on
"""Reference, Locales."""
SUBCOMMAND, GROUP = 1, 2
STRING, INTEGER, NUMBER = 3, 4, 10
OPTION_FIELDS = (
    "type",
    "name",
    "name_localizations",
    "description",
    "description_localizations",
    "required",
    "choices",
    "options",
    "channel_types",
    "min_value",
    "max_value",
    "min_length",
    "max_length",
    "autocomplete",
    "file_types",
)


class CommandRegistry:
    """The commands of each scope: None is global, else a guild's id."""

    def __init__(self, application_id: int, ids: Snowflakes) -> None:
        self._application_id = application_id
        self._ids = ids
        self.scopes: dict[int | None, list[Json]] = {}
        self.saved_to: Path | None = None

    def load(self, path: Path) -> None:
        """Start from the commands saved in `path`, and save every change there: Discord does not forget them either."""
        self.saved_to = path
        if path.exists():
            saved = json.loads(path.read_text())
            self.scopes = {None if scope == "global" else int(scope): items for scope, items in saved.items()}

    def _set(self, scope: int | None, commands: list[Json]) -> None:
        self.scopes[scope] = commands
        if self.saved_to is not None:
            saved = {"global" if key is None else str(key): items for key, items in self.scopes.items()}
            partial = self.saved_to.with_suffix(".partial")
            partial.write_text(json.dumps(saved))
            partial.replace(self.saved_to)

    def all(self, scope: int | None) -> list[Json]:
        """The commands of one scope, in the order of registration."""
        return self.scopes.get(scope, [])

    def get(self, scope: int | None, command_id: int) -> Json:
        """One command, or 10063."""
        for command in self.all(scope):
            if command["id"] == str(command_id):
                return command
        raise ApiError(404, 10063, "Unknown application command")

    def replace_all(self, scope: int | None, bodies: Any) -> list[Json]:
        """Bulk overwrite: a command keeps its id by name and type, and its version while nothing changed."""
        if not isinstance(bodies, list):
            raise form_error("", "BASE_TYPE_BAD_TYPE", "Only values of type list are allowed")
        seen: set[tuple[str, int]] = set()
        built = []
        for index, body in enumerate(bodies):
            check_command(body, f"{index}.")
            key = (str(body["name"]), int(body.get("type", 1)))
            if key in seen:
                name = "APPLICATION_COMMANDS_DUPLICATE_NAME"
                raise form_error(str(index), name, "Application command names must be unique")
            seen.add(key)
            built.append(self._build(scope, body))
        _check_count(built)
        self._set(scope, built)
        return built

    def put(self, scope: int | None, body: Any) -> tuple[Json, bool]:
        """Create or overwrite one command; the second value says whether it is new."""
        check_command(body, "")
        command = self._build(scope, body)
        others = [item for item in self.all(scope) if item["id"] != command["id"]]
        is_new = len(others) == len(self.all(scope))
        _check_count([*others, command])
        self._set(scope, [*others, command])
        return command, is_new

    def edit(self, scope: int | None, command_id: int, body: Json) -> Json:
        """Change some fields of one command."""
        old = self.get(scope, command_id)
        merged = {**old, **body}
        check_command(merged, "")
        command = {**self._build(scope, merged), "id": old["id"]}
        self._set(scope, [command if item is old else item for item in self.all(scope)])
        return command

    def remove(self, scope: int | None, command_id: int) -> None:
        """Delete one command."""
        command = self.get(scope, command_id)
        self._set(scope, [item for item in self.all(scope) if item is not command])

    def forget(self, guild_id: int) -> None:
        """Drop a guild's own commands: the application is gone from there."""
        if guild_id in self.scopes:
            self._set(guild_id, [])

    def _build(self, scope: int | None, body: Json) -> Json:
        kind = int(body.get("type", 1))
        permissions = body.get("default_member_permissions")
        command: Json = {
            "application_id": str(self._application_id),
            "type": kind,
            "name": body["name"],
            "name_localizations": body.get("name_localizations"),
            "description": body.get("description", "") if kind == 1 else "",
            "description_localizations": body.get("description_localizations"),
            "default_member_permissions": None if permissions is None else str(permissions),
            "dm_permission": bool(body.get("dm_permission", True)),
            "contexts": body.get("contexts"),
            "integration_types": body.get("integration_types") or [0],
            "nsfw": bool(body.get("nsfw", False)),
            "options": [_build_option(item) for item in body.get("options") or []],
        }
        if scope is not None:
            command["guild_id"] = str(scope)
        return {**command, **self._identity(scope, command)}

    def _identity(self, scope: int | None, command: Json) -> Json:
        """Id and version: the old ones where there is such a command, unchanged."""
        for old in self.all(scope):
            if (old["name"], old["type"]) == (command["name"], command["type"]):
                same = all(old.get(key) == value for key, value in command.items())
                return {"id": old["id"], "version": old["version"] if same else str(self._ids.next())}
        return {"id": str(self._ids.next()), "version": str(self._ids.next())}


def _build_option(body: Json) -> Json:
    """An option with the known fields only, its children included."""
    option = {key: body[key] for key in OPTION_FIELDS if body.get(key) is not None}
    option.setdefault("description", "")
    if "options" in option:
        option["options"] = [_build_option(item) for item in option["options"]]
    return option


def without_localizations(node: Any) -> Any:
    """A command as it is told to those who did not ask for its translations."""
    if isinstance(node, list):
        return [without_localizations(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {key: without_localizations(value) for key, value in node.items() if not key.endswith("_localizations")}


def _check_count(commands: list[Json]) -> None:
    for kind, limit in COMMANDS_MAX.items():
        if sum(item["type"] == kind for item in commands) > limit:
            raise ApiError(400, 30032, f"Maximum number of application commands reached ({limit})")


def check_command(body: Any, path: str) -> None:
    """Refuse a command that Discord would refuse; `path` is where it stands in the request ('' or '0.')."""
    if not isinstance(body, dict):
        raise form_error(path, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
    kind = body.get("type", 1)
    if kind not in COMMANDS_MAX:
        raise form_error(f"{path}type", "BASE_TYPE_CHOICES", "Value must be one of (1, 2, 3).")
    if kind == 1:
        _check_name(body.get("name"), f"{path}name")
        _check_text(body.get("description"), f"{path}description")
        _check_localizations(body, path, _check_name)
        _check_options(body.get("options") or [], f"{path}options", depth=0)
        if _characters(body) > CHARACTERS_MAX:
            raise form_error(path, "APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (8000)")
        return
    name = body.get("name")
    if not isinstance(name, str) or not 1 <= len(name) <= 32:
        raise form_error(f"{path}name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 32 in length.")
    _check_localizations(body, path, _check_menu_name)
    if body.get("description"):
        name = "APPLICATION_COMMAND_INVALID_DESCRIPTION"
        raise form_error(f"{path}description", name, "Context menu commands cannot have description")


def _check_name(name: Any, path: str) -> None:
    """Names are `^[-_'\\p{L}\\p{N}\\p{sc=Deva}\\p{sc=Thai}]{1,32}$`, lower case where there is one."""
    if name is None:
        raise required(path)
    valid = isinstance(name, str) and 1 <= len(name) <= 32 and name == name.lower()
    if not valid or not all(c in "-_'" or unicodedata.category(c)[0] in "LNM" for c in name):
        raise form_error(path, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")


def _check_menu_name(name: Any, path: str) -> None:
    """Names of context menus may have capitals and spaces."""
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= 32:
        raise form_error(path, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 32 in length.")


def _check_localizations(node: Json, path: str, check_name: Callable[[Any, str], None]) -> None:
    """Every translation obeys the rule of what it translates, in a locale that Discord has."""
    for key, check in (("name_localizations", check_name), ("description_localizations", _check_text)):
        for locale, text in (node.get(key) or {}).items():
            if locale not in LOCALES:
                raise form_error(f"{path}{key}", "BASE_TYPE_CHOICES", f'"{locale}" is not a locale.')
            check(text, f"{path}{key}.{locale}")


def _check_text(text: Any, path: str) -> None:
    if text is None:
        raise required(path)
    if not isinstance(text, str) or not 1 <= len(text) <= 100:
        raise form_error(path, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")


def _check_options(options: Any, path: str, depth: int) -> None:
    if not isinstance(options, list) or len(options) > OPTIONS_MAX:
        raise too_long(path, OPTIONS_MAX)
    names: set[str] = set()
    optional_seen = False
    for index, option in enumerate(options):
        here = f"{path}.{index}"
        if not isinstance(option, dict):
            raise form_error(here, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
        _check_name(option.get("name"), f"{here}.name")
        _check_text(option.get("description"), f"{here}.description")
        _check_localizations(option, f"{here}.", _check_name)
        if option["name"] in names:
            raise form_error(here, "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", "Option names must be unique")
        names.add(option["name"])
        if option.get("required") and optional_seen:
            code = "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID"
            raise form_error(here, code, "Required options must be placed before non-required options")
        optional_seen = optional_seen or not option.get("required")
        _check_option(option, here, depth)
    kinds = {option.get("type") in (SUBCOMMAND, GROUP) for option in options}
    if len(kinds) > 1:
        code = "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID"
        raise form_error(path, code, "Sub-command and sub-command group option types are mutually exclusive")


def _check_option(option: Json, path: str, depth: int) -> None:
    kind = option.get("type")
    if kind not in range(1, 12):
        raise form_error(f"{path}.type", "BASE_TYPE_CHOICES", "Value must be one of 1 to 11.")
    if (kind == GROUP and depth > 0) or (kind == SUBCOMMAND and depth > 1):
        code = "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID"
        raise form_error(f"{path}.type", code, "Sub-command option types may not be nested this deep")
    if kind in (SUBCOMMAND, GROUP):
        _check_options(option.get("options") or [], f"{path}.options", depth + (1 if kind == GROUP else 2))
        return
    choices = option.get("choices") or []
    if len(choices) > CHOICES_MAX:
        raise too_long(f"{path}.choices", CHOICES_MAX)
    if choices and option.get("autocomplete"):
        code = "APPLICATION_COMMAND_OPTIONS_CHOICES_AUTOCOMPLETE"
        raise form_error(path, code, "Autocomplete options may not have choices")
    for index, choice in enumerate(choices):
        check_choice(choice, kind, f"{path}.choices.{index}")
    for key, lowest in (("min_length", 0), ("max_length", 1)):
        if key in option and option[key] is not None and not lowest <= option[key] <= 6000:
            raise form_error(f"{path}.{key}", "NUMBER_TYPE_MAX", f"int value should be {lowest} to 6000.")


def check_choice(choice: Any, kind: Any, path: str) -> None:
    """A choice or an autocomplete suggestion: name 1 to 100 characters, value of the option's type."""
    if not isinstance(choice, dict):
        raise form_error(path, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
    name, value = choice.get("name"), choice.get("value")
    if not isinstance(name, str) or not 1 <= len(name) <= 100:
        raise form_error(f"{path}.name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
    _check_localizations(choice, f"{path}.", _check_text)
    expected: dict[Any, type | tuple[type, ...]] = {STRING: str, INTEGER: int, NUMBER: (int, float)}
    if not isinstance(value, expected.get(kind, str)) or isinstance(value, bool):
        raise form_error(f"{path}.value", "BASE_TYPE_BAD_TYPE", "Value is not of the option's type")
    if isinstance(value, str) and len(value) > 100:
        raise too_long(f"{path}.value", 100)


def _characters(node: Json) -> int:
    """Characters of names, descriptions and values, each in its longest localisation."""
    total = sum(_longest(node, key) for key in ("name", "description"))
    if isinstance(node.get("value"), str):
        total += len(node["value"])
    children = [*(node.get("options") or []), *(node.get("choices") or [])]
    return total + sum(_characters(child) for child in children)


def _longest(node: Json, key: str) -> int:
    texts = [node.get(key) or "", *(node.get(f"{key}_localizations") or {}).values()]
    return max(len(text) for text in texts)
