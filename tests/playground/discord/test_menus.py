"""Selects in messages, context menus, and who is offered which command."""

from __future__ import annotations

from typing import Any

import aiohttp
import discord
import pytest

from playground.discord import ClientRefusal, Outcome, VirtualDiscord
from tests.playground.discord.conftest import Listener

OPTION = {"label": "a", "value": "a"}


def row(component: Any) -> Any:
    """A message's components with one select."""
    return [{"type": 1, "components": [component]}]


async def show(wire: VirtualDiscord, bot: Any, *items: Any) -> int:
    """Post a message with these selects and answer each choice; the message's id."""
    view = discord.ui.View(timeout=None)
    for item in items:
        view.add_item(item)

    async def on_interaction(interaction: discord.Interaction) -> None:
        if interaction.type is discord.InteractionType.component:
            await interaction.response.defer()
            bot.outcomes.put_nowait(interaction)

    bot.event(on_interaction)
    message = await bot.get_channel(wire.channels["general"].id).send("choose", view=view)
    return int(message.id)


async def test_choice_in_a_string_select(wire: VirtualDiscord, bot: Any) -> None:
    """Values come in the order of the options, within the counts."""
    options = [discord.SelectOption(label=name, value=name) for name in ("access", "limits", "locale")]
    message_id = await show(wire, bot, discord.ui.Select(custom_id="section", options=options, max_values=2))
    chosen = await wire.choose("ann", message_id, "section", ["locale", "access"])
    interaction = await bot.outcome()

    assert chosen.kind == "defer_update"
    assert interaction.data["values"] == ["access", "locale"]
    assert "resolved" not in interaction.data
    for values in ([], ["access", "limits", "locale"], ["other"]):
        with pytest.raises(ClientRefusal):
            await wire.choose("ann", message_id, "section", values)


async def test_choice_of_people_roles_and_channels(wire: VirtualDiscord, bot: Any) -> None:
    """`resolved` says what was chosen; a role select takes no person."""
    message_id = await show(
        wire,
        bot,
        discord.ui.UserSelect(custom_id="user"),
        discord.ui.RoleSelect(custom_id="role", max_values=5),
        discord.ui.ChannelSelect(custom_id="channel", channel_types=[discord.ChannelType.text]),
        discord.ui.MentionableSelect(custom_id="any", max_values=2),
    )
    thread = wire.open_thread("general", "talk")
    found = {}
    for key, values in {
        "user": ["ben"],
        "role": [wire.roles["patron"], "moderator"],
        "channel": [wire.channels["staff"]],
        "any": [wire.people["mo"].id, "patron"],
    }.items():
        await wire.choose("mo", message_id, key, values)
        found[key] = (await bot.outcome()).data
    channel = found["channel"]["resolved"]["channels"][str(wire.channels["staff"].id)]

    assert found["user"]["values"] == [str(wire.people["ben"].id)]
    assert set(found["user"]["resolved"]) == {"users", "members"}
    assert set(found["role"]["resolved"]["roles"]) == set(found["role"]["values"])
    assert (channel["name"], channel["type"]) == ("staff", 0)
    assert (int(channel["permissions"]) & 1 << 10, int(channel["app_permissions"]) & 1 << 10) == (1 << 10, 0)
    assert set(found["any"]["resolved"]) == {"users", "members", "roles"}
    for key, values in {"role": ["ben"], "user": ["patron"], "channel": [thread], "any": ["staff"]}.items():
        with pytest.raises(ClientRefusal):
            await wire.choose("mo", message_id, key, values)


