"""Buttons, also on messages of an earlier life of the bot."""

import discord
import simcord

from bot.discord.custom_ids import Action, custom_id
from bot.domain.jobs import JobState
from tests.cogs.conftest import Stage, said


async def _clip(stage: Stage, **options: object) -> tuple[str, simcord.InteractionResult]:
    result = await stage.ann.slash(stage.channel, "video", prompt="a red fox", **options)
    await stage.work()
    return (await stage.world.queries.jobs(user_id=stage.ann.id))[0].id, result


async def _own_message(stage: Stage, identifier: str) -> discord.Message:
    """A message of the bot with one button."""
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label="Press", custom_id=identifier))
    view.stop()
    channel = stage.env.bot.get_channel(stage.channel.id)
    assert isinstance(channel, discord.TextChannel)
    return await channel.send("x", view=view)


async def test_cancel_on_the_card_cancels(stage: Stage) -> None:
    """The requester is told privately; the card offers to try again."""
    card = await stage.ann.slash(stage.channel, "video", prompt="a red fox")

    pressed = await stage.ann.click(card.response.message, label="Cancel")

    assert "is cancelled; 9.0 credits are free again" in said(pressed)
    assert pressed.ephemeral
    assert "Cancelled" in said(card)


async def test_stranger_cannot_cancel_but_a_moderator_can(stage: Stage) -> None:
    """Whoever may not use a button is told so, privately."""
    card = await stage.ann.slash(stage.channel, "video", prompt="a red fox")

    refused = await stage.ben.click(card.response.message, label="Cancel")
    done = await stage.mo.click(card.response.message, label="Cancel")

    assert "There is no job" in said(refused)
    assert refused.ephemeral
    assert "is cancelled" in said(done)


async def test_try_again_on_a_cancelled_card_makes_a_new_job(stage: Stage) -> None:
    """With a card of its own."""
    card = await stage.ann.slash(stage.channel, "video", prompt="a red fox")
    await stage.ann.click(card.response.message, label="Cancel")

    again = await stage.ann.click(card.response.message, label="Try again")

    assert "a red fox" in said(again)
    assert not again.ephemeral
    states = [job.state for job in await stage.world.queries.jobs(user_id=stage.ann.id)]
    assert sorted(states) == [JobState.CANCELLED, JobState.QUEUED]


async def test_again_after_a_restart_asks_with_a_new_seed(stage: Stage) -> None:
    """The button's id is all that the new bot needs."""
    await _clip(stage)
    old = stage.channel.last_message
    await stage.restart()

    again = await stage.ann.click(old, label="Again")
    await stage.work()

    assert "a red fox" in said(again)
    first, second = stage.world.provider.creates
    assert first["seed"] != second["seed"]
    assert stage.channel.last_message.id != old.id


async def test_again_is_paid_by_whoever_presses_it(stage: Stage) -> None:
    """Another member's budget, another member's mention."""
    await _clip(stage)

    await stage.ben.click(stage.channel.last_message, label="Again")
    await stage.work()

    assert stage.channel.last_message.content.startswith(stage.ben.mention)
    assert "41.0 of 50.0" in said(await stage.ben.slash(stage.channel, "balance"))


async def test_again_that_nobody_may_press_is_told_privately(stage: Stage) -> None:
    """A private clip is its requester's; here somebody else got hold of the button's id."""
    job, _ = await _clip(stage, private=True)
    message = await _own_message(stage, custom_id(Action.AGAIN, job, 1))

    refused = await stage.ben.click(message, label="Press")

    assert refused.ephemeral
    assert "is private" in said(refused)


async def test_button_that_nothing_answers_says_so(stage: Stage) -> None:
    """Privately, on a message of another version of the bot."""
    job, _ = await _clip(stage)
    message = await _own_message(stage, f"sb1:nothing:{job}")

    refused = await stage.ann.click(message, label="Press")

    assert refused.ephemeral
    assert "too old" in said(refused)


async def test_a_role_of_the_settings_may_cancel_and_delete(stage: Stage) -> None:
    """Without Manage Server."""
    role = stage.guild.create_role("helpers")
    helper = stage.guild.add_member(stage.env.create_user("hal"), roles=[role])
    await stage.world.moderation.change(stage.guild.id, stage.mo.id, {"moderator_roles": frozenset({role.id})})
    card = await stage.ann.slash(stage.channel, "video", prompt="a red fox")

    cancelled = await helper.click(card.response.message, label="Cancel")
    await _clip(stage)
    deleted = await helper.click(stage.channel.last_message, label="Delete")

    assert "is cancelled" in said(cancelled)
    assert "is deleted" in said(deleted)


async def test_delete_is_for_the_requester_and_moderators(stage: Stage) -> None:
    """After a restart as well."""
    job, _ = await _clip(stage)
    clip = stage.channel.last_message
    await stage.restart()

    refused = await stage.ben.click(clip, label="Delete")
    assert "Only whoever asked for job" in said(refused)
    assert stage.channel.last_message.id == clip.id

    done = await stage.mo.click(clip, label="Delete")

    assert f"The result of job `{job}` is deleted." in said(done)
    assert stage.channel.last_message.id != clip.id


async def test_delete_takes_a_private_clip_away_by_the_press_itself(stage: Stage) -> None:
    """The bot's own token does not know an ephemeral message."""
    result = await stage.ann.slash(stage.channel, "video", prompt="a red fox", private=True)
    await stage.work()
    clip = result.followups[0].message

    done = await stage.ann.click(clip, label="Delete")

    assert "is deleted" in said(done)
    assert clip.id not in stage.env.backend.messages[stage.channel.id]


async def test_again_on_a_private_clip_stays_private(stage: Stage) -> None:
    """The new card is ephemeral too."""
    result = await stage.ann.slash(stage.channel, "video", prompt="a red fox", private=True)
    await stage.work()

    again = await stage.ann.click(result.followups[0].message, label="Again")

    assert again.ephemeral
    assert "a red fox" in said(again)
