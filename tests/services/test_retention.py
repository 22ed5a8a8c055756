"""What is kept for how long: references, clips, traces, servers that the bot has left; and room on the disk."""

import asyncio
import errno
import shutil
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.db import guilds, members, tables
from bot.discord.sentences import refusal
from bot.discord.words import Words
from bot.domain.catalog import MODELS, Model
from bot.domain.errors import MediaRejected, Refused
from bot.domain.jobs import Job, JobState
from bot.domain.requests import Attachment, Reference, ReferenceRole
from bot.i18n import Catalogue
from bot.media.store import LocalStore
from bot.services.guilds import Guilds
from bot.services.intake import Intake
from bot.services.operator import verify_ledger
from tests.manual_clock import ManualClock
from tests.services.test_privacy import ANN, BEN, GUILD, MO, PROMPT, ask, live, reference, sums, traces
from tests.services.world import World

DAY_S = 86_400.0


async def finish(world: World, *jobs: Job) -> None:
    """Bring everything to its end."""
    await world.run_until_quiet(within_s=3600)
    for job in jobs:
        assert (await world.job(job)).is_final


async def test_references_go_so_long_after_their_jobs_end(world: World) -> None:
    """Not after its beginning, and not before the last day is over."""
    picture = reference("references/aa/one.png")
    job = await ask(world, kept=(picture,))
    await finish(world, job)
    ended = (await world.job(job)).finished_at
    assert ended is not None

    world.clock.advance((ended + timedelta(days=30) - world.clock.now()).total_seconds() - 1)
    await world.retention.media()
    assert picture.key not in world.store.deleted
    world.clock.advance(1)
    await world.retention.media()

    assert picture.key in world.store.deleted
    assert (await world.job(job)).spec.references == (picture,)


async def test_a_reference_waits_for_its_youngest_job(world: World) -> None:
    """It goes with the last job that uses it."""
    picture = reference("references/aa/one.png")
    await finish(world, await ask(world, kept=(picture,)))
    world.clock.advance(20 * DAY_S)
    await finish(world, await ask(world, BEN, kept=(picture,)))

    world.clock.advance(15 * DAY_S)
    await world.retention.media()
    assert picture.key not in world.store.deleted
    world.clock.advance(15 * DAY_S)
    await world.retention.media()

    assert world.store.deleted.count(picture.key) == 1


@pytest.mark.parametrize("state", [JobState.QUOTED, JobState.AWAITING_APPROVAL])
async def test_a_job_that_waits_keeps_its_references(world: World, state: JobState) -> None:
    """However long it has waited, and although the job that they came from is long over."""
    picture = reference("references/aa/one.png")
    await finish(world, await ask(world, kept=(picture,)))
    waiting = await ask(world, kept=(picture,))
    await world.cancellation.request(waiting.id, actor_id=ANN, guild_id=GUILD, is_moderator=False)
    await world.change(waiting, state=state.value, finished_at=None, run_at=world.clock.now() + timedelta(days=99))

    world.clock.advance(60 * DAY_S)
    await world.retention.media()

    assert picture.key not in world.store.deleted
    await world.change(waiting, state=JobState.CANCELLED.value, finished_at=world.clock.now())


async def test_many_old_jobs_are_put_away_in_one_turn(world: World) -> None:
    """Each once: the next turn reads none of them again."""
    job = await ask(world, kept=(reference("references/aa/one.png"),))
    await finish(world, job)
    async with world.database.begin() as connection:
        template = dict((await connection.execute(sa.select(tables.job))).mappings().one())
        template |= {"task_id": None, "clip_key": None}
        rows = [
            template | {"id": f"J{n:011d}", "spec": template["spec"].replace("/aa/one", f"/bb/{n}")} for n in range(450)
        ]
        await connection.execute(sa.insert(tables.job), rows)

    world.clock.advance(31 * DAY_S)
    await world.retention.media()
    first = list(world.store.deleted)
    await world.retention.media()

    assert len([key for key in first if key.startswith("references/")]) == 451
    assert world.store.deleted == first


async def test_clips_go_a_week_after_delivery_and_undelivered_ones_after_a_month(world: World) -> None:
    """The row forgets the clip with its file."""
    delivered, undelivered = await ask(world), await ask(world)
    await finish(world, delivered, undelivered)
    ended = world.clock.now()
    await world.change(delivered, clip_key="clips/one.mp4", finished_at=ended)
    await world.change(undelivered, clip_key="clips/two.mp4", state=JobState.UNDELIVERED.value, finished_at=ended)
    world.store.deleted.clear()

    world.clock.advance(7 * DAY_S)
    await world.retention.media()
    after_a_week = list(world.store.deleted)
    world.clock.advance(23 * DAY_S - 1)
    await world.retention.media()
    almost = list(world.store.deleted)
    world.clock.advance(1)
    await world.retention.media()

    assert after_a_week == almost == ["clips/one.mp4"]
    assert world.store.deleted == ["clips/one.mp4", "clips/two.mp4"]
    assert (await world.job(undelivered)).clip_key is None