@pytest.mark.parametrize(
    "select",
    [
        {"type": 3, "custom_id": "a", "options": []},
        {"type": 3, "custom_id": "a", "options": [OPTION, OPTION]},
        {"type": 3, "custom_id": "a", "options": [OPTION], "max_values": 2},
        {"type": 3, "custom_id": "a", "options": [OPTION], "min_values": 26},
        {"type": 3, "custom_id": "a", "options": [{"label": "x" * 101, "value": "a"}]},
        {"type": 3, "custom_id": "a", "options": [{**OPTION, "description": "x" * 101}]},
        {"type": 5, "custom_id": "a", "min_values": 2, "max_values": 1},
        {"type": 6, "custom_id": "a", "default_values": [{"type": "user", "id": "1"}]},
        {"type": 5, "custom_id": "a", "default_values": [{"type": "user", "id": "1"}, {"type": "user", "id": "2"}]},
        {"type": 8, "custom_id": "a", "placeholder": "x" * 151},
    ],
)
async def test_bad_selects_are_refused(wire: VirtualDiscord, http: aiohttp.ClientSession, select: Any) -> None:
    """50035, and no message."""
    path = f"channels/{wire.channels['general'].id}/messages"
    async with http.post(path, json={"components": row(select)}) as response:
        answer = await response.json()

    assert (response.status, answer["code"]) == (400, 50035)
    assert wire.messages("general", "ann") == []


async def test_default_values_are_kept(wire: VirtualDiscord, bot: Any) -> None:
    """A select of roles shows what was chosen before."""
    role = discord.SelectDefaultValue(id=wire.roles["patron"].id, type=discord.SelectDefaultValueType.role)
    await show(wire, bot, discord.ui.RoleSelect(custom_id="role", default_values=[role], min_values=0))
    component = wire.messages("general", "ann")[-1]["components"][0]["components"][0]

    assert component["default_values"] == [{"id": str(wire.roles["patron"].id), "type": "role"}]


async def answer_menu(wire: VirtualDiscord, bot: Any, person: str, name: str, target: Any) -> tuple[Outcome, Any]:
    """Use a context menu that answers with "ok"; the outcome and the interaction."""

    async def body(interaction: discord.Interaction, **options: Any) -> Any:
        await interaction.response.send_message("ok")
        return interaction

    bot.body = body
    outcome = await wire.context_menu(person, "general", name, target)
    return outcome, await bot.outcome()


async def test_user_menu_carries_user_and_member(wire: VirtualDiscord, bot: Any) -> None:
    """Its reply is of its own type and says whom it was used on."""
    wire.give_role("ann", "patron")
    outcome, interaction = await answer_menu(wire, bot, "mo", "Show balance", "ann")

    assert interaction.data["target_id"] == str(wire.people["ann"].id)
    assert set(interaction.data["resolved"]) == {"users", "members"}
    assert outcome.message is not None
    assert outcome.message["type"] == 23
    assert outcome.message["interaction_metadata"]["target_user"]["id"] == str(wire.people["ann"].id)
    assert outcome.message["interaction_metadata"]["command_type"] == 2
    with pytest.raises(ClientRefusal):
        await wire.context_menu("ann", "general", "Show balance", "ben")


async def test_an_answer_says_which_subcommand_it_answers(wire: VirtualDiscord, bot: Any) -> None:
    """As in "used /quota set", which Discord shows above the answer."""

    async def body(interaction: discord.Interaction, **options: Any) -> None:
        await interaction.response.send_message("ok")

    bot.body = body
    outcome = await wire.slash("mo", "general", "quota set", {"credits": "5"})

    assert outcome.message is not None
    assert outcome.message["interaction_metadata"]["name"] == "quota set"


async def test_message_menu_carries_the_message(wire: VirtualDiscord, bot: Any) -> None:
    """With its picture, even when the bot has no intent to read messages."""
    said = wire.say("ben", "general", "look", files=[("cat.png", b"\x89PNG\r\n\x1a\n")])
    outcome, interaction = await answer_menu(wire, bot, "ann", "Report clip", int(said["id"]))
    message = interaction.data["resolved"]["messages"][said["id"]]

    assert (message["content"], message["attachments"][0]["filename"]) == ("look", "cat.png")
    assert outcome.message is not None
    assert outcome.message["interaction_metadata"]["target_message_id"] == said["id"]
    with pytest.raises(ClientRefusal):
        await wire.context_menu("ann", "video-lab", "Report clip", int(said["id"]))


