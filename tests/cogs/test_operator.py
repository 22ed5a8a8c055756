"""`/operator`: in one server, for a few people."""

from dataclasses import replace
from typing import Any

import pytest

from bot.discord.sync import command_differences, payload, sync_commands
from bot.domain.errors import NotFound, SettingsInvalid
from bot.services.breaker import SharedBreaker
from tests.cogs.conftest import Stage, make_client, said
from tests.services.fakes import P1


@pytest.fixture
async def office(stage: Stage) -> Stage:
    """The stage's server is the operator's; mo is an operator, ann and ben are not."""
    world = stage.world
    world.desk_rules = replace(world.desk_rules, guild_id=stage.guild.id, operator_ids=frozenset({stage.mo.id}))
    client = await make_client(world)
    await stage.env.restart_bot(client)
    await _sync(stage)
    await stage.env.settle()
    return stage


async def _sync(stage: Stage, *, guild_id: int | None = None, operator_guild_id: int | None = 0) -> bool:
    async def load(key: str) -> str | None:
        return stage.saved.get(key)

    async def save(key: str, text: str) -> None:
        stage.saved[key] = text

    client = stage.env.bot
    return await sync_commands(
        client.tree,
        application_id=client.application_id,
        guild_id=guild_id,
        load=load,
        save=save,
        operator_guild_id=stage.guild.id if operator_guild_id == 0 else operator_guild_id,
    )


async def _registered(stage: Stage, guild_id: int | None) -> set[str]:
    http = stage.env.bot.http
    if guild_id is None:
        return {command["name"] for command in await http.get_global_commands(stage.env.bot.application_id)}
    return {command["name"] for command in await http.get_guild_commands(stage.env.bot.application_id, guild_id)}


async def _reason(stage: Stage) -> str | None:
    return (await SharedBreaker(stage.world.database, stage.world.clock).view.state(P1)).reason


async def test_the_commands_are_in_the_operators_server_alone(office: Stage) -> None:
    """Not among those of every server."""
    assert await _registered(office, office.guild.id) == {"operator"}
    assert "operator" not in await _registered(office, None)
    assert {o["name"] for c in await payload(office.env.bot.tree, guild_id=office.guild.id) for o in c["options"]} == {
        "status",
        "pool",
        "pause",
        "resume",
    }


async def test_without_the_setting_they_are_nowhere(stage: Stage) -> None:
    """The command line is left."""
    assert await payload(stage.env.bot.tree, guild_id=stage.guild.id) == []


async def test_each_set_is_registered_only_when_it_changed(office: Stage) -> None:
    """The second start leaves Discord alone; the former operator's server is emptied."""
    assert not await _sync(office)

    assert await _sync(office, operator_guild_id=None)

    assert await _registered(office, office.guild.id) == set()
    assert "video" in await _registered(office, None)


async def test_the_operators_server_may_be_the_only_one(office: Stage) -> None:
    """DISCORD_GUILD_ID and OPERATOR_GUILD_ID may name one server."""
    await _sync(office, guild_id=office.guild.id)

    assert {"operator", "video"} <= await _registered(office, office.guild.id)
    assert await _registered(office, None) == set()
    differences = await command_differences(
        office.env.bot.tree,
        application_id=office.env.bot.application_id,
        guild_id=office.guild.id,
        operator_guild_id=office.guild.id,
    )
    assert differences == []


async def test_a_server_that_is_closed_to_the_bot_does_not_stop_it(stage: Stage) -> None:
    """Everything else is registered; the next start tries again."""
    stage.saved.clear()
    stage.env.inject_error("PUT", "/applications/*/guilds/*/commands", status=403, code=50001, message="Missing Access")

    assert await _sync(stage)

    assert "video" in await _registered(stage, None)
    assert str(stage.guild.id) not in next(iter(stage.saved.values()))
    assert await _sync(stage)
    assert not await _sync(stage)


