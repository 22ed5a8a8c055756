"""Every row of the table of Discord's errors, seen from outside: what follows on the wire, what services are told."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import aiohttp
import discord
import pytest

from bot.discord.delivery_errors import CLASSES, TABLE, Act, Cause, Step, step_of, translate
from bot.domain.errors import (
    DeliveryAmbiguous,
    DeliveryError,
    DeliveryForbidden,
    DeliveryRetry,
    DeliveryTooLarge,
)
from bot.domain.jobs import CardTarget, JobState
from bot.ports import CardView, ClipPost
from tests.discord.conftest import Post
from tests.discord.jobs import job

MESSAGES = r"^/channels/\d+/messages$"
MESSAGE = r"^/channels/\d+/messages/\d+$"
OPENING = r"^/users/@me/channels$"
FOLLOW_UPS = r"^/webhooks/\d+/[^/]+$"
ORIGINAL = r"/messages/@original$"
PLACES = {Act.POST: MESSAGES, Act.DIRECT: OPENING, Act.FOLLOW_UP: FOLLOW_UPS, Act.CARD: ORIGINAL, Act.EDIT: MESSAGE}

CLOSED, LATER, LARGE, DOUBT = DeliveryForbidden, DeliveryRetry, DeliveryTooLarge, DeliveryAmbiguous
NO_REPLY, NO_PROMPT, SHOWN, GONE = "answers nothing", "without the prompt", "shown by bot token", "gone"
#: What is seen after posting, opening direct messages, following up, and editing through the interaction or without it.
Seen = tuple[Any, Any, Any, Any, Any]
EVERYWHERE_CLOSED: Seen = (CLOSED, CLOSED, CLOSED, CLOSED, CLOSED)
EVERYWHERE_LATER: Seen = (LATER, LATER, LATER, LATER, LATER)
DEAD_TOKEN: Seen = (CLOSED, CLOSED, CLOSED, SHOWN, CLOSED)
DEAD_BOT: Seen = (LATER, LATER, CLOSED, SHOWN, LATER)
TOO_LARGE: Seen = (LARGE, LARGE, LARGE, CLOSED, CLOSED)
BLOCKED: Seen = (NO_PROMPT, CLOSED, NO_PROMPT, NO_PROMPT, NO_PROMPT)
LOST: Seen = (DOUBT, LATER, DOUBT, LATER, LATER)

#: The table's key, the status and code that Discord answers with, what is seen.
CASES: list[tuple[int | Cause, int, int, Seen]] = [
    (10003, 404, 10003, (CLOSED, CLOSED, CLOSED, GONE, GONE)),
    (10004, 404, 10004, EVERYWHERE_CLOSED),
    (50001, 403, 50001, EVERYWHERE_CLOSED),
    (50013, 403, 50013, EVERYWHERE_CLOSED),
    (50083, 400, 50083, EVERYWHERE_CLOSED),
    (160005, 403, 160005, EVERYWHERE_CLOSED),
    (20009, 400, 20009, EVERYWHERE_CLOSED),
    (400001, 403, 400001, EVERYWHERE_CLOSED),
    (50007, 403, 50007, EVERYWHERE_CLOSED),
    (50278, 403, 50278, EVERYWHERE_CLOSED),
    (10013, 404, 10013, EVERYWHERE_CLOSED),
    (10015, 404, 10015, DEAD_TOKEN),
    (10062, 404, 10062, DEAD_TOKEN),
    (50027, 401, 50027, DEAD_TOKEN),
    (404, 404, 0, DEAD_TOKEN),
    (40094, 400, 40094, EVERYWHERE_CLOSED),
    (401, 401, 0, DEAD_BOT),
    (40001, 401, 40001, DEAD_BOT),
    (50014, 401, 50014, DEAD_BOT),
    (10008, 404, 10008, (NO_REPLY, CLOSED, CLOSED, GONE, GONE)),
    (50035, 400, 50035, (NO_REPLY, CLOSED, CLOSED, CLOSED, CLOSED)),
    (160002, 403, 160002, (NO_REPLY, CLOSED, CLOSED, CLOSED, CLOSED)),
    (200000, 400, 200000, BLOCKED),
    (200001, 400, 200001, BLOCKED),
    (240000, 400, 240000, BLOCKED),
    (40005, 413, 40005, TOO_LARGE),
    (50045, 400, 50045, TOO_LARGE),
    (413, 413, 0, TOO_LARGE),
    (20016, 400, 20016, EVERYWHERE_LATER),
    (20028, 403, 20028, EVERYWHERE_LATER),
    (20029, 403, 20029, EVERYWHERE_LATER),
    (30046, 400, 30046, EVERYWHERE_LATER),
    (40003, 400, 40003, EVERYWHERE_LATER),
    (40004, 400, 40004, EVERYWHERE_LATER),
    (40006, 400, 40006, EVERYWHERE_LATER),
    (40062, 400, 40062, EVERYWHERE_LATER),
    (130000, 400, 130000, EVERYWHERE_LATER),
    (Cause.OTHER_REFUSAL, 400, 987654, EVERYWHERE_CLOSED),
    (Cause.SERVER_ERROR, 503, 0, LOST),
    (Cause.LOST_ANSWER, 0, 0, LOST),
]
#: Rows that the simulated Discord cannot show: discord.py waits for a 429 itself, and a connection must be refused.
APART = {429, Cause.NEVER_SENT}


def test_every_row_has_its_case() -> None:
    """A row that is added without a case turns this red; every row names its meaning, its source and all its steps."""
    assert {key for key, *_ in CASES} | APART == {row.key for row in TABLE}
    assert len({row.key for row in TABLE}) == len(TABLE)
    for row in TABLE:
        assert row.meaning
        assert row.source
        assert set(row.steps) == set(Act)


def test_every_step_has_its_error() -> None:
    """Steps that are taken at once come to a closed rung where they do not help."""
    assert set(CLASSES) == set(Step)


@pytest.fixture
async def card(post: Post) -> CardTarget:
    """A card in the channel, with a live token."""
    shown = await post.messenger.show_card(await post.card(), CardView(job=_job(post)))
    assert shown is not None
    return shown


def _job(post: Post, state: JobState = JobState.RUNNING) -> Any:
    return job(state, user_id=post.discord.people["ann"].id)


def _clip(post: Post, **values: Any) -> ClipPost:
    known: dict[str, Any] = {"job": _job(post), "nonce": "ABCDEFGHJKMN-1-0", "file": post.clip()}
    return ClipPost(**(known | values))


def _acts(post: Post, card: CardTarget) -> dict[Act, Callable[[], Awaitable[Any]]]:
    messenger, view = post.messenger, CardView(job=_job(post, JobState.DELIVERED))
    return {
        Act.POST: lambda: messenger.post_clip(post.channel_id, _clip(post, reply_to=card.message_id)),
        Act.DIRECT: lambda: messenger.open_direct(view.job.user_id),
        Act.FOLLOW_UP: lambda: messenger.follow_up(card, _clip(post)),
        Act.CARD: lambda: messenger.show_card(card, view),
        Act.EDIT: lambda: messenger.show_card(replace(card, interaction_token=None), view),
    }


def _break(post: Post, act: Act, status: int, code: int) -> None:
    """Let Discord refuse this act: once for a refusal, for ever where discord.py would repeat it."""
    fault = {"kind": "status", "status": status, "code": code} if status else {"kind": "lose_answer"}
    post.discord.faults.add(path_regex=PLACES[act], times=None if status >= 500 else 1, **fault)


async def _outcome(post: Post, act: Act, calling: Awaitable[Any]) -> Any:
    """Say what came of an act, by the error or by what Ann sees."""
    try:
        result = await calling
    except DeliveryError as error:
        return type(error)
    if result is None:
        return GONE
    message = post.messages()[-1] if act in {Act.POST, Act.FOLLOW_UP} else post.messages()[0]
    texts = message["content"] + "".join(embed["description"] for embed in message["embeds"])
    if "a red fox" not in texts:
        return NO_PROMPT
    return NO_REPLY if act is Act.POST and "message_reference" not in message else SHOWN


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case[0]))
async def test_what_each_error_leads_to(post: Post, card: CardTarget, case: tuple[int | Cause, int, int, Seen]) -> None:
    """For each of the five acts: the right next step, and no message where none may be."""
    key, status, code, seen = case
    for act, expected in zip(Act, seen, strict=True):
        post.discord.faults.clear()
        before = len(post.messages())
        _break(post, act, status, code)

        assert await _outcome(post, act, _acts(post, card)[act]()) == expected, act

        is_new = act in {Act.POST, Act.FOLLOW_UP} and expected in {NO_REPLY, NO_PROMPT}
        is_lost = act in {Act.POST, Act.FOLLOW_UP} and key is Cause.LOST_ANSWER  # it is there all the same
        assert len(post.messages()) - before == (1 if is_new or is_lost else 0)


@pytest.mark.parametrize("code", [50035, 160002, 200000])
async def test_what_helps_is_tried_once(post: Post, code: int) -> None:
    """Refused again without the reply or the prompt, the rung is closed."""
    post.discord.faults.add(path_regex=MESSAGES, method="POST", kind="status", status=400, code=code, times=2)

    with pytest.raises(DeliveryForbidden):
        await post.messenger.post_clip(post.channel_id, _clip(post, reply_to=5))

    assert post.messages() == []


async def test_blocked_words_leave_the_clip_its_requester_and_its_options(post: Post) -> None:
    """AutoMod blocks what the member wrote, not the clip."""
    post.discord.faults.add(path_regex=MESSAGES, method="POST", kind="status", status=400, code=200000)

    await post.messenger.post_clip(post.channel_id, _clip(post))

    message = post.messages()[-1]
    assert message["attachments"][0]["size"] == 1000
    assert [user["username"] for user in message["mentions"]] == ["ann"]
    assert "a red fox" not in message["content"]
    assert "720p" in message["content"]


class _Answer:
    """As much of an HTTP answer as an error looks at."""

    def __init__(self, status: int, headers: dict[str, str]) -> None:
        self.status, self.reason, self.headers = status, "", headers


@pytest.mark.parametrize("act", Act)
def test_rate_limits_name_their_time(act: Act) -> None:
    """A 429 that discord.py hands on (it comes from the network in front of Discord) and one of its own making."""
    answer: Any = _Answer(429, {"Retry-After": "90"})

    for error in (discord.HTTPException(answer, {"code": 0, "message": "x"}), discord.RateLimited(90.0)):
        found = translate(error, act)
        assert (type(found), found.status, found.retry_after_s) == (DeliveryRetry, 429, 90.0)


@pytest.mark.parametrize("act", Act)
def test_request_that_never_left_may_be_sent_again(act: Act) -> None:
    """Nothing is in doubt where no connection was made."""
    key: Any = aiohttp.client_reqrep.ConnectionKey("discord.com", 443, True, True, None, None, None)

    assert step_of(aiohttp.ClientConnectorError(key, OSError()), act) is Step.LATER


async def test_dead_bot_token_is_for_the_operator_to_see(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged as an error; nobody's rung is closed by it."""
    post.discord.faults.add(path_regex=MESSAGES, method="POST", kind="status", status=401)

    with pytest.raises(DeliveryRetry):
        await post.messenger.post_clip(post.channel_id, _clip(post))

    assert [(record.levelname, record.getMessage()) for record in caplog.records if record.name.startswith("bot")] == [
        ("ERROR", "discord.token_refused")
    ]
