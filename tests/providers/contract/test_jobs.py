"""Whole jobs with each provider: whatever goes wrong, one task at most is paid, and the ledger is exact."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from bot.domain.catalog import MODELS
from bot.domain.errors import Refused
from bot.domain.jobs import Job, JobState
from bot.domain.money import ZERO, Credits
from bot.domain.requests import Attachment, ReferenceRole
from bot.ports import Provider
from bot.services.reconcile import Reconcile
from tests.playground.providers.ai_api import Host, picture
from tests.providers.contract.jobs import QUOTE, JobWorld, delivered_once, job_world, outcome
from tests.providers.contract.rigs import AI, PROVIDERS, TV
from tests.services.fakes import FakeLinks

S = JobState


async def test_from_request_to_channel(world: JobWorld) -> None:
    """The clip's address is the provider's, and its price is settled; what nobody tells is settled as quoted."""
    job = await world.accept()
    await world.run_until_quiet()

    assert await outcome(world, job) == delivered_once(world)
    [task] = world.rig.emulator.tasks.values()
    assert world.workshop.fetches == [(await world.rig.adapter.status(task.id)).result_url]
    assert (await world.job(job)).actual == QUOTE[world.rig.name]


async def test_a_refused_create_is_released_and_says_why(world: JobWorld) -> None:
    """Nothing was made: the hold goes back at once."""
    world.rig.emulator.faults.add("submit", "error", code=world.rig.words.wrong)
    job = await world.accept()
    await world.run_until_quiet()

    found = await world.job(job)
    assert found.state is S.FAILED
    assert found.error_code
    assert world.rig.is_untouched
    assert await world.member() == (ZERO, ZERO)


async def test_too_many_requests_wait_and_are_sent_again(world: JobWorld) -> None:
    """Not before the time that was told."""
    world.rig.emulator.faults.add("submit", "error", code=world.rig.words.too_fast, retry_after_s=90, times=2)
    job = await world.accept()
    await world.run_for(85)
    assert await world.state(job) is S.QUEUED
    assert world.rig.arrivals() == 1
    await world.run_until_quiet()

    assert await outcome(world, job) == delivered_once(world)
    assert world.rig.arrivals() == 3


@pytest.mark.parametrize("trouble", ["dead_key", "empty"])
async def test_an_account_in_trouble_keeps_the_job_waiting(world: JobWorld, trouble: str) -> None:
    """Its hold stays, nothing more is sent, and the job goes on when the account works again."""
    code = getattr(world.rig.words, trouble)
    world.rig.emulator.faults.add("submit", "error", code=code)
    job = await world.accept()
    await world.run_for(3600)

    assert await world.state(job) is S.QUEUED
    assert world.breaker.reasons == {world.rig.name: "key" if trouble == "dead_key" else "credits"}
    assert await world.member() == (ZERO, QUOTE[world.rig.name])
    assert world.rig.arrivals() == 1
    world.breaker.reasons.clear()
    await world.run_until_quiet()
    assert await outcome(world, job) == delivered_once(world)


async def test_a_task_that_vanishes_and_returns(world: JobWorld) -> None:
    """Not found for more than ten minutes is doubt, not failure; when it is back it is delivered and paid once."""
    world.rig.emulator.next_outcome(vanish_queries=40)
    job = await world.accept()
    await world.until_state(job, S.UNKNOWN)
    held = await world.member()
    await world.run_until_quiet()

    assert held == (ZERO, QUOTE[world.rig.name])
    assert await outcome(world, job) == delivered_once(world)


async def test_words_and_answers_that_make_no_sense_do_not_end_a_task(world: JobWorld) -> None:
    """An unknown status means running; pages, nonsense and half answers are asked for again."""
    world.rig.emulator.next_outcome(status_word="dreaming", hang=True)
    for kind, status in (("garbage", 200), ("html", 200), ("empty", 200), ("cut", 200), ("html", 404), ("html", 502)):
        world.rig.emulator.faults.add("status", kind, status=status, cut_after_bytes=5, times=2)
    job = await world.accept()
    await world.run_for(600)
    assert await world.state(job) is S.RUNNING
    [task] = world.rig.emulator.tasks.values()
    await world.rig.emulator.finish(task.id)
    await world.run_until_quiet()

    assert await outcome(world, job) == delivered_once(world)


async def test_a_clip_whose_address_expired_comes_from_a_new_one(world: JobWorld) -> None:
    """The content network refuses the old address; the provider is asked again, and the job is paid once."""
    world.rig.emulator.next_outcome(url_expired=True)

    def renew_from_now_on(_point: str) -> None:
        world.rig.emulator.knobs.renews_urls = True

    world.workshop.point = renew_from_now_on
    job = await world.accept()
    await world.run_until_quiet()

    assert await outcome(world, job) == delivered_once(world)
    assert len(set(world.workshop.fetches)) == 2


async def test_a_clip_that_never_can_be_fetched_is_refunded(world: JobWorld) -> None:
    """The provider was paid; the member is not charged for what never came."""
    world.rig.emulator.next_outcome(url_expired=True)
    job = await world.accept()
    await world.run_until_quiet()

    assert await world.state(job) is S.UNDELIVERED
    assert await world.member() == (ZERO, ZERO)
    assert world.rig.spent == world.rig.words.price
    assert not world.messenger.of(job)


async def test_a_failed_task_is_released_whole(world: JobWorld) -> None:
    """The member pays nothing, and nothing is lost where the provider gives everything back."""
    world.rig.emulator.next_outcome(error_code=world.rig.words.broken)
    job = await world.accept()
    await world.run_until_quiet()

    assert await world.state(job) is S.FAILED
    assert await world.member() == (ZERO, ZERO)
    assert world.rig.spent == 0
    assert not [key for key in await world.entries(job) if key[1] in {"loss", "settle"}]


async def test_a_task_that_nobody_ends_expires_with_its_hold_released(world: JobWorld) -> None:
    """Doubt after the job's deadline, release after the doubt's; if it is done after all, the clip still comes."""
    world.rig.emulator.next_outcome(hang=True)
    job = await world.accept()
    await world.until_state(job, S.UNKNOWN)
    await world.until_state(job, S.EXPIRED)
    released = await world.member()
    [task] = world.rig.emulator.tasks.values()
    await world.rig.emulator.finish(task.id)
    await world.run_until_quiet(within_s=86_400)

    assert released == (ZERO, ZERO)
    assert await world.state(job) is S.DELIVERED
    assert await world.member() == (ZERO, ZERO)
    assert (await world.entries(job))["pool", "overrun"] == QUOTE[world.rig.name]


@pytest.mark.parametrize("kept", [Decimal(12), Decimal(0), Decimal(30)])
async def test_a_refund_smaller_than_the_charge_is_the_operators_loss(
    sqlite_url: str, tmp_path: Path, kept: Decimal
) -> None:
    """The member pays nothing; what the provider keeps is booked on provider and instance."""
    async with job_world(AI, sqlite_url, tmp_path) as world:
        world.rig.emulator.next_outcome(error_code="internal_error", credits_refunded=30 - kept)
        job = await world.accept()
        await world.run_until_quiet()
        entries = await world.entries(job)

        assert await world.state(job) is S.FAILED
        assert await world.member() == (ZERO, ZERO)
        assert world.rig.spent == kept
        for level in ("provider", "instance"):
            assert entries.get((level, "loss"), ZERO) == Credits(int(kept * 1000))


async def test_a_charge_that_is_kept_and_never_told_shows_in_the_balance(sqlite_url: str, tmp_path: Path) -> None:
    """Where no answer names a cost, the member pays nothing, and `reconcile` finds what the provider kept."""
    async with job_world(TV, sqlite_url, tmp_path) as world:
        providers: dict[str, Provider] = {TV: world.rig.adapter}
        reconcile = Reconcile(world.database, world.clock, providers=providers, catalog=world.offered)
        [first] = await reconcile.run(days=7)
        world.clock.advance(60)
        world.rig.emulator.next_outcome(error_code="content_policy", charge_on_failure=True)
        job = await world.accept()
        await world.run_until_quiet()
        [second] = await reconcile.run(days=7)

        assert await world.state(job) is S.FAILED
        assert await world.member() == (ZERO, ZERO)
        assert world.rig.spent == world.rig.words.price
        assert (first.differences, [one.kind for one in second.differences]) == ([], ["balance"])


async def test_an_account_that_runs_dry_in_earnest(provider: str, sqlite_url: str, tmp_path: Path) -> None:
    """The provider's own refusal, not a staged one; the job is taken once the account is filled."""
    async with job_world(provider, sqlite_url, tmp_path, credits=4) as world:
        job = await world.accept()
        await world.run_for(600)
        assert await world.state(job) is S.QUEUED
        assert world.breaker.reasons == {provider: "credits"}
        world.rig.emulator.account.total += 100
        world.breaker.reasons.clear()
        await world.run_until_quiet()

        assert await outcome(world, job) == delivered_once(world)


