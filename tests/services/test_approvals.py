"""Approvals: credits held while a job waits; one decision, never one's own, and every rule once more."""

import asyncio

import pytest

from bot.domain.errors import DeliveryForbidden, DeliveryRetry, LeaseLost, NotFound, Refused
from bot.domain.jobs import Job, JobState
from bot.domain.money import ZERO
from bot.domain.requests import Attachment, ReferenceRole
from bot.domain.rules import GuildRules
from bot.services.cancellation import CancelOutcome
from bot.services.config import MoneyRules
from tests.services.world import CHANNEL, GUILD, OWNER, USER, World, credits, gather_outcomes

S = JobState
MO, LOG = 900, 66
WAITS_ABOVE_FIVE = GuildRules(confirm_over=None, approve_over=credits("5"), log_channel_id=LOG, queued_cap=100)


@pytest.fixture
def world(make_world) -> World:
    """A server whose moderators approve every job over five credits, with a log channel."""
    return make_world(guild_rules=WAITS_ABOVE_FIVE)


async def _held(world: World) -> object:
    return (await world.queries.balance(guild_id=GUILD, user_id=USER)).held


async def _approve(world: World, job: Job, *, actor: int = MO, guild: int = GUILD) -> Job:
    return await world.approvals.approve(job.id, guild_id=guild, actor_id=actor)


async def _deny(world: World, job: Job, *, actor: int = MO, reason: str = "too wild") -> Job:
    return await world.approvals.deny(job.id, guild_id=GUILD, actor_id=actor, reason=reason)


async def test_a_job_waits_with_its_credits_held_and_its_references_stored(world: World) -> None:
    """Nothing reaches the provider; the approval card is in the log channel once, references with it."""
    picture = Attachment("start_image", ReferenceRole.START_IMAGE, "a.png", 10, "https://cdn/a.png")
    job = await world.accept(attachments=(picture,))
    for _ in range(3):
        await world.turn()

    assert await world.state(job) is S.AWAITING_APPROVAL
    assert await _held(world) == credits("9")
    assert world.provider.creates == []
    ((channel_id, view),) = world.messenger.approvals
    assert (channel_id, view.job.id, view.outcome) == (LOG, job.id, None)
    assert len(view.files) == 1


async def test_an_approved_job_runs_to_its_clip(world: World) -> None:
    """The card says who approved; the history too."""
    job = await world.accept()
    await world.turn()

    await world.approvals.redraw(await _approve(world, job))
    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED
    assert f"approved by {MO}" in await world.causes(job)
    assert [(view.outcome, view.actor_id) for _, view in world.messenger.approvals] == [(None, None), ("approved", MO)]


async def test_a_denied_job_is_released_and_says_why(world: World) -> None:
    """The member's card carries the moderator's reason."""
    job = await world.accept()
    await world.turn()

    denied = await _deny(world, job, reason="not here")
    await world.approvals.redraw(denied)
    await world.run_until_quiet()

    assert (denied.state, denied.error_code, denied.decision_reason) == (S.CANCELLED, "denied", "not here")
    assert await _held(world) == ZERO
    assert world.provider.creates == []
    assert world.messenger.approvals[-1][1].outcome == "denied"


async def test_twenty_approvals_at_once_are_one(world: World) -> None:
    """The job is queued once and charged once; the nineteen others are told that it waits no more."""
    job = await world.accept()

    accepted, refused = await gather_outcomes(*(_approve(world, job, actor=MO + n) for n in range(20)))
    await world.run_until_quiet()

    assert len(accepted) == 1
    assert {(type(r), r.code) for r in refused} == {(Refused, "not_waiting")}
    assert await world.state(job) is S.DELIVERED
    assert len(world.provider.creates) == 1


async def test_twenty_waiting_jobs_approved_at_once_all_run(make_world) -> None:
    """Credits for all were held when they were asked for: approving takes nothing more."""
    rules = MoneyRules(home_guild_id=GUILD, member_allowance=credits("180"))
    world = make_world(rules=rules, guild_rules=WAITS_ABOVE_FIVE)
    waiting = [await world.accept() for _ in range(20)]
    with pytest.raises(Refused):
        await world.accept()

    accepted, refused = await gather_outcomes(*(_approve(world, job) for job in waiting))
    await world.run_until_quiet()

    assert (len(accepted), refused) == (20, [])
    assert {await world.state(job) for job in waiting} == {S.DELIVERED}
    assert await _held(world) == ZERO


async def test_approving_denying_and_cancelling_at_once_do_one_thing(world: World) -> None:
    """Whatever came first stands: held or released, never both."""
    job = await world.accept()

    done = await asyncio.gather(
        _approve(world, job),
        _deny(world, job),
        world.cancellation.request(job.id, actor_id=USER, guild_id=GUILD, is_moderator=False),
        return_exceptions=True,
    )

    found = await world.job(job)
    if found.state is S.QUEUED:
        assert await _held(world) == credits("9")
    else:
        assert found.state is S.CANCELLED
        assert await _held(world) == ZERO
    # Two where it was approved first and cancelled then.
    assert sum(isinstance(one, Job) or one is CancelOutcome.CANCELLED for one in done) in {
        1,
        2,
    }  # approved, then cancelled


async def test_nobody_decides_about_their_own_job(world: World) -> None:
    """Not even a moderator."""
    job = await world.accept()

    with pytest.raises(Refused, match="own_approval"):
        await _approve(world, job, actor=USER)
    with pytest.raises(Refused, match="own_approval"):
        await _deny(world, job, actor=USER)

    assert await world.state(job) is S.AWAITING_APPROVAL


