"""What a visitor does on the page, carried out as the person whom they chose."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from playground.discord import Channel, Person, VirtualDiscord

DIRECT = "direct"
"""The page's name for a person's direct messages with the bot."""

FILES_BYTES_MAX = 512 * 1024 * 1024

Files = dict[str, list[tuple[str, bytes]]]
"""Names and bytes by option name, or by a modal's field."""


class BadRequest(Exception):
    """The page asked for something that does not exist; the text is shown to the visitor."""


def person_of(discord: VirtualDiscord, fields: Mapping[str, Any]) -> Person:
    """The chosen person. Raises BadRequest for an unknown one."""
    key = fields.get("person")
    if key not in discord.people:
        raise BadRequest(f"There is nobody called {key} here")
    return discord.people[key]


def channel_of(discord: VirtualDiscord, fields: Mapping[str, Any], person: Person) -> Channel:
    """The chosen channel, or the person's direct messages. Raises BadRequest for an unknown one."""
    key = fields.get("channel")
    if key == DIRECT:
        return discord.direct_channel(person)
    if key not in discord.channels:
        raise BadRequest(f"There is no channel called {key} here")
    return discord.channels[key]


async def read_action(request: web.Request) -> tuple[dict[str, Any], Files]:
    """The action's fields and the files by option name. Raises BadRequest when it is neither JSON nor a form."""
    files: Files = {}
    text = ""
    if request.content_type == "application/json":
        text = await request.text()
    elif request.content_type == "multipart/form-data":
        for name, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                files.setdefault(name, []).append((value.filename, value.file.read()))
            elif name == "payload":
                text = str(value)
    try:
        fields = json.loads(text)
    except ValueError as error:
        raise BadRequest("The request is not JSON") from error
    if not isinstance(fields, dict):
        raise BadRequest("The request is not a JSON object")
    return fields, files


async def carry_out(discord: VirtualDiscord, fields: dict[str, Any], files: Files) -> dict[str, Any]:
    """Do it, and say how the bot answered: acknowledged, latency in seconds, kind, modal or None. Raises BadRequest."""
    person = person_of(discord, fields)
    channel = channel_of(discord, fields, person)
    try:
        match fields.get("kind"):
            case "slash":
                first = {name: given[0] for name, given in files.items()}
                outcome = await discord.slash(person, channel, fields["command"], fields.get("options"), first)
            case "click":
                message_id, values = int(fields["message_id"]), fields.get("values")
                outcome = await discord.click(person, message_id, fields["custom_id"], values)
            case "modal":
                outcome = await discord.submit_modal(person, int(fields["modal_id"]), fields["values"], files)
            case "menu":
                target = _menu_target(discord, fields)
                outcome = await discord.context_menu(person, channel, fields["command"], target)
            case "say":
                discord.say(person, channel, fields["text"], files.get("files"))
                return {"acknowledged": True, "latency_s": 0, "kind": "said", "modal": None}
            case other:
                raise BadRequest(f"This page cannot do {other}")
    except (KeyError, TypeError, ValueError) as error:
        raise BadRequest(str(error)) from error
    return {
        "acknowledged": outcome.acknowledged,
        "latency_s": round(outcome.latency_s, 3),
        "kind": outcome.kind,
        "modal": outcome.modal and {**outcome.modal, "id": str(outcome.interaction_id)},
    }


def _menu_target(discord: VirtualDiscord, fields: dict[str, Any]) -> Person | int:
    if "user_id" not in fields:
        return int(fields["message_id"])
    found = [person for person in discord.people.values() if str(person.id) == fields["user_id"]]
    if not found:
        raise BadRequest("There is no such person here")
    return found[0]


async def suggest(discord: VirtualDiscord, query: Mapping[str, str]) -> list[dict[str, Any]]:
    """The bot's suggestions for what was typed so far; none when it does not answer in time."""
    person = person_of(discord, query)
    channel = channel_of(discord, query, person)
    try:
        options = json.loads(query.get("options", "{}"))
        return await discord.autocomplete(
            person, channel, query["command"], query["option"], query.get("value", ""), options=options
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadRequest(str(error)) from error
