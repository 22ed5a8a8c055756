"""The menus on messages and members."""

import discord
import pytest
import simcord
import sqlalchemy as sa

from bot.db.tables import log_line
from bot.db.values import read_all
from bot.domain.requests import ReferenceRole
from tests.cogs.conftest import Stage, said

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 64


async def _clip(stage: Stage, **options: object) -> str:
    await stage.ann.slash(stage.channel, "video", prompt="a red fox", **options)
    await stage.work()
    return (await stage.world.queries.jobs(user_id=stage.ann.id))[0].id


def _default(shown: simcord.InteractionResult, name: str) -> str:
    fields = [row["component"] for row in shown.modal["components"] if "component" in row]
    return next(field.get("value", "") for field in fields if field["custom_id"] == name)


def _audits(rows: list) -> list[tuple[str, str]]:
    return [(row.action, row.actor) for row in rows]


# ------------------------------------------------------------------------------------------------------- animate


async def test_picture_of_a_message_becomes_the_start_image(stage: Stage) -> None:
    """On the budget of whoever used the menu, also after a restart while the form was open."""
    message = await stage.ben.send(stage.channel, "look", attachments=[("cat.png", PNG)])

    shown = await stage.ann.context_menu(stage.channel, "Animate image", message)
    assert "cat.png" in _default(shown, "picture")
    await stage.restart()
    values = {"prompt": "it blinks", "picture": _default(shown, "picture")}
    card = await stage.ann.submit_modal(shown, values)

    assert "it blinks" in said(card)
    job = (await stage.world.queries.jobs())[0]
    assert job.user_id == stage.ann.id
    assert [(one.option, one.role) for one in job.spec.references] == [("start_image", ReferenceRole.START_IMAGE)]


async def test_embedded_picture_can_be_animated(stage: Stage) -> None:
    """Links to pictures are embeds."""
    embed = discord.Embed().set_image(url="https://example.org/cat.png")
    channel = stage.env.bot.get_channel(stage.channel.id)
    assert isinstance(channel, discord.TextChannel)
    message = await channel.send(embed=embed)

    shown = await stage.ann.context_menu(stage.channel, "Animate image", message)

    assert _default(shown, "picture").startswith("https://")


@pytest.mark.parametrize("files", [[], [("notes.txt", b"hi")]])
async def test_message_without_a_picture_is_refused(stage: Stage, files: list) -> None:
    """Privately, and no form opens."""
    message = await stage.ben.send(stage.channel, "look", attachments=files)

    refused = await stage.ann.context_menu(stage.channel, "Animate image", message)

    assert refused.modal is None
    assert refused.ephemeral
    assert "no picture" in said(refused)


async def test_animating_is_under_the_rules_of_the_server(stage: Stage) -> None:
    """As `/video` is."""
    await stage.world.moderation.change(stage.guild.id, stage.mo.id, {"blocked": ("blinks",)})
    message = await stage.ben.send(stage.channel, "look", attachments=[("cat.png", PNG)])

    shown = await stage.ann.context_menu(stage.channel, "Animate image", message)
    refused = await stage.ann.submit_modal(shown, {"prompt": "it blinks", "picture": _default(shown, "picture")})

    assert refused.followups[0].ephemeral
    assert await stage.world.queries.jobs() == []


# -------------------------------------------------------------------------------------------------------- report


async def _report(
    stage: Stage, member: simcord.MemberActor, reason: str = "this is **rude** @everyone"
) -> simcord.InteractionResult:
    clip = next(message for message in reversed(stage.channel.history()) if message.attachments)
    shown = await member.context_menu(stage.channel, "Report clip", clip)
    return await member.submit_modal(shown, {"reason": reason})


async def _log_channel(stage: Stage) -> simcord.ChannelHandle:
    channel = stage.guild.create_text_channel("log")
    await stage.world.moderation.change(stage.guild.id, stage.mo.id, {"log_channel_id": channel.id})
    return channel


async def test_report_goes_to_the_log_channel_with_what_can_be_done(stage: Stage) -> None:
    """It pings nobody, and names clip, member and reporter."""
    log = await _log_channel(stage)
    job = await _clip(stage)

    told = await _report(stage, stage.ben)

    assert told.ephemeral
    assert "moderators have your report" in said(told)
    message = log.last_message
    embed = message.embeds[0]
    values = " ".join(field.value for field in embed.fields)
    assert embed.description == r"this is \*\*rude\*\* @everyone"
    assert str(stage.ann.id) in values
    assert stage.ben.mention in values
    assert f"/{stage.channel.id}/" in values
    assert job in embed.footer.text
    assert [button.label for button in message.components[0].children] == [
        "Dismiss",
        "Delete clip",
        "Suspend member",
    ]
    stored = stage.env.backend.get_message(log.id, message.id)
    assert not stored.ping_user_ids
    assert not stored.mention_everyone
    async with stage.world.database.read() as connection:
        assert await read_all(connection, "report:") == {}