async def test_a_home_server_that_the_bot_is_not_in_is_named_and_forgets_nothing(stage: Stage) -> None:
    """With the link that brings the bot there; and the servers emptied on the way are registered again afterwards."""
    home, elsewhere = stage.guild.id, 999_999_999_999_999_999
    await _sync(stage, guild_id=home, operator_guild_id=None)
    closed = f"/applications/*/guilds/{elsewhere}/commands"
    stage.env.inject_error("PUT", closed, status=403, code=50001, message="Missing Access")
    with pytest.raises(SettingsInvalid, match=r"^DISCORD_GUILD_ID: .*https://.*Example: DISCORD_GUILD_ID=\d+$"):
        await _sync(stage, guild_id=elsewhere, operator_guild_id=None)
    await _sync(stage, guild_id=home, operator_guild_id=None)

    assert "video" in await _registered(stage, home)


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("operator status", {}),
        ("operator pause", {}),
        ("operator resume", {"provider": P1}),
        ("operator pool", {"guild": "1", "credits": "5"}),
    ],
)
async def test_only_operators_may(office: Stage, command: str, options: dict[str, Any]) -> None:
    """Everybody else is refused privately, and suggested nothing."""
    result = await office.ann.slash(office.channel, command, **options)

    assert "Only operators of the bot" in said(result)
    assert result.ephemeral
    assert await _reason(office) is None


async def test_status_shows_the_installation(office: Stage) -> None:
    """Providers with their balance, jobs by state, what needs a person, today's spending, servers and room."""
    await office.ann.slash(office.channel, "video", prompt="a red fox")
    job = (await office.world.queries.jobs(user_id=office.ann.id))[0]
    await office.world.change(job, parked_reason="ValueError")

    shown = await office.mo.slash(office.channel, "operator status")

    text = said(shown)
    assert shown.ephemeral
    for part in (P1, "Takes jobs.", "waiting: 1", job.id, "0.0 spent, 9.0 held", "Test Guild", "MiB"):
        assert part in text, part
    assert "a red fox" not in text
    await office.world.change(job, parked_reason=None)


async def test_pause_and_resume(office: Stage) -> None:
    """One provider or all; cards of waiting jobs say so."""
    card = await office.ann.slash(office.channel, "video", prompt="a red fox")

    paused = await office.mo.slash(office.channel, "operator pause")
    await office.world.cards.stop()

    assert f"Paused: {P1}" in said(paused)
    assert await _reason(office) == "paused"
    assert "Paused by an operator" in said(await office.mo.slash(office.channel, "operator status"))
    assert card.response is not None

    await office.mo.slash(office.channel, "operator resume", provider=P1)

    assert await _reason(office) is None


async def test_an_unknown_provider_is_refused(office: Stage) -> None:
    """With the names of those in use."""
    result = await office.mo.slash(office.channel, "operator pause", provider="nobody")

    assert f"“nobody” is not a provider in use. One of: {P1}" in said(result)
    assert await _reason(office) is None


async def test_a_pool_is_set_for_a_server_of_the_list(office: Stage) -> None:
    """By its id, found by its name."""
    choices = await office.mo.autocomplete(office.channel, "operator pool", "guild", "test")
    assert [choice["value"] for choice in choices] == [str(office.guild.id)]
    assert await office.ann.autocomplete(office.channel, "operator pool", "guild", "test") == []

    done = await office.mo.slash(office.channel, "operator pool", guild=str(office.guild.id), credits="500")

    assert "Test Guild may spend 500.0 credits a month" in said(done)
    assert str(await office.world.operator_desk.pool_limit(office.guild.id)) == "500.0"


@pytest.mark.parametrize(
    ("guild", "credits", "sentence"),
    [
        ("nowhere", "5", "The bot is in no server “nowhere”"),
        ("1", "5", "The bot is in no server “1”"),
        ("9" * 40, "5", "The bot is in no server"),
        (None, "lots", "“lots” is not an amount"),
        (None, "-1", "“-1” is not an amount"),
        (None, "inherit", "“inherit” is not a budget"),
    ],
)
async def test_a_wrong_pool_is_refused(office: Stage, guild: str | None, credits: str, sentence: str) -> None:
    """Nothing changes."""
    before = await office.world.operator_desk.pool_limit(office.guild.id)

    result = await office.mo.slash(
        office.channel, "operator pool", guild=guild or str(office.guild.id), credits=credits
    )

    assert sentence in said(result)
    assert await office.world.operator_desk.pool_limit(office.guild.id) == before


async def test_a_server_that_the_bot_left_has_no_pool_to_set(office: Stage) -> None:
    """Its row may still be there."""
    await office.world.guilds.seen(guild_id=5, owner_id=1, locale="en-US")
    await office.world.guilds.removed(5)

    with pytest.raises(NotFound):
        await office.world.operator_desk.set_pool(5, actor_id=office.mo.id, limit=None)
