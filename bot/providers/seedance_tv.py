"""seedance-tv (P3): https://api.seedance.tv/v2. Rules are those of its one document, the guide to its API.

A create is safe only until it has left: there is no list, no idempotency key, no cancel and no callback, so an answer
that is lost leaves the job unknown for good. Only the HTTP statuses of its error table say for sure that nothing was
taken; 402, which is not in it, has one meaning.
"""

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

import aiohttp
import msgspec

from bot.clock import Clock, SystemClock
from bot.domain.errors import (
    ProviderAccount,
    ProviderAmbiguous,
    ProviderBusy,
    ProviderError,
    ProviderRejected,
    TaskNotFound,
)
from bot.domain.jobs import TaskStatus
from bot.domain.requests import Reference, Spec
from bot.ports import ProviderTraits, RateBudget, Receipt, Submission, UploadedReference, Urgency
from bot.providers.foreign_json import decode_json
from bot.providers.http import API_TIMEOUT, Answer, ApiClient, Observe, observe_nothing
from bot.providers.seedance_tv_answers import (
    is_page,
    read_balance,
    read_fields,
    read_identifier,
    read_styles,
    read_task,
)
from bot.providers.seedance_tv_problems import code_of, read_problems
from bot.providers.seedance_tv_rates import backoff_s, is_within_quota, quota_rest_s
from bot.providers.seedance_tv_requests import make_body, seconds_of

log = logging.getLogger(__name__)

#: What the HTTP statuses of the error table are called here, and 402.
_CODE_OF_STATUS = {
    401: "tv_unauthorized",
    402: "tv_insufficient_credits",
    404: "tv_not_found",
    422: "tv_invalid",
    429: "tv_too_many_requests",
    500: "tv_internal_error",
}
#: A 429 although requests are left: the account has too many tasks under way.
CROWDED = "tv_concurrency_limit"
#: Every code of ours for what the provider answers; a refused option adds its name to `tv_invalid`.
ERROR_CODES = (*_CODE_OF_STATUS.values(), CROWDED, "tv_missing", "tv_moderated")

Meaning = Mapping[int, type[ProviderError]]

#: What a status means for a create. Everything else may have been taken.
_SUBMIT: Meaning = {
    401: ProviderAccount,
    402: ProviderAccount,
    404: ProviderRejected,
    422: ProviderRejected,
    429: ProviderBusy,
}
#: For a question that is safe to repeat, everything else means: ask again later.
_ACCOUNT: Meaning = {401: ProviderAccount, 429: ProviderBusy}
_TASK: Meaning = {401: ProviderAccount, 404: TaskNotFound}

#: A guess, since no price is documented: an account with fewer credits than seconds asked for is taken to be empty
#: where an undocumented refusal leaves open why.
POOR_BELOW_PER_SECOND = 1


