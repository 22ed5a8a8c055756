"""Requests to a provider: four timeouts, capped answers, checked addresses, and errors without secrets.

aiohttp repeats a reset request by itself for the methods of its `IDEMPOTENT_METHODS` (GET, HEAD, OPTIONS, TRACE, PUT,
DELETE; read in 3.14). Requests to an API are kept from that, since each has one turn in the account's rate budget.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import BinaryIO

import aiohttp
from yarl import URL

from bot.addresses import AddressRefused, check_url
from bot.domain.errors import ProviderAmbiguous, ProviderBusy, ProviderError, ProviderUnreachable, SettingsInvalid

log = logging.getLogger(__name__)

API_TIMEOUT = aiohttp.ClientTimeout(total=60, connect=15, sock_connect=10, sock_read=45)
UPLOAD_TIMEOUT = aiohttp.ClientTimeout(total=300, connect=15, sock_connect=10, sock_read=60)
ANSWER_MAX_BYTES = 1024 * 1024
RETRY_AFTER_MAX_S = 3600.0
USER_AGENT = "seedance-bot"  # firewalls turn away requests that name no client
NO_ANSWER = 0  # what `Observe` is told instead of an HTTP status

_SECONDS = re.compile(r"\d{1,9}(\.\d{1,9})?")

#: Told after every request: the route's name and the HTTP status, or `NO_ANSWER`.
Observe = Callable[[str, int], None]


def observe_nothing(_route: str, _status: int) -> None:
    """Ignore what was requested."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `body` is complete. `retry_after_s` is 0 to 3600, None where the provider named no time.

    `headers` are found whatever the case of their names.
    """

    status: int
    body: bytes
    retry_after_s: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_success(self) -> bool:
        """Whether the HTTP status says success."""
        return 200 <= self.status < 300


class ApiClient:
    """One provider's API under one origin. The key's header goes there and nowhere else."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        provider: str,
        base_url: str,
        headers: Mapping[str, str],
        allow_private_hosts: bool,
        observe: Observe = observe_nothing,
        timeout: aiohttp.ClientTimeout = API_TIMEOUT,
        upload_timeout: aiohttp.ClientTimeout = UPLOAD_TIMEOUT,
    ) -> None:
        """Stand on `session`, whose connector is guarded and which has no headers or cookies of its own.

        Raises:
            SettingsInvalid: `base_url` is not an address that the bot may use.
        """
        try:
            check_url(base_url, allow_private=allow_private_hosts)
        except AddressRefused as error:
            variable = f"{provider.upper().replace('-', '_')}_BASE_URL"
            raise SettingsInvalid(f"{variable}: {error}; a good value is https://api.example.com") from None
        self._session = session
        self._provider = provider
        self._base_url = base_url.rstrip("/")
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": USER_AGENT,
            **headers,
        }
        self._allow_private_hosts = allow_private_hosts
        self._observe = observe
        self._timeout = timeout
        self._upload_timeout = upload_timeout

    async def call(
        self, route: str, method: str, path: str, *, query: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """Send one request to the API. Redirects are not followed. `route` is its name in logs and metrics.

        Raises:
            ProviderUnreachable: nothing was sent.
            ProviderAmbiguous: it may have arrived: no answer, half of one, or one of more than 1 MiB.
        """
        url = URL(f"{self._base_url}{path}", encoded=True).with_query(query)
        headers = self._headers if body is None else {**self._headers, "Content-Type": "application/json"}
        return await self._send(
            route, method, url, headers=headers, data=body, timeout=self._timeout, middlewares=(_send_once,)
        )

    async def put_file(self, route: str, url: str, source: Path, *, content_type: str) -> Answer:
        """Put a file to a presigned address: nothing of the address is rewritten, and our key stays away.

        Raises:
            ProviderBusy: the address is none that the bot may use.
            ProviderUnreachable, ProviderAmbiguous: as for `call`.
        """
        try:
            target = check_url(url, allow_private=self._allow_private_hosts)
        except AddressRefused:
            raise ProviderBusy("upload_address_refused") from None
        file = await asyncio.to_thread(source.open, "rb")
        with file:
            return await self._send(
                route, "PUT", target, headers={"Content-Type": content_type}, data=file, timeout=self._upload_timeout
            )

    async def _send(
        self,
        route: str,
        method: str,
        url: URL,
        *,
        headers: Mapping[str, str],
        data: bytes | BinaryIO | None,
        timeout: aiohttp.ClientTimeout,
        middlewares: Sequence[aiohttp.ClientMiddlewareType] = (),
    ) -> Answer:
        status = NO_ANSWER
        try:
            async with self._session.request(
                method,
                url,
                headers=headers,
                data=data,
                timeout=timeout,
                allow_redirects=False,
                skip_auto_headers={"Content-Type", "User-Agent"},
                middlewares=middlewares,
            ) as response:
                body = await _read_capped(response)
                status = response.status
                return Answer(status, body, _retry_after_s(response.headers), response.headers)
        except ProviderError as error:
            raise self._logged(route, error) from None
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            # The originals' texts hold addresses with signatures, so they end here.
            raise self._logged(route, _translate(error)) from None
        finally:
            self._observe(route, status)

    def _logged(self, route: str, error: ProviderError) -> ProviderError:
        fields = {"provider": self._provider, "route": route, "code": error.code}
        log.warning("provider.no_answer", extra=fields)
        return error


class _ConnectionLost(aiohttp.ClientError):
    """What aiohttp takes for final, other than its own errors for a lost connection."""


async def _send_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending a request again whose connection was lost."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _ConnectionLost from error


async def _read_capped(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > ANSWER_MAX_BYTES:
            response.close()
            raise ProviderAmbiguous("answer_too_large")
    return bytes(body)


def _translate(error: Exception) -> ProviderError:
    match error:
        case aiohttp.ConnectionTimeoutError():
            return ProviderUnreachable("connect_timeout")
        case aiohttp.ClientSSLError() | aiohttp.ServerFingerprintMismatch():
            return ProviderUnreachable("tls_failed")
        case aiohttp.ClientConnectorError() | aiohttp.InvalidURL():
            return ProviderUnreachable("connect_failed")
        case TimeoutError():
            return ProviderAmbiguous("timeout")
        case _:
            return ProviderAmbiguous("connection_lost")


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Read `Retry-After` (RFC 9110, 10.2.3): seconds, or a moment, which is set against the answer's own `Date`."""
    text = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), RETRY_AFTER_MAX_S)
    try:
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("Date", ""))
    except (ValueError, TypeError):
        return None
    return min(max(wait.total_seconds(), 0.0), RETRY_AFTER_MAX_S)
