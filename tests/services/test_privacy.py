"""A person's own data: handed out whole, deleted whole; sums, limits and suspensions stay."""

import asyncio
import csv
import io
import json
import secrets
import zipfile
from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from types import ModuleType

import pytest
import sqlalchemy as sa

from bot.db import files, guilds, members, privacy, tables, work
from bot.db.jobs import encode_spec
from bot.db.privacy import ERASED_SPEC
from bot.domain.errors import BudgetRefused, Refused
from bot.domain.jobs import Job, JobState
from bot.domain.money import Credits
from bot.domain.requests import GenerationRequest, MediaKind, Reference, ReferenceRole, Spec
from bot.services.cancellation import CancelOutcome
from bot.services.config import MoneyRules
from bot.services.operator import verify_ledger
from bot.services.privacy import Privacy
from tests.services.world import GUILD, World, accounts, credits, gather_outcomes

ANN, BEN, MO = 200_000_000_000_000_001, 200_000_000_000_000_002, 200_000_000_000_000_003
OTHER_GUILD = 5
PROMPT = "a secret garden"
REASON = "for her birthday"


def privacy_of(world: World) -> Privacy:
    """The use case under test on the world's database and store."""
    return Privacy(world.database, world.clock, store=world.store)


def reference(key: str) -> Reference:
    """A stored picture."""
    return Reference(ReferenceRole.START_IMAGE, MediaKind.IMAGE, "image/png", 10, "0" * 64, key, option="start_image")


async def ask(world: World, user: int = ANN, *, guild: int = GUILD, kept: tuple[Reference, ...] = ()) -> Job:
    """Ask for a clip of 9 credits."""
    request = GenerationRequest(PROMPT if user == ANN else "a plain field")
    who = world.requester(user=user, guild=guild)
    return await world.generation.accept(who, request, world.generation.check(request), kept=kept)


async def live(world: World) -> dict[str, Job]:
    """Let people do everything that leaves a trace; afterwards nothing is open."""
    await world.budgets.set_pool(guild_id=OTHER_GUILD, actor="operator", limit=None)
    async with world.database.begin() as connection:
        await guilds.save(connection, GUILD, log_channel_id=77)
        await members.suspend(
            connection, guild_id=GUILD, user_id=BEN, until=None, reason="spam", actor=str(ANN), now=world.clock.now()
        )
    grant = {"guild_id": GUILD, "user_id": ANN, "reason": REASON}
    await world.budgets.grant(**grant, actor_id=MO, amount=credits("20"), expires_at=None)
    await world.budgets.revoke(**grant, actor_id=MO, amount=credits("5"))
    await world.budgets.grant(
        **(grant | {"user_id": MO, "reason": "thanks"}), actor_id=ANN, amount=credits("1"), expires_at=None
    )
    await world.budgets.set_limit(guild_id=GUILD, actor_id=MO, scope="member", subject=ANN, credits=credits("40"))
    made = {"delivered": await ask(world, kept=(reference("references/aa/ann.png"),))}
    made["elsewhere"] = await ask(world, guild=OTHER_GUILD)
    await world.run_until_quiet(within_s=3600)
    made["cancelled"] = await ask(world)
    made["theirs"] = await ask(world, MO)
    for job, actor in ((made["cancelled"], MO), (made["theirs"], ANN)):
        outcome = await world.cancellation.request(job.id, actor_id=actor, guild_id=GUILD, is_moderator=True)
        assert outcome is CancelOutcome.CANCELLED
    await world.change(made["theirs"], decided_by=ANN, approval_message_id=6)
    await world.change(made["cancelled"], decided_by=MO, decision_reason=REASON)
    return made


async def traces(world: World, text: str) -> set[str]:
    """Name every table that has a text anywhere."""
    found = set()
    async with world.database.read() as connection:
        for table in tables.metadata.sorted_tables:
            for row in await connection.execute(sa.select(table)):
                for value in row:
                    shown = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
                    if text in shown:
                        found.add(table.name)
    return found


