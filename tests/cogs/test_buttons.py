"""Buttons, also on messages of an earlier life of the bot."""

import simcord

from bot.domain.jobs import JobState
from tests.cogs.conftest import Stage, said


async def _clip(stage: Stage) -> tuple[str, simcord.InteractionResult]:
    result = await stage.ann.slash(stage.channel, "video", prompt="a red fox")
    await stage.work()
    return (await stage.world.queries.jobs(user_id=stage.ann.id))[0].id, result


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


async def test_again_with_a_reference_that_is_gone_names_it(stage: Stage) -> None:
    """The public placeholder goes, a private sentence comes."""
    await stage.ann.slash(stage.channel, "video", prompt="a red fox", start_image=("a.png", b"1"))
    await stage.work()
    stage.world.store.gone.add("ref/start_image")
    before = len(stage.channel.history())

    again = await stage.ann.click(stage.channel.last_message, label="Again")

    assert "`start_image` is no longer kept" in said(again)
    assert again.followups[0].ephemeral
    assert len(stage.channel.history(viewer=stage.ben)) == before


async def test_delete_is_for_the_requester_and_moderators(stage: Stage) -> None:
    """After a restart as well."""
    job, _ = await _clip(stage)
    clip = stage.channel.last_message
    await stage.restart()

    refused = await stage.ben.click(clip, label="Delete")
    assert "Only whoever asked for job" in said(refused)
    assert stage.channel.last_message.id == clip.id

    done = await stage.mo.click(clip, label="Delete")

    assert f"The clip of job `{job}` is deleted." in said(done)
    assert stage.channel.last_message.id != clip.id


async def test_again_on_a_private_clip_stays_private(stage: Stage) -> None:
    """The new card is ephemeral too."""
    result = await stage.ann.slash(stage.channel, "video", prompt="a red fox", private=True)
    await stage.work()

    again = await stage.ann.click(result.followups[0].message, label="Again")

    assert again.ephemeral
    assert "a red fox" in said(again)
