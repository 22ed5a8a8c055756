"""Acting as a person: builds the data of interactions the way Discord's app does, and refuses what the app refuses."""

from __future__ import annotations

from typing import Any

from playground.discord import payloads
from playground.discord.commands import GROUP, INTEGER, NUMBER, STRING, SUBCOMMAND
from playground.discord.components import BUTTON, ENTITY_SELECTS, FILE_UPLOAD, STRING_SELECT, TEXT_INPUT, find
from playground.discord.errors import ClientRefusal
from playground.discord.model import Attachment, ChannelState, ChannelType, Json, Message, Person
from playground.discord.permissions import ALL, Permission
from playground.discord.world import World

BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, ATTACHMENT = 5, 6, 7, 8, 9, 11
Files = dict[str, tuple[str, bytes]]
"""Files by option name (or by a modal's field): name and bytes."""


def visible_commands(world: World, user_id: int, channel: ChannelState, kind: int | None = None) -> list[Json]:
    """The commands that this person is offered here."""
    in_guild = channel.guild_id is not None
    scopes: list[int | None] = [channel.guild_id, None] if in_guild else [None]
    found = [command for scope in scopes for command in world.commands.all(scope)]
    granted = world.permissions(user_id, channel) if in_guild else ALL
    if in_guild and not granted & Permission.USE_APPLICATION_COMMANDS:
        return []
    return [
        command
        for command in found
        if (kind is None or command["type"] == kind) and _offered(command, in_guild=in_guild, granted=granted)
    ]


def _offered(command: Json, *, in_guild: bool, granted: int) -> bool:
    contexts = command.get("contexts")
    if contexts is not None and (0 if in_guild else 1) not in contexts:
        return False
    if not in_guild:
        return contexts is not None or bool(command.get("dm_permission", True))
    needed = command.get("default_member_permissions")
    if needed is None or granted & Permission.ADMINISTRATOR:
        return True
    return int(needed) != 0 and granted & int(needed) == int(needed)


def command_data(
    world: World,
    person: Person,
    channel: ChannelState,
    path: str,
    options: dict[str, Any],
    *,
    files: Files,
    checked: bool = True,
    focused: str | None = None,
) -> Json:
    """`data` of a slash command ("jobs list" with its subcommand), or of its autocomplete when `focused` is set.

    Raises: ClientRefusal for what the app would not send; with `checked` False only for an unknown command or option.
    """
    words = path.lstrip("/").split()
    command = _command(world, person, channel, words[0], 1)
    leaf, nesting = _leaf(command, words[1:])
    specs = {spec["name"]: spec for spec in leaf.get("options") or []}
    unknown = [name for name in (*options, *files) if name not in specs]
    if unknown:
        raise ClientRefusal(f"/{path} has no option {unknown[0]!r}; it has {', '.join(specs) or 'none'}")
    resolved: Json = {}
    built: list[Json] = []
    for name, spec in specs.items():
        given = files.get(name, options.get(name))
        if given is None:
            if checked and focused is None and spec.get("required"):
                raise ClientRefusal(f"/{path} needs {name!r}")
            continue
        if checked and name != focused and focused is None:
            _check_value(spec, given)
        option: Json = {"name": name, "type": spec["type"], "value": _value(world, channel, spec, given, resolved)}
        if name == focused:
            option |= {"focused": True, "value": str(given)}
        built.append(option)
    data: Json = {"id": command["id"], "name": command["name"], "type": 1, "options": _nest(nesting, built)}
    if command.get("guild_id"):
        data["guild_id"] = command["guild_id"]
    return {**data, "resolved": resolved} if resolved else data


def menu_data(world: World, person: Person, channel: ChannelState, name: str, target: Person | Message) -> Json:
    """`data` of a user or message context menu."""
    is_user = isinstance(target, Person)
    command = _command(world, person, channel, name, 2 if is_user else 3)
    resolved: Json = {}
    if isinstance(target, Person):
        _resolve_user(world, channel, target.id, resolved)
    else:
        resolved["messages"] = {str(target.id): payloads.message(world, target)}
    data: Json = {"id": command["id"], "name": name, "type": command["type"], "target_id": str(target.id)}
    return {**data, "resolved": resolved}


