"""Creates that may have happened: one task, one charge, or an honest `unknown`."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.errors import (
    ProviderAccount,
    ProviderAmbiguous,
    ProviderBusy,
    ProviderRejected,
    ProviderTurnedAway,
    ProviderUnreachable,
)
from bot.domain.jobs import JobState
from bot.domain.money import Credits
from bot.domain.requests import Attachment, MediaKind, Reference, ReferenceRole
from bot.media.links import SignedLinks
from bot.ports import ProviderTraits
from bot.services.config import Timings
from bot.services.reference_links import reference_link
from tests.services.fakes import LOST, FakeLinks, FakeTask
from tests.services.world import GUILD, USER, World, credits

MakeWorld = Callable[..., World]
S = JobState
NINE = credits("9")


async def _settled_once(world: World) -> None:
    entries = await world.entries()
    assert entries["allowance", "settle"] == entries["pool", "settle"] == NINE


async def test_a_clip_from_request_to_channel(world: World) -> None:
    """One create, one message in the channel, nine credits settled on every level."""
    job = await world.accept()

    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED
    assert [c["seed"] for c in world.provider.creates] == [job.spec.seed]
    assert [m.channel_id for m in world.messenger.of(job)] == [10]
    assert {k: v for k, v in (await world.entries(job)).items() if k[1] != "hold"} == {
        (level, "settle"): NINE for level in ("instance", "provider", "pool", "allowance")
    }
    assert (await world.queries.balance(guild_id=GUILD, user_id=USER)).allowance.settled == NINE


async def test_a_lost_answer_is_adopted_not_created_again(world: World) -> None:
    """The provider made the task, the answer was lost: the record's task is adopted; one create."""
    world.provider.submit_script.append(LOST)
    job = await world.accept()

    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED
    assert len(world.provider.creates) == len(world.provider.tasks) == 1
    await _settled_once(world)


async def test_another_members_unresolved_job_with_the_same_chosen_seed_is_not_robbed(world: World) -> None:
    """A task that may belong to somebody else's unresolved job is never adopted."""
    world.provider.submit_script.extend([ProviderAmbiguous("timeout"), LOST])
    mine = await world.accept(user=USER)
    await world.turn()  # sent; nothing arrived at the provider
    theirs = await world.accept(user=USER + 1, seed=mine.spec.seed)
    await world.run_for(1800)

    assert len(world.provider.tasks) == 1
    assert await world.state(mine) is S.UNKNOWN
    assert await world.state(theirs) is S.UNKNOWN
    assert len(world.provider.creates) == 2
    for job in (mine, theirs):
        assert (await world.job(job)).task_id is None


async def test_a_create_under_way_keeps_its_task(world: World) -> None:
    """Another member's create with the same seed is being answered while mine is searched: the task stays theirs."""
    world.provider.submit_script.append(ProviderAmbiguous("timeout"))
    mine = await world.accept()
    await world.until_state(mine, S.UNKNOWN)

    async def look_meanwhile(_task: FakeTask) -> None:
        world.provider.on_submit = None
        await world.change(mine, run_at=world.clock.now())
        claimed, _ = await world.leases.claim(most=1)
        for held in claimed:
            await world.work(held)

    world.provider.on_submit = look_meanwhile
    theirs = await world.accept(user=USER + 1, seed=mine.spec.seed)
    await world.until_state(theirs, S.DELIVERED)

    assert (await world.job(theirs)).task_id == "task1"
    assert (await world.job(mine)).task_id != "task1"


async def test_two_candidates_stay_unknown(world: World) -> None:
    """Two tasks that could be the job's: neither is adopted, nothing is sent again, the hold stays."""
    world.provider.submit_script.append(LOST)
    world.provider.on_submit = lambda task: world.provider.add(task.body)
    job = await world.accept()

    await world.run_for(3600)

    assert await world.state(job) is S.UNKNOWN
    assert len(world.provider.creates) == 1
    assert (await world.entries(job)).keys() == {(x, "hold") for x in ("instance", "provider", "pool", "allowance")}