class SeedanceTv:
    """The adapter. Every request to the API takes its turn in the account's rate budget first."""

    name = "seedance-tv"
    traits = ProviderTraits(
        has_list=False, has_cancel=False, has_balance=True, has_callback=False, has_idempotency=False
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
        clock: Clock | None = None,
    ) -> None:
        """Stand on `session`; see `ApiClient` for what it must be. `base_url` ends in the API's version, `/v2`.

        `clock` tells the time for answers without a `Date`; None is the machine's own.

        Raises:
            SettingsInvalid: `base_url` is not an address that the bot may use.
        """
        self._rate = rate
        self._clock = clock or SystemClock()
        self._refusals = 0  # 429s in a row that named no time
        self._api = ApiClient(
            session,
            provider=self.name,
            base_url=base_url,
            headers={"Authorization": f"Bearer {api_key}"},
            allow_private_hosts=allow_private_hosts,
            observe=observe,
            timeout=timeout,
        )

    async def upload(self, reference: Reference, source: Path) -> UploadedReference:
        """Refuse: no references are documented.

        Raises:
            ProviderRejected: always.
        """
        raise ProviderRejected("no_references")

    def compose(self, spec: Spec, uploads: Sequence[UploadedReference], *, callback_url: str | None) -> Submission:
        """Make the create's body, keys sorted; see `seedance_tv_requests` for which options it names.

        Raises:
            ProviderRejected: there are references, or a camera move has no word here.
        """
        if uploads:
            raise ProviderRejected("no_references")
        return Submission(msgspec.json.encode(make_body(spec), order="deterministic"))

    async def submit(self, submission: Submission) -> Receipt:
        """Send the create once. A success of any kind that names a task is a receipt.

        Raises:
            ProviderError: as `Provider.submit` says. Where a refusal does not tell that the account is empty, the
                balance is asked for.
        """
        answer = await self._call("submit", "POST", "/videos", Urgency.SUBMIT, body=submission.body)
        fields = read_fields(answer.body)
        task_id = read_identifier(fields.get("id"))
        if answer.is_success and task_id is not None:
            return Receipt(task_id)
        if task_id is not None and isinstance(fields.get("status"), str):  # whatever else it says, there is a task
            raise ProviderAmbiguous(_code(answer), task_id=task_id)
        problems = read_problems(answer.body) if answer.status == 422 else ()
        if answer.status == 403 or (answer.status == 422 and not problems):
            await self._refuse_if_poor(submission)
        if problems:
            told = [f"{one.option}:{one.reason}" for one in problems]
            log.warning("provider.fields_refused", extra={"provider": self.name, "problems": told})
            raise ProviderRejected(code_of(problems))
        _refuse(answer, _SUBMIT, otherwise=ProviderAmbiguous)

    async def status(self, task_id: str) -> TaskStatus:
        """Ask for one task.

        Raises:
            TaskNotFound: the API says so; a web page with 404 does not.
            ProviderError: no usable answer this time.
        """
        answer = await self._call("status", "GET", f"/videos/{quote(task_id, safe='')}", Urgency.POLL)
        task = read_task(answer.body, task_id) if answer.is_success else None
        if task is not None:
            return task
        _refuse(answer, _ACCOUNT if is_page(answer.body) else _TASK, otherwise=ProviderBusy)

    async def balance(self) -> Decimal | None:
        """Return the account's remaining credits.

        Raises:
            ProviderError: no usable answer this time.
        """
        return await self._credits(Urgency.POLL)

    async def check_key(self) -> None:
        """Prove the key by asking for the balance. No document shows that answer: any JSON with a success is proof.

        Raises:
            ProviderAccount: the key is missing, wrong or expired.
            ProviderBusy: too many requests.
            ProviderError: no usable answer this time.
        """
        answer = await self._call("balance", "GET", "/account/balance", Urgency.POLL)
        if not answer.is_success or decode_json(answer.body) is None:
            _refuse(answer, _ACCOUNT, otherwise=ProviderAmbiguous)

    async def styles(self) -> list[str]:
        """Return the visual styles, as a create takes them.

        Raises:
            ProviderError: no usable answer this time.
        """
        answer = await self._call("styles", "GET", "/styles", Urgency.POLL)
        found = read_styles(answer.body) if answer.is_success else None
        if found is not None:
            return found
        _refuse(answer, _ACCOUNT, otherwise=ProviderBusy)

    def list_tasks(self, *, since: datetime) -> AsyncIterator[TaskStatus]:
        """Refuse: no list is documented, and an empty one would prove that a task is absent.

        Raises:
            ProviderRejected: always.
        """
        raise ProviderRejected("no_list")

    async def cancel(self, task_id: str) -> TaskStatus | None:
        """Return None: a task cannot be cancelled here."""
        return None

    async def _credits(self, urgency: int) -> Decimal:
        answer = await self._call("balance", "GET", "/account/balance", urgency)
        credits = read_balance(answer.body) if answer.is_success else None
        if credits is not None:
            return credits
        _refuse(answer, _ACCOUNT, otherwise=ProviderBusy)

    async def _refuse_if_poor(self, submission: Submission) -> None:
        """Raise `ProviderAccount` if the account surely cannot pay; an account that does not answer proves nothing."""
        try:
            credits = await self._credits(Urgency.SUBMIT)
        except ProviderError:
            return
        if credits < POOR_BELOW_PER_SECOND * seconds_of(read_fields(submission.body)):
            raise ProviderAccount("tv_insufficient_credits")

    async def _call(self, route: str, method: str, path: str, urgency: int, *, body: bytes | None = None) -> Answer:
        """Send one request in its turn, and let the account rest for as long as the answer wants.

        The answer to a 429 has that time as its `retry_after_s`.
        """
        await self._rate.take(self.name, urgency=urgency)
        answer = await self._api.call(route, method, path, body=body)
        rest_s = self._rest_s(answer)
        if rest_s:
            await self._rate.pause(self.name, rest_s)
        return replace(answer, retry_after_s=rest_s) if answer.status == 429 else answer

    def _rest_s(self, answer: Answer) -> float | None:
        quota_s = quota_rest_s(answer.headers, now=self._clock.now().timestamp())
        asked_s = answer.retry_after_s if answer.status in (429, 503) else None
        if answer.status != 429:
            self._refusals = 0
        elif not asked_s and not quota_s and not is_within_quota(answer.headers):
            self._refusals += 1
            return backoff_s(self._refusals)
        return max(asked_s or 0, quota_s or 0) or None


def _code(answer: Answer) -> str:
    """Name what went wrong. "Error Message Example" are examples: the HTTP status decides, and of a 429 its headers."""
    if answer.status == 429 and is_within_quota(answer.headers):
        return CROWDED
    return "malformed" if answer.is_success else _CODE_OF_STATUS.get(answer.status, f"http_{answer.status}")


def _refuse(answer: Answer, meaning: Meaning, *, otherwise: type[ProviderError]) -> NoReturn:
    raise meaning.get(answer.status, otherwise)(_code(answer), retry_after_s=answer.retry_after_s)