def component_data(world: World, channel: ChannelState, message: Message, custom_id: str, values: list[Any]) -> Json:
    """`data` of a press or a choice; refuses components that are not there, disabled, or links."""
    component = find(message.components, custom_id)
    if component is None:
        raise ClientRefusal(f"the message has no component {custom_id!r}")
    if component.get("disabled"):
        raise ClientRefusal(f"{custom_id!r} is disabled")
    data: Json = {"custom_id": custom_id, "component_type": component["type"], "id": component["id"]}
    if component["type"] == BUTTON:
        return data
    resolved: Json = {}
    data["values"] = _chosen(world, channel, component, values, resolved)
    return {**data, "resolved": resolved} if resolved else data


def modal_data(world: World, channel: ChannelState, modal: Json, values: dict[str, Any], files: Files) -> Json:
    """`data` of a filled modal: every field by custom id; unfilled ones keep their preset value."""
    unknown = [name for name in (*values, *files) if find(modal["components"], name) is None]
    if unknown:
        raise ClientRefusal(f"the modal has no field {unknown[0]!r}")
    resolved: Json = {}

    def fill(component: Json) -> Json:
        result: Json = {"type": component["type"], "id": component.get("id", 0)}
        for key in ("components", "component"):
            inner = component.get(key)
            if isinstance(inner, dict):
                result[key] = fill(inner)
            elif isinstance(inner, list):
                result[key] = [fill(item) for item in inner]
        if "custom_id" in component:
            result |= {"custom_id": component["custom_id"]}
            result |= _filled(world, channel, component, values, files=files, resolved=resolved)
        return result

    data: Json = {"custom_id": modal["custom_id"], "components": [fill(item) for item in modal["components"]]}
    return {**data, "resolved": resolved} if resolved else data


def _filled(
    world: World, channel: ChannelState, field: Json, values: dict[str, Any], *, files: Files, resolved: Json
) -> Json:
    name, kind = field["custom_id"], field["type"]
    given = values.get(name)
    if kind == TEXT_INPUT:
        text = str(field.get("value") or "" if given is None else given)
        lowest, highest = field.get("min_length") or 0, field.get("max_length") or 4000
        if (field.get("required", True) and not text) or (text and not lowest <= len(text) <= highest):
            raise ClientRefusal(f"{name!r} must be {lowest} to {highest} characters")
        return {"value": text}
    if kind == FILE_UPLOAD:
        if name not in files:
            return {"values": []}
        return {"values": [_upload(world, channel, files[name], resolved)]}
    if kind in (STRING_SELECT, *ENTITY_SELECTS):
        return {"values": _chosen(world, channel, field, given or [], resolved)}
    return {"value": given} if not isinstance(given, list) else {"values": given}


# -- parts ---------------------------------------------------------------------------


def _command(world: World, person: Person, channel: ChannelState, name: str, kind: int) -> Json:
    for command in visible_commands(world, person.id, channel, kind):
        if command["name"] == name:
            return command
    raise ClientRefusal(f"{person.name} is offered no command {name!r} in {channel.name}")


def _leaf(command: Json, words: list[str]) -> tuple[Json, list[Json]]:
    """The subcommand that the words lead to, and the groups passed on the way."""
    node, nesting = command, []
    for word in words:
        inner = [item for item in node.get("options") or [] if item["type"] in (SUBCOMMAND, GROUP)]
        node = next((item for item in inner if item["name"] == word), {})
        if not node:
            raise ClientRefusal(f"/{command['name']} has no subcommand {word!r}")
        nesting.append({"name": node["name"], "type": node["type"]})
    if any(item["type"] in (SUBCOMMAND, GROUP) for item in node.get("options") or []):
        raise ClientRefusal(f"/{command['name']} needs a subcommand")
    return node, nesting


def _nest(nesting: list[Json], options: list[Json]) -> list[Json]:
    for wrapper in reversed(nesting):
        options = [{**wrapper, "options": options}]
    return options