async def test_a_task_of_another_job_is_no_candidate(world: World) -> None:
    """With the same seed, a task that some job has already leaves exactly one candidate: it is adopted."""
    first = await world.accept(seed=7, user=USER + 1)
    await world.until_state(first, S.RUNNING)
    world.provider.submit_script.append(LOST)
    second = await world.accept()
    await world.change(second, spec=(await _spec_with_seed(world, second.id, 7)))

    await world.run_until_quiet()

    assert await world.state(second) is S.DELIVERED
    assert (await world.job(first)).task_id != (await world.job(second)).task_id


async def _spec_with_seed(world: World, job_id: str, seed: int) -> str:
    from dataclasses import replace

    from bot.db import jobs

    async with world.database.read() as connection:
        found = await jobs.get(connection, job_id)
    assert found is not None
    return jobs.encode_spec(replace(found.spec, seed=seed))


async def test_a_chosen_seed_is_never_adopted(world: World) -> None:
    """The seed is no mark when the member chose it: unknown until the operator decides or the deadline passes."""
    world.provider.submit_script.append(LOST)
    job = await world.accept(seed=42)

    await world.run_for(3600)

    assert await world.state(job) is S.UNKNOWN
    assert len(world.provider.creates) == 1


async def test_a_record_without_seed_is_never_ruled_out(world: World) -> None:
    """A task that hides its seed could be the job's: not adopted, and no proof of absence either."""
    world.provider.submit_script.append(LOST)
    world.provider.on_submit = lambda task: setattr(task, "hides_seed", True)
    job = await world.accept()

    await world.run_for(3600)

    assert await world.state(job) is S.UNKNOWN
    assert len(world.provider.creates) == 1


async def test_proven_absent_is_sent_again_three_times_then_failed(world: World) -> None:
    """Two searches a minute apart that find nothing prove absence; three creates in all, then released."""
    world.provider.submit_script.extend([ProviderAmbiguous("timeout")] * 5)
    job = await world.accept()

    found = await world.until_state(job, S.FAILED)

    assert found.error_code == "submit_failed"
    assert len(world.provider.creates) == 3
    assert {c["seed"] for c in world.provider.creates} == {job.spec.seed}
    searches = world.provider.searches
    assert len(searches) == 6
    assert all((b - a).total_seconds() >= 60 for a, b in zip(searches[::2], searches[1::2], strict=True))
    assert (await world.entries(job))["allowance", "release"] == NINE


async def test_a_task_that_shows_up_after_the_job_was_given_up_is_delivered(world: World) -> None:
    """The record was late: the clip comes free of charge, the overrun is the pool's."""
    world.provider.submit_script.extend([ProviderAmbiguous("timeout")] * 3)
    job = await world.accept()
    failed = await world.until_state(job, S.FAILED)
    task = world.provider.add(world.provider.creates[-1])
    task.created_at = failed.submitted_at

    await world.until_state(job, S.DELIVERED)

    assert (await world.entries(job))["pool", "overrun"] == NINE


async def test_a_given_up_job_is_watched_for_half_an_hour(world: World) -> None:
    """Nothing is asked for ever."""
    world.provider.submit_script.extend([ProviderAmbiguous("timeout")] * 3)
    job = await world.accept()

    await world.run_until_quiet()

    found = await world.job(job)
    assert (found.state, found.watch_until) == (S.FAILED, None)
    assert found.finished_at is not None
    assert 1800 <= (world.provider.searches[-1] - found.finished_at).total_seconds() < 2500


async def test_proven_absent_then_taken(world: World) -> None:
    """The second create succeeds: one task, one charge."""
    world.provider.submit_script.append(ProviderAmbiguous("http_502"))
    job = await world.accept()

    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED
    assert (len(world.provider.creates), len(world.provider.tasks)) == (2, 1)
    await _settled_once(world)


