"""Addresses that a member or a provider supplied: public https only, and the checked address is the one connected to.

Two checks that need each other: `check_url` judges what is written in an address, before anything is sent, and
`guarded_connector` judges the numeric address of each connection at the moment its socket is made, so that a name
which changes its answer between the check and the connection gains nothing.
"""

import ipaddress
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
from yarl import URL

REDIRECTS_MAX = 3
REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
CONNECTIONS_MAX = 100
#: For how long a connection is kept for the next request. Common servers hang up after five idle seconds (Node.js,
#: uvicorn); a create that is on its way at that moment has no answer.
IDLE_MAX_S = 1.5

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: the IPv4 address is in the last 32 bits
_UNICAST = ipaddress.IPv6Network("2000::/3")  # IANA: the only IPv6 space given out for public hosts
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")


class AddressRefused(OSError):
    """An address that must not be connected to. The text names the rule, never the address."""


def is_public(address: str) -> bool:
    """Tell whether a numeric address is a public host's. Text that is no numeric address is not public."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return is_public(str(parsed.ipv4_mapped))
        if parsed in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)))
        if parsed not in _UNICAST or parsed in _SIX_TO_FOUR:
            return False
    return parsed.is_global and not parsed.is_multicast


def check_url(url: str, *, allow_private: bool = False) -> URL:
    """Parse an address as it stands (signed queries stay untouched) and judge what is written in it.

    `allow_private` also lets plain http and numeric private hosts pass.

    Raises:
        AddressRefused: unreadable, not https, with credentials, without a host, or with a number that is not public.
    """
    try:
        parsed = URL(url, encoded=True)
        host, port = parsed.host, parsed.port
    except ValueError as error:
        raise AddressRefused("the address is unreadable") from error
    if parsed.scheme not in (("https", "http") if allow_private else ("https",)):
        raise AddressRefused("the address is not https")
    if parsed.user is not None or parsed.password is not None:
        raise AddressRefused("the address has credentials")
    if not host or not port:
        raise AddressRefused("the address has no host")
    if not allow_private and _is_numeric(host) and not is_public(host):
        raise AddressRefused("the address is not public")
    return parsed


def guarded_connector(*, allow_private: bool = False) -> aiohttp.TCPConnector:
    """Make a connector whose every socket goes to a public address, whatever a name resolved to."""

    def open_socket(info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        if not allow_private and not is_public(str(address[0])):
            raise AddressRefused("the address is not public")
        return socket.socket(family=family, type=kind, proto=protocol)

    return aiohttp.TCPConnector(limit=CONNECTIONS_MAX, keepalive_timeout=IDLE_MAX_S, socket_factory=open_socket)


@asynccontextmanager
async def open_checked(
    session: aiohttp.ClientSession,
    url: str,
    *,
    allow_private: bool = False,
    headers: Mapping[str, str] | None = None,
    timeout: aiohttp.ClientTimeout | None = None,
) -> AsyncIterator[aiohttp.ClientResponse]:
    """GET an address, following at most three redirects, each checked like the first.

    `session` must stand on a guarded connector. `headers` go to every hop: never put a key in them. Bodies come
    unpacked by nobody: compression is declined.

    Raises:
        AddressRefused: an address on the way is not allowed, or there are too many.
        aiohttp.ClientError, TimeoutError: no answer.
    """
    target = check_url(url, allow_private=allow_private)
    wanted = {"Accept-Encoding": "identity", **(headers or {})}
    for _ in range(REDIRECTS_MAX + 1):
        async with _get(session, target, wanted, timeout) as response:
            location = response.headers.get("Location")
            if response.status not in REDIRECT_STATUSES or not location:
                yield response
                return
        target = _next_hop(target, location, allow_private=allow_private)
    raise AddressRefused("too many redirects")


@asynccontextmanager
async def _get(
    session: aiohttp.ClientSession, url: URL, headers: Mapping[str, str], timeout: aiohttp.ClientTimeout | None
) -> AsyncIterator[aiohttp.ClientResponse]:
    limits = session.timeout if timeout is None else timeout
    try:
        response = await session.get(url, headers=headers, timeout=limits, allow_redirects=False)
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, AddressRefused):
            raise AddressRefused(*error.os_error.args) from error
        raise
    async with response:
        yield response


def _next_hop(current: URL, location: str, *, allow_private: bool) -> URL:
    try:
        following = current.join(URL(location, encoded=True))
    except ValueError as error:
        raise AddressRefused("the address is unreadable") from error
    return check_url(str(following), allow_private=allow_private)


def _is_numeric(host: str) -> bool:
    """Tell whether a resolver could take a host for a number: `1.2.3.4`, `::1`, but also `2130706433` and `0x7f.1`."""
    last = host.rstrip(".").rpartition(".")[2].lower()
    return ":" in host or last.isdigit() or last.startswith("0x")
