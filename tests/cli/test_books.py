"""`balance`, `pool`, `ledger` and `jobs`: what an operator reads and changes beside a running bot."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.db.engine import Database
from bot.db.tables import budget
from bot.domain.money import Credits
from tests.cli.conftest import Shell
from tests.manual_clock import ManualClock
from tests.postgres import run_apart
from tests.services.world import GUILD, OWNER, USER, World

Work = Callable[[World], Awaitable[None]]


def in_world(url: str, folder: Path, work: Work) -> None:
    """Do something with the real services on the same database, as a running bot would."""

    async def run() -> None:
        database = Database(url)
        world = World(database, ManualClock(), folder)
        try:
            await work(world)
            await world.cards.stop()
        finally:
            await database.dispose()

    run_apart(run)


def accepted(url: str, folder: Path, **changes: object) -> str:
    """Accept one job of 9 credits, change its row, and return its id."""
    ids: list[str] = []

    async def work(world: World) -> None:
        job = await world.accept("a paper boat on a rainy street")
        await world.change(job, **changes) if changes else None
        ids.append(job.id)

    in_world(url, folder, work)
    return ids[0]


def test_a_balance_has_the_members_figures(shell: Shell, installed: str, tmp_path: Path) -> None:
    """A grant and an open job show in the wallet and in what is held."""

    async def work(world: World) -> None:
        await world.budgets.grant(
            guild_id=GUILD, actor_id=OWNER, user_id=USER, amount=Credits(12_500), reason="prize", expires_at=None
        )

    in_world(installed, tmp_path, work)
    job_id = accepted(installed, tmp_path)

    said = json.loads(shell("balance", "--guild", str(GUILD), "--user", str(USER), "--json").out)
    assert (said["wallet"], said["held"], said["open_jobs"]) == (12.5, 9.0, 1)
    assert said["allowance"]["limit"] == 50.0
    assert {(e["kind"], e["amount"], e["job_id"]) for e in said["entries"]} >= {("hold", 9.0, job_id)}
    text = shell("balance", "--guild", str(GUILD), "--user", str(USER)).out
    assert "Wallet: 12.5\n" in text
    assert "Held: 9.0 for 1 open jobs" in text


@pytest.mark.parametrize(("credits", "shown"), [("500", 500.0), ("12.5", 12.5), ("unlimited", None), ("0", 0.0)])
def test_a_pool_opens_a_server(shell: Shell, installed: str, credits: str, shown: float | None) -> None:
    """The operator's lever says what it did."""
    said = shell("pool", "--guild", "77", "--credits", credits, "--json")

    assert said.code == 0
    assert json.loads(said.out) == {"guild_id": "77", "credits": shown}


def test_an_exact_ledger_says_so_and_a_difference_is_a_line(shell: Shell, installed: str, tmp_path: Path) -> None:
    """Exit code 0 for exact books; 1 and the account's name once a balance was tampered with."""
    accepted(installed, tmp_path)
    before = shell("ledger", "verify")

    async def tamper(world: World) -> None:
        async with world.database.begin() as connection:
            await connection.execute(
                sa.update(budget).where(budget.c.level == "pool").values(settled_milli=budget.c.settled_milli + 1)
            )

    in_world(installed, tmp_path, tamper)
    after = shell("ledger", "verify")
    listed = json.loads(shell("ledger", "verify", "--json").out)
    assert (before.code, after.code) == (0, 1)
    assert "settled is 1 millicredits, its entries say 0" in after.out
    assert listed["ok"] is False
    assert len(listed["differences"]) == 1


def test_jobs_are_listed_and_filtered(shell: Shell, installed: str, tmp_path: Path) -> None:
    """By server, member, state and whether they are open; ids are strings in JSON."""
    job_id = accepted(installed, tmp_path)

    def ids(*arguments: str) -> list[str]:
        return [job["id"] for job in json.loads(shell("jobs", *arguments, "--json").out)]

    assert ids() == ids("--open") == ids("--guild", str(GUILD)) == ids("--user", str(USER)) == [job_id]
    assert ids("--state", "queued") == [job_id]
    assert ids("--state", "failed") == ids("--guild", "2") == ids("--user", "2") == []
    assert "a paper boat on a rainy street" in shell("jobs").out
    assert json.loads(shell("jobs", "--json").out)[0]["user_id"] == str(USER)


