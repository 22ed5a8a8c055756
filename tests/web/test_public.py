"""The public listener: callbacks by signed address only, media by signed expiring link only."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from bot.media.links import SignedLinks
from bot.media.store import LocalStore
from bot.web.answers import application
from bot.web.listeners import Bounds, Listeners
from bot.web.public import READERS_MAX, public_app
from tests.manual_clock import ManualClock
from tests.waiting import PATIENCE_S

LIMIT = 64 * 1024
CLIP = bytes(range(256)) * 40


@dataclass
class Inbox:
    """Remembers callbacks; fails with `error` where set."""

    received_calls: list[tuple[str, str, int, bytes]] = field(default_factory=list)
    error: Exception | None = None

    async def received(self, provider: str, job_id: str, attempt: int, body: bytes) -> None:
        """Store a callback."""
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        self.received_calls.append((provider, job_id, attempt, body))


@dataclass
class Rig:
    """A running public listener and what a test needs to talk to it."""

    base: str
    links: SignedLinks
    inbox: Inbox
    store: LocalStore
    clock: ManualClock
    outcomes: list[str]
    session: aiohttp.ClientSession

    def callback(self, job: str = "0123456789AB") -> str:
        """A job's own callback address."""
        url = self.links.callback_url("seedance2-movie", job, 1)
        assert url is not None
        return url

    async def post(self, url: str, data: object) -> tuple[int, object]:
        """Post a body; return status and JSON answer."""
        async with self.session.post(url, data=data) as response:
            return response.status, await response.json()

    async def media(self, key: str, data: bytes, filename: str = "clip.mp4") -> str:
        """Keep a file and link it for an hour."""
        source = self.store.work_file()
        source.write_bytes(data)
        await self.store.put(key, source)
        url = self.links.media_url(key, filename, expires_at=self.clock.now() + timedelta(hours=1))
        assert url is not None
        return url


