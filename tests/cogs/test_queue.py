"""`/queue`: the moderators' view of what is going on."""

from typing import Any

import pytest
import simcord
from simcord import BackendError, SetupError

from bot.domain.jobs import JobState
from bot.domain.money import Credits
from cogs.queue import redraw_panels
from tests.cogs.conftest import Stage, said


async def _ask(stage: Stage, prompt: str, who: Any = None, **options: object) -> str:
    """Ask for a clip; returns the job's id."""
    member = who or stage.ann
    stage.world.clock.advance(1)
    await member.slash(stage.channel, "video", prompt=prompt, **options)
    return (await stage.world.queries.jobs(user_id=member.id))[0].id


async def _open(stage: Stage) -> simcord.InteractionResult:
    return await stage.mo.slash(stage.channel, "queue")


async def _pick(stage: Stage, panel: simcord.InteractionResult, job_id: str) -> None:
    await stage.mo.select(panel.response.message, [job_id])


async def _state(stage: Stage, job_id: str) -> JobState:
    return (await stage.world.board.job(stage.guild.id, job_id)).state


def _labels(panel: simcord.InteractionResult) -> list[str]:
    rows = panel.response.components
    return [c["label"] for row in rows for c in row["components"] if "label" in c and not c.get("disabled")]


@pytest.fixture
async def deciding(stage: Stage) -> Stage:
    """A server whose moderators decide on jobs above 5 credits."""
    await stage.world.set_rules(guild=stage.guild.id, confirm_over=None, approve_over=Credits(5000))
    return stage


