"""AutoMod, and refusals by code on demand."""

from __future__ import annotations

from typing import Any

import aiohttp
import discord
import pytest

from playground.discord import ClientRefusal, VirtualDiscord


async def test_automod_stops_the_bot(wire: VirtualDiscord, bot: Any) -> None:
    """400 / 200000 for posts and edits with a blocked word, wherever it stands; interaction replies pass."""
    wire.block_words(["Bad Cat"])
    channel = bot.get_channel(wire.channels["general"].id)
    card = await channel.send("a good cat")
    layout = discord.ui.LayoutView(timeout=None)
    layout.add_item(discord.ui.TextDisplay("a BAD CAT"))

    async def body(interaction: discord.Interaction, **options: Any) -> Any:
        await interaction.response.send_message("a bad cat")

    for attempt in (
        channel.send("a bad cat"),
        channel.send(embed=discord.Embed(description="a bad cat")),
        channel.send(view=layout),
        card.edit(content="a bad cat"),
    ):
        with pytest.raises(discord.HTTPException) as found:
            await attempt
        assert (found.value.status, found.value.code) == (400, 200000)
    bot.body = body
    await wire.slash("ann", "general", "act")
    assert [item["content"] for item in wire.messages("general", "ann")] == ["a good cat", "a bad cat"]


async def test_automod_exempts_those_who_manage_the_server(wire: VirtualDiscord, bot: Any) -> None:
    """Members are stopped, moderators are not, nor is a bot with Manage Server; direct messages are free."""
    wire.block_words(["bad"])
    channel = bot.get_channel(wire.channels["general"].id)

    with pytest.raises(ClientRefusal):
        wire.say("ann", "general", "bad")
    wire.say("mo", "general", "bad")
    await (await bot.fetch_user(wire.people["ann"].id)).send("bad")
    wire.set_role_permission("bot", "manage_guild", True)
    await channel.send("bad")
    wire.set_role_permission("bot", "manage_guild", False)
    wire.block_words([])
    await channel.send("bad")
    assert len(wire.messages("general", "ann")) == 3


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (10003, 404),
        (10015, 404),
        (10062, 404),
        (40005, 413),
        (50001, 403),
        (50007, 403),
        (50013, 403),
        (50027, 401),
        (50083, 403),
        (50278, 403),
        (200000, 400),
        (130000, 503),
    ],
)
async def test_refusal_with_any_code(wire: VirtualDiscord, bot: Any, code: int, status: int) -> None:
    """Discord's status and text, once, before any effect."""
    wire.faults.refuse(code, method="POST", path_regex=r"/channels/\d+/messages$")
    channel = bot.get_channel(wire.channels["general"].id)

    with pytest.raises(discord.HTTPException) as found:
        await channel.send("x")
    await channel.send("y")

    assert (found.value.status, found.value.code) == (status, code)
    assert [item["content"] for item in wire.messages("general", "ann")] == ["y"]


@pytest.mark.parametrize("code", [30046, 20028, 429])
async def test_rate_limits_are_waited_for_and_then_reported(wire: VirtualDiscord, bot: Any, code: int) -> None:
    """discord.py tries five times; what lasts longer reaches the bot as a 429."""
    channel = bot.get_channel(wire.channels["general"].id)
    card = await channel.send("card")
    wire.faults.refuse(code, method="PATCH", path_regex=r"/messages/", times=1, retry_after_s=0.001)
    await card.edit(content="waited")
    wire.faults.refuse(code, method="PATCH", path_regex=r"/messages/", times=None, retry_after_s=0.001)

    with pytest.raises(discord.HTTPException) as found:
        await card.edit(content="too often")

    assert (found.value.status, found.value.code) == (429, code if code != 429 else 0)
    assert [record.status for record in wire.requests if record.method == "PATCH"] == [429, 200] + [429] * 5
    assert wire.messages("general", "ann")[0]["content"] == "waited"


async def test_unknown_refusals_are_not_invented(wire: VirtualDiscord) -> None:
    """A code that the simulation has no text for is the test's mistake."""
    with pytest.raises(ValueError, match="12345"):
        wire.faults.refuse(12345, path_regex="/")


async def test_more_than_fifty_requests_in_a_second_are_refused(
    wire: VirtualDiscord, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the whole bot, and told as such; an interaction's answer is not counted."""
    monkeypatch.setattr("playground.discord.rest.monotonic", lambda: 100.0)

    answers = [await http.get("users/@me") for _ in range(51)]
    uncounted = await http.delete("webhooks/1/x/messages/@original")

    assert [one.status for one in answers] == [200] * 50 + [429]
    assert await answers[-1].json() == {"message": "You are being rate limited.", "retry_after": 1, "global": True}
    assert answers[-1].headers["X-RateLimit-Global"] == "true"
    assert uncounted.status == 404
