"""A task's life as each adapter tells it: made, asked for, done, failed, gone and back, and its result."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import aiohttp
import pytest

from bot.domain.errors import ProviderBusy, ProviderRejected, TaskNotFound
from bot.domain.jobs import TaskState
from bot.domain.requests import MediaKind, Reference, ReferenceRole
from bot.ports import UploadedReference, Urgency
from tests.playground.providers.ai_api import Host, picture
from tests.providers.contract.rigs import AI, CLIP, FIRST_CREDITS, MOVIE, TV, Rig, rig_of
from tests.waiting import until


async def fetched(address: str) -> tuple[int, bytes]:
    """What is at an address, asked for without any key."""
    async with aiohttp.ClientSession() as session, session.get(address) as answer:
        return answer.status, await answer.read()


async def test_from_a_request_to_the_clip(rig: Rig) -> None:
    """One create, one task, its options as asked, and the clip at the address that is told."""
    task = await rig.ended()
    status = await rig.adapter.status(task.id)

    assert (status.task_id, status.state) == (task.id, TaskState.SUCCEEDED)
    assert await fetched(status.result_url or "") == (200, CLIP)
    assert (task.order.duration, task.order.ratio, task.order.prompt) == (5, "16:9", rig.spec.prompt)
    assert task.order.seed == rig.spec.seed
    assert rig.arrivals() == 1
    assert rig.spent == rig.words.price


async def test_what_is_stored_is_what_is_sent(rig: Rig) -> None:
    """The bytes of the create are made once and arrive as they are; the same request makes the same bytes."""
    create = rig.create()
    await rig.adapter.submit(create)
    [request] = [record for record in rig.emulator.requests if record.route == "submit"]

    assert request.body
    assert create.body.endswith(request.body)
    assert create == rig.create()


async def test_every_request_takes_its_turn(rig: Rig) -> None:
    """A create goes before questions, on the account's own budget."""
    task = await rig.submitted()
    await rig.adapter.status(task.id)

    assert rig.rate.taken == [(rig.name, Urgency.SUBMIT), (rig.name, Urgency.POLL)]


async def test_the_price_is_told_where_the_provider_tells_it(rig: Rig) -> None:
    """In its own credits; without one the quote is settled."""
    receipt = await rig.adapter.submit(rig.create())
    task = rig.emulator.tasks[receipt.task_id]
    await task.ended.wait()
    status = await rig.adapter.status(task.id)

    told = None if rig.name == TV else rig.words.price
    assert (receipt.cost, status.cost) == (told, told)


async def test_a_task_under_way_is_running(rig: Rig) -> None:
    """It has no clip and no error yet."""
    rig.emulator.next_outcome(hang=True)
    task = await rig.submitted()
    status = await rig.adapter.status(task.id)

    assert (status.state, status.result_url, status.error_code) == (TaskState.RUNNING, None, None)


@pytest.mark.parametrize("word", ["paused", "rendering", "WAITING", "done", "success"])
async def test_a_status_that_nobody_knows_means_running(rig: Rig, word: str) -> None:
    """A provider may find new words; its task goes on, and ends as usual."""
    rig.emulator.next_outcome(status_word=word, hang=True)
    task = await rig.submitted()
    if rig.name == MOVIE:
        await until(lambda: task.status == "processing")
    before = await rig.adapter.status(task.id)
    await rig.emulator.finish(task.id)
    after = await rig.adapter.status(task.id)

    assert (before.state, after.state) == (TaskState.RUNNING, TaskState.SUCCEEDED)


async def test_a_failed_task_has_failed_and_costs_nothing(rig: Rig) -> None:
    """The account has its credits back, and no cost is told."""
    rig.emulator.next_outcome(error_code=rig.words.broken)
    task = await rig.ended()
    status = await rig.adapter.status(task.id)

    assert (status.state, status.result_url) == (TaskState.FAILED, None)
    assert not status.cost
    assert rig.spent == 0


async def test_a_refund_that_is_smaller_than_the_charge_leaves_a_cost() -> None:
    """What the provider keeps for a failed task is told, so that it can be booked as a loss."""
    async with rig_of(AI) as rig:
        rig.emulator.next_outcome(error_code="internal_error", credits_refunded=Decimal(18))
        task = await rig.ended()
        status = await rig.adapter.status(task.id)

        assert (status.state, status.cost) == (TaskState.FAILED, Decimal(12))
        assert rig.spent == Decimal(12)


