"""Only public https addresses are connected to, whatever they are called."""

import aiohttp
import pytest

from bot.addresses import AddressRefused, check_url, guarded_connector, is_public, open_checked
from tests.media.conftest import FileServer


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/clip.mp4",
        "ftp://example.com/clip.mp4",
        "file:///etc/passwd",
        "https://user:secret@example.com/",
        "https:///nowhere",
        "https://example.com:0/",
        "https://127.0.0.1/",
        "https://10.1.2.3/",
        "https://192.168.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.64.0.1/",
        "https://224.0.0.1/",
        "https://0.0.0.0/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://127.0.0.1./",
        "https://①②⑦.⓪.⓪.①/",
        "https://[::1]/",
        "https://[fe80::1]/",
        "https://[fd00::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "",
        "not an address",
    ],
)
def test_refuses_what_is_not_public_https(url: str) -> None:
    """Plain http, credentials and every spelling of a private host are refused before anything is sent."""
    with pytest.raises(AddressRefused):
        check_url(url)


@pytest.mark.parametrize(
    "url",
    ["https://example.com/a%2Fb?sig=a%2Bb%3D&x=1", "https://example.com:8443/x", "https://[2606:4700::1111]/x"],
)
def test_keeps_public_addresses_as_they_are(url: str) -> None:
    """Signed queries must arrive byte for byte."""
    assert str(check_url(url)) == url


@pytest.mark.parametrize(("address", "is_allowed"), [("1.1.1.1", True), ("64:ff9b::101:101", True), ("x", False)])
def test_tells_public_hosts(address: str, is_allowed: bool) -> None:
    """Numbers are judged, words are not addresses."""
    assert is_public(address) is is_allowed


async def test_checks_the_address_that_is_connected_to(server: FileServer) -> None:
    """A name that resolves to this machine is refused at the socket, redirect or not."""
    async with aiohttp.ClientSession(connector=guarded_connector()) as client:
        with pytest.raises(AddressRefused):
            async with open_checked(client, server.base.replace("http://127.0.0.1", "https://localhost")):
                pass
        with pytest.raises(aiohttp.ClientConnectorError):
            await client.get(server.base.replace("127.0.0.1", "localhost"))

    assert server.requests == []


@pytest.mark.parametrize(("idle_s", "connections"), [(1, 1), (2, 2)])
async def test_leaves_a_line_before_the_other_side_does(
    server: FileServer, monkeypatch: pytest.MonkeyPatch, idle_s: int, connections: int
) -> None:
    """Many servers hang up on a line that was idle for five seconds, and a request on its way then is lost."""
    made: list[object] = []

    async def note(*seen: object) -> None:
        made.append(seen)

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(note)
    server.files["a"] = b"found"
    connector = guarded_connector(allow_private=True)
    async with aiohttp.ClientSession(connector=connector, trace_configs=[trace]) as client:
        for moment_s in (100, 100 + idle_s):
            monkeypatch.setattr("aiohttp.connector.monotonic", lambda now=moment_s: now)
            await (await client.get(server.url("a"))).read()

    assert len(made) == connections


async def test_follows_three_redirects_and_no_more(server: FileServer, session: aiohttp.ClientSession) -> None:
    """The fourth redirect ends it."""
    server.redirects = {"a": "/b", "b": "/c", "c": "/d", "z": "/a"}
    server.files["d"] = b"found"

    async with open_checked(session, server.url("a"), allow_private=True) as response:
        assert await response.read() == b"found"
    with pytest.raises(AddressRefused):
        async with open_checked(session, server.url("z"), allow_private=True):
            pass


@pytest.mark.parametrize("target", ["file:///etc/passwd", "https://user:pw@example.com/", "//:0/"])
async def test_checks_every_redirect(server: FileServer, session: aiohttp.ClientSession, target: str) -> None:
    """A redirect cannot lead where the first address could not."""
    server.redirects["a"] = target

    with pytest.raises(AddressRefused):
        async with open_checked(session, server.url("a"), allow_private=True):
            pass
