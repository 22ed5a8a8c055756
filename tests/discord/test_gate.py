"""The global limit of 50 requests a second."""

import asyncio

import pytest

from bot.discord.gate import Window, is_limited, route_name, trace
from tests.discord.conftest import Post


def test_interactions_and_webhooks_do_not_count() -> None:
    """topics/rate-limits, Global Rate Limit."""
    assert not is_limited("/api/v10/interactions/1/token/callback")
    assert not is_limited("/api/v10/webhooks/1/token/messages/@original")
    assert is_limited("/api/v10/channels/1/messages")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/v10/channels/1455000000000000200/messages", "/api/v10/channels/:id/messages"),
        (
            "/api/v10/webhooks/1455000000000000001/aW50ZX.x/messages/@original",
            "/api/v10/webhooks/:id/:token/messages/@original",
        ),
        ("/api/v10/interactions/1455000000000000001/aW50ZX.x/callback", "/api/v10/interactions/:id/:token/callback"),
    ],
)
def test_route_names_have_no_ids_and_no_tokens(path: str, name: str) -> None:
    """They go into metrics and logs."""
    assert route_name(path) == name


async def test_window_never_lets_more_through() -> None:
    """Bursts included: the sixth waits until the first is out of the window."""
    loop = asyncio.get_running_loop()
    window = Window(5, 0.05)
    times = []

    async def send() -> None:
        await window()
        times.append(loop.time())

    await asyncio.gather(*(send() for _ in range(12)))

    assert all(later - earlier >= 0.05 for earlier, later in zip(times, times[5:], strict=False))


async def test_every_limited_request_passes_the_gate_and_every_answer_is_counted(post: Post) -> None:
    """Repeats and webhooks are counted, only the former wait."""
    taken, seen = [], []

    async def take() -> None:
        taken.append(1)

    config = trace(take, lambda method, route, status: seen.append((method, route, status)))
    config.freeze()
    post.client.http._HTTPClient__session._trace_configs.append(config)  # type: ignore[attr-defined]
    post.discord.faults.add(path_regex=r"/messages$", method="POST", kind="status", status=500)

    await post.client.http.send_message(post.channel_id, params=_plain("x"))
    await post.card()

    posts = [status for method, route, status in seen if method == "POST" and route.endswith("channels/:id/messages")]
    assert posts == [500, 200]
    assert ("POST", "/api/v10/interactions/:id/:token/callback", 204) in seen
    assert len(taken) == len(seen) - 1


def _plain(content: str) -> object:
    from discord.http import handle_message_parameters

    return handle_message_parameters(content=content)
