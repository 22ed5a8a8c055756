"""`pause` and `resume`: beside a running bot, on both databases."""

import json

import pytest

from bot.db.engine import Database
from bot.services.breaker import SharedBreaker
from tests.cli.conftest import Shell
from tests.manual_clock import ManualClock
from tests.postgres import run_apart

P1 = "seedance2-movie"


@pytest.fixture
def keyed(installed: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An installation with one provider in use."""
    monkeypatch.setenv("SEEDANCE2_MOVIE_API_KEY", "key")
    return installed


def reason(url: str) -> str | None:
    """What a running bot reads of the breaker."""
    found: list[str | None] = []

    async def look() -> None:
        database = Database(url)
        found.append((await SharedBreaker(database, ManualClock()).view.state(P1)).reason)
        await database.dispose()

    run_apart(look)
    return found[0]


def test_pause_and_resume_one_provider(shell: Shell, keyed: str) -> None:
    """What the bot reads changes at once; the command says what it did."""
    paused = shell("pause", P1)
    assert (paused.code, reason(keyed)) == (0, "paused")
    assert f"{P1} gets no jobs until it is resumed." in paused.out

    resumed = shell("resume", P1, "--json")

    assert (resumed.code, reason(keyed)) == (0, None)
    assert json.loads(resumed.out) == {"resumed": [P1]}


def test_without_a_name_all_are_meant(shell: Shell, keyed: str) -> None:
    """Those in use; pausing twice is the same as once."""
    assert json.loads(shell("pause", "--json").out) == {"paused": [P1]}
    assert shell("pause").code == 0
    assert reason(keyed) == "paused"

    assert shell("resume").code == 0
    assert reason(keyed) is None


def test_a_dead_keys_breaker_is_closed_by_resume(shell: Shell, keyed: str) -> None:
    """Whatever stopped it."""

    async def fail() -> None:
        database = Database(keyed)
        await SharedBreaker(database, ManualClock()).failed(P1, "key")
        await database.dispose()

    run_apart(fail)
    assert reason(keyed) == "key"

    assert shell("resume", P1).code == 0

    assert reason(keyed) is None


@pytest.mark.parametrize("name", ["nobody", "SEEDANCE2-MOVIE", "../x"])
def test_an_unknown_provider_is_one_clear_line(shell: Shell, keyed: str, name: str) -> None:
    """Wrong usage; the known names are in it, and nothing changed."""
    said = shell("pause", name)

    assert said.code == 2
    assert said.err.count("\n") == 1
    assert P1 in said.err
    assert reason(keyed) is None


def test_a_provider_without_a_key_is_not_in_use(shell: Shell, keyed: str) -> None:
    """The line names the variable."""
    said = shell("pause", "seedance-tv")

    assert said.code == 1
    assert "SEEDANCE_TV_API_KEY is not set" in said.err


def test_no_provider_at_all_is_said(shell: Shell, installed: str) -> None:
    """Nothing to pause."""
    said = shell("resume")

    assert (said.code, "No provider has an API key" in said.err) == (1, True)