async def count(world: World, table: sa.Table) -> int:
    """Count a table's rows."""
    async with world.database.read() as connection:
        return int((await connection.execute(sa.select(sa.func.count()).select_from(table))).scalar_one())


async def test_traces_of_old_jobs_go_and_the_books_stay(world: World) -> None:
    """Callbacks, unreceipted messages, turns, upload limits and lines that nobody took."""
    job = await ask(world)
    await world.until_state(job, JobState.RUNNING)
    await world.callbacks.received("seedance2-movie", job.id, 1, b"{}")
    await finish(world, job)
    now = world.clock.now()
    part = {"job_id": job.id, "rung": "channel", "channel_id": 10, "intended_at": now}
    async with world.database.begin() as connection:
        await guilds.learn(connection, GUILD, limit_bytes=1, until=now + timedelta(days=1))
        for number, place, message_id in ((0, 0, 4), (2, 0, 5), (2, 1, None)):  # 0 is a shared clip's receipt
            values = part | {"number": number, "part": place, "message_id": message_id}
            await connection.execute(sa.insert(tables.delivery_part).values(**values))
        await connection.execute(sa.insert(tables.log_line).values(guild_id=GUILD, at=now, event="x", detail="{}"))
    await world.change(job, delivery_number=2)
    before = await sums(world), await count(world, tables.job), await count(world, tables.job_event)
    traced = (tables.callback, tables.served, tables.learned_limit, tables.log_line)
    await world.retention.housekeeping()
    assert all([await count(world, table) for table in traced])

    world.clock.advance(31 * DAY_S)
    await world.retention.housekeeping()

    assert [await count(world, table) for table in traced] == [0, 0, 0, 0]
    async with world.database.read() as connection:
        receipts = (await connection.execute(sa.select(tables.delivery_part.c.message_id))).scalars().all()
    assert sorted(receipts) == [4, 5]
    assert (await sums(world), await count(world, tables.job), await count(world, tables.job_event)) == before


# ------------------------------------------------------------------------------------------------- servers left


async def left(world: World) -> dict[str, Job]:
    """Let a server live, and remove the bot."""
    made = await live(world)
    async with world.database.begin() as connection:
        await members.suspend(
            connection, guild_id=GUILD, user_id=ANN, until=None, reason="spam", actor=str(MO), now=world.clock.now()
        )
    await Guilds(world.database, world.clock).removed(GUILD)
    return made


async def test_a_left_servers_data_go_after_thirty_days(world: World) -> None:
    """Requests, files, rules, lines and ids of people go; the sums of the books and the operator's pool stay."""
    made = await left(world)
    async with world.database.begin() as connection:
        await guilds.save(connection, GUILD, pool_is_set=True, pool_limit_milli=7)
    before = await sums(world)

    world.clock.advance(30 * DAY_S)
    await world.retention.housekeeping()

    own = {"quota", "suspension", "audit", "log_line"}
    async with world.database.read() as connection:
        for table in tables.metadata.sorted_tables:
            if table.name in own:
                assert all(row.guild_id != GUILD for row in await connection.execute(sa.select(table)))
        row = await guilds.find(connection, GUILD)
    assert (row.settings, row.log_channel_id, row.pool_limit_milli) == ("{}", None, 7)
    assert (await world.job(made["delivered"])).user_id < 0
    assert (await world.job(made["theirs"])).spec.prompt == ""
    assert (await world.job(made["elsewhere"])).spec.prompt == PROMPT
    assert "references/aa/ann.png" in world.store.deleted
    assert await traces(world, str(MO)) == set()
    assert await sums(world) == before
    assert await verify_ledger(world.database) == []


async def test_a_left_servers_data_stay_until_then(world: World) -> None:
    """And are not erased twice."""
    made = await left(world)

    world.clock.advance(30 * DAY_S - 1)
    await world.retention.housekeeping()
    assert (await world.job(made["theirs"])).user_id == MO
    world.clock.advance(1)
    await world.retention.housekeeping()
    pseudonym = (await world.job(made["theirs"])).user_id
    await world.retention.housekeeping()

    assert pseudonym < 0
    assert (await world.job(made["theirs"])).user_id == pseudonym


async def test_a_server_that_the_bot_came_back_to_keeps_its_data(world: World) -> None:
    """However long it was away before; a second removal counts from its own day."""
    made = await left(world)
    world.clock.advance(29 * DAY_S)
    await Guilds(world.database, world.clock).seen(guild_id=GUILD, owner_id=3, locale="nl")
    world.clock.advance(29 * DAY_S)
    await world.retention.housekeeping()
    assert (await world.job(made["theirs"])).user_id == MO

    await Guilds(world.database, world.clock).removed(GUILD)
    world.clock.advance(29 * DAY_S)
    await world.retention.housekeeping()
    assert (await world.job(made["theirs"])).user_id == MO
    world.clock.advance(DAY_S)
    await world.retention.housekeeping()

    assert (await world.job(made["theirs"])).user_id < 0