def _check_value(spec: Json, value: Any) -> None:
    """Refuse a value that the app's own form would refuse."""
    name, kind = spec["name"], spec["type"]
    expected: dict[int, tuple[type, ...]] = {
        STRING: (str,),
        INTEGER: (int,),
        NUMBER: (int, float),
        BOOLEAN: (bool,),
        ATTACHMENT: (tuple,),
    }
    if not isinstance(value, expected.get(kind, (object,))) or (isinstance(value, bool) and kind in (INTEGER, NUMBER)):
        raise ClientRefusal(f"{name!r} does not take {type(value).__name__}")
    if isinstance(value, str) and not spec.get("min_length", 0) <= len(value) <= spec.get("max_length", 6000):
        raise ClientRefusal(
            f"{name!r} must be {spec.get('min_length', 0)} to {spec.get('max_length', 6000)} characters"
        )
    if kind in (INTEGER, NUMBER) and not (spec.get("min_value", -(2**53)) <= value <= spec.get("max_value", 2**53)):
        raise ClientRefusal(f"{name!r} must be {spec.get('min_value')} to {spec.get('max_value')}")
    choices = [choice["value"] for choice in spec.get("choices") or []]
    if choices and value not in choices:
        raise ClientRefusal(f"{name!r} must be one of {', '.join(map(str, choices))}")


def _value(world: World, channel: ChannelState, spec: Json, given: Any, resolved: Json) -> Any:
    """The wire's value; people, channels, roles and files go to `resolved`."""
    kind = spec["type"]
    if kind == ATTACHMENT:
        return _upload(world, channel, given, resolved)
    if kind not in (USER, CHANNEL, ROLE, MENTIONABLE):
        return given
    target_id = int(getattr(given, "id", given))
    if kind in (USER, MENTIONABLE) and target_id in world.users:
        _resolve_user(world, channel, target_id, resolved)
    elif kind in (ROLE, MENTIONABLE) and target_id in world.guild.roles:
        resolved.setdefault("roles", {})[str(target_id)] = payloads.role(world.guild.roles[target_id])
    elif kind == CHANNEL and target_id in world.channels:
        resolved.setdefault("channels", {})[str(target_id)] = _partial_channel(world, target_id)
    else:
        raise ClientRefusal(f"{spec['name']!r}: there is nothing with id {target_id}")
    return str(target_id)


def _resolve_user(world: World, channel: ChannelState, user_id: int, resolved: Json) -> None:
    resolved.setdefault("users", {})[str(user_id)] = payloads.user(world.users[user_id])
    member = world.guild.members.get(user_id)
    if channel.guild_id is not None and member is not None:
        partial = payloads.member(world, member, with_user=False)
        partial["permissions"] = str(world.permissions(user_id, channel))
        resolved.setdefault("members", {})[str(user_id)] = partial


def _partial_channel(world: World, channel_id: int) -> Json:
    entry = world.channels[channel_id]
    granted = str(world.permissions(world.bot.id, entry if entry.type is not ChannelType.DM else None))
    return {**payloads.channel(world, entry), "permissions": granted, "app_permissions": granted}


def _upload(world: World, channel: ChannelState, given: tuple[str, bytes], resolved: Json) -> str:
    """Store a person's file; refused beyond the person's own limit. Discord deletes such files after a while."""
    filename, data = given
    if len(data) > world.settings.interaction_limit_bytes:
        raise ClientRefusal(f"{filename!r} is larger than {world.settings.interaction_limit_bytes} bytes")
    stored: Attachment = world.cdn.store(world.ids.next(), channel.id, filename, data)
    stored.ephemeral = True
    resolved.setdefault("attachments", {})[str(stored.id)] = payloads.attachment(world, stored)
    return str(stored.id)


def _chosen(world: World, channel: ChannelState, component: Json, values: list[Any], resolved: Json) -> list[str]:
    """The chosen values of a select, checked against its options and counts."""
    lowest, highest = component.get("min_values", 1), component.get("max_values", 1)
    if not lowest <= len(values) <= highest:
        raise ClientRefusal(f"{component['custom_id']!r} takes {lowest} to {highest} values")
    if component["type"] == STRING_SELECT:
        offered = {option["value"] for option in component["options"]}
        if not offered.issuperset(values):
            raise ClientRefusal(f"{component['custom_id']!r} offers {', '.join(sorted(offered))}")
        return [str(value) for value in values]
    kinds = {5: USER, 6: ROLE, 7: MENTIONABLE, 8: CHANNEL}
    spec = {"name": component["custom_id"], "type": kinds[component["type"]]}
    return [_value(world, channel, spec, value, resolved) for value in values]
