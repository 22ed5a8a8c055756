"""What no keyboard types does not get in; PostgreSQL would refuse it later, when nobody can be told why."""

import pytest

from bot.discord.typed import clean
from tests.cogs.conftest import Stage, said

HIDDEN = "a \x00red\x07 fox"


def test_texts_lose_control_characters_wherever_they_are() -> None:
    """Tabs and line breaks stay, and so does whatever is no text."""
    typed = {"a\x00": ["b\x1b\x7f", {"c": "d\t\n\ud800e"}], "n": 5, "on": True, "none": None}

    assert clean(typed) == {"a": ["b", {"c": "d\t\ne"}], "n": 5, "on": True, "none": None}


async def test_a_command_reads_what_was_typed_without_them(stage: Stage) -> None:
    """The card shows the prompt as it is kept."""
    result = await stage.ann.slash(stage.channel, "video", prompt=HIDDEN)

    assert "a red fox" in said(result)
    assert (await stage.world.queries.jobs(user_id=stage.ann.id))[0].spec.prompt == "a red fox"


@pytest.mark.parametrize("command", ["quota grant", "quota revoke"])
async def test_a_reason_is_kept_without_them(stage: Stage, command: str) -> None:
    """As the member sees it in the ledger."""
    await stage.mo.slash(stage.channel, "quota grant", member=stage.ann, credits="5", reason="first")
    await stage.mo.slash(stage.channel, command, member=stage.ann, credits="5", reason=HIDDEN)

    assert "a red fox" in said(await stage.ann.slash(stage.channel, "balance"))