async def test_callbacks_and_cancels_do_not_hurry_the_proof_of_absence(world: World) -> None:
    """Garbage callbacks bring a search forward; the two that prove absence are still a minute apart."""
    world.provider.submit_script.append(ProviderAmbiguous("timeout"))
    job = await world.accept()
    await world.until_state(job, S.UNKNOWN)
    await world.turn()

    for _ in range(10):
        await world.callbacks.received("seedance2-movie", job.id, 1, b"garbage")
        await world.turn()
        world.clock.advance(1)

    assert len(world.provider.creates) == 1
    assert await world.state(job) is S.UNKNOWN
    assert len(world.provider.searches) <= 4  # at most one per five seconds

    await world.cancellation.request(job.id, actor_id=USER, guild_id=GUILD, is_moderator=False)
    await world.turn()
    assert await world.state(job) is S.UNKNOWN
    await world.run_until_quiet()
    assert await world.state(job) is S.CANCELLED
    assert len(world.provider.creates) == 1


async def test_a_task_named_by_the_refusal_or_the_callback_is_a_candidate(world: World) -> None:
    """`CONCURRENCY_LIMIT_REACHED` names a task: it is checked like one from the list and adopted."""
    job = await world.accept()

    def queued(task: FakeTask) -> ProviderAmbiguous:
        return ProviderAmbiguous("CONCURRENCY_LIMIT_REACHED", task_id=task.task_id)

    world.provider.submit_script.append(queued)
    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED
    assert len(world.provider.creates) == 1


async def test_without_a_list_an_ambiguous_create_stays_unknown(make_world: MakeWorld) -> None:
    """No record to search: unknown until the deadline, never sent again."""
    world = make_world(timings=Timings(search_interval_s=900))
    world.provider.traits = ProviderTraits(
        has_list=False, has_cancel=False, has_balance=False, has_callback=False, has_idempotency=False
    )
    world.provider.submit_script.append(ProviderAmbiguous("timeout"))
    job = await world.accept()

    await world.run_for(7200)
    assert await world.state(job) is S.UNKNOWN
    await world.run_until_quiet(within_s=10 * 86_400)

    assert await world.state(job) is S.EXPIRED
    assert len(world.provider.creates) == 1


@pytest.mark.parametrize("error", [ProviderBusy("SERVICE_BUSY"), ProviderUnreachable("connect")])
async def test_an_answer_that_means_not_taken_waits_and_is_sent_again(world: World, error: Exception) -> None:
    """Busy answers requeue the job for as long as they last, and cost none of the three creates."""
    world.breaker.outages = -100  # this is not about the breaker
    world.provider.submit_script.extend([error] * 2 + [ProviderAmbiguous("timeout")] + [error] * 2)
    job = await world.accept()

    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED
    assert len(world.provider.tasks) == 1
    assert len(world.provider.creates) == 6
    await _settled_once(world)


async def test_a_busy_provider_names_its_time(world: World) -> None:
    """`Retry-After` is obeyed before the next create."""
    world.provider.submit_script.append(ProviderBusy("RATE_LIMIT_EXCEEDED", retry_after_s=120))
    job = await world.accept()
    await world.turn()
    assert await world.state(job) is S.QUEUED

    await world.run_for(100)
    assert len(world.provider.creates) == 1
    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED


async def test_a_refused_create_releases_at_once(world: World) -> None:
    """Moderation refuses: failed with the provider's code, everything released, one create."""
    world.provider.submit_script.append(ProviderRejected("CONTENT_MODERATION_FAILED"))
    job = await world.accept()

    await world.run_until_quiet()

    found = await world.job(job)
    assert (found.state, found.error_code) == (S.FAILED, "CONTENT_MODERATION_FAILED")
    entries = await world.entries(job)
    assert all(entries[level, "release"] == NINE for level in ("instance", "provider", "pool", "allowance"))
    assert len(world.provider.creates) == 1


