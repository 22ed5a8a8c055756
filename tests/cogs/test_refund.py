"""`/refund` as moderators use it."""

import pytest
from simcord import BackendError, SetupError

from bot.domain.jobs import JobState
from bot.domain.money import Credits
from tests.cogs.conftest import Stage, said


async def _delivered(stage: Stage, prompt: str, **options: object) -> str:
    stage.world.clock.advance(1)
    await stage.ann.slash(stage.channel, "video", prompt=prompt, **options)
    await stage.work()
    job = (await stage.world.queries.jobs(user_id=stage.ann.id))[0]
    assert job.state is JobState.DELIVERED
    return job.id


async def test_refund_is_for_moderators(stage: Stage) -> None:
    """Discord does not offer it to members."""
    assert "refund" not in stage.ann.available_commands(stage.channel)
    with pytest.raises((BackendError, SetupError)):
        await stage.ann.slash(stage.channel, "refund", job="0" * 12, reason="mine")


async def test_a_refund_names_the_member_and_the_amount(stage: Stage) -> None:
    """Privately; the member's balance is whole again; a second time is refused."""
    job_id = await _delivered(stage, "a red fox")

    done = await stage.mo.slash(stage.channel, "refund", job=job_id.lower(), reason="blurry")
    again = await stage.mo.slash(stage.channel, "refund", job=job_id, reason="blurry")

    assert done.ephemeral
    assert f"{stage.ann.mention} got 9.0 credits back for job `{job_id}`" in said(done)
    assert stage.ann.id not in stage.pinged(done.response.id)
    view = await stage.world.queries.balance(guild_id=stage.guild.id, user_id=stage.ann.id)
    assert view.allowance.settled == Credits(0)
    assert "was refunded before" in said(again)


@pytest.mark.parametrize("job", ["0" * 12, "nonsense", "`@everyone`"])
async def test_a_job_that_is_not_there_is_refused(stage: Stage, job: str) -> None:
    """Whatever was typed."""
    refused = said(await stage.mo.slash(stage.channel, "refund", job=job, reason="x"))
    assert "in this server. As you type, `/refund` suggests" in refused


async def test_an_open_job_is_not_refunded(stage: Stage) -> None:
    """The refusal says in which state it is."""
    await stage.ann.slash(stage.channel, "video", prompt="a red fox")
    job_id = (await stage.world.queries.jobs(user_id=stage.ann.id))[0].id

    said_no = said(await stage.mo.slash(stage.channel, "refund", job=job_id, reason="x"))

    assert f"Job `{job_id}` is waiting; only delivered jobs can be refunded" in said_no


async def test_suggestions_keep_private_prompts(stage: Stage) -> None:
    """A private job by its id alone."""
    public = await _delivered(stage, "a red fox")
    private = await _delivered(stage, "a secret garden", private=True)

    found = await stage.mo.autocomplete(stage.channel, "refund", "job", "")
    names = " ".join(choice["name"] for choice in found)

    assert [choice["value"] for choice in found] == [private, public]
    assert await stage.mo.autocomplete(stage.channel, "refund", "job", "secret") == []
    assert "a red fox" in names
    assert "secret" not in names
