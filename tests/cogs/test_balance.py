"""`/balance`: figures, suspension, every server in direct messages, and the statement as CSV."""

import csv
import io

import discord
import pytest

from tests.cogs.conftest import Stage, said


async def _rows(result: object) -> list[dict[str, str]]:
    """Read the statement."""
    (file,) = result.response.attachments  # type: ignore[attr-defined]
    assert file.filename == "statement-2026-03-04.csv"
    return list(csv.DictReader(io.StringIO((await file.read()).decode("utf-8-sig"))))


async def test_csv_has_every_entry_signed(stage: Stage) -> None:
    """Newest first, private, with job and reason; a reason that looks like a formula is harmless."""
    await stage.mo.slash(stage.channel, "quota grant", member=stage.ann, credits="5", reason="=1+1")
    await stage.ann.slash(stage.channel, "video", prompt="a fox")
    (job,) = await stage.world.queries.jobs(user_id=stage.ann.id)
    await stage.work()
    shown = await stage.ann.slash(stage.channel, "balance")

    pressed = await stage.ann.click(shown.response, label="CSV")

    assert pressed.ephemeral
    columns = ("kind", "credits", "change", "job", "reason")
    assert [tuple(row[name] for name in columns) for row in await _rows(pressed)] == [
        ("settle", "9.0", "0.0", job.id, ""),
        ("hold", "9.0", "-9.0", job.id, ""),
        ("grant", "5.0", "5.0", "", "'=1+1"),
    ]


async def test_csv_works_after_a_restart_and_in_direct_messages(stage: Stage) -> None:
    """The button's id has all that it needs."""
    await stage.ann.slash(stage.channel, "video", prompt="a fox")
    here = await stage.ann.slash(stage.channel, "balance")
    direct = await stage.ann.user.slash("balance")
    await stage.restart()

    assert len(await _rows(await stage.ann.click(here.response, label="CSV"))) == 1
    assert len(await _rows(await stage.ann.user.click(direct.response, label="CSV"))) == 1


async def test_moderators_get_a_members_statement(stage: Stage) -> None:
    """By their permission or by a role of the settings; nobody else does, whatever id they press."""
    await stage.ann.slash(stage.channel, "video", prompt="a fox")
    shown = await stage.mo.slash(stage.channel, "balance", member=stage.ann)

    assert len(await _rows(await stage.mo.click(shown.response, label="CSV"))) == 1

    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label="Forged", custom_id=f"sb2:balance:csv:{stage.guild.id}:{stage.ann.id}"))
    view.add_item(discord.ui.Button(label="Elsewhere", custom_id=f"sb2:balance:csv:5:{stage.ann.id}"))
    view.add_item(discord.ui.Button(label="Broken", custom_id="sb2:balance:csv:x:y"))
    view.stop()
    channel = stage.env.bot.get_channel(stage.channel.id)
    assert isinstance(channel, discord.TextChannel)
    message = await channel.send("forged", view=view)
    assert "Only moderators" in said(await stage.ben.click(message, label="Forged"))
    assert "Only moderators" in said(await stage.mo.click(message, label="Elsewhere"))
    assert "another version" in said(await stage.ann.click(message, label="Broken"))


async def test_a_moderator_role_of_the_settings_may_look(stage: Stage) -> None:
    """Without Manage Server."""
    role = stage.guild.create_role("helpers")
    helper = stage.guild.add_member(stage.env.create_user("hal"), roles=[role])
    await stage.ann.slash(stage.channel, "video", prompt="a fox")
    assert "Only moderators" in said(await helper.slash(stage.channel, "balance", member=stage.ann))

    await stage.world.moderation.change(stage.guild.id, stage.mo.id, {"moderator_roles": frozenset({role.id})})

    assert "41.0 of 50.0" in said(await helper.slash(stage.channel, "balance", member=stage.ann))


async def test_direct_messages_cover_servers_without_a_job(stage: Stage) -> None:
    """A grant is enough, and so is every server however many jobs another one has."""
    await stage.mo.slash(stage.channel, "quota grant", member=stage.ann, credits="5", reason="prize")

    result = await stage.ann.user.slash("balance")

    assert "Your balance in Test Guild" in said(result)
    assert "Wallet: 5.0 credits" in said(result)


async def test_balance_says_where_the_allowance_comes_from(stage: Stage) -> None:
    """The default, everyone's limit, or one's own."""
    before = said(await stage.ann.slash(stage.channel, "balance"))
    await stage.mo.slash(stage.channel, "quota set", credits="7", member=stage.ann)

    assert "default: 50.0 credits" in before
    assert "own limit: 7.0 credits" in said(await stage.ann.slash(stage.channel, "balance"))


async def test_a_suspension_is_shown_with_its_reason(stage: Stage) -> None:
    """To the member and to moderators."""
    await stage.world.moderation.suspend(stage.guild.id, stage.mo.id, stage.ann.id, None, "spam")

    own = said(await stage.ann.slash(stage.channel, "balance"))
    theirs = said(await stage.mo.slash(stage.channel, "balance", member=stage.ann))

    assert "Their reason: spam" in own
    assert "spam" in theirs


@pytest.mark.parametrize("who", ["ann", "mo"])
async def test_an_empty_statement_is_said(stage: Stage, who: str) -> None:
    """Instead of an empty file."""
    shown = await getattr(stage, who).slash(stage.channel, "balance")

    assert "no entries" in said(await getattr(stage, who).click(shown.response, label="CSV"))