async def sums(world: World) -> dict[tuple[str, str], int]:
    """Sum the ledger by account and kind."""
    e = tables.ledger_entry.c
    async with world.database.read() as connection:
        query = sa.select(e.account, e.kind, sa.func.sum(e.amount_milli)).group_by(e.account, e.kind)
        return {(account, kind): int(total) for account, kind, total in await connection.execute(query)}


async def test_deletion_leaves_no_trace_but_moderators_rules(world: World) -> None:
    """Neither the person's id nor what they wrote is in any row; every sum is as before."""
    await live(world)
    before, rows = await sums(world), await accounts(world.database)
    assert {"job", "ledger_entry", "audit", "log_line", "member", "served", "job_event"} <= await traces(
        world, str(ANN)
    )

    await privacy_of(world).delete(ANN)

    assert await traces(world, str(ANN)) == {"quota"}
    assert await traces(world, PROMPT) == set()
    assert await traces(world, REASON) == set()
    assert await sums(world) == before
    assert await accounts(world.database) == rows
    assert await verify_ledger(world.database) == []


async def test_deletion_leaves_other_people_as_they_are(world: World) -> None:
    """Another member's jobs, entries and requests are untouched."""
    made = await live(world)
    theirs = await privacy_of(world).statement(GUILD, MO)

    await privacy_of(world).delete(ANN)

    assert (await world.job(made["theirs"])).spec.prompt == "a plain field"
    assert (await world.job(made["theirs"])).user_id == MO
    assert [(line.kind, line.amount, line.job_id) for line in await privacy_of(world).statement(GUILD, MO)] == [
        (line.kind, line.amount, line.job_id) for line in theirs
    ]


async def test_deleted_jobs_keep_their_figures_alone(world: World) -> None:
    """Model, price and times stay for the books; request, place of messages and tokens go; files go too."""
    made = await live(world)
    before = await world.job(made["delivered"])
    world.store.deleted.clear()

    await privacy_of(world).delete(ANN)

    after = await world.job(made["delivered"])
    assert (after.actual, after.spec.model, after.finished_at) == (before.actual, before.spec.model, before.finished_at)
    assert after.user_id < 0
    assert (after.spec.prompt, after.spec.references, after.message_id, after.card) == ("", (), None, None)
    assert set(world.store.deleted) == {"references/aa/ann.png", *[key for key in (before.clip_key,) if key]} | {
        f"clips/{made['elsewhere'].id}.mp4"
    }


async def test_open_jobs_keep_a_deletion_away_and_are_named(world: World) -> None:
    """Nothing is deleted until they are over."""
    await live(world)
    job = await ask(world)

    with pytest.raises(Refused) as refused:
        await privacy_of(world).delete(ANN)

    assert refused.value.code == "privacy_open_jobs"
    assert job.id in refused.value.params["jobs"]
    assert (await world.job(job)).user_id == ANN
    await world.cancellation.request(job.id, actor_id=ANN, guild_id=GUILD, is_moderator=False)
    await privacy_of(world).delete(ANN)
    assert await traces(world, str(ANN)) == {"quota"}


async def test_a_watched_job_keeps_a_deletion_away_until_its_end(world: World) -> None:
    """What a late success costs must still be booked on its job."""
    job = await ask(world)
    await world.run_until_quiet(within_s=3600)
    until = world.clock.now() + timedelta(days=1)
    await world.change(job, watch_until=until)

    with pytest.raises(Refused) as refused:
        await privacy_of(world).delete(ANN)

    assert refused.value.code == "privacy_watched_jobs"
    assert refused.value.params["until_at"] == until


async def test_open_quotes_are_dropped(world: World) -> None:
    """They hold nothing, and need no decision first."""
    job = await ask(world)
    await world.cancellation.request(job.id, actor_id=ANN, guild_id=GUILD, is_moderator=False)
    await world.change(job, state=JobState.QUOTED.value, finished_at=None)
    assert (await privacy_of(world).stored(ANN)).quotes == 1

    await privacy_of(world).delete(ANN)

    after = await world.job(job)
    assert (after.state, after.spec.prompt) == (JobState.CANCELLED, "")
    assert await traces(world, str(ANN)) == set()


