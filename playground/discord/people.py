"""Acting as a person: builds the data of interactions the way Discord's app does, and refuses what the app refuses."""

from __future__ import annotations

from typing import Any

from playground.discord import payloads
from playground.discord.command_access import visible_commands
from playground.discord.commands import GROUP, INTEGER, NUMBER, STRING, SUBCOMMAND
from playground.discord.components import BUTTON, find
from playground.discord.errors import ClientRefusal
from playground.discord.model import ChannelState, Json, Message, Person
from playground.discord.resolving import ATTACHMENT, BOOLEAN, Files, Resolver
from playground.discord.world import World


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
    resolver = Resolver(world, channel, person.id)
    built: list[Json] = []
    for name, spec in specs.items():
        given = files.get(name, options.get(name))
        if given is None:
            if checked and focused is None and spec.get("required"):
                raise ClientRefusal(f"/{path} needs {name!r}")
            continue
        if checked and name != focused and focused is None:
            _check_value(spec, given)
        option: Json = {"name": name, "type": spec["type"], "value": resolver.option(spec, given)}
        if name == focused:
            option |= {"focused": True, "value": str(given)}
        built.append(option)
    data: Json = {"id": command["id"], "name": command["name"], "type": 1, "options": _nest(nesting, built)}
    if command.get("guild_id"):
        data["guild_id"] = command["guild_id"]
    return {**data, **resolver.data()}


def menu_data(world: World, person: Person, channel: ChannelState, name: str, target: Person | Message) -> Json:
    """`data` of a user or message context menu, named as registered or in the person's language.

    Raises: ClientRefusal when this person is offered no such menu there.
    """
    is_user = isinstance(target, Person)
    command = _command(world, person, channel, name, 2 if is_user else 3)
    resolver = Resolver(world, channel, person.id)
    if isinstance(target, Person):
        resolver.add_user(target.id)
    else:
        resolver.resolved["messages"] = {str(target.id): payloads.message(world, target)}
    data: Json = {"id": command["id"], "name": command["name"], "type": command["type"], "target_id": str(target.id)}
    if command.get("guild_id"):
        data["guild_id"] = command["guild_id"]
    return {**data, **resolver.data()}


def component_data(world: World, person: Person, message: Message, custom_id: str, values: list[Any]) -> Json:
    """`data` of a press or a choice; refuses components that are not there, disabled, or links."""
    component = find(message.components, custom_id)
    if component is None:
        raise ClientRefusal(f"the message has no component {custom_id!r}")
    if component.get("disabled"):
        raise ClientRefusal(f"{custom_id!r} is disabled")
    data: Json = {"custom_id": custom_id, "component_type": component["type"], "id": component["id"]}
    if component["type"] == BUTTON:
        if values:
            raise ClientRefusal(f"{custom_id!r} is a button, one chooses nothing in it")
        return data
    resolver = Resolver(world, world.channel(message.channel_id), person.id)
    data["values"] = resolver.chosen(component, values)
    return {**data, **resolver.data()}


# -- parts ---------------------------------------------------------------------------


def _command(world: World, person: Person, channel: ChannelState, name: str, kind: int) -> Json:
    """The command that this person sees by this name, the registered one or the one in the person's language."""
    locale = world.settings.locales.get(person.id, "en-US")
    for command in visible_commands(world, person.id, channel, kind):
        if name in (command["name"], (command.get("name_localizations") or {}).get(locale)):
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
