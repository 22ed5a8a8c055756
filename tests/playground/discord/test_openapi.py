"""Requests of a discord.py client and answers of the simulation, against Discord's published API description."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import discord
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from playground.discord import VirtualDiscord

DESCRIPTION = json.loads(Path(__file__).with_name("openapi-subset.json").read_text())
REGISTRY: Registry[Any] = Registry().with_resource(
    "urn:discord", Resource.from_contents(DESCRIPTION, default_specification=DRAFT202012)
)


def errors_of(schema_path: str, value: Any) -> list[str]:
    """What is wrong with a value, by a path into the description; each fault in one line."""
    validator = Draft202012Validator({"$ref": f"urn:discord#{schema_path}"}, registry=REGISTRY)
    return [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in validator.iter_errors(value)
    ]


def operation_of(method: str, path: str) -> str | None:
    """The key of the operation in the description that a request is."""
    for key in DESCRIPTION["operations"]:
        known_method, template = key.split(" ")
        if known_method == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/@]+", template), path):
            return str(key)
    return None


def as_text_ids(value: Any, key: str = "") -> Any:
    """Ids as text: discord.py also sends them as numbers, which Discord takes and its description does not know."""
    if isinstance(value, dict):
        return {name: as_text_ids(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [as_text_ids(item) for item in value]
    return str(value) if isinstance(value, int) and (key == "id" or key.endswith("_id")) else value


def escaped(key: str) -> str:
    """A key as part of a JSON pointer in a URI."""
    return key.replace("~", "~0").replace("/", "~1").replace(" ", "%20").replace("{", "%7B").replace("}", "%7D")


class Exchange:
    """Collects the faults of every exchange that passes."""

    def __init__(self, wire: VirtualDiscord) -> None:
        self._wire = wire
        self.faults: list[str] = []
        self.seen: set[str] = set()

    async def check(self, session: Any, context: Any, params: aiohttp.TraceRequestEndParams) -> None:
        """One request and its answer, but for `errors`: its codes are words, not the description's numbers."""
        path = params.url.path.removeprefix("/api/v10")
        key = operation_of(params.method, path)
        if key is None or params.response.status == 204:
            return
        self.seen.add(key)
        record = next(
            item for item in reversed(self._wire.requests) if (item.method, item.path) == (params.method, path)
        )
        operation = DESCRIPTION["operations"][key]
        found = []
        if "request" in operation and params.response.status < 400:
            found += errors_of(f"/operations/{escaped(key)}/request", as_text_ids(record.json))
        status = str(params.response.status)
        if status not in operation["responses"]:
            status = f"{status[0]}XX"
        answer = await params.response.json()
        if isinstance(answer, dict):
            answer.pop("errors", None)
        found += errors_of(f"/operations/{escaped(key)}/responses/{status}", answer)
        self.faults += [f"{key} {status}: {fault}" for fault in found]


@pytest.fixture
def exchange(wire: VirtualDiscord) -> Exchange:
    """The collector."""
    return Exchange(wire)


@pytest.fixture
def traced(bot: Any, exchange: Exchange) -> Callable[[], None]:
    """Makes the client's session report to the collector."""

    def attach() -> None:
        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(exchange.check)
        trace.freeze()
        bot.http._HTTPClient__session._trace_configs.append(trace)

    return attach


async def _use_interactions(wire: VirtualDiscord, bot: Any) -> None:
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label="Cancel", custom_id="cancel:1"))

    async def reply(interaction: discord.Interaction, **options: Any) -> Any:
        await interaction.response.send_message("hello", view=view, embed=discord.Embed(title="t"))

    async def defer(interaction: discord.Interaction, **options: Any) -> Any:
        await interaction.response.defer(ephemeral=True)
        await interaction.original_response()
        await interaction.edit_original_response(content="done", view=view)
        file = discord.File(io.BytesIO(b"x"), "a.mp4")
        await interaction.followup.send("more", file=file, wait=True)

    async def refuse(interaction: discord.Interaction, **options: Any) -> Any:
        await interaction.response.send_message("x" * 2001)

    for body in (reply, defer, refuse):
        bot.body = body
        await wire.slash("ann", "general", "act")
        await bot.outcome()


async def _use_channels(wire: VirtualDiscord, bot: Any) -> None:
    channel = await bot.fetch_channel(wire.channels["general"].id)
    await bot.fetch_channel(wire.open_thread("general", "clips").id)
    message = await channel.send("card", nonce="n")
    answer = await channel.send("clip", reference=message, file=discord.File(io.BytesIO(b"x"), "a.png"))
    layout = discord.ui.LayoutView(timeout=None)
    layout.add_item(discord.ui.Container(discord.ui.TextDisplay("a cat"), discord.ui.Separator()))
    await channel.send(view=layout)
    await message.edit(content="edited")
    await channel.fetch_message(answer.id)
    assert len([item async for item in channel.history()]) == 5
    await (await bot.fetch_user(wire.people["ann"].id)).send("direct")
    with pytest.raises(discord.NotFound):
        await channel.fetch_message(123456789012345678)