async def test_deletion_gives_no_fresh_allowance(world: World) -> None:
    """What was used of the running period counts on, deletion after deletion; the next period is a whole one."""
    for _ in range(5):
        await ask(world)
        await world.run_until_quiet(within_s=3600)
    await privacy_of(world).delete(ANN)

    with pytest.raises(BudgetRefused) as refused:
        await ask(world)
    shown = await world.queries.balance(guild_id=GUILD, user_id=ANN)
    await privacy_of(world).delete(ANN)
    with pytest.raises(BudgetRefused):
        await ask(world)

    assert refused.value.available == credits("5")
    assert shown.allowance.settled == credits("45")
    world.clock.advance(7 * 86_400)
    await world.retention.housekeeping()
    assert (await ask(world)).state is JobState.QUEUED
    assert await traces(world, privacy.mark_of("x", ANN)) == set()
    async with world.database.read() as connection:
        assert (await connection.execute(sa.select(tables.erased_member))).all() == []


async def test_a_returned_member_spends_from_what_is_left(world: World) -> None:
    """New jobs after a deletion hold on the same row, and a second deletion takes those along."""
    await ask(world)
    await world.run_until_quiet(within_s=3600)
    await privacy_of(world).delete(ANN)
    await ask(world)
    shown = await world.queries.balance(guild_id=GUILD, user_id=ANN)
    await world.run_until_quiet(within_s=3600)

    lines = await privacy_of(world).statement(GUILD, ANN)
    allowances = [row for row in await accounts(world.database) if row.level.value == "allowance"]
    await privacy_of(world).delete(ANN)

    assert (shown.allowance.settled, shown.held, shown.open_jobs) == (credits("9"), credits("9"), 1)
    assert [(entry.kind, entry.amount) for entry in shown.entries] == [("hold", credits("9"))]
    assert [line.kind for line in lines] == ["settle", "hold"]
    assert [row.settled for row in allowances] == [credits("18")]
    assert await traces(world, str(ANN)) == set()


async def test_suspensions_and_own_limits_survive_a_deletion(world: World) -> None:
    """Else a deletion would be the way round them."""
    await world.budgets.set_limit(guild_id=GUILD, actor_id=MO, scope="member", subject=ANN, credits=Credits(0))
    await privacy_of(world).delete(ANN)
    with pytest.raises(BudgetRefused):
        await ask(world)
    async with world.database.begin() as connection:
        await members.suspend(
            connection, guild_id=GUILD, user_id=ANN, until=None, reason="spam", actor=str(MO), now=world.clock.now()
        )

    await privacy_of(world).delete(ANN)

    with pytest.raises(Refused, match="suspended"):
        await ask(world)


async def test_a_reference_that_another_member_uses_stays(world: World) -> None:
    """Their job came from a public one of the deleted member's."""
    shared, own = reference("references/aa/shared.png"), reference("references/bb/own.png")
    await ask(world, kept=(shared,))
    await ask(world, kept=(own,))
    await ask(world, BEN, kept=(shared,))
    await world.run_until_quiet(within_s=3600)

    await privacy_of(world).delete(ANN)

    assert own.key in world.store.deleted
    assert shared.key not in world.store.deleted


async def test_jobs_accepted_while_a_deletion_runs_are_never_taken_along(make_world: Callable[..., World]) -> None:
    """Either the deletion sees them and refuses, or they come after it, with what is left of the allowance."""
    world = make_world(rules=MoneyRules(home_guild_id=GUILD, member_allowance=credits("500")))
    for turn in range(1, 6):
        jobs, failed = await gather_outcomes(
            ask(world), privacy_of(world).delete(ANN), ask(world), privacy_of(world).delete(ANN), ask(world)
        )

        accepted = [one for one in jobs if one is not None]
        assert len(accepted) == 3
        assert all(isinstance(error, Refused) and error.code.startswith("privacy_") for error in failed)
        assert {(await world.job(job)).user_id for job in accepted} == {ANN}
        used = [row.settled + row.held for row in await accounts(world.database) if row.level.value == "allowance"]
        assert used == [credits("27") * turn]
        await world.run_until_quiet(within_s=3600)


