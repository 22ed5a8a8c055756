"""The buttons of a quote: an answered one does not go on asking."""

import pytest
import simcord

from bot.domain.jobs import JobState
from bot.domain.money import Credits
from tests.cogs.conftest import Stage, said


async def _quoted(stage: Stage) -> simcord.InteractionResult:
    await stage.world.moderation.change(stage.guild.id, stage.mo.id, {"confirm_over": Credits(1000)})
    return await stage.ann.slash(stage.channel, "video", prompt="a red fox")


def _is_there(stage: Stage, message_id: int) -> bool:
    return message_id in stage.env.backend.messages[stage.channel.id]


async def test_a_confirmed_quote_goes_by_the_interaction_that_showed_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The press's own token is not documented to delete the message under which it was pressed, once it has another."""
    quote = (await _quoted(stage)).followups[0].message
    (shown_by,) = stage.env.backend.interactions.values()
    used: list[str] = []
    find = stage.env.backend.interaction_by_token
    monkeypatch.setattr(stage.env.backend, "interaction_by_token", lambda token: used.append(token) or find(token))

    pressed = await stage.ann.click(quote, label="Confirm")

    assert "a red fox" in said(pressed)
    assert not _is_there(stage, quote.id)
    assert shown_by.token in used


async def test_a_quote_that_stayed_goes_with_the_next_press(stage: Stage) -> None:
    """As when the bot was killed between the answer and the quote's removal."""
    quote = (await _quoted(stage)).followups[0].message
    (job,) = await stage.world.queries.jobs(user_id=stage.ann.id)
    await stage.world.quotes.decline(job.id, user_id=stage.ann.id, guild_id=stage.guild.id)

    pressed = await stage.ann.click(quote, label="Confirm")

    assert "You have answered this already" in said(pressed)
    assert not _is_there(stage, quote.id)
    assert (await stage.world.job(job)).state is JobState.CANCELLED