async def test_more_jobs_than_the_provider_makes_at_once(provider: str, sqlite_url: str, tmp_path: Path) -> None:
    """What waits there or here is made in the end, each once."""
    async with job_world(provider, sqlite_url, tmp_path, concurrency_limit=1) as world:
        world.rig.emulator.next_outcome(hang=True)
        jobs = [await world.accept(), await world.accept(user=101)]
        await world.run_for(60)
        [first] = [task for task in world.rig.emulator.tasks.values() if task.outcome.hang]
        await world.rig.emulator.finish(first.id)
        await world.run_until_quiet()

        assert [await world.state(job) for job in jobs] == [S.DELIVERED] * 2
        assert len(world.rig.emulator.tasks) == 2
        assert world.rig.spent == 2 * world.rig.words.price


class HostLinks(FakeLinks):
    """Links to a host on this machine, which has what the bot would keep."""

    def __init__(self, host: Host) -> None:
        super().__init__(has_media=True)
        self.host = host

    def media_url(self, key: str, filename: str, *, expires_at: datetime) -> str | None:
        """Put a picture there."""
        return self.host.put(key.replace("/", "-"), "image/png", picture())


async def with_picture(world: JobWorld) -> Job:
    """Ask for a clip that starts from a picture."""
    attached = Attachment("start_image", ReferenceRole.START_IMAGE, "a.png", 100, "https://cdn.example/a.png")
    (world.folder / "file").write_bytes(picture())
    return await world.accept(attachments=(attached,))