async def test_a_task_that_vanishes_is_not_found_until_it_returns(rig: Rig) -> None:
    """Not found is what the provider says, not what happened to the task."""
    rig.emulator.next_outcome(vanish_queries=2)
    task = await rig.ended()
    for _ in range(2):
        with pytest.raises(TaskNotFound):
            await rig.adapter.status(task.id)

    assert (await rig.adapter.status(task.id)).state is TaskState.SUCCEEDED


async def test_a_task_that_never_was_is_not_found(rig: Rig) -> None:
    """Also one whose id looks like a path."""
    for task_id in ("nobody", "../balance?x=/y", "é"):
        with pytest.raises(TaskNotFound):
            await rig.adapter.status(task_id)

    assert rig.arrivals("status") == 3


async def test_an_expired_address_is_renewed_by_asking_again(rig: Rig) -> None:
    """The clip is refused at its old address and comes from the new one."""
    rig.emulator.next_outcome(url_expired=True)
    task = await rig.ended()
    old = (await rig.adapter.status(task.id)).result_url
    rig.emulator.knobs.renews_urls = True
    new = (await rig.adapter.status(task.id)).result_url

    assert (await fetched(old or ""))[0] == 403
    assert await fetched(new or "") == (200, CLIP)


async def test_the_providers_clock_may_be_wrong(provider: str) -> None:
    """Times are told as the provider sees them, always with their zone."""
    async with rig_of(provider, clock_skew_s=3600.0) as rig:
        status = await rig.adapter.status((await rig.ended()).id)
        assert status.created_at is not None
        ahead = status.created_at - datetime.now(UTC)

        assert timedelta(minutes=59) < ahead < timedelta(minutes=61)


async def test_every_request_says_who_asks(rig: Rig) -> None:
    """Firewalls in front of an API turn away what names no client."""
    await rig.submitted()
    await rig.adapter.check_key()

    assert {record.headers.get("User-Agent") for record in rig.emulator.requests} == {"seedance-bot"}


async def test_a_key_is_proved_without_a_change(rig: Rig) -> None:
    """One question; where there is a balance it is the account's."""
    await rig.adapter.check_key()
    balance = await rig.adapter.balance()

    assert rig.is_untouched
    assert balance == (None if rig.name == AI else Decimal(FIRST_CREDITS))


async def test_styles_are_those_that_the_provider_lists(rig: Rig) -> None:
    """Only one lists any."""
    styles = await rig.adapter.styles()

    assert bool(styles) is (rig.name == TV)
    assert ("cinematic" in styles) is (rig.name == TV)


async def test_a_cancel_ends_the_task_where_that_is_possible(rig: Rig) -> None:
    """Elsewhere nothing is sent."""
    rig.emulator.next_outcome(hang=True)
    task = await rig.submitted()
    answer = await rig.adapter.cancel(task.id)

    if rig.adapter.traits.has_cancel:
        assert answer is not None
        assert answer.state is TaskState.CANCELLED
        assert task.status == "cancelled"
    else:
        assert answer is None
        assert not task.is_terminal
        assert {record.route for record in rig.emulator.requests} == {"submit"}


async def test_references_reach_the_provider(rig: Rig, host: Host, tmp_path: Path) -> None:
    """Uploaded, or fetched there from a link; where none are taken they are refused before anything is sent."""
    data = picture()
    path = tmp_path / "stored"
    path.write_bytes(data)
    role = ReferenceRole.START_IMAGE
    reference = Reference(role, MediaKind.IMAGE, "image/png", len(data), "0" * 64, key="references/a")
    link = UploadedReference(role.value, MediaKind.IMAGE, host.put("a.png", "image/png", data))

    if rig.name == MOVIE:
        uploaded = await rig.adapter.upload(reference, path)
        await rig.adapter.submit(rig.create(uploaded))
        assert rig.emulator.account.files[uploaded.address].data == data
        return
    with pytest.raises(ProviderRejected):
        await rig.adapter.upload(reference, path)
    if rig.name == TV:
        with pytest.raises(ProviderRejected):
            rig.create(link)
        assert rig.is_untouched
        return
    task = rig.emulator.tasks[(await rig.adapter.submit(rig.create(link))).task_id]
    await task.ended.wait()
    assert task.status == "completed"
    assert [one.data for one in task.references] == [data]
    assert host.asked == ["a.png"]


async def test_answers_about_another_task_are_not_taken_for_this_one(rig: Rig) -> None:
    """A proxy that mixes up answers must not settle a job."""
    first = await rig.ended()
    rig.emulator.next_outcome(hang=True)
    second = await rig.adapter.submit(rig.create(key="job-2"))
    rig.emulator.tasks[second.task_id].id = first.id
    with pytest.raises(ProviderBusy):
        await rig.adapter.status(second.task_id)
