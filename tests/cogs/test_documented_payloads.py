"""Interactions with no more in them than Discord documents, and commands with no more than it publishes."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import simcord.interactions

from bot.discord.sync import payload as commands
from tests.cogs.conftest import Stage, said
from tests.cogs.test_settings import choose, rules, submit

#: Channel types in Discord's published API description (ChannelTypes); discord.py knows 16 besides.
PUBLISHED_CHANNEL_TYPES = {0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15}
PUBLIC_THREAD = 11


def _reshape(monkeypatch: pytest.MonkeyPatch, change: Callable[[dict[str, Any]], None]) -> None:
    """Change every interaction before it is sent."""
    build = simcord.interactions.base_payload

    def base_payload(*args: Any, **more: Any) -> Any:
        record, made = build(*args, **more)
        change(made)
        return record, made

    monkeypatch.setattr(simcord.interactions, "base_payload", base_payload)


def _make_thread(thread_id: int, parent_id: int) -> Callable[[dict[str, Any]], None]:
    """Let a chosen channel be a thread, with the two keys that threads are documented to have besides."""

    def change(made: dict[str, Any]) -> None:
        for found in (made["data"].get("resolved") or {}).get("channels", {}).values():
            if int(found["id"]) == thread_id:
                found.clear()
                metadata = {"archived": False, "auto_archive_duration": 60, "archive_timestamp": "2026-01-01T00:00:00Z"}
                found |= {"id": str(thread_id), "name": "t", "type": PUBLIC_THREAD, "permissions": "0"}
                found |= {"parent_id": str(parent_id), "thread_metadata": metadata | {"locked": False}}

    return change


async def test_without_a_guild_locale_the_servers_own_language_counts(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its language is known from the gateway too."""
    stage.env.backend.get_guild(stage.guild.id).preferred_locale = "nl"
    await stage.restart()
    _reshape(monkeypatch, lambda made: made.pop("guild_locale", None) and None)

    card = await stage.ann.slash(stage.channel, "video", prompt="a red fox")

    assert "Opdracht" in json.dumps(card.response.embeds[0].to_dict())


async def test_a_thread_chosen_in_an_option_counts_as_its_parent(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it comes without its owner and its counts."""
    other = stage.guild.create_text_channel("other")
    _reshape(monkeypatch, _make_thread(other.id, stage.channel.id))

    done = await stage.mo.slash(stage.channel, "quota set", credits="10", channel=other)

    assert f"<#{stage.channel.id}>: inherited → **10.0 credits**" in said(done)


async def test_a_thread_chosen_in_the_settings_counts_as_its_parent(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The select offers all channels, threads among them."""
    other = stage.guild.create_text_channel("other")
    _reshape(monkeypatch, _make_thread(other.id, stage.channel.id))

    await submit(stage, await choose(stage, "access"), channels=[other])

    assert (await rules(stage)).channels == frozenset({stage.channel.id})


async def test_a_category_chosen_in_the_settings_is_refused(stage: Stage) -> None:
    """It would close every channel."""
    category = stage.guild.create_category("all")
    await stage.env.settle()

    answer = await submit(stage, await choose(stage, "access"), channels=[category])

    assert "That is a category, not a channel" in said(answer)
    assert (await rules(stage)).channels == frozenset()


async def test_only_published_channel_types_are_named(stage: Stage) -> None:
    """An unknown one refuses the whole set of commands, or the modal."""
    registered = json.dumps(await commands(stage.env.bot.tree))
    opened = [json.dumps((await choose(stage, section)).modal) for section in ("access", "delivery")]

    named: list[int] = []
    for text in (registered, *opened):
        json.loads(text, object_hook=lambda node: named.extend(node.get("channel_types") or ()) or node)
    assert set(named) <= PUBLISHED_CHANNEL_TYPES


async def test_interaction_without_a_size_limit_is_answered(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lowest one counts."""
    _reshape(monkeypatch, lambda made: made.pop("attachment_size_limit", None) and None)

    card = await stage.ann.slash(stage.channel, "video", prompt="a red fox")

    assert "a red fox" in json.dumps(card.response.embeds[0].to_dict())


@pytest.mark.parametrize("missing", ["id", "data", "token"])
async def test_event_that_cannot_be_read_does_not_end_the_bot(
    stage: Stage, caplog: pytest.LogCaptureFixture, missing: str
) -> None:
    """An error in reading one would end the gateway's connection for good."""
    event = {"id": "5", "type": 2, "token": "t", "version": 1, "application_id": "6", "data": [], "member": 7}
    event["guild_id"] = str(stage.guild.id)

    stage.env.bot._connection.parsers["INTERACTION_CREATE"]({key: event[key] for key in event if key != missing})

    assert "gateway.event_unreadable" in caplog.text
    answer = await stage.ann.slash(stage.channel, "balance")
    assert "credits" in json.dumps(answer.response.embeds[0].to_dict())


async def test_server_without_the_bot_spends_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands can be added to a server without the bot."""
    _reshape(monkeypatch, lambda made: made.update(guild_id="777", guild={"id": "777", "features": [], "locale": "nl"}))

    refused = await stage.ann.slash(stage.channel, "video", prompt="a red fox")

    assert refused.ephemeral
    assert "in a server that has this bot" in said(refused)
    assert await stage.world.queries.jobs() == []


async def test_command_of_an_earlier_version_is_answered(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Apps show the commands that they loaded for a while."""
    _reshape(monkeypatch, lambda made: made["data"].update(options=[]))

    refused = await stage.ann.slash(stage.channel, "video", prompt="a red fox")

    assert refused.ephemeral
    assert "Reload Discord" in said(refused)
    stage.expected_errors = list(stage.env.errors)


async def test_suggestions_for_a_command_of_an_earlier_version_are_empty(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They take no sentence."""
    _reshape(monkeypatch, lambda made: made["data"].update(name="film"))

    assert await stage.ann.autocomplete(stage.channel, "video", "model", "fast") == []

    (asked,) = stage.env.backend.interactions.values()
    assert asked.autocomplete_choices == []
    stage.expected_errors = list(stage.env.errors)
