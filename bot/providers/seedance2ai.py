"""seedance2ai (P2): https://seedance2ai.io. Rules are those of its API pages, the current and the older one.

A task is found by its id only: there is no list, no cancel, no balance and no callback. What makes a create safe is its
idempotency key: the same key and bytes may be sent as often as it takes. The path belongs to a create as much as its
body, so a `Submission` here is the path, a line feed, and the exact body.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

import aiohttp
import msgspec

from bot.domain.errors import (
    InvariantBroken,
    ProviderAccount,
    ProviderAmbiguous,
    ProviderBusy,
    ProviderConflict,
    ProviderError,
    ProviderRejected,
    ProviderTurnedAway,
    TaskNotFound,
)
from bot.domain.jobs import TaskStatus
from bot.domain.requests import Reference, Spec
from bot.ports import ProviderTraits, RateBudget, Receipt, Submission, UploadedReference, Urgency
from bot.providers.http import API_TIMEOUT, Answer, ApiClient, Observe, observe_nothing
from bot.providers.seedance2ai_answers import read_cost, read_error_code, read_fields, read_identifier, read_task
from bot.providers.seedance2ai_requests import PATHS, make_create

API = "/api/v1"
#: No account has this task, so that asking for it proves the key: 404 with a key that is taken, 401 without.
IMPOSSIBLE_TASK = "sd2_00000000000000000000"
#: How long the account rests after a 429 that names no time (the older page has no `Retry-After`), in seconds: a sixth
#: of the window of 60 in which it has 30 requests.
UNTOLD_PAUSE_S = 10.0

#: Error codes, all of them.
ERROR_CODES = (
    "unauthorized",
    "invalid_request",
    "insufficient_credits",
    "rate_limited",
    "idempotency_conflict",
    "service_busy",
    "not_found",
    "internal_error",
)
#: Codes for HTTP statuses that mean the same without a readable code. A bare 404, 500 or 503 may be a proxy's.
_CODE_OF_STATUS = {
    400: "invalid_request",
    401: "unauthorized",
    402: "insufficient_credits",
    409: "idempotency_conflict",
    429: "rate_limited",
}

Meaning = Mapping[str | int, type[ProviderError]]

#: What an error means for a create. Everything else may have been taken, and goes again with its key.
_SUBMIT: Meaning = {
    "unauthorized": ProviderAccount,
    "insufficient_credits": ProviderAccount,
    "invalid_request": ProviderRejected,
    "not_found": ProviderRejected,
    "rate_limited": ProviderBusy,
    "idempotency_conflict": ProviderConflict,
    "service_busy": ProviderBusy,
    403: ProviderBusy,  # not documented; a wall before the API, which a person should look at
    404: ProviderRejected,
    405: ProviderRejected,
    413: ProviderRejected,
    414: ProviderRejected,
    415: ProviderRejected,
    422: ProviderRejected,
}
#: For a question that is safe to repeat, everything else means: ask again later.
_STATUS: Meaning = {"unauthorized": ProviderAccount, "not_found": TaskNotFound}


class Seedance2Ai:
    """The adapter. Every request to the API takes its turn in the account's rate budget first."""

    name = "seedance2ai"
    traits = ProviderTraits(
        has_list=False,
        has_cancel=False,
        has_balance=False,
        has_callback=False,
        has_idempotency=True,
        charges_failures=True,
        takes_links=True,
    )

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        base_url: str,
        api_key: str,
        rate: RateBudget,
        allow_private_hosts: bool,
        observe: Observe = observe_nothing,
        timeout: aiohttp.ClientTimeout = API_TIMEOUT,
    ) -> None:
        """Stand on `session`; see `ApiClient` for what it must be.

        Raises:
            SettingsInvalid: `base_url` is not an address that the bot may use.
        """
        self._rate = rate
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._connect = partial(
            ApiClient,
            session,
            provider=self.name,
            base_url=base_url,
            allow_private_hosts=allow_private_hosts,
            observe=observe,
            timeout=timeout,
        )
        self._client = self._connect(headers=self._headers)

    async def upload(self, reference: Reference, source: Path) -> UploadedReference:
        """Refuse: references reach this provider as links.

        Raises:
            ProviderRejected: always.
        """
        raise ProviderRejected("no_upload")

    def compose(self, spec: Spec, uploads: Sequence[UploadedReference], *, callback_url: str | None) -> Submission:
        """Make the create: its path, a line feed, and the body with every option and sorted keys.

        Raises:
            ProviderRejected: `prompt_too_long`, with the words that name its references.
        """
        path, fields = make_create(spec, uploads)
        return Submission(path.encode() + b"\n" + msgspec.json.encode(fields, order="deterministic"))

    async def submit(self, submission: Submission) -> Receipt:
        """Send the create with its idempotency key. A success with a task id is a receipt.

        Raises:
            ProviderError: as `Provider.submit` says. After `idempotency_conflict` the first request with this key may
                still be under way: the same again, later.
            InvariantBroken: no key, or a body that `compose` did not make.
        """
        path, _, body = submission.body.partition(b"\n")
        key = submission.idempotency_key
        if not key or path.decode(errors="replace") not in PATHS:
            raise InvariantBroken("a create for seedance2ai needs its idempotency key and its path")
        await self._rate.take(self.name, urgency=Urgency.SUBMIT)
        client = self._connect(headers={**self._headers, "Idempotency-Key": key})
        answer = await client.call("submit", "POST", f"{API}{path.decode()}", body=body)
        await self._rest(answer)
        fields = read_fields(answer.body) or {}
        task_id = read_identifier(fields.get("id"))
        if answer.is_success and task_id is not None:
            return Receipt(task_id, read_cost(fields))
        _refuse(answer, _SUBMIT, otherwise=ProviderAmbiguous)

    async def status(self, task_id: str) -> TaskStatus:
        """Ask for one task.

        Raises:
            TaskNotFound: the API itself says so; a proxy's 404 does not.
            ProviderError: no usable answer this time.
        """
        await self._rate.take(self.name, urgency=Urgency.POLL)
        answer = await self._client.call("status", "GET", f"{API}/tasks/{quote(task_id, safe='')}")
        await self._rest(answer)
        task = read_task(read_fields(answer.body) or {}, task_id) if answer.is_success else None
        if task is not None:
            return task
        _refuse(answer, _STATUS, otherwise=ProviderBusy)

    async def check_key(self) -> None:
        """Prove that the key is taken, by asking for a task that cannot exist.

        Raises:
            ProviderAccount: the key is missing, wrong or revoked.
            ProviderError: no usable answer this time, or the address is not that of the API.
        """
        try:
            await self.status(IMPOSSIBLE_TASK)
        except TaskNotFound:
            return

    def list_tasks(self, *, since: datetime) -> AsyncIterator[TaskStatus]:
        """Refuse: no list is documented, and an empty one would prove that a task is absent.

        Raises:
            ProviderRejected: always.
        """
        raise ProviderRejected("no_list")

    async def cancel(self, task_id: str) -> TaskStatus | None:
        """Return None: a task cannot be cancelled here."""
        return None

    async def balance(self) -> Decimal | None:
        """Return None: the account's credits cannot be asked for."""
        return None

    async def styles(self) -> list[str]:
        """Return none: styles belong in the prompt here."""
        return []

    async def _rest(self, answer: Answer) -> None:
        """Let the account rest for as long as the answer says, and for a while where a 429 says nothing."""
        wait_s = answer.retry_after_s
        if answer.status == 429 and wait_s is None:
            wait_s = UNTOLD_PAUSE_S
        if answer.status in (429, 503) and wait_s:
            await self._rate.pause(self.name, wait_s)


def _refuse(answer: Answer, meaning: Meaning, *, otherwise: type[ProviderError]) -> NoReturn:
    """Raise what an answer means: the API's code decides, without a documented one the HTTP status.

    What is refused in other words than the API's own may have met a proxy.
    """
    fields = read_fields(answer.body) or {}
    own = read_error_code(fields)
    if own is None and answer.status == 404 and fields.get("error") is not None:
        own = "not_found"
    code = own or ("malformed" if answer.is_success else _CODE_OF_STATUS.get(answer.status, f"http_{answer.status}"))
    known = code if code in ERROR_CODES else _CODE_OF_STATUS.get(answer.status, answer.status)
    kind = meaning.get(known, otherwise)
    if kind is ProviderRejected and own is None:
        kind = ProviderTurnedAway
    raise kind(code, retry_after_s=answer.retry_after_s)
