"""Jobs for tests of what people see."""

from datetime import UTC, datetime
from typing import Any

from bot.domain.jobs import CardTarget, Job, JobId, JobState
from bot.domain.money import Credits
from bot.domain.requests import Kind, Spec

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def job(state: JobState = JobState.RUNNING, *, prompt: str = "a red fox", **values: Any) -> Job:
    """Make a job of 9 credits."""
    spec = Spec(
        kind=Kind.VIDEO,
        model="seedance2-movie/seedance-2.0",
        prompt=prompt,
        duration_s=5,
        resolution="720p",
        aspect_ratio="16:9",
        audio=False,
        watermark=False,
        seed=7,
        is_seed_chosen=False,
    )
    known: dict[str, Any] = {
        "id": JobId("ABCDEFGHJKMN"),
        "guild_id": 1,
        "channel_id": 10,
        "user_id": 100,
        "locale": "en-US",
        "public_locale": "en-US",
        "spec": spec,
        "is_private": False,
        "created_at": NOW,
        "updated_at": NOW,
        "run_at": NOW,
        "quote": Credits(9000),
        "delivery_number": 1,
        "card": CardTarget(1, None, None, 10, 77),
    }
    return Job(state=state, **(known | values))
