"""The table of moves, and who is next."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import InvariantBroken
from bot.domain.fairness import Waiting, choose_next
from bot.domain.jobs import (
    CROCKFORD,
    FINAL,
    HOLDING,
    MOVES,
    OPEN,
    RUNNING_PLACES,
    WAITING_PLACES,
    JobId,
    JobState,
    check_move,
    new_job_id,
)

S = JobState
T0 = datetime(2026, 3, 4, tzinfo=UTC)


def test_every_state_is_in_the_table() -> None:
    """No state is forgotten, and every open one leads on."""
    assert set(MOVES) == set(JobState)
    assert all(MOVES[state] for state in OPEN)


@pytest.mark.parametrize("before", JobState)
@pytest.mark.parametrize("after", JobState)
def test_moves_that_are_not_in_the_table_are_refused(before: JobState, after: JobState) -> None:
    """A move is allowed by the table or impossible."""
    if after in MOVES[before]:
        check_move(before, after)
    else:
        with pytest.raises(InvariantBroken):
            check_move(before, after)


def test_an_end_is_left_by_a_late_success_or_a_redelivery_alone() -> None:
    """Failed, cancelled, expired → fetching; undelivered → delivering; delivered is the end."""
    assert {state: MOVES[state] for state in FINAL} == {
        S.FAILED: {S.FETCHING},
        S.CANCELLED: {S.FETCHING},
        S.EXPIRED: {S.FETCHING},
        S.UNDELIVERED: {S.DELIVERING},
        S.DELIVERED: frozenset(),
    }


def test_every_state_leads_to_an_end() -> None:
    """No job can be stuck by the table."""
    for state in JobState:
        reached, edge = {state}, {state}
        while edge:
            edge = {after for before in edge for after in MOVES[before]} - reached
            reached |= edge
        assert reached & FINAL


def test_sets_of_states_agree() -> None:
    """What holds is open and not yet made; waiting and running do not overlap."""
    assert not HOLDING & (FINAL | {S.FETCHING, S.DELIVERING, S.QUOTED})
    assert not WAITING_PLACES & RUNNING_PLACES


def test_job_ids() -> None:
    """Twelve Crockford base32 characters, never the same."""
    ids = {new_job_id() for _ in range(1000)}

    assert len(ids) == 1000
    assert all(len(i) == 12 and set(i) <= set(CROCKFORD) for i in ids)


def _waiting(number: int, guild: int, user: int, after_s: int = 0) -> Waiting:
    return Waiting(JobId(f"JOB{number}"), guild, user, T0 + timedelta(seconds=after_s))


def test_the_guild_served_least_recently_goes_first() -> None:
    """Even where its job is younger; a guild never served goes before all."""
    heads = [_waiting(1, 1, 1), _waiting(2, 2, 1, 50), _waiting(3, 3, 1, 99)]

    assert choose_next(heads, {1: T0, 2: T0 - timedelta(hours=1)}, {}).guild_id == 3
    assert choose_next(heads[:2], {1: T0, 2: T0 - timedelta(hours=1)}, {}).guild_id == 2


def test_then_the_member_served_least_recently_then_the_oldest_job() -> None:
    """Within one guild."""
    heads = [_waiting(1, 1, 1), _waiting(2, 1, 2, 50), _waiting(3, 1, 2, 40)]

    assert choose_next(heads, {}, {(1, 1): T0}).job_id == "JOB3"
    assert choose_next(heads, {}, {(1, 1): T0, (1, 2): T0 + timedelta(1)}).job_id == "JOB1"
    assert choose_next([], {}, {}) is None


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), min_size=1, max_size=40))
def test_nobody_starves(members: list[tuple[int, int]]) -> None:
    """Serving one by one, between two turns of a guild every other waiting guild has a turn."""
    heads = [_waiting(n, guild, user, n) for n, (guild, user) in enumerate(members)]
    by_guild: dict[int, datetime] = {}
    by_member: dict[tuple[int, int], datetime] = {}
    last_turn: dict[int, int] = {}
    for turn in range(len(members)):
        waiting_guilds = {w.guild_id for w in heads}
        chosen = choose_next(heads, by_guild, by_member)
        assert chosen is not None
        heads.remove(chosen)
        now = T0 + timedelta(seconds=turn + 1)
        by_guild[chosen.guild_id] = by_member[chosen.guild_id, chosen.user_id] = now
        before = last_turn.get(chosen.guild_id)
        if before is not None:
            assert all(last_turn.get(g, -1) > before for g in waiting_guilds - {chosen.guild_id})
        last_turn[chosen.guild_id] = turn