async def test_main_routes_fit_the_description(
    wire: VirtualDiscord, bot: Any, exchange: Exchange, traced: Callable[[], None]
) -> None:
    """Every main route is used, and no request or answer breaks Discord's schemas."""
    traced()
    await bot.tree.sync()
    await bot.tree.fetch_commands()
    await bot.tree.sync(guild=discord.Object(wire.guild_id))
    await bot.application_info()
    await bot.http.get_bot_gateway()
    guild = await bot.fetch_guild(wire.guild_id)
    await guild.fetch_member(wire.people["ann"].id)
    await guild.fetch_roles()
    await _use_interactions(wire, bot)
    await _use_channels(wire, bot)

    assert not exchange.faults, "\n".join(exchange.faults)
    assert len(exchange.seen) >= 16


def test_a_wrong_answer_is_noticed() -> None:
    """The check can fail: a message without author breaks the schema."""
    assert errors_of("/components/schemas/MessageResponse", {"id": "1"})


class Form(discord.ui.Modal, title="Form"):
    """Every kind of field that fits in five rows."""

    text = discord.ui.Label(text="Text", component=discord.ui.TextInput(custom_id="text", required=False))
    file = discord.ui.Label(text="Files", component=discord.ui.FileUpload(custom_id="file", required=False))
    role = discord.ui.Label(
        text="Roles",
        component=discord.ui.RoleSelect(
            custom_id="role",
            required=False,
            default_values=[discord.SelectDefaultValue(id=1, type=discord.SelectDefaultValueType.role)],
        ),
    )
    box = discord.ui.Label(text="Box", component=discord.ui.Checkbox(custom_id="box"))
    hint = discord.ui.TextDisplay("Hint")

    async def on_submit(self, interaction: discord.Interaction) -> None:
        """Answer, and change the answer by its id."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        message = await interaction.followup.send("done", wait=True)
        other = await interaction.followup.send("more", wait=True)
        await interaction.followup.fetch_message(other.id)
        await interaction.followup.edit_message(other.id, content="even more")
        await interaction.followup.edit_message(message.id, content="done twice")


async def _use_menus(wire: VirtualDiscord, bot: Any) -> None:
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.UserSelect(custom_id="who"))
    view.add_item(discord.ui.Select(custom_id="what", options=[discord.SelectOption(label="a", value="a")]))

    async def open_form(interaction: discord.Interaction, **options: Any) -> Any:
        await interaction.response.send_modal(Form())

    async def reply(interaction: discord.Interaction, **options: Any) -> Any:
        await interaction.response.send_message("choose", view=view, ephemeral=True)

    async def on_interaction(interaction: discord.Interaction) -> None:
        if interaction.type is discord.InteractionType.component:
            await interaction.response.send_message("chosen", file=discord.File(io.BytesIO(b"x"), "SPOILER_a.png"))
            await interaction.original_response()

    bot.event(on_interaction)
    bot.body = open_form
    opened = await wire.context_menu("mo", "general", "Show balance", "ann")
    await bot.outcome()
    await wire.submit_modal("mo", opened.interaction_id, {"role": ["patron"]}, {"file": ("a.png", b"x")})
    await wire.wait_for(lambda: [m for m in wire.messages("general", "mo") if m["content"] == "done twice"])
    bot.body = reply
    shown = await wire.slash("mo", "general", "act")
    await bot.outcome()
    assert shown.message is not None
    await wire.choose("mo", int(shown.message["id"]), "who", ["ann"])


async def test_servers_threads_and_menus_fit_the_description(
    wire: VirtualDiscord, bot: Any, exchange: Exchange, traced: Callable[[], None]
) -> None:
    """The same for modals, selects, context menus, threads and what administrators set."""
    traced()
    guild = bot.get_guild(wire.guild_id)
    wire.override_command("quota", True, role="supporter")
    thread = await bot.fetch_channel(wire.open_thread("after-dark", "talk").id)
    wire.archive_thread("talk")
    await thread.edit(archived=False)
    await guild.fetch_channels()
    await guild.fetch_role(wire.roles["patron"].id)
    await guild.active_threads()
    command = next(item for item in await bot.tree.fetch_commands() if item.name == "quota")
    await command.fetch_permissions(guild)
    assert [item.id async for item in bot.fetch_guilds()] == [guild.id]
    await _use_menus(wire, bot)

    assert not exchange.faults, "\n".join(exchange.faults)
    assert {key.split(" ")[1].split("/")[-1] for key in exchange.seen} >= {"callback", "permissions", "{message_id}"}