async def test_commands_go_by_their_name_in_the_persons_language(
    wire: VirtualDiscord, http: aiohttp.ClientSession
) -> None:
    """The interaction carries the registered name, in whatever language it was chosen."""
    wire.settings.locales[wire.people["ann"].id] = "nl"
    body = {"type": 3, "name": "Report", "name_localizations": {"nl": "Melden"}}
    await http.post(f"applications/{wire.application_id}/commands", json=body)
    wire.settings.answer_deadline_s = 0.01
    said = wire.say("ben", "general", "look")

    outcome = await wire.context_menu("ann", "general", "Melden", int(said["id"]))
    with pytest.raises(ClientRefusal):
        await wire.context_menu("ben", "general", "Melden", int(said["id"]))
    assert not outcome.acknowledged


def offered(wire: VirtualDiscord, person: str, channel: str = "general") -> set[str]:
    """The names of the commands that a person is offered."""
    return {item["name"] for item in wire.commands(person, channel)}


async def test_age_restricted_commands_need_such_a_channel(wire: VirtualDiscord, bot: Any) -> None:
    """Switching the channel switches the command."""
    before = "wild" in offered(wire, "ann", "general")
    wire.set_nsfw("general", True)

    assert (before, "wild" in offered(wire, "ann", "general")) == (False, True)
    assert "wild" in offered(wire, "ann", "after-dark")
    wire.set_nsfw("after-dark", False)
    assert "wild" not in offered(wire, "owner", "after-dark")


async def test_administrators_decide_who_uses_a_command(wire: VirtualDiscord, bot: Any, listener: Listener) -> None:
    """A role is let in, a person of it is kept out, a channel is closed; a person's own setting comes first."""
    wire.give_role("ann", "supporter")
    wire.give_role("ben", "supporter")
    wire.override_command("quota", True, role="supporter")
    told = await listener.until("APPLICATION_COMMAND_PERMISSIONS_UPDATE")
    both = ("quota" in offered(wire, "ann"), "quota" in offered(wire, "ben"))
    wire.override_command("quota", False, person="ben")
    wire.override_command("quota", False, channel="video-lab")
    wire.override_command("act", False)

    assert told["permissions"] == [{"id": str(wire.roles["supporter"].id), "type": 1, "permission": True}]
    assert both == (True, True)
    assert "quota" not in offered(wire, "ben")
    assert "quota" not in offered(wire, "ann", "video-lab")
    assert "quota" in offered(wire, "mo")
    assert ("act" in offered(wire, "ann"), "act" in offered(wire, "owner")) == (False, True)
    wire.override_command("act", None)
    wire.override_command("quota", False, role="moderator")
    assert "act" in offered(wire, "ann")
    assert ("quota" in offered(wire, "mo"), "quota" in offered(wire, "owner")) == (False, True)
    with pytest.raises(KeyError):
        wire.override_command("nothing", True)


async def test_bot_reads_what_administrators_set(wire: VirtualDiscord, bot: Any) -> None:
    """404 / 10066 before anything is set; a bot's token cannot set it."""
    command = next(item for item in await bot.tree.fetch_commands() if item.name == "quota")
    guild = discord.Object(wire.guild_id)

    with pytest.raises(discord.NotFound) as unset:
        await command.fetch_permissions(guild)
    wire.override_command("quota", True, role="patron")
    wire.override_command("quota", False, channel="general")
    found = await command.fetch_permissions(guild)

    assert unset.value.code == 10066
    assert [(item.id, item.permission) for item in found.permissions] == [
        (wire.roles["patron"].id, True),
        (wire.channels["general"].id, False),
    ]


async def test_overrides_on_all_commands(wire: VirtualDiscord, bot: Any) -> None:
    """The whole application closed to everyone but one role."""
    wire.override_command(None, False)
    wire.override_command(None, True, role="patron")
    closed = offered(wire, "ann")
    wire.give_role("ann", "patron")

    assert closed == set()
    assert {"act", "quota"} <= offered(wire, "ann")
