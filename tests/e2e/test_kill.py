"""SIGKILL at every persisted step of a job: afterwards one provider task, one message, and the ledger exact."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from playground.rig import Rig
from tests.e2e.story import QUICK, clips, jobs_of, patient_rig, verify_ledger
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("kill")]

ORIGINAL = r"/webhooks/\d+/[^/]+/messages/@original$"
MESSAGES = r"/channels/\d+/messages$"
CALLBACK = r"/interactions/\d+/[^/]+/callback$"
HELD_S = 3.0


@dataclass(frozen=True)
class Moment:
    """When to kill: `arm` sets a fault up, `is_now` tells that the moment has come.

    `may_vanish`: before the job is. `is_long`: nothing is spent or shown at this moment.
    """

    name: str
    arm: Callable[[Rig], object]
    is_now: Callable[[Rig, int, int], bool]
    with_picture: bool = False
    may_vanish: bool = False
    is_long: bool = False


def _asked(route: str) -> Callable[[Rig, int, int], bool]:
    return lambda rig, since, _: any(r.route == route for r in rig.movie.requests[since:])


def _answered(route: str) -> Callable[[Rig, int, int], bool]:
    return lambda rig, since, _: any(r.route == route and r.status for r in rig.movie.requests[since:])


def _told(method: str, ending: str, *, is_answered: bool = False) -> Callable[[Rig, int, int], bool]:
    def check(rig: Rig, _: int, since: int) -> bool:
        return any(
            r.method == method and r.path.endswith(ending) and (not is_answered or r.status or r.lost)
            for r in rig.discord.requests[since:]
        )

    return check


def _slow(route: str) -> Callable[[Rig], object]:
    return lambda rig: rig.movie.faults.add(route, "delay", delay_s=HELD_S)


def _late(route: str) -> Callable[[Rig], object]:
    """The work is done at once, its answer is held back."""
    return lambda rig: rig.movie.faults.add(route, "status", delay_s=HELD_S, after_effect=True)


def _nothing(_: Rig) -> None:
    return None


MOMENTS = [
    Moment("acknowledged", _nothing, _told("POST", "/callback", is_answered=True), may_vanish=True),
    Moment(
        "card on its way",
        lambda rig: rig.discord.faults.add(path_regex=ORIGINAL, method="PATCH", kind="delay", delay_s=HELD_S),
        _told("PATCH", "@original"),
        is_long=True,
    ),
    Moment("presign asked", _slow("presign"), _asked("presign"), with_picture=True, is_long=True),
    Moment("reference on its way", _slow("upload"), _asked("upload"), with_picture=True, is_long=True),
    Moment("reference stored", _nothing, _answered("upload"), with_picture=True),
    Moment("create sent, not taken", lambda rig: rig.movie.faults.add("submit", "reset_before"), _asked("submit")),
    Moment("create taken, answer held back", _late("submit"), _asked("submit")),
    Moment("create taken, answer lost", lambda rig: rig.movie.faults.add("submit", "lose_answer"), _asked("submit")),
    Moment("create answered", _nothing, _answered("submit")),
    Moment("status asked", _slow("status"), _asked("status"), is_long=True),
    Moment("status answered", _nothing, _answered("status"), is_long=True),
    Moment(
        "callback taken",
        _nothing,
        lambda rig, since, _: (
            any(c.status == 200 for c in rig.movie.callbacks)
            and any(r.route == "submit" for r in rig.movie.requests[since:])
        ),
    ),
    Moment("clip on its way", lambda rig: rig.movie.faults.add("video", "cut", cut_after_bytes=5000), _asked("video")),
    Moment("clip fetched", _nothing, _answered("video"), is_long=True),
    Moment(
        "message on its way",
        lambda rig: rig.discord.faults.add(path_regex=MESSAGES, method="POST", kind="delay", delay_s=HELD_S),
        _told("POST", "/messages"),
    ),
    Moment(
        "message made, answer lost",
        lambda rig: rig.discord.faults.add(path_regex=MESSAGES, method="POST", kind="lose_answer"),
        _told("POST", "/messages", is_answered=True),
    ),
    Moment("message made", _nothing, _told("POST", "/messages", is_answered=True)),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """One playground for all moments; every one restarts the bot."""
    folder: Path = tmp_path_factory.mktemp("kill")
    async with patient_rig(folder, bot_env=QUICK) as made:
        made.movie.render_s = 0.6
        yield made


@pytest.mark.parametrize(
    "moment",
    [pytest.param(m, marks=[pytest.mark.long] if m.is_long else [], id=m.name) for m in MOMENTS],
)
async def test_killed_and_restarted_job_is_made_and_posted_once(rig: Rig, moment: Moment) -> None:
    """Whatever the moment of the kill, the clip arrives once and one task is paid for."""
    await rig.start_bot()
    tasks, posts, paid = len(rig.movie.tasks), len(clips(rig)), rig.movie.account.used
    seen, told = len(rig.movie.requests), len(rig.discord.requests)
    rig.movie.callbacks.clear()
    moment.arm(rig)
    files = {"reference_1": ("tree.png", picture())} if moment.with_picture else None
    asking = asyncio.create_task(
        rig.discord.slash("ann", "video-lab", "video", {"prompt": f"killed: {moment.name}"}, files)
    )
    await until(lambda: moment.is_now(rig, seen, told), what=f"the moment {moment.name!r}")

    await rig.kill_bot()
    await asking
    rig.movie.faults.clear()
    rig.discord.faults.clear()
    await rig.start_bot()

    if not moment.may_vanish or len(rig.movie.tasks) > tasks or await jobs_of(rig, only_open=True):
        await until(lambda: len(clips(rig)) > posts, "the clip in the channel")
        await _settled(rig)
        assert len(clips(rig)) == posts + 1
        assert len(rig.movie.tasks) == tasks + 1
        assert rig.movie.account.used - paid == 9
    await verify_ledger(rig)


async def _settled(rig: Rig) -> None:
    """Wait until no job is open: whatever would post or pay twice has had its chance."""

    async def none_is_open() -> bool:
        return not await jobs_of(rig, only_open=True)

    await until(none_is_open, "no open job")


def picture() -> bytes:
    """A small real PNG."""
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (320, 240), "teal").save(out, "PNG")
    return out.getvalue()