@pytest.mark.parametrize(("code", "reason"), [("INVALID_API_KEY", "key"), ("INSUFFICIENT_CREDIT", "credits")])
async def test_a_dead_account_stops_submissions_and_the_job_waits(world: World, code: str, reason: str) -> None:
    """The breaker opens at once; the job waits with its hold, and goes on when the account works again."""
    world.provider.submit_script.append(ProviderAccount(code))
    job = await world.accept()
    await world.turn()
    other = await world.accept(user=USER + 1)

    await world.run_for(3600)

    assert world.breaker.reasons == {"seedance2-movie": reason}
    assert await world.state(job) is S.QUEUED
    assert len(world.provider.creates) == 1
    assert (await world.queries.balance(guild_id=GUILD, user_id=USER)).held == NINE
    world.breaker.reasons.clear()
    await world.run_until_quiet()
    assert [await world.state(j) for j in (job, other)] == [S.DELIVERED, S.DELIVERED]


async def test_a_lost_reference_fails_and_releases(world: World) -> None:
    """A stored reference that is gone ends the job with its hold released, not parked."""
    picture = Attachment("start_image", ReferenceRole.START_IMAGE, "a.png", 100, "https://cdn/a.png")
    job = await world.accept(attachments=(picture,))
    world.store.gone.add("ref/start_image")

    await world.run_until_quiet()

    found = await world.job(job)
    assert (found.state, found.error_code) == (S.FAILED, "reference_gone")
    assert (await world.queries.balance(guild_id=GUILD, user_id=USER)).held == Credits(0)


async def test_references_are_uploaded_before_the_create(world: World) -> None:
    """The create names what the provider called the uploaded file."""
    picture = Attachment("start_image", ReferenceRole.START_IMAGE, "a.png", 100, "https://cdn/a.png")
    await world.accept(attachments=(picture,))

    await world.run_until_quiet()

    assert [c["content"] for c in world.provider.creates] == [["api/uploads/ref/start_image"]]


async def test_a_refused_request_keeps_no_reference(world: World) -> None:
    """Where no job came of it, stored references are discarded."""
    picture = Attachment("start_image", ReferenceRole.START_IMAGE, "a.png", 100, "https://cdn/a.png")
    for _ in range(5):
        await world.accept()

    with pytest.raises(Exception, match="budget_allowance"):
        await world.accept(attachments=(picture,))

    assert [r.option for r in world.intake.discarded] == ["start_image"]


async def test_a_stop_right_after_the_commit_takes_no_reference_away(world: World) -> None:
    """The job is there and needs it."""
    picture = Attachment("start_image", ReferenceRole.START_IMAGE, "a.png", 100, "https://cdn/a.png")

    def stop(name: str) -> None:
        if name == "committed" and world.intake.stored:
            raise asyncio.CancelledError

    world.database.point = stop
    with pytest.raises(asyncio.CancelledError):
        await world.accept(attachments=(picture,))
    world.database.point = lambda _name: None
    await world.run_until_quiet()

    assert world.intake.discarded == []
    assert [job.state for job in await world.queries.jobs()] == [S.DELIVERED]


async def test_without_a_list_a_task_named_by_the_creates_answer_is_found(world: World) -> None:
    """An answer that was no success named the task all the same: it is asked for and adopted, not made twice."""
    world.provider.traits = ProviderTraits(
        has_list=False, has_cancel=False, has_balance=False, has_callback=False, has_idempotency=False
    )

    def named(task: FakeTask) -> ProviderAmbiguous:
        return ProviderAmbiguous("http_500", task_id=task.task_id)

    world.provider.submit_script.append(named)
    job = await world.accept()

    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED
    assert len(world.provider.creates) == 1


IDEMPOTENT = ProviderTraits(
    has_list=False, has_cancel=False, has_balance=False, has_callback=False, has_idempotency=True
)


