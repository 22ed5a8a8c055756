"""429 answers that discord.py stumbles over: nothing was shown, so the same goes again later."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from discord.http import Route

from bot.discord.client import BotClient
from bot.domain.errors import DeliveryError, DeliveryRetry
from bot.domain.jobs import CardTarget
from bot.ports import CardView, ClipPost, Notice
from tests.discord.conftest import HurriedAsyncio, Post
from tests.discord.jobs import job

JSON = "application/json"
BODIES = {
    "nothing in it": (b'{"message": "You are being rate limited."}', JSON),
    "no number": (b'{"retry_after": null, "global": false}', JSON),
    "a list": (b"[]", JSON),
    "not JSON": (b"{", JSON),
    "a page": (b"<html>too many</html>", "text/html"),
}
GLOBAL = (b'{"message": "x", "retry_after": 0.05, "global": true}', JSON)


@dataclass
class Wire:
    """Answers what was laid out for it, in order, then as Discord does."""

    post: Post
    answers: list[tuple[bytes, str]] = field(default_factory=list)
    came_at: list[float] = field(default_factory=list)

    @property
    def target(self) -> CardTarget:
        """A card under a live token."""
        return CardTarget(3, "token", self.post.clock.now() + timedelta(minutes=9), 4)

    def clip(self) -> ClipPost:
        """A clip to post."""
        return ClipPost(job=job(), nonce="n-1", file=self.post.clip())

    async def answer(self, _request: web.Request) -> web.Response:
        """Answer one request, whatever it is."""
        self.came_at.append(asyncio.get_running_loop().time())
        if not self.answers:
            return web.Response(body=b'{"id": "5", "channel_id": "4"}', headers={"Content-Type": JSON})
        body, kind = self.answers.pop(0)
        return web.Response(
            status=429, body=body, headers={"Via": "1.1 google", "Retry-After": "7", "Content-Type": kind}
        )


@pytest.fixture
async def wire(post: Post) -> AsyncIterator[Wire]:
    """What stands where Discord stood; the bot has signed in already."""
    found = Wire(post)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.answer)
    async with TestServer(app) as server:
        Route.BASE = str(server.make_url("/api/v10"))
        yield found


ACTS: dict[str, Callable[[Wire], Awaitable[Any]]] = {
    "clip": lambda wire: wire.post.messenger.post_clip(4, wire.clip()),
    "notice": lambda wire: wire.post.messenger.post_notice(4, Notice(text="hello", nonce="n-2")),
    "follow-up": lambda wire: wire.post.messenger.follow_up(wire.target, wire.clip()),
    "card": lambda wire: wire.post.messenger.show_card(wire.target, CardView(job=job())),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_odd_rate_limit_is_for_later(
    wire: Wire, act: Callable[[Wire], Awaitable[Any]], body: tuple[bytes, str]
) -> None:
    """After the time that the header names; a follow-up too, which was not taken."""
    wire.answers = [body]

    with pytest.raises(DeliveryError) as caught:
        await act(wire)

    assert (type(caught.value), caught.value.status, caught.value.retry_after_s) == (DeliveryRetry, 429, 7.0)
    assert len(wire.came_at) == 1


async def test_global_limit_holds_the_next_requests_back(wire: Wire) -> None:
    """Whoever asks next waits. The lock that discord.py would shut, for good where the caller gives up, stays open."""
    wire.answers = [GLOBAL]
    with pytest.raises(DeliveryRetry):
        await ACTS["notice"](wire)

    await ACTS["clip"](wire)

    refused_at, taken_at = wire.came_at
    assert taken_at - refused_at >= 0.05


async def test_start_waits_for_the_global_limit(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that is refused would end."""
    body = {"message": "x", "retry_after": 0.01, "global": True}
    monkeypatch.setattr("playground.discord.faults.Fault.body", lambda _fault: body)
    post.discord.faults.add(path_regex="gateway/bot", kind="status", status=429)
    before = len(post.discord.requests)
    client = BotClient(api_base=Route.BASE)

    await client.sign_in(post.discord.token)
    await client.close()

    asked = [one.status for one in post.discord.requests[before:] if one.path.endswith("/gateway/bot")]
    assert asked == [429, 200]


class OutOfTime(HurriedAsyncio):
    """asyncio for discord.py, in whose pauses the caller's time ends."""

    async def sleep(self, _seconds: float) -> None:
        """Go by for too long."""
        raise TimeoutError


async def test_follow_up_that_waited_in_vain_is_for_later(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Discord had not taken it: nothing is in doubt."""
    monkeypatch.setattr("discord.webhook.async_.asyncio", OutOfTime())
    wire.answers = [(b'{"message": "x", "retry_after": 900, "global": false}', JSON)]

    with pytest.raises(DeliveryRetry):
        await wire.post.messenger.follow_up(wire.target, wire.clip())
