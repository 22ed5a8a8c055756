"""What people see of pictures: one message or several, each with buttons of its own mark."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.discord.custom_ids import Action, custom_id, is_mark, marked_job
from bot.discord.render import Renderer
from bot.domain.jobs import Job, JobState
from bot.domain.requests import Kind
from bot.i18n import Catalogue
from bot.ports import CardView, ClipFile, ClipPost
from tests.discord.conftest import Post
from tests.discord.jobs import job as a_job

URLS = tuple(f"https://cdn.example/{number}.png" for number in (1, 2, 3, 4))


def _pictures(**values: Any) -> Job:
    known: dict[str, Any] = {"result_urls": URLS} | values
    made = a_job(JobState.DELIVERING, **known)
    return replace(made, spec=replace(made.spec, kind=Kind.IMAGE, duration_s=0, count=4))


def _labels(payload: dict[str, Any]) -> list[str]:
    return [button["label"] for row in payload["components"] for button in row["components"]]


def _ids(payload: dict[str, Any]) -> list[str]:
    return [button["custom_id"] for row in payload["components"] for button in row["components"]]


def _shown(job: Job, **values: Any) -> dict[str, Any]:
    known: dict[str, Any] = {"nonce": f"{job.id}-1-0", "numbers": (1, 2, 3, 4)}
    return Renderer(Catalogue.load()).clip(ClipPost(job=job, **(known | values)))


def test_pictures_can_be_animated_and_not_extended() -> None:
    """The rest is as with clips."""
    assert _labels(_shown(_pictures())) == ["Again", "Edit & rerun", "Animate", "Delete"]
    assert _labels(_shown(_pictures(is_private=True))) == ["Again", "Edit & rerun", "Animate", "Share", "Delete"]


@pytest.mark.parametrize("language", ["en", "nl", "ja"])
@pytest.mark.parametrize(
    "state", [JobState.RUNNING, JobState.FETCHING, JobState.DELIVERING, JobState.UNDELIVERED, JobState.UNKNOWN]
)
def test_a_card_of_pictures_speaks_of_no_clip(language: str, state: JobState) -> None:
    """Nor do the notes under it."""
    job = replace(_pictures(public_locale=language), state=state)

    for note in (None, "cancelling", "cannot_cancel"):
        card = Renderer(Catalogue.load()).card(CardView(job=job, note=note))
        text = card["embeds"][0]["description"].lower()
        assert "clip" not in text, text
        assert "クリップ" not in text, text


def test_the_messages_behind_the_first_are_short_and_ping_nobody() -> None:
    """They say which pictures they bring; every one can be deleted from."""
    payload = _shown(_pictures(), part=1, numbers=(3, 4), mention=False)

    assert "3, 4" in payload["content"]
    assert "a red fox" not in payload["content"]
    assert payload["allowed_mentions"] == {"parse": []}
    assert _labels(payload) == ["Animate", "Delete"]


def test_the_first_of_several_says_which_pictures_it_brings() -> None:
    """A single one need not."""
    assert "1, 2" in _shown(_pictures(), numbers=(1, 2))["content"]
    assert "1, 2" not in _shown(_pictures())["content"]


def test_fewer_pictures_are_explained() -> None:
    """The provider made fewer, or some could not be fetched."""
    fewer = _shown(_pictures(result_urls=URLS[:2]), numbers=(1, 2))["content"]
    lost = _shown(_pictures(result_urls=(URLS[0], "", *URLS[2:])), numbers=(1, 3, 4))["content"]

    assert "made 2 of the 4" in fewer
    assert "1 of 4 could not be fetched" in lost


def test_each_message_has_a_mark_of_its_own() -> None:
    """Neither another message's nor another delivery's; reports find the job by any of them."""
    first, second = _ids(_shown(_pictures())), _ids(_shown(_pictures(), part=1))
    job = _pictures().id

    assert all(is_mark(one, job, 1) and not is_mark(one, job, 1, 1) for one in first)
    assert all(is_mark(one, job, 1, 1) and not is_mark(one, job, 1) for one in second)
    assert not any(is_mark(one, job, 2, 1) for one in second)
    assert marked_job(second[0]) == job
    assert custom_id(Action.DELETE, job, 12, 1).endswith(":12.1")


@pytest.fixture
def files(tmp_path: Path) -> tuple[ClipFile, ...]:
    """Two small pictures."""
    made = []
    for number in (1, 2):
        path = tmp_path / f"{number}.png"
        path.write_bytes(b"\x89PNG" + bytes(100 * number))
        made.append(ClipFile(path=path, filename=f"seedance-{number}.png", size_bytes=path.stat().st_size))
    return tuple(made)


def _post(job: Job, files: tuple[ClipFile, ...], part: int) -> ClipPost:
    numbers = (2 * part + 1, 2 * part + 2)
    return ClipPost(job=job, nonce=f"{job.id}-1-{part}", part=part, pictures=files, numbers=numbers, mention=part == 0)


async def test_every_picture_of_a_message_is_attached(post: Post, files: tuple[ClipFile, ...]) -> None:
    """In their order, and each message is found by its own mark alone."""
    job = _pictures(user_id=post.discord.people["ann"].id)
    posted = [await post.messenger.post_clip(post.channel_id, _post(job, files, part)) for part in (0, 1)]
    after = post.clock.now() - timedelta(minutes=1)

    found = [await post.messenger.find_mark(post.channel_id, job, 1, after=after, part=part) for part in (0, 1, 2)]

    assert [search.found for search in found] == [*posted, None]
    message = next(one for one in post.messages() if int(one["id"]) == posted[0].message_id)
    assert [one["filename"] for one in message["attachments"]] == ["seedance-1.png", "seedance-2.png"]
