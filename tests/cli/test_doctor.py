"""`check` and `sync` against the simulated Discord and provider."""

import asyncio
import json
from typing import Any

import pytest

from playground.rig import Rig
from tests.cli.conftest import Beside

pytestmark = pytest.mark.slow


async def findings(beside: Beside, **changes: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Run the doctor; returns the exit code and what it found by name."""
    said = await beside("check", "--json", **changes)
    assert said.err == ""
    return said.code, {finding["name"]: finding for finding in json.loads(said.out)}


async def test_a_complete_installation_is_in_order(beside: Beside) -> None:
    """After `sync`, which also makes the tables, every line is ok and the exit code 0."""
    synced = await beside("sync")
    checked = await beside("check")

    assert synced.code == 0, synced.err
    assert "video" in synced.out
    lines = checked.out.splitlines()
    assert (checked.code, checked.err) == (0, "")
    assert all(line.startswith("ok   ") for line in lines), checked.out
    names = [line.removeprefix("ok   ").partition(":")[0] for line in lines]
    assert names == [
        "settings",
        "database",
        "migrations",
        "discord token",
        "commands",
        "intents",
        "seedance2-movie",
        "seedance2ai",
        "seedance-tv",
        "callback address",
        "callbacks",
        "spending",
    ]


async def test_every_fault_is_found_at_once(beside: Beside) -> None:
    """A fresh folder, dead keys and an empty pool: each has its own line, and the exit code is 1."""
    keys = {f"{name}_API_KEY": "wrong" for name in ("SEEDANCE2_MOVIE", "SEEDANCE2AI", "SEEDANCE_TV")}
    code, found = await findings(beside, DISCORD_GUILD_ID="", **keys)

    assert code == 1
    wrong = {name for name, finding in found.items() if not finding["ok"]}
    assert wrong == {"database", "commands", "seedance2-movie", "seedance2ai", "seedance-tv"}
    assert "python -m bot migrate" in found["database"]["sentence"]
    assert "+video" in found["commands"]["sentence"]
    assert "INVALID_API_KEY" in found["seedance2-movie"]["sentence"]
    assert all("check the key" in found[name]["sentence"] for name in ("seedance2ai", "seedance-tv"))


async def test_what_the_settings_point_at_is_part_of_them(beside: Beside) -> None:
    """A default model that there is not would end the start, whatever Discord says."""
    _, found = await findings(beside, DEFAULT_MODEL="seedance-tv/nonsense")

    assert not found["settings"]["ok"]
    assert found["settings"]["sentence"].startswith("DEFAULT_MODEL: ")


async def test_each_key_is_proven_as_far_as_the_provider_lets_it_be(beside: Beside, rig: Rig) -> None:
    """By the balance where there is one; by a task that cannot exist where there is none, which is never a task of
    ours. Callbacks are expected of those that announce anything."""
    await beside("migrate")
    _, found = await findings(beside)

    assert "credits left" in found["seedance2-movie"]["sentence"]
    assert "credits left" in found["seedance-tv"]["sentence"]
    assert found["seedance2ai"]["sentence"].startswith("the key works; ")
    assert "seedance2-movie arriving; polled, having none: seedance2ai, seedance-tv" in found["callbacks"]["sentence"]
    assert list(rig.ai.tasks) == []


async def test_an_account_that_pays_no_clip_is_found(beside: Beside, rig: Rig) -> None:
    """Two credits are no empty account, but no usual clip either."""
    rig.movie.account.used = rig.movie.account.total - 2
    rig.tv.account.used = rig.tv.account.total - 15
    _, found = await findings(beside)

    assert not found["seedance2-movie"]["ok"]
    assert "2 credits" in found["seedance2-movie"]["sentence"]
    assert "9" in found["seedance2-movie"]["sentence"]
    assert found["seedance-tv"]["ok"], found["seedance-tv"]["sentence"]


async def test_an_address_that_is_not_the_apis_is_found(beside: Beside, rig: Rig) -> None:
    """A page that answers 404 to everything proves no key."""
    _, found = await findings(beside, SEEDANCE2AI_BASE_URL=f"{rig.discord.origin}/elsewhere")

    assert not found["seedance2ai"]["ok"]


async def test_the_operators_own_server_is_no_difference(beside: Beside, rig: Rig) -> None:
    """`/operator` is registered there beside the others, and the doctor knows it."""
    changes = {"OPERATOR_GUILD_ID": str(rig.discord.guild_id)}
    await beside("sync", **changes)
    _, found = await findings(beside, **changes)
    _, without = await findings(beside)

    assert found["commands"]["ok"], found["commands"]["sentence"]
    assert "-operator" in without["commands"]["sentence"]


async def test_a_token_that_discord_refuses_is_found(beside: Beside) -> None:
    """The token itself is not in the line."""
    code, found = await findings(beside, DISCORD_TOKEN="not-the-token")

    assert code == 1
    assert not found["discord token"]["ok"]
    assert "not-the-token" not in found["discord token"]["sentence"]


async def test_nobody_who_can_spend_is_found(beside: Beside) -> None:
    """Without a home server and a pool, every request would be refused; the line shows the command that helps."""
    await beside("migrate")
    _, before = await findings(beside, DISCORD_GUILD_ID="")
    await beside("pool", "--guild", "123", "--credits", "5")
    _, after = await findings(beside, DISCORD_GUILD_ID="")

    assert not before["spending"]["ok"]
    assert "python -m bot pool --guild" in before["spending"]["sentence"]
    assert after["spending"]["ok"]
    assert after["spending"]["sentence"] == "servers with a pool that the bot has yet to join: 1"


async def test_a_public_address_that_leads_elsewhere_is_found(beside: Beside, rig: Rig) -> None:
    """Only while something listens; then the address must lead back to it."""
    was_asked = asyncio.Event()

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        await writer.wait_closed()
        was_asked.set()

    async with await asyncio.start_server(hang_up, "127.0.0.1", rig.http_port):
        _, found = await findings(beside, PUBLIC_BASE_URL="http://127.0.0.1:1")
        await was_asked.wait()

    assert not found["callback address"]["ok"]
    assert found["callback address"]["sentence"].startswith("PUBLIC_BASE_URL: ")


async def test_the_doctor_makes_no_database_and_registers_nothing(beside: Beside, rig: Rig) -> None:
    """Looking is not changing: not even an empty file or a command is left behind."""
    await findings(beside)

    assert list(rig.data_dir.glob("bot.db*")) == []
    assert not rig.discord.commands(rig.discord.people["owner"], next(iter(rig.discord.channels.values())))