async def test_moderators_of_another_server_see_nothing(world: World) -> None:
    """Ids never reach across guilds."""
    job = await world.accept()

    with pytest.raises(NotFound):
        await _approve(world, job, guild=GUILD + 1)


async def test_rules_run_again_at_approval(world: World) -> None:
    """A channel closed meanwhile, a word blocked meanwhile: the moderator is told, and the job waits on."""
    job = await world.accept("a red boat")
    for change, code in (
        ({"channels": frozenset({1})}, "channel_not_allowed"),
        ({"channels": frozenset(), "blocked": ("boat",)}, "blocked_word"),
        ({"blocked": (), "longest_s": 4}, "too_long"),
    ):
        await world.set_rules(**change)
        with pytest.raises(Refused, match="approval_refused") as refused:
            await _approve(world, job)
        assert refused.value.params["rule"] == code

    await world.set_rules(longest_s=None)
    assert (await _approve(world, job)).state is S.QUEUED


async def test_a_channel_that_is_not_age_restricted_any_more_counts_at_approval(world: World) -> None:
    """As Discord knows it then; where nobody knows, as it was."""
    await world.settle_in()
    await world.set_rules(restricted_models=frozenset({"seedance2-movie/seedance-2.0"}))
    job = await world.accept(is_age_restricted=True)

    async def approve(adult_channels: set[int] | None) -> Job:
        return await world.approvals.approve(job.id, guild_id=GUILD, actor_id=MO, adult_channels=adult_channels)

    with pytest.raises(Refused, match="approval_refused") as refused:
        await approve({CHANNEL + 1})
    assert refused.value.params["rule"] == "age_restricted"
    assert (await approve({CHANNEL})).state is S.QUEUED


async def test_a_member_suspended_while_waiting_is_not_approved(world: World) -> None:
    """The credits stay held until somebody denies it, cancels it, or it lapses."""
    job = await world.accept()
    await world.moderation.suspend(GUILD, OWNER, USER, None, "spam")

    with pytest.raises(Refused, match="approval_refused") as refused:
        await _approve(world, job)
    assert refused.value.params["rule"] == "suspended"

    assert await _held(world) == credits("9")
    assert (await _deny(world, job)).state is S.CANCELLED


async def test_nobody_answers_and_it_lapses(world: World) -> None:
    """After a day the credits are free, the cards say so, and approving is too late."""
    job = await world.accept()
    await world.turn()
    world.clock.advance(86_400)
    with pytest.raises(Refused, match="not_waiting"):
        await _approve(world, job)

    await world.run_until_quiet()

    found = await world.job(job)
    assert (found.state, found.error_code) == (S.EXPIRED, "approval_lapsed")
    assert await _held(world) == ZERO
    assert world.messenger.approvals[-1][1].outcome == "expired"


async def test_it_waits_over_a_restart(world: World) -> None:
    """The card is not posted a second time, and the decision works."""
    job = await world.accept()
    await world.turn()
    world.restart()
    await world.leases.take_over()
    await world.turn()

    assert (await _approve(world, job)).state is S.QUEUED
    assert len(world.messenger.approvals) == 1


async def test_a_kill_between_a_decision_and_its_card_is_mended_at_the_next_start(world: World) -> None:
    """The buttons go, and the card says who decided; older decisions are left alone."""
    job = await world.accept()
    await world.turn()
    await _approve(world, job)
    world.restart()

    await world.approvals.redraw_recent()
    world.clock.advance(2 * 3600)
    await world.approvals.redraw_recent()

    assert [view.outcome for _, view in world.messenger.approvals] == [None, "approved"]


async def test_a_log_channel_that_is_closed_stops_nothing(world: World) -> None:
    """The job waits in `/queue`; a passing trouble is tried again."""
    world.messenger.script["approval"].extend([DeliveryRetry(0, status=500), DeliveryForbidden(50001, status=403)])
    job = await world.accept()
    await world.run_for(120)

    assert world.messenger.approvals == []
    assert await world.state(job) is S.AWAITING_APPROVAL
    assert (await _approve(world, job)).state is S.QUEUED


async def test_a_card_whose_pictures_may_not_be_attached_comes_without_them(world: World) -> None:
    """The moderators see the request all the same."""
    picture = Attachment("start_image", ReferenceRole.START_IMAGE, "a.png", 10, "https://cdn/a.png")
    world.messenger.script["approval"].append(DeliveryForbidden(50013, status=403))
    await world.accept(attachments=(picture,))
    await world.turn()

    ((_, view),) = world.messenger.approvals
    assert view.files == ()


async def test_a_decision_made_while_the_card_is_posted_is_shown_on_it(world: World) -> None:
    """The worker loses its lease to the moderator; the card must not keep its buttons."""
    job = await world.accept()
    (held,), _ = await world.leases.claim(most=1)
    await _approve(world, job)

    with pytest.raises(LeaseLost):
        await world.approvals.step(held)

    assert [view.outcome for _, view in world.messenger.approvals] == [None, "approved"]
    assert (await world.job(job)).approval_message_id is not None


async def test_without_a_log_channel_it_waits_for_the_queue_command(make_world) -> None:
    """No card, no error."""
    world = make_world(guild_rules=GuildRules(confirm_over=None, approve_over=credits("5")))
    job = await world.accept()
    await world.run_for(60)

    assert world.messenger.approvals == []
    assert (await _approve(world, job)).state is S.QUEUED