def pause(monkeypatch: pytest.MonkeyPatch, where: ModuleType, name: str) -> tuple[asyncio.Event, asyncio.Event]:
    """Let the next call of a function wait in its transaction. Returns (it is there, it may go on)."""
    there, go_on, real = asyncio.Event(), asyncio.Event(), getattr(where, name)

    async def paused(*arguments: object, **named: object) -> object:
        monkeypatch.setattr(where, name, real)
        there.set()
        await go_on.wait()
        return await real(*arguments, **named)

    monkeypatch.setattr(where, name, paused)
    return there, go_on


async def test_a_job_that_comes_during_a_deletion_waits_for_its_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And holds on what is left of the allowance then."""
    await ask(world)
    await world.run_until_quiet(within_s=3600)
    there, go_on = pause(monkeypatch, files, "unused")
    deletion = asyncio.create_task(privacy_of(world).delete(ANN))
    await there.wait()
    asking = asyncio.create_task(ask(world))
    await asyncio.sleep(0.2)
    assert not asking.done()

    go_on.set()
    await deletion
    job = await asking

    assert (await world.job(job)).user_id == ANN
    used = [row.settled + row.held for row in await accounts(world.database) if row.level.value == "allowance"]
    assert used == [credits("18")]


@pytest.mark.parametrize("is_known", [True, False])
async def test_a_deletion_waits_for_a_job_that_is_being_accepted(
    world: World, monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    """And sees it open, although it was not there when the deletion began."""
    await world.budgets.set_pool(guild_id=OTHER_GUILD, actor="operator", limit=None)
    await ask(world, guild=GUILD if is_known else OTHER_GUILD)
    await world.run_until_quiet(within_s=3600)
    there, go_on = pause(monkeypatch, work, "count_waiting")
    asking = asyncio.create_task(ask(world))
    await there.wait()
    deletion = asyncio.create_task(privacy_of(world).delete(ANN))
    await asyncio.sleep(0.2)
    assert not deletion.done()

    go_on.set()
    job = await asking
    with pytest.raises(Refused, match="privacy_busy"):
        await deletion

    assert (await world.job(job)).user_id == ANN
    assert len(await world.queries.jobs(user_id=ANN)) == 2


async def test_a_kill_after_the_commit_leaves_no_file_for_ever(world: World) -> None:
    """The sweep finds what no row names, and nothing else."""
    kept, lost = reference("references/aa/kept.png"), reference("references/bb/lost.png")
    await ask(world, BEN, kept=(kept,))
    await ask(world, kept=(lost,))
    await world.run_until_quiet(within_s=3600)
    stored = [kept.key, lost.key, "references/cc/never-named.png", f"{kept.key}.small.png", "elsewhere/x"]
    world.store.kept = stored

    async def killed(_key: str) -> None:
        raise asyncio.CancelledError

    delete, world.store.delete = world.store.delete, killed
    with pytest.raises(asyncio.CancelledError):
        await privacy_of(world).delete(ANN)
    world.store.delete = delete
    await world.retention.housekeeping()

    assert set(await world.store.keys(0)) == {kept.key, f"{kept.key}.small.png", "elsewhere/x"}


def _read(data: bytes) -> tuple[dict, list[dict]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        document = json.loads(archive.read("data.json"))
        table = archive.read("ledger.csv").decode("utf-8-sig")
    return document, list(csv.DictReader(io.StringIO(table)))


async def test_export_has_everything_and_nobody_else(world: World) -> None:
    """Every server's jobs with requests and histories, entries, grants, limits; no secrets and no other ids."""
    made = await live(world)
    await world.refunds.refund(made["delivered"].id, guild_id=GUILD, actor_id=MO, reason="too dark")
    await world.clip_reports.file(made["delivered"].id, guild_id=GUILD, reporter_id=BEN, reason="rude")
    await world.change(made["delivered"], interaction_token="hush", result_url="https://cdn.example/?sig=hush")

    data = await privacy_of(world).export(ANN)

    document, ledger = _read(data)
    text = json.dumps(document) + str(ledger)
    assert {job["id"] for job in document["jobs"]} == {made[n].id for n in ("delivered", "elsewhere", "cancelled")}
    assert document["jobs"][0]["request"]["prompt"] == PROMPT
    assert [event["after"] for event in document["jobs"][-1]["history"]][-1] == "delivered"
    assert document["jobs"][-1]["messages"][0]["posted_at"]
    assert document["own_limits"] == [{"guild_id": str(GUILD), "limit": "40.0"}]
    assert document["wallet_grants"][0]["granted"] == "20.0"
    acts = {(line["action"], line["subject"], line["by"]) for line in document["audit"]}
    assert ("job.refund", made["delivered"].id, "moderator") in acts
    assert ("job.cancel", made["cancelled"].id, "moderator") in acts
    assert ("clip.report", made["delivered"].id, "member") in acts
    assert [row["guild_id"] for row in document["roles_last_seen"]] == [str(GUILD), str(OTHER_GUILD)]
    assert {(row["kind"], row["change"]) for row in ledger} >= {("grant", "20.0"), ("hold", "-9.0"), ("settle", "0.0")}
    assert str(MO) not in text
    assert str(BEN) not in text
    assert "hush" not in text
    assert "references/" not in text