def test_one_job_is_shown_with_its_history(shell: Shell, installed: str, tmp_path: Path) -> None:
    """Every move with its cause; the id may be typed in lower case."""
    job_id = accepted(installed, tmp_path)

    said = json.loads(shell("jobs", "show", job_id.lower(), "--json").out)
    assert (said["state"], said["quote"]) == ("queued", 9.0)
    assert said["history"][-1]["after"] == "queued"
    assert "history:\n" in shell("jobs", "show", job_id).out


def test_a_parked_job_is_tried_again(shell: Shell, installed: str, tmp_path: Path) -> None:
    """`jobs retry` takes the parking away; a job that is not parked is left alone, with a reason."""
    job_id = accepted(installed, tmp_path, parked_reason="KeyError")
    said = shell("jobs", "retry", job_id, "--json")
    again = shell("jobs", "retry", job_id)

    assert json.loads(said.out)["parked_reason"] is None
    assert again.code == 1
    assert again.err == f"Job {job_id} is queued; only a parked or unknown job can be retried or given up.\n"


def test_a_task_is_named_only_for_a_job_in_doubt(shell: Shell, installed: str, tmp_path: Path) -> None:
    """A waiting job has none, and an empty name is none: a sentence each, and nothing changes."""
    job_id = accepted(installed, tmp_path)
    waiting = shell("jobs", "retry", job_id, "--task", "t-1")
    empty = shell("jobs", "retry", job_id, "--task", " ")

    assert (waiting.code, empty.code) == (1, 2)
    assert waiting.err == f"Job {job_id} is queued; only a job that was sent and has no task can be told its task.\n"
    assert "is not a task's id" in empty.err
    assert json.loads(shell("jobs", "show", job_id, "--json").out)["task_id"] is None


def test_a_parked_job_is_given_up_and_its_credits_come_back(shell: Shell, installed: str, tmp_path: Path) -> None:
    """`jobs fail` ends the job; the ledger stays exact and nothing is held any more."""
    job_id = accepted(installed, tmp_path, parked_reason="KeyError")
    said = json.loads(shell("jobs", "fail", job_id, "--json").out)

    assert said["state"] == "failed"
    assert json.loads(shell("balance", "--guild", str(GUILD), "--user", str(USER), "--json").out)["held"] == 0
    assert shell("ledger", "verify").code == 0


@pytest.mark.parametrize("action", ["show", "retry", "fail"])
def test_a_job_that_does_not_exist_is_said_in_a_line(shell: Shell, installed: str, action: str) -> None:
    """One sentence and exit code 1."""
    said = shell("jobs", action, "nope")

    assert (said.code, said.err) == (1, "There is no job NOPE.\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("pool", "--guild", "7", "--credits", "-5"),
        ("pool", "--guild", "7", "--credits", "lots"),
        ("pool", "--guild", "seven", "--credits", "5"),
        ("pool", "--credits", "5"),
        ("balance", "--guild", "7"),
        ("jobs", "--state", "resting"),
        ("jobs", "--limit", "0"),
        ("jobs", "shout", "X"),
        ("ledger",),
        ("nonsense",),
        ("run", "--role", "cook"),
    ],
)
def test_wrong_usage_is_one_line_that_says_where_help_is(shell: Shell, arguments: tuple[str, ...]) -> None:
    """Exit code 2, no traceback, no page of usage."""
    said = shell(*arguments)

    assert said.code == 2
    assert said.err.count("\n") == 1
    assert "--help" in said.err


def test_settings_that_are_wrong_end_every_command(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same line as at start, exit code 2."""
    monkeypatch.setenv("GUILD_POOL_CREDITS", "abc")
    said = shell("jobs")

    assert (said.code, said.out) == (2, "")
    assert said.err == "GUILD_POOL_CREDITS: 'abc' is not an amount. Example: GUILD_POOL_CREDITS=500\n"


def test_commands_work_while_a_transaction_of_the_bot_is_open(shell: Shell, installed: str, tmp_path: Path) -> None:
    """Reading never waits for the bot's writer."""
    job_id = accepted(installed, tmp_path)
    listed: list[str] = []

    async def work(world: World) -> None:
        async with world.database.begin() as connection:
            await connection.execute(sa.update(budget).values(held_milli=budget.c.held_milli))
            listed.append((await asyncio.to_thread(shell, "jobs", "--json")).out)

    in_world(installed, tmp_path, work)
    assert [job["id"] for job in json.loads(listed[0])] == [job_id]