async def test_second_report_of_a_member_is_refused(stage: Stage) -> None:
    """Nobody floods the moderators; another member may report."""
    log = await _log_channel(stage)
    await _clip(stage)
    await _report(stage, stage.ben)

    again = await _report(stage, stage.ben)
    await _report(stage, stage.mo)

    assert "already" in said(again)
    assert len(log.history()) == 2


@pytest.mark.parametrize("has_channel", [False, True])
async def test_report_that_cannot_be_shown_is_kept_for_the_audit(stage: Stage, has_channel: bool) -> None:
    """Without a log channel, or where the bot may not post in it."""
    if has_channel:
        denied = discord.PermissionOverwrite(send_messages=False)
        closed = stage.guild.create_text_channel("log", overwrites={stage.guild.default_role: denied})
        await stage.world.moderation.change(stage.guild.id, stage.mo.id, {"log_channel_id": closed.id})
    await _clip(stage)

    told = await _report(stage, stage.ben)
    stage.world.clock.advance(600)
    await stage.world.clip_reports.pass_on()

    assert "/audit" in said(told)
    async with stage.world.database.read() as connection:
        waiting = await connection.execute(sa.select(log_line.c.event).where(log_line.c.event == "report"))
    assert len(waiting.all()) == has_channel


async def test_only_clips_of_the_bot_can_be_reported(stage: Stage) -> None:
    """Neither people's messages nor the bot's cards."""
    message = await stage.ben.send(stage.channel, "hello")
    card = await stage.ann.slash(stage.channel, "video", prompt="a red fox")

    for target in (message, card.response.message):
        refused = await stage.ben.context_menu(stage.channel, "Report clip", target)
        assert refused.modal is None
        assert "Only clips" in said(refused)


async def test_dismissed_report_says_who_did_it(stage: Stage) -> None:
    """Its buttons are gone, also after a restart."""
    log = await _log_channel(stage)
    await _clip(stage)
    await _report(stage, stage.ben)
    report = log.last_message
    await stage.restart()

    await stage.mo.click(report, label="Dismiss")

    handled = log.last_message
    assert handled.components == []
    assert f"{stage.mo.mention} dismissed" in handled.embeds[0].fields[-1].value


async def test_reported_clip_is_deleted_by_a_moderator_alone(stage: Stage) -> None:
    """Others are told so, privately."""
    log = await _log_channel(stage)
    await _clip(stage)
    await _report(stage, stage.ben)
    clip = next(message for message in stage.channel.history() if message.attachments)

    refused = await stage.ben.click(log.last_message, label="Delete clip")
    assert refused.followups[0].ephemeral
    assert clip.id in [message.id for message in stage.channel.history()]
    await stage.mo.click(log.last_message, label="Delete clip")

    assert clip.id not in [message.id for message in stage.channel.history()]
    assert "deleted the clip" in log.last_message.embeds[0].fields[-1].value


async def test_member_of_a_reported_clip_is_suspended_with_reason_and_end(stage: Stage) -> None:
    """The form's words reach the member."""
    log = await _log_channel(stage)
    await _clip(stage)
    await _report(stage, stage.ben)

    shown = await stage.mo.click(log.last_message, label="Suspend member")
    wrong = await stage.mo.submit_modal(shown, {"reason": "rude clips", "until": "never"})
    shown = await stage.mo.click(log.last_message, label="Suspend member")
    await stage.mo.submit_modal(shown, {"reason": "rude clips", "until": "7d"})
    refused = await stage.ann.slash(stage.channel, "video", prompt="another fox")

    assert wrong.ephemeral
    assert "suspended the member" in log.last_message.embeds[0].fields[-1].value
    assert "rude clips" in said(refused)


async def test_stranger_cannot_open_the_suspension(stage: Stage) -> None:
    """No form for them."""
    log = await _log_channel(stage)
    await _clip(stage)
    await _report(stage, stage.ben)

    refused = await stage.ben.click(log.last_message, label="Suspend member")

    assert refused.modal is None
    assert refused.ephemeral


# ------------------------------------------------------------------------------------------------------- balance


async def test_moderator_sees_a_members_balance_privately(stage: Stage) -> None:
    """By the menu on the member."""
    await _clip(stage)

    shown = await stage.mo.context_menu(stage.channel, "Show balance", stage.ann)

    assert shown.ephemeral
    assert "41.0 of 50.0" in said(shown)


async def test_balance_menu_is_hidden_from_members(stage: Stage) -> None:
    """Discord keeps it to those who manage the server, unless its admins say otherwise."""
    with pytest.raises(Exception, match="Show balance"):
        await stage.ben.context_menu(stage.channel, "Show balance", stage.ann)


async def test_menus_are_offered_in_servers_alone(stage: Stage) -> None:
    """They spend, report and look into a server's books."""
    menus = [one for one in stage.env.bot.tree.get_commands() if isinstance(one, discord.app_commands.ContextMenu)]

    assert sorted(menu.name for menu in menus) == ["Animate image", "Report clip", "Show balance"]
    assert all(menu.allowed_contexts is not None and not menu.allowed_contexts.dm_channel for menu in menus)