async def test_a_large_export_is_cut_with_a_note(world: World) -> None:
    """The newest jobs are in it, and it says how many are not."""
    first = await ask(world)
    noise = encode_spec((await world.job(first)).spec)
    async with world.database.begin() as connection:
        template = (await connection.execute(sa.select(tables.job))).mappings().one()
        for number in range(20):
            spec = json.dumps(json.loads(noise) | {"prompt": secrets.token_hex(3000)}, separators=(",", ":"))
            row = {"id": f"J{number:011d}", "spec": spec, "created_at": first.created_at + timedelta(seconds=number)}
            row |= {"state": "cancelled", "finished_at": first.created_at}
            await connection.execute(sa.insert(tables.job).values(**(dict(template) | row)))

    data = await privacy_of(world).export(ANN, most_bytes=30_000)

    document, _ = _read(data)
    assert len(data) <= 30_000
    assert 0 < len(document["jobs"]) < 21
    assert document["jobs"][0]["id"] == "J00000000019"
    assert f"{21 - len(document['jobs'])} older ones did not fit" in document["note"]


async def test_the_statement_adds_up_to_the_balance(world: World) -> None:
    """The signed changes sum to what the wallet and the allowance lost and got."""
    await live(world)

    lines = await privacy_of(world).statement(GUILD, ANN)

    total = sum((line.change for line in lines), Credits(0))
    assert total == credits("20") - credits("5") - credits("9")
    assert {line.by for line in lines} == {"you", "bot", "moderator"}
    assert lines[0].at >= lines[-1].at


async def test_servers_are_found_by_every_kind_of_row(world: World) -> None:
    """A grant alone, or having been seen alone, makes a server one's own."""
    await world.budgets.grant(guild_id=8, actor_id=MO, user_id=ANN, amount=credits("1"), reason="x", expires_at=None)
    async with world.database.begin() as connection:
        await members.remember(connection, guild_id=9, user_id=ANN, role_ids=(1,), now=world.clock.now())
    await ask(world)
    await world.run_until_quiet(within_s=3600)

    assert await privacy_of(world).guilds_of(ANN) == [GUILD, 8, 9]
    assert await privacy_of(world).guilds_of(MO) == []


def test_every_part_of_a_request_is_kept_or_erased_on_purpose() -> None:
    """A new field of a request must be put on one side."""
    figures = {
        "kind",
        "model",
        "duration_s",
        "resolution",
        "aspect_ratio",
        "audio",
        "watermark",
        "seed",
        "is_seed_chosen",
        "rendering",
        "style",
        "camera",
        "motion",
        "fixed_lens",
        "count",
        "format",
    }

    assert {field.name for field in fields(Spec)} == figures | set(ERASED_SPEC)
