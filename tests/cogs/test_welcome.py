"""First contact with a server, and what the operator reads of those that the bot is in."""

from datetime import timedelta

import discord
import pytest

from bot.db import guilds
from bot.discord import guild_report
from bot.domain.jobs import JobState
from bot.domain.money import Credits
from tests.cogs.conftest import Stage


async def _join(stage: Stage) -> None:
    """Discord says that the bot was added."""
    await stage.env.bot.on_guild_join(stage.env.bot.get_guild(stage.guild.id))


async def _see(stage: Stage, *, joined_ago: timedelta) -> None:
    """The server becomes available, as after a start; the bot joined it a while ago."""
    guild = stage.env.bot.get_guild(stage.guild.id)
    guild.me.joined_at = stage.world.clock.now() - joined_ago
    await stage.env.bot.on_guild_available(guild)


def _posts(stage: Stage) -> list[str]:
    return [message.content for message in stage.channel.history()]


def _allow(stage: Stage, permissions: discord.Permissions) -> None:
    """Give the bot these permissions in the whole server, and no others."""
    for role in stage.env.bot.get_guild(stage.guild.id).roles:
        role._permissions = permissions.value


async def test_a_joined_server_is_greeted_once(stage: Stage) -> None:
    """What to type, what to set; not again on reconnects or restarts."""
    await _join(stage)
    await _join(stage)
    await stage.restart()
    await _see(stage, joined_ago=timedelta(minutes=1))

    posts = _posts(stage)

    assert len(posts) == 1
    for word in ("`/video`", "`/help`", "`/settings`", "`/quota`", "without limit"):
        assert word in posts[0]


@pytest.mark.parametrize(
    ("pool", "sentence"),
    [
        (Credits(0), "python -m bot pool --guild {guild} --credits"),
        (Credits(500_000), "may spend 500.0 credits a month"),
    ],
)
async def test_the_greeting_says_whether_the_server_can_spend(stage: Stage, pool: Credits, sentence: str) -> None:
    """With the operator's exact command where it cannot."""
    await stage.restart(guild_pool=pool)

    await _join(stage)

    assert sentence.format(guild=stage.guild.id) in _posts(stage)[0]


async def test_a_server_joined_while_the_bot_was_away_is_greeted_when_first_seen(stage: Stage) -> None:
    """Within the hour."""
    await _see(stage, joined_ago=timedelta(minutes=59))

    assert len(_posts(stage)) == 1


async def test_servers_that_a_new_installation_finds_itself_in_are_not_greeted(stage: Stage) -> None:
    """Nobody has just added the bot there."""
    await _see(stage, joined_ago=timedelta(hours=2))
    await _see(stage, joined_ago=timedelta(hours=-2))  # a clock that is wrong

    assert _posts(stage) == []


async def test_the_greeting_goes_where_the_bot_may_write(stage: Stage) -> None:
    """Never to a channel that is closed to it."""
    other = stage.guild.create_text_channel("talk")
    await stage.env.settle()
    guild = stage.env.bot.get_guild(stage.guild.id)
    closed = discord.PermissionOverwrite(send_messages=False)
    channel = guild.get_channel(stage.channel.id)
    channel._overwrites = [
        discord.abc._Overwrites({"id": guild.id, "type": 0, "allow": "0", "deny": str(closed.pair()[1].value)})
    ]

    await _join(stage)

    assert _posts(stage) == []
    assert len(other.history()) == 1


async def test_nowhere_to_write_is_no_error_and_no_greeting(stage: Stage) -> None:
    """It may still come while the server is fresh."""
    _allow(stage, discord.Permissions(view_channel=True))
    await _join(stage)
    assert _posts(stage) == []

    _allow(stage, discord.Permissions(view_channel=True, send_messages=True))
    await _see(stage, joined_ago=timedelta(minutes=5))

    assert len(_posts(stage)) == 1


async def test_a_removed_bot_cancels_what_waits(stage: Stage) -> None:
    """Quoted, awaiting approval and queued; the credits are free again."""
    await stage.ann.slash(stage.channel, "video", prompt="a red fox")
    job = (await stage.world.queries.jobs(user_id=stage.ann.id))[0]

    await stage.world.guilds.removed(stage.guild.id)

    assert await stage.world.state(job) is JobState.CANCELLED
    view = await stage.world.queries.balance(guild_id=stage.guild.id, user_id=stage.ann.id)
    assert view.allowance.held == Credits(0)


async def test_a_server_that_is_there_keeps_its_jobs_when_the_bot_is_ready(stage: Stage) -> None:
    """Only servers that Discord no longer names were left."""
    await stage.ann.slash(stage.channel, "video", prompt="a red fox")
    job = (await stage.world.queries.jobs(user_id=stage.ann.id))[0]
    async with stage.world.database.begin() as connection:
        await guilds.save(connection, 5, locale="nl")

    await stage.env.bot.on_ready()

    async with stage.world.database.read() as connection:
        here = [row.guild_id for row in await guilds.every(connection)]
    assert (here, await stage.world.state(job)) == ([stage.guild.id], JobState.QUEUED)


async def test_the_report_names_what_is_missing_in_each_server(stage: Stage) -> None:
    """One line for each, in Discord's own words."""
    guild = stage.env.bot.get_guild(stage.guild.id)
    assert guild_report.lines(stage.env.bot) == ["1 of 1 server: every permission is there."]

    _allow(stage, discord.Permissions(view_channel=True, send_messages=True))

    assert guild_report.lines(stage.env.bot) == [
        f"Test Guild ({guild.id}): missing Embed Links, Attach Files, Read Message History, Send Messages in Threads",
        "0 of 1 server: every permission is there.",
    ]