async def test_a_reference_reaches_the_task(world: JobWorld, host: Host) -> None:
    """Uploaded, or as a link that the provider fetches; where none is taken it is refused before anything is held."""
    world.links = HostLinks(host)
    world.restart()
    if world.rig.name == TV:
        with pytest.raises(Refused, match="not_supported"):
            await with_picture(world)
        assert await world.member() == (ZERO, ZERO)
        return
    job = await with_picture(world)
    await world.run_until_quiet()

    assert await outcome(world, job) == delivered_once(world)
    [task] = world.rig.emulator.tasks.values()
    if world.rig.name == AI:
        assert [one.data for one in task.references] == [picture()]
    else:
        [file] = task.account.files.values()
        assert file.data == picture()
        assert task.order.content[0]["type"] == "image_url"


async def test_a_reference_that_the_provider_cannot_fetch_releases_the_job(
    sqlite_url: str, tmp_path: Path, host: Host
) -> None:
    """The task fails there and is refunded; the member pays nothing."""
    async with job_world(AI, sqlite_url, tmp_path, references_unreachable=True) as world:
        world.links = HostLinks(host)
        world.restart()
        job = await with_picture(world)
        await world.run_until_quiet()

        found = await world.job(job)
        assert (found.state, found.error_code) == (S.FAILED, "invalid_request")
        assert world.rig.spent == 0
        assert await world.member() == (ZERO, ZERO)


def test_every_provider_is_under_contract() -> None:
    """Nobody is left out."""
    assert {model.provider for model in MODELS} == set(PROVIDERS)