async def _pass(stage: Stage, seconds: float) -> None:
    """Let time go by, and the duty of every ten seconds do its work."""
    for _ in range(int(seconds // 10)):
        stage.world.clock.advance(10.0)
        await redraw_panels(stage.env.bot)


async def test_queue_is_for_moderators(stage: Stage) -> None:
    """Discord does not offer it to members; the answer is private."""
    assert "queue" not in stage.ann.available_commands(stage.channel)
    with pytest.raises((BackendError, SetupError)):
        await stage.ann.slash(stage.channel, "queue")

    panel = await _open(stage)

    assert panel.ephemeral
    assert "No job is open here" in said(panel)


async def test_open_jobs_are_listed_and_private_prompts_are_not(stage: Stage) -> None:
    """Who, which model, what it costs, in which state."""
    public = await _ask(stage, "a red fox")
    private = await _ask(stage, "a secret garden", private=True)

    panel = await _open(stage)

    text = said(panel)
    assert all(part in text for part in (public, private, "a red fox", stage.ann.mention, "9.0 credits", "waiting"))
    assert "secret" not in str(panel.response.components) + text
    await _pick(stage, panel, private)
    assert "secret" not in str(panel.response.components) + said(panel)
    assert "A private job" in said(panel)


async def test_a_moderator_cancels_any_job(stage: Stage) -> None:
    """A private one too; the panel shows that it is gone."""
    job_id = await _ask(stage, "a secret garden", private=True)
    panel = await _open(stage)
    await _pick(stage, panel, job_id)

    pressed = await stage.mo.click(panel.response.message, label="Cancel job")

    assert f"Job `{job_id}` is cancelled; 9.0 credits are free again" in said(pressed)
    assert await _state(stage, job_id) is JobState.CANCELLED
    assert "No job is open here" in said(panel)


async def test_pages_turn_and_the_order_changes(stage: Stage) -> None:
    """Ten jobs a page, the oldest first until one wants the newest."""
    await stage.world.set_rules(guild=stage.guild.id, queued_cap=50)
    await stage.world.budgets.set_limit(guild_id=stage.guild.id, actor_id=1, scope="everyone", subject=0, credits=None)
    for number in range(12):
        await _ask(stage, f"clip number {number:02}")
        stage.world.clock.advance(1)
    panel = await _open(stage)
    assert "number 00" in said(panel)
    assert "number 11" not in said(panel)

    await stage.mo.click(panel.response.message, label="▶")
    assert "number 11" in said(panel)
    assert "number 00" not in said(panel)
    await stage.mo.click(panel.response.message, label="Newest first")

    assert "number 11" in said(panel)
    assert "number 00" not in said(panel)


async def test_approve_lets_a_waiting_job_go_on(deciding: Stage) -> None:
    """Its request is shown to whoever decides, also of a private one."""
    job_id = await _ask(deciding, "a secret garden", private=True)
    assert await _state(deciding, job_id) is JobState.AWAITING_APPROVAL
    panel = await _open(deciding)
    await _pick(deciding, panel, job_id)
    assert "a secret garden" in said(panel)

    pressed = await deciding.mo.click(panel.response.message, label="Approve")

    assert f"Job `{job_id}` of {deciding.ann.mention} is approved" in said(pressed)
    assert await _state(deciding, job_id) is JobState.QUEUED
    assert "Approve" not in _labels(panel)


@pytest.mark.parametrize("by_moderator", [True, False])
async def test_cancelled_job_has_no_open_approval_card(deciding: Stage, by_moderator: bool) -> None:
    """Whoever cancels what waits, in /queue or with /jobs cancel: its approval card says so and asks nobody more."""
    log = deciding.guild.create_text_channel("log")
    await deciding.world.set_rules(guild=deciding.guild.id, log_channel_id=log.id)
    job_id = await _ask(deciding, "a red fox")
    await deciding.world.turn()
    card = log.history()[-1]
    assert "Approve" in str(card.components)

    if by_moderator:
        panel = await _open(deciding)
        await _pick(deciding, panel, job_id)
        await deciding.mo.click(panel.response.message, label="Cancel job")
    else:
        await deciding.ann.slash(deciding.channel, "jobs cancel", job=job_id)

    card = log.history()[-1]
    assert "Cancelled before anybody decided" in str(card.embeds[0].to_dict())
    assert not card.components


async def test_only_moderators_are_asked_for_a_reason(deciding: Stage) -> None:
    """Others who see the approval card are refused before they write one."""
    log = deciding.guild.create_text_channel("log")
    await deciding.world.set_rules(guild=deciding.guild.id, log_channel_id=log.id)
    await _ask(deciding, "a red fox")
    await deciding.world.turn()

    refused = await deciding.ben.click(log.history()[-1], label="Deny")
    opened = await deciding.mo.click(log.history()[-1], label="Deny")

    assert "Only this server's moderators may do that" in said(refused)
    assert refused.ephemeral
    assert opened.modal is not None


async def test_deny_asks_for_the_reason(deciding: Stage) -> None:
    """And releases what was held."""
    job_id = await _ask(deciding, "a red fox")
    panel = await _open(deciding)
    await _pick(deciding, panel, job_id)

    opened = await deciding.mo.click(panel.response.message, label="Deny")
    done = await deciding.mo.submit_modal(opened, {"reason": "not here"})

    assert "is denied" in said(done)
    job = await deciding.world.board.job(deciding.guild.id, job_id)
    assert (job.state, job.decision_reason, job.decided_by) == (JobState.CANCELLED, "not here", deciding.mo.id)
    assert "No job is open here" in said(panel)


async def test_a_rule_of_now_is_told_to_the_moderator_and_not_to_who_asked(deciding: Stage) -> None:
    """Both in the queue and under the card; the job waits on."""
    job_id = await _ask(deciding, "a red fox")
    await deciding.mo.slash(deciding.channel, "quota suspend", member=deciding.ann, reason="spam", until="7d")
    panel = await _open(deciding)
    await _pick(deciding, panel, job_id)

    refused = said(await deciding.mo.click(panel.response.message, label="Approve"))

    assert f"Job `{job_id}` cannot be approved now" in refused
    assert "suspended for a time" in refused
    assert "you" not in refused
    assert await _state(deciding, job_id) is JobState.AWAITING_APPROVAL


async def test_nobody_approves_their_own(deciding: Stage) -> None:
    """Not even here."""
    job_id = await _ask(deciding, "a red fox", who=deciding.mo)
    panel = await _open(deciding)
    await _pick(deciding, panel, job_id)

    await deciding.mo.click(panel.response.message, label="Approve")

    assert await _state(deciding, job_id) is JobState.AWAITING_APPROVAL


async def test_who_is_no_moderator_any_more_is_refused(deciding: Stage) -> None:
    """At each press, also when a modal comes back."""
    job_id = await _ask(deciding, "a red fox")
    panel = await _open(deciding)
    await _pick(deciding, panel, job_id)
    opened = await deciding.mo.click(panel.response.message, label="Deny")
    member = deciding.env.backend.get_member(deciding.guild.id, deciding.mo.id)
    member.role_ids.clear()

    denied = await deciding.mo.submit_modal(opened, {"reason": "no"})
    pressed = await deciding.mo.click(panel.response.message, label="Approve")

    assert "moderator" in said(denied).lower()
    assert "moderator" in said(pressed).lower()
    assert await _state(deciding, job_id) is JobState.AWAITING_APPROVAL


async def test_a_panel_works_after_a_restart(stage: Stage) -> None:
    """All that it needs is in its custom ids."""
    job_id = await _ask(stage, "a red fox")
    panel = await _open(stage)
    await stage.restart()

    await _pick(stage, panel, job_id)
    await stage.mo.click(panel.response.message, label="Cancel job")

    assert await _state(stage, job_id) is JobState.CANCELLED


async def test_a_panel_redraws_itself_where_something_changed(stage: Stage) -> None:
    """Every ten seconds; nothing is sent where all is as it was."""
    panel = await _open(stage)
    before = len(stage.env.http_requests)
    await _pass(stage, 30)
    assert len(stage.env.http_requests) == before

    job_id = await _ask(stage, "a red fox")
    await _pass(stage, 10)

    assert job_id in said(panel)


async def test_a_panel_says_when_it_stops(stage: Stage) -> None:
    """After fourteen minutes; Refresh begins anew."""
    panel = await _open(stage)
    assert "Updates by itself until" in said(panel)

    await _pass(stage, 14 * 60)
    assert "No longer updates by itself" in said(panel)
    await stage.mo.click(panel.response.message, label="Refresh")

    assert "Updates by itself until" in said(panel)


async def test_another_servers_job_cannot_be_reached_by_a_made_up_id(stage: Stage) -> None:
    """The job is looked up in the server that asks."""
    job = await stage.world.accept("elsewhere", guild=77)
    panel = await _open(stage)

    found = await stage.world.board.page(stage.guild.id, page=0, oldest_first=True)

    assert job.id not in said(panel)
    assert found.total == 0


def test_every_custom_id_fits() -> None:
    """Discord takes 100 characters."""
    from cogs._board import Sight
    from cogs.panels import panel_id

    sight = Sight(9999, False, "0" * 12)

    assert len(panel_id("queue", sight.rest("approve"))) <= 100
    assert Sight.parse(sight.rest("approve")) == ("approve", sight)
    with pytest.raises(ValueError, match="unpack"):
        Sight.parse("x")