async def test_with_a_key_a_lost_answer_is_asked_for_again_under_the_same_key(world: World) -> None:
    """The provider took it and its answer was lost, twice: the same key and bytes go again, and one task is made."""
    world.provider.traits = IDEMPOTENT
    world.provider.submit_script.extend([LOST, LOST])
    job = await world.accept()

    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED
    assert len(world.provider.tasks) == 1
    assert len(world.provider.creates) == 3
    assert set(world.provider.keys) == {f"{job.id}-1"}
    await _settled_once(world)


async def test_a_conflict_of_keys_waits_and_is_repeated(world: World) -> None:
    """`idempotency_conflict` means that the first try is still being answered."""
    world.provider.traits = IDEMPOTENT
    world.provider.submit_script.extend([LOST, ProviderBusy("idempotency_conflict"), ProviderBusy("rate_limited")])
    job = await world.accept()

    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED
    assert set(world.provider.keys) == {f"{job.id}-1"}
    await _settled_once(world)


async def test_a_key_is_repeated_after_a_crash_between_sending_and_writing_down(world: World) -> None:
    """Found in `submitting` by the next start: the same key again, one task."""
    world.provider.traits = IDEMPOTENT
    job = await world.accept()
    await world.dispatch.run()
    (held,), _ = await world.leases.claim(most=1)
    world.provider.submit_script.append(RuntimeError("killed"))
    with pytest.raises(RuntimeError):
        await world.steps.run(held)
    world.restart()
    await world.leases.take_over()

    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED
    assert set(world.provider.keys) == {f"{job.id}-1"}


async def test_a_repeat_that_is_refused_was_never_taken(world: World) -> None:
    """A replay would have been answered as before: the hold is released."""
    world.provider.traits = IDEMPOTENT
    world.provider.submit_script.extend([ProviderAmbiguous("timeout"), ProviderRejected("invalid_request")])
    job = await world.accept()

    await world.run_until_quiet()

    assert await world.state(job) is S.FAILED
    assert (await world.queries.balance(guild_id=GUILD, user_id=USER)).held.milli == 0


async def test_an_outage_is_probed_by_a_question_where_creates_cannot_be_found_again(world: World) -> None:
    """A create would be in doubt for a day; whether the provider is back can be asked without one."""
    world.provider.traits = ProviderTraits(
        has_list=False, has_cancel=False, has_balance=True, has_callback=False, has_idempotency=False
    )
    world.breaker.reasons[world.provider.name], world.breaker.lets_probe = "outage", True
    world.provider.key_script.extend([ProviderBusy("http_503"), ProviderUnreachable("connect_failed")])
    job = await world.accept()
    await world.run_for(5)
    before = len(world.provider.creates), await world.state(job)

    await world.run_until_quiet()

    assert before == (0, S.QUEUED)
    assert (len(world.provider.creates), await world.state(job)) == (1, S.DELIVERED)


async def test_a_proxys_page_in_place_of_a_replay_proves_nothing(world: World) -> None:
    """The task was made and its answer lost; the repeat met a proxy's 404: the next repeat brings the task."""
    world.provider.traits = IDEMPOTENT
    world.provider.submit_script.extend([LOST, ProviderTurnedAway("http_404"), ProviderTurnedAway("http_404")])
    job = await world.accept()

    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED
    assert len(world.provider.tasks) == 1
    await _settled_once(world)


async def test_a_create_that_is_always_turned_away_fails_soon(world: World) -> None:
    """The endpoint is gone, say: three pages in a row, a minute apart, are believed."""
    world.provider.traits = IDEMPOTENT
    world.provider.submit_script.extend([ProviderTurnedAway("http_404")] * 10)
    job = await world.accept()
    began = world.clock.now()

    await world.run_until_quiet()

    found = await world.job(job)
    assert (found.state, found.error_code) == (S.FAILED, "http_404")
    assert len(world.provider.creates) == 3
    assert found.finished_at is not None
    assert found.finished_at - began >= timedelta(seconds=120)