async def test_a_left_server_waits_for_a_job_that_is_still_open(world: World) -> None:
    """Its hold must be settled first."""
    made = await left(world)
    await world.change(made["theirs"], watch_until=world.clock.now() + timedelta(days=40))

    world.clock.advance(31 * DAY_S)
    await world.retention.housekeeping()
    assert (await world.job(made["delivered"])).user_id == ANN
    await world.change(made["theirs"], watch_until=None)
    await world.retention.housekeeping()

    assert (await world.job(made["delivered"])).user_id < 0


# --------------------------------------------------------------------------------------------- room on the disk

ROOM = 100_000  # bytes of the data folder


class SlowReferences:
    """Writes what is attached into the store, not before the gate is open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None

    async def store(self, attachments: Sequence[Attachment], model: Model) -> tuple[Reference, ...]:
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        for number, one in enumerate(attachments):
            (self.folder / f"{one.filename}{number}").write_bytes(bytes(one.size_bytes))
        return tuple(reference(f"references/aa/{one.filename}.png") for one in attachments)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder of its own, with a store in it."""
    made = tmp_path / "data"
    made.mkdir()
    return made


@pytest.fixture
def references(folder: Path) -> SlowReferences:
    """What takes files in."""
    return SlowReferences(folder)


@pytest.fixture
def intake(folder: Path, references: SlowReferences, clock: ManualClock) -> Intake:
    """The intake under test, with a small bound."""
    store = LocalStore(folder / "media", counted=folder)
    return Intake(references, store, clock, data_dir=folder, max_bytes=ROOM)  # type: ignore[arg-type]


def attachment(name: str, size: int) -> Attachment:
    """A file that a member attached."""
    return Attachment("start_image", ReferenceRole.START_IMAGE, name, size, "https://cdn.example/x")


async def test_new_jobs_are_refused_before_the_folder_is_full(
    world: World, intake: Intake, folder: Path, clock: ManualClock
) -> None:
    """With a sentence, and nothing is made; once there is room again they are taken."""
    world.intake = intake  # type: ignore[assignment]
    world.restart()
    await ask(world)
    (folder / "big").write_bytes(bytes(ROOM * 4 // 5))
    clock.advance(10)

    with pytest.raises(Refused) as refused:
        await ask(world, BEN)

    sentence = refusal(refused.value, Words(Catalogue.load(), "en"), reference="x")
    assert sentence.startswith("The bot's storage is almost full, so no new jobs are taken.")
    assert await world.queries.jobs(user_id=BEN) == []
    (folder / "big").unlink()
    clock.advance(10)
    assert (await ask(world, BEN)).state is JobState.QUEUED


async def test_files_that_come_at_once_do_not_pass_the_bound_together(
    intake: Intake, references: SlowReferences, folder: Path
) -> None:
    """Each is counted while it is under way and once it is stored, long before the folder is measured again."""
    references.gate.clear()
    each = ROOM // 5
    calls = [asyncio.create_task(intake.store([attachment(f"f{n}", each)], MODELS[0])) for n in range(10)]
    await asyncio.sleep(0.05)
    references.gate.set()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)

    refused = [one for one in outcomes if isinstance(one, Refused)]
    assert len(outcomes) - len(refused) == 3
    assert {one.code for one in refused} == {"storage_full"}
    with pytest.raises(Refused):
        await intake.store([attachment("late", each)], MODELS[0])
    assert await LocalStore(folder / "media", counted=folder).used_bytes() == 3 * each


async def test_what_was_not_kept_takes_no_room(intake: Intake, references: SlowReferences) -> None:
    """A file that is refused gives its place back at once."""
    references.error = MediaRejected("file_type")
    for _ in range(10):
        with pytest.raises(MediaRejected):
            await intake.store([attachment("bad", ROOM // 2)], MODELS[0])

    references.error = None
    assert await intake.store([attachment("good", ROOM // 2)], MODELS[0])


async def test_a_disk_that_fills_up_meanwhile_is_no_fault_of_the_file(
    intake: Intake, references: SlowReferences, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither where writing fails nor where the child that cleans pictures does."""
    usage = shutil.disk_usage("/")
    assert await intake.has_room()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=4096))
    for error in (OSError(errno.ENOSPC, "No space left on device"), MediaRejected("image_broken")):
        references.error = error
        with pytest.raises(Refused, match="storage_full"):
            await intake.store([attachment("late", 1000)], MODELS[0])


async def test_a_folder_that_cannot_be_written_has_no_room(
    intake: Intake, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk that the system has turned read-only."""

    def refuse(_self: Path, **_options: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "touch", refuse)

    assert not await intake.has_room()


async def test_callers_who_come_during_the_first_measurement_wait_for_it(intake: Intake, folder: Path) -> None:
    """None of them is let in on a guess."""
    (folder / "big").write_bytes(bytes(ROOM))

    assert await asyncio.gather(*(intake.has_room() for _ in range(5))) == [False] * 5
