"""Reports of clips: one for each member and clip, kept for the moderators."""

import asyncio
import json

import pytest
import sqlalchemy as sa

from bot.db.tables import audit, log_line
from bot.discord.journal_text import JournalText
from bot.domain.errors import NotFound, Refused
from bot.domain.jobs import JobState
from bot.i18n import Catalogue
from tests.services.world import GUILD, USER, World

REPORTER = 200


async def audits(world: World) -> list[tuple[str, str, str]]:
    """Who did what, and why."""
    async with world.database.read() as connection:
        rows = await connection.execute(sa.select(audit).order_by(audit.c.id))
    return [(row.actor, row.action, row.reason) for row in rows]


async def test_report_is_kept_in_the_audit(world: World) -> None:
    """With its reason; the log channel is the server's own."""
    job = await world.until_state(await world.accept(), JobState.DELIVERED)
    await world.moderation.change(GUILD, 7, {"log_channel_id": 77})

    filed = await world.clip_reports.file(job.id, guild_id=GUILD, reporter_id=REPORTER, reason="rude")

    assert (filed.job.id, filed.log_channel_id) == (job.id, 77)
    assert len(filed.nonce) <= 25
    assert (str(REPORTER), "clip.report", "rude") in await audits(world)


async def test_twenty_reports_of_one_member_at_once_are_one(world: World) -> None:
    """The others are refused."""
    job = await world.until_state(await world.accept(), JobState.DELIVERED)

    reports = [world.clip_reports.file(job.id, guild_id=GUILD, reporter_id=REPORTER, reason="rude") for _ in range(20)]
    outcomes = await asyncio.gather(*reports, return_exceptions=True)

    refused = [one for one in outcomes if isinstance(one, Refused)]
    assert len(refused) == 19
    assert {one.code for one in refused} == {"already_reported"}
    assert [action for _, action, _ in await audits(world)].count("clip.report") == 1


async def test_private_clip_that_was_not_shared_cannot_be_reported_by_others(world: World) -> None:
    """They have not seen it; once it is shared, they have."""
    job = await world.until_state(await world.accept(private=True), JobState.DELIVERED)

    with pytest.raises(NotFound):
        await world.clip_reports.file(job.id, guild_id=GUILD, reporter_id=REPORTER, reason="rude")
    await world.sharing.share(job.id, user_id=USER, guild_id=GUILD)

    assert await world.clip_reports.file(job.id, guild_id=GUILD, reporter_id=REPORTER, reason="rude")


async def test_clips_of_other_servers_do_not_exist(world: World) -> None:
    """Neither for reporters nor for moderators."""
    job = await world.until_state(await world.accept(), JobState.DELIVERED)

    with pytest.raises(NotFound):
        await world.clip_reports.file(job.id, guild_id=2, reporter_id=REPORTER, reason="rude")
    with pytest.raises(NotFound):
        await world.clip_reports.handled(job.id, guild_id=2, actor_id=7, outcome="dismiss")


async def test_what_a_moderator_did_is_kept(world: World) -> None:
    """With their name."""
    job = await world.until_state(await world.accept(), JobState.DELIVERED)

    await world.clip_reports.handled(job.id, guild_id=GUILD, actor_id=7, outcome="dismiss")

    assert ("7", "report.dismiss", "") in await audits(world)


async def passed_on(world: World) -> list[str]:
    """What of reports waits for the log channel, as it will be written."""
    await asyncio.gather(*(world.clip_reports.pass_on() for _ in range(3)))
    writer = JournalText(Catalogue.load())
    async with world.database.read() as connection:
        rows = await connection.execute(sa.select(log_line).where(log_line.c.event == "report"))
        return [writer.line(row.event, row.at, json.loads(row.detail), "en-US") for row in rows]


async def test_a_report_that_nobody_showed_reaches_the_log_channel(world: World) -> None:
    """The process was killed after taking it down: the journal has it two minutes later, once."""
    job = await world.until_state(await world.accept(), JobState.DELIVERED)
    await world.moderation.change(GUILD, 7, {"log_channel_id": 77})
    await world.clip_reports.file(job.id, guild_id=GUILD, reporter_id=REPORTER, reason="@everyone **rude**")

    world.clock.advance(119)
    assert await passed_on(world) == []
    world.clock.advance(1)

    (line,) = await passed_on(world)
    assert line.endswith(rf"<@{REPORTER}> reported what job `{job.id}` made · <@{USER}> · @everyone \*\*rude\*\*")
    assert await passed_on(world) == [line]


async def test_a_report_that_was_shown_is_not_told_again(world: World) -> None:
    """Nor is there anything to tell where moderators named no channel."""
    job = await world.until_state(await world.accept(), JobState.DELIVERED)
    await world.clip_reports.file(job.id, guild_id=GUILD, reporter_id=REPORTER + 1, reason="rude")
    await world.moderation.change(GUILD, 7, {"log_channel_id": 77})
    report = await world.clip_reports.file(job.id, guild_id=GUILD, reporter_id=REPORTER, reason="rude")

    await world.clip_reports.shown(report)
    world.clock.advance(600)

    assert await passed_on(world) == []