async def test_a_page_in_answer_to_a_create_that_was_taken_loses_nothing(world: World) -> None:
    """A proxy between mixed up its answers: the repeat under the same key brings the task."""
    world.provider.traits = IDEMPOTENT
    world.provider.submit_script.append(lambda _task: ProviderTurnedAway("http_404"))
    job = await world.accept()

    await world.run_until_quiet()

    assert await world.state(job) is S.DELIVERED
    assert len(world.provider.tasks) == 1
    await _settled_once(world)


async def test_keys_are_not_trusted_for_ever(world: World) -> None:
    """After half a day of silence nothing is sent any more: the provider may have forgotten the key."""
    world.provider.traits = IDEMPOTENT
    world.breaker.outages = -10_000
    world.provider.submit_script.extend([ProviderAmbiguous("timeout")] * 1000)
    job = await world.accept()
    await world.run_for(12 * 3600)
    sent = len(world.provider.creates)

    await world.run_until_quiet(within_s=3 * 86_400)

    assert sent > 10
    assert len(world.provider.creates) <= sent + 1
    assert await world.state(job) is S.EXPIRED


LINKED = replace(IDEMPOTENT, takes_links=True)
PICTURE = Attachment("start_image", ReferenceRole.START_IMAGE, "a.png", 10, "https://cdn/a.png")


async def test_references_reach_a_provider_that_takes_links_as_links(world: World) -> None:
    """Nothing is uploaded; the link is our own, signed."""
    world.provider.traits = LINKED
    world.links.has_media = True
    await world.accept(attachments=(PICTURE,))

    await world.run_until_quiet()

    assert world.provider.creates[0]["content"] == ["https://bot.example/media/ref/start_image"]


async def test_a_create_that_waited_for_days_goes_out_with_links_that_work(world: World) -> None:
    """It was never taken, so it is made anew, under a key of its own; before that the same bytes keep their key."""
    world.provider.traits = LINKED
    world.links.has_media = world.links.shows_expiry = True
    world.provider.submit_script.extend([ProviderBusy("service_busy"), ProviderBusy("service_busy", retry_after_s=200)])
    job = await world.accept(attachments=(PICTURE,))
    await world.run_for(20)
    world.clock.advance(2 * 86_400)

    await world.run_until_quiet()

    first, second, last = [datetime.fromisoformat(c["content"][0].partition("=")[2]) for c in world.provider.creates]
    assert await world.state(job) is S.DELIVERED
    assert first == second < last
    assert last > world.clock.now()
    assert world.provider.keys == [f"{job.id}-1", f"{job.id}-1", f"{job.id}-2"]


def test_a_link_of_ours_ends_as_files_of_its_kind_do() -> None:
    """A provider may go by the ending: there is no file `.quicktime`."""
    links = SignedLinks(b"secret", "https://bot.example")
    now = datetime(2026, 3, 3, tzinfo=UTC)
    film = Reference(ReferenceRole.REFERENCE, MediaKind.VIDEO, "video/quicktime", 10, "0" * 64, "references/a/b.mov")

    assert (reference_link(links, film, now=now, expires_at=now) or "").endswith("/reference.mov")


@pytest.mark.parametrize(("ends_in_s", "is_good"), [(-1, False), (3600, True)])
def test_a_link_of_discords_is_none_once_it_has_expired(ends_in_s: int, is_good: bool) -> None:
    """The provider could not fetch it; the file can be attached anew."""
    now = datetime(2026, 3, 3, tzinfo=UTC)
    url = f"https://cdn.example/a.png?ex={int(now.timestamp()) + ends_in_s:x}&is=5&hm=6"
    kept = Reference(
        ReferenceRole.START_IMAGE, MediaKind.IMAGE, "image/png", 10, "0" * 64, "references/a", source_url=url
    )

    found = reference_link(FakeLinks(), kept, now=now, expires_at=now)

    assert found == (url if is_good else None)