@asynccontextmanager
async def listening(
    tmp_path: Path, *, body_timeout_s: float = PATIENCE_S, readers_max: int = READERS_MAX
) -> AsyncIterator[Rig]:
    """A listener on this machine whose slow clients have `body_timeout_s`, and `readers_max` of whom get files."""
    inbox, store, clock, outcomes = Inbox(), LocalStore(tmp_path), ManualClock(), list[str]()
    secret, listeners = b"root", Listeners()
    app = public_app(
        callbacks=inbox,
        links=SignedLinks(secret, None),
        store=store,
        clock=clock,
        count_callback=outcomes.append,
        body_timeout_s=body_timeout_s,
        readers_max=readers_max,
    )
    port = await listeners.start(app, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession() as session:
        yield Rig(base, SignedLinks(secret, base), inbox, store, clock, outcomes, session)
    await listeners.stop()


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """A listener that waits for every client."""
    async with listening(tmp_path) as made:
        yield made


@pytest.mark.parametrize("body", [b"", b'{"task_id": "t"}', b"\0\xff not json", b"x" * LIMIT])
async def test_valid_callbacks_are_stored_then_acknowledged(rig: Rig, body: bytes) -> None:
    """Any shape of body up to 64 KiB is a hint."""
    assert await rig.post(rig.callback(), body) == (200, {"ok": True})
    assert rig.inbox.received_calls == [("seedance2-movie", "0123456789AB", 1, body)]
    assert rig.outcomes == ["stored"]


async def test_packed_bodies_are_not_unpacked(rig: Rig) -> None:
    """A stranger's compression is just bytes, broken or not."""
    async with rig.session.post(rig.callback(), data=b"nonsense", headers={"Content-Encoding": "gzip"}) as response:
        assert response.status == 200

    assert rig.inbox.received_calls[0][3] == b"nonsense"


async def test_one_byte_too_many_is_refused(rig: Rig) -> None:
    """65,537 bytes with their length announced."""
    assert await rig.post(rig.callback(), b"x" * (LIMIT + 1)) == (413, {"error": "too_large"})
    assert rig.inbox.received_calls == []


async def test_chunked_bodies_are_counted(rig: Rig) -> None:
    """Without an announced length the bytes themselves are counted."""

    async def chunks(size: int) -> AsyncIterator[bytes]:
        for at in range(0, size, 1000):
            yield b"x" * min(1000, size - at)

    assert (await rig.post(rig.callback(), chunks(LIMIT)))[0] == 200
    assert (await rig.post(rig.callback(), chunks(LIMIT + 1)))[0] == 413


async def test_fifty_repeats_at_once_are_all_acknowledged(rig: Rig) -> None:
    """Providers repeat themselves; each repeat is stored and answered."""
    answers = await asyncio.gather(*(rig.post(rig.callback(), b"{}") for _ in range(50)))

    assert {status for status, _ in answers} == {200}
    assert len(rig.inbox.received_calls) == 50


@pytest.mark.parametrize(
    "path",
    [
        "/callbacks/seedance2-movie/0123456789AB/1-0000000000000000000000000000000000000000",
        "/callbacks/seedance2-movie/0123456789AB/x",
        "/callbacks/seedance2-movie/0123456789AB/%00",
        "/callbacks/seedance2-movie/0123456789AB/1-%C3%A9",
        "/callbacks/%2e%2e/%2e%2e/1-0",
        "/callbacks/a/b",
        "/callbacks/",
        "/nothing",
    ],
)
async def test_forged_addresses_are_not_found(rig: Rig, path: str) -> None:
    """404 and not a word more, whatever is forged."""
    assert await rig.post(rig.base + path, b"{}") == (404, {"error": "not_found"})
    assert rig.inbox.received_calls == []


async def test_a_forged_address_is_refused_before_its_body_is_read(rig: Rig) -> None:
    """The answer comes although the announced body never does."""
    answer = await raw(rig, b"POST /callbacks/p/j/1-00 HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 404")


async def test_slow_bodies_time_out(tmp_path: Path) -> None:
    """A client that stops in the middle is let go."""
    async with listening(tmp_path, body_timeout_s=0.2) as rig:
        path = rig.callback().removeprefix(rig.base).encode()
        answer = await raw(rig, b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")

    assert answer.startswith(b"HTTP/1.1 408")
    assert rig.outcomes == ["too_slow"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_refused_in_json(rig: Rig, method: str) -> None:
    """Only POST is a callback."""
    async with rig.session.request(method, rig.callback()) as response:
        assert (response.status, await response.json()) == (405, {"error": "method_not_allowed"})


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nLong: " + b"a" * 9000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 100 + b"\r\n",
        b"\x16\x03\x01 not http at all\r\n\r\n",
    ],
    ids=["line", "header", "headers", "tls"],
)
async def test_oversized_heads_get_plain_json(rig: Rig, head: bytes) -> None:
    """The parser's own words, which quote the request, stay inside."""
    answer = await raw(rig, head)

    assert b" 400 " in answer.splitlines()[0]
    assert answer.endswith(b'{"error": "bad_request"}')
    assert b"aiohttp" not in answer


async def test_a_head_that_never_ends_is_hung_up_on() -> None:
    """A client that sends half a head and waits holds nothing for long."""
    listeners = Listeners(Bounds(idle_timeout_s=0.1))
    port = await listeners.start(application(), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost:")
    async with asyncio.timeout(PATIENCE_S):
        assert await reader.read() == b""

    writer.close()
    await listeners.stop()


async def raw(rig: Rig, data: bytes) -> bytes:
    """Send bytes and return everything that comes until the line is closed, the body included."""
    host, port = rig.base.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(data)
    async with asyncio.timeout(PATIENCE_S):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
        body = await reader.readexactly(int(length.partition(b":")[2]))
    writer.close()
    return head + body


async def test_failures_hide_the_inside_and_signatures_stay_out_of_the_log(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """The client gets a reference, the log the same reference and a route without its secrets."""
    rig.inbox.error = RuntimeError("database password is hunter2")
    caplog.set_level(logging.DEBUG)
    link = await rig.media("clips/A.mp4", CLIP)
    status, answer = await rig.post(rig.callback(), b"secret body")
    async with rig.session.get(link) as response:
        await response.read()
    await rig.post(rig.callback() + "0", b"")

    assert status == 500
    assert isinstance(answer, dict)
    assert set(answer) == {"error", "reference"}
    failed = next(record for record in caplog.records if record.message == "web.failed")
    assert vars(failed)["reference"] == answer["reference"]
    assert rig.outcomes[0] == "failed"
    lines = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert rig.callback().rpartition("/")[2] not in lines
    assert link.split("/")[4] not in lines
    assert "secret body" not in lines


async def test_media_is_served_with_fixed_types(rig: Rig) -> None:
    """The type is that of our key, never of the bytes or the name; browsers must not guess."""
    url = await rig.media("clips/A.mp4", b"<html><script>alert(1)</script>", filename='a"b\u00e9.html')
    async with rig.session.get(url) as response:
        headers = response.headers
        assert response.status == 200
        assert await response.read() == b"<html><script>alert(1)</script>"

    assert headers["Content-Type"] == "video/mp4"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Disposition"] == 'inline; filename="a_b_.html"'
    assert headers["Cache-Control"].startswith("private")


async def test_unknown_endings_are_downloads(rig: Rig) -> None:
    """Whatever else is kept is saved, not shown."""
    async with rig.session.get(await rig.media("clips/A.html", b"<html>", "a.html")) as response:
        assert response.headers["Content-Type"] == "application/octet-stream"
        assert response.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("wanted", "status", "body"),
    [
        ("bytes=0-9", 206, CLIP[:10]),
        ("bytes=100-", 206, CLIP[100:]),
        ("bytes=-5", 206, CLIP[-5:]),
        ("bytes=10239-", 206, CLIP[-1:]),
        ("bytes=0-99999999999999999", 206, CLIP),
        # more than one range, and what is none: the whole file (RFC 9110, 14.2)
        ("bytes=0-0,5-9", 200, CLIP),
        ("bytes=9-1", 200, CLIP),
        ("bytes=", 200, CLIP),
        ("chars=0-5", 200, CLIP),
        ("bytes=--5", 200, CLIP),
    ],
)
async def test_ranges(rig: Rig, wanted: str, status: int, body: bytes) -> None:
    """Players seek."""
    async with rig.session.get(await rig.media("clips/A.mp4", CLIP), headers={"Range": wanted}) as response:
        assert (response.status, await response.read()) == (status, body)


@pytest.mark.parametrize("wanted", ["bytes=10240-", "bytes=99999-100000", "bytes=-0"])
async def test_a_range_behind_the_end_is_refused_in_json(rig: Rig, wanted: str) -> None:
    """With the size that there is."""
    async with rig.session.get(await rig.media("clips/A.mp4", CLIP), headers={"Range": wanted}) as response:
        assert (response.status, await response.json()) == (416, {"error": "no_such_part"})
        assert response.headers["Content-Range"] == "bytes */10240"


async def test_a_part_is_sent_only_of_the_file_that_the_client_has(rig: Rig) -> None:
    """By its tag or its date; otherwise everything, or nothing where the client wants that."""
    url = await rig.media("clips/A.mp4", CLIP)
    async with rig.session.head(url) as response:
        tag, date = response.headers["ETag"], response.headers["Last-Modified"]

    async def status(**headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with rig.session.get(url, headers={"Range": "bytes=0-4", **named}) as response:
            return response.status

    assert [await status(If_Range=one) for one in (tag, date)] == [206, 206]
    assert [await status(If_Range=one) for one in ('"other"', f"W/{tag}", "Thu, 01 Jan 1970 00:00:00 GMT")] == [200] * 3
    assert [await status(If_Match=one) for one in (tag, "*", '"other"', f"W/{tag}")] == [206, 206, 412, 412]
    assert await status(If_Unmodified_Since="Thu, 01 Jan 1970 00:00:00 GMT") == 412
    assert await status(If_None_Match=tag) == 304


async def test_headers_that_are_no_text_are_harmless(rig: Rig) -> None:
    """Whatever bytes a client sends."""
    path = (await rig.media("clips/A.mp4", CLIP)).removeprefix(rig.base).encode()
    answer = await raw(rig, b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nIf-None-Match: \xff\r\nX: \xfe\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(CLIP)


async def test_unknown_expectations_are_refused_in_json(rig: Rig) -> None:
    """Before the handler is reached, and still without naming what runs here."""
    for path in ("/healthz", "/nothing"):
        async with rig.session.get(rig.base + path, headers={"Expect": "nonsense"}) as response:
            assert (response.status, await response.json()) == (417, {"error": "refused"})
            assert response.headers["Server"] == "seedance-bot"


async def test_head_tells_the_size(rig: Rig) -> None:
    """Discord asks before it embeds."""
    async with rig.session.head(await rig.media("clips/A.mp4", CLIP)) as response:
        assert (response.status, response.headers["Content-Length"]) == (200, str(len(CLIP)))


async def test_expired_forged_and_deleted_links_are_not_found(rig: Rig) -> None:
    """All look the same."""
    url = await rig.media("clips/A.mp4", CLIP)
    forged = url.replace("/media/", "/media/A")
    renamed = url.replace("clip.mp4", "other.mp4")
    for wrong in (forged, renamed):
        async with rig.session.get(wrong) as response:
            assert (response.status, await response.json()) == (404, {"error": "not_found"})
    await rig.store.delete("clips/A.mp4")
    async with rig.session.get(url) as response:
        assert response.status == 404
    await rig.media("clips/A.mp4", CLIP)
    rig.clock.advance(3600)
    async with rig.session.get(url) as response:
        assert response.status == 404


async def test_health(rig: Rig) -> None:
    """Alive, on the public side too."""
    async with rig.session.get(rig.base + "/healthz") as response:
        assert (response.status, await response.json()) == (200, {"ok": True})
