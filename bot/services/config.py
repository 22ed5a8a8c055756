"""What the services need of the settings, as domain values; the composition root makes these."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from bot.domain.budgets import Period
from bot.domain.money import Credits, Limit


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyRules:
    """Limits that the operator set. None is unlimited. `home_guild_id` and guilds of `operator_ids` start unlimited."""

    member_allowance: Limit = field(default_factory=lambda: Credits(50_000))
    allowance_period: Period = Period.WEEK
    guild_pool: Limit = field(default_factory=lambda: Credits(0))
    instance_daily: Limit = None
    provider_daily: Mapping[str, Limit] = field(default_factory=dict)
    home_guild_id: int | None = None
    operator_ids: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Durations in seconds; tests shorten them."""

    poll_interval_s: float = 8
    lease_s: float = 20
    job_deadline_s: float = 3600
    unknown_deadline_s: float = 86_400
    search_interval_s: float = 60
    quote_ttl_s: float = 900
    approval_ttl_s: float = 86_400
    late_watch_s: float = 7 * 86_400
    reference_retention: timedelta = timedelta(days=30)
    clip_retention: timedelta = timedelta(days=7)
    undelivered_retention: timedelta = timedelta(days=30)


#: For how long a job in doubt, or a finished one that is watched, is looked at often; then less and less.
OFTEN_FOR = timedelta(minutes=30)
SELDOM_AFTER = timedelta(days=1)
LESS_OFTEN_S = 600.0
SELDOM_S = 3600.0


def patience_s(interval_s: float, age: timedelta) -> float:
    """Return how long to wait between looks at something that has been open for `age`, at least `interval_s`."""
    if age < OFTEN_FOR:
        return interval_s
    return max(interval_s, LESS_OFTEN_S if age < SELDOM_AFTER else SELDOM_S)
