"""seedance2-movie (P1): https://api.seedance2.movie. Rules are those of its API documentation.

The body's `code` decides, whatever the HTTP status ("most responses use HTTP 200 with error details in the body");
the status decides only where no documented code can be read.
"""

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

import aiohttp
import msgspec

from bot.domain.errors import (
    ProviderAccount,
    ProviderAmbiguous,
    ProviderBusy,
    ProviderError,
    ProviderRejected,
    TaskNotFound,
)
from bot.domain.jobs import TaskStatus
from bot.domain.requests import Reference, ReferenceRole, Spec
from bot.ports import ProviderTraits, RateBudget, Receipt, Submission, UploadedReference, Urgency
from bot.providers.http import API_TIMEOUT, UPLOAD_TIMEOUT, Answer, ApiClient, Observe, observe_nothing
from bot.providers.seedance2_movie_answers import (
    Envelope,
    read_amount,
    read_envelope,
    read_identifier,
    read_rows,
    read_task,
)

log = logging.getLogger(__name__)

API = "/api/v1/video"
PAGE_SIZE = 100  # the largest that the API takes
PAGES_MAX = 50

#: Business error codes, all of them.
ERROR_CODES = (
    "INVALID_API_KEY",
    "INVALID_PARAMETER",
    "MISSING_PARAMETER",
    "INSUFFICIENT_CREDIT",
    "CREDIT_DEDUCT_FAILED",
    "TASK_NOT_FOUND",
    "TASK_SUBMIT_FAILED",
    "TASK_CANCEL_NOT_ALLOWED",
    "CONCURRENCY_LIMIT_REACHED",
    "FILE_UPLOAD_FAILED",
    "VIDEO_DOWNLOAD_FAILED",
    "CONTENT_MODERATION_FAILED",
    "COPYRIGHT_VIOLATION",
    "PRIVACY_VIOLATION",
    "SERVICE_BUSY",
    "RATE_LIMIT_EXCEEDED",
    "INTERNAL_ERROR",
)

EXTENSIONS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/webm": "webm",
}

Meaning = Mapping[str | int, type[ProviderError]]

_REFUSALS: Meaning = {
    "INVALID_PARAMETER": ProviderRejected,
    "MISSING_PARAMETER": ProviderRejected,
    "CONTENT_MODERATION_FAILED": ProviderRejected,
    "COPYRIGHT_VIOLATION": ProviderRejected,
    "PRIVACY_VIOLATION": ProviderRejected,
    "INVALID_API_KEY": ProviderAccount,
    "INSUFFICIENT_CREDIT": ProviderAccount,
    400: ProviderRejected,
    401: ProviderAccount,
    402: ProviderAccount,
}
#: What an error means for a create. Everything else may have been taken: a bare 429 may be "task is queued".
_SUBMIT: Meaning = {
    **_REFUSALS,
    "SERVICE_BUSY": ProviderBusy,
    "RATE_LIMIT_EXCEEDED": ProviderBusy,
    403: ProviderBusy,  # not documented; a wall before the API, which a person should look at
    404: ProviderRejected,
    405: ProviderRejected,
    413: ProviderRejected,
    414: ProviderRejected,
    415: ProviderRejected,
    422: ProviderRejected,
}
#: Codes that HTTP 429 and 503 stand for; they come with HTTP 200 too.
_TOO_MUCH = ("SERVICE_BUSY", "RATE_LIMIT_EXCEEDED", "CONCURRENCY_LIMIT_REACHED")
#: For requests that are safe to repeat, everything else means: ask again later.
_PRESIGN: Meaning = {**_REFUSALS, 413: ProviderRejected}
_ACCOUNT: Meaning = {"INVALID_API_KEY": ProviderAccount, 401: ProviderAccount}
_TASK: Meaning = {**_ACCOUNT, "TASK_NOT_FOUND": TaskNotFound}

#: Codes for HTTP statuses that the documentation gives one meaning only.
_CODE_OF_STATUS = {401: "INVALID_API_KEY", 402: "INSUFFICIENT_CREDIT"}


class Seedance2Movie:
    """The adapter. Every request to the API takes its turn in the account's rate budget first."""

    name = "seedance2-movie"
    traits = ProviderTraits(has_list=True, has_cancel=True, has_balance=True, has_callback=True, has_idempotency=False)

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
        upload_timeout: aiohttp.ClientTimeout = UPLOAD_TIMEOUT,
    ) -> None:
        """Stand on `session`; see `ApiClient` for what it must be.

        Raises:
            SettingsInvalid: `base_url` is not an address that the bot may use.
        """
        self._rate = rate
        self._client = ApiClient(
            session,
            provider=self.name,
            base_url=base_url,
            headers={"X-API-Key": api_key},
            allow_private_hosts=allow_private_hosts,
            observe=observe,
            timeout=timeout,
            upload_timeout=upload_timeout,
        )

    async def upload(self, reference: Reference, source: Path) -> UploadedReference:
        """Presign, then put the file with exactly the presigned type. A refused address is renewed once.

        Raises:
            ProviderRejected: the type or the file will never be taken.
            ProviderError: not this time.
        """
        for _ in range(2):
            address, path = await self._presign(reference)
            answer = await self._client.put_file("upload", address, source, content_type=reference.content_type)
            if answer.is_success:
                return UploadedReference(reference.role.value, reference.kind, path)
            if answer.status == 413:
                raise ProviderRejected("http_413")
            if answer.status >= 500:
                break
        raise ProviderBusy(f"upload_http_{answer.status}", retry_after_s=answer.retry_after_s)

    async def _presign(self, reference: Reference) -> tuple[str, str]:
        extension = EXTENSIONS.get(reference.content_type)
        if extension is None:
            raise ProviderRejected("unsupported_type")
        query = {"filename": f"{reference.sha256[:32]}.{extension}", "content_type": reference.content_type}
        envelope = await self._ask("presign", "POST", "/upload/presign", Urgency.UPLOAD, _PRESIGN, query=query)
        address, path = envelope.result.get("presigned_url"), envelope.result.get("file_path")
        if not (isinstance(address, str) and isinstance(path, str) and address and path):
            raise ProviderBusy("malformed")
        return address, path

    def compose(self, spec: Spec, uploads: Sequence[UploadedReference], *, callback_url: str | None) -> Submission:
        """Make the create's body: every option, the start image before other references, keys sorted."""
        ordered = sorted(uploads, key=lambda upload: upload.role != ReferenceRole.START_IMAGE.value)
        content = [_item(f"{upload.kind.value}_url", upload.address) for upload in ordered]
        content.append(_item("text", spec.prompt))
        if spec.sample is not None:
            content.append(_item("sample_id", spec.sample))
        body: dict[str, Any] = {
            "model": spec.model_name,
            "content": content,
            "resolution": spec.resolution,
            "ratio": spec.aspect_ratio,
            "duration": spec.duration_s,
            "generate_audio": spec.audio,
            "seed": spec.seed,
            "watermark": spec.watermark,
            "return_last_frame": True,
        }
        if callback_url is not None:
            body["callback_url"] = callback_url
        return Submission(msgspec.json.encode(body, order="deterministic"))

    async def submit(self, submission: Submission) -> Receipt:
        """Send the create once. Only a success with a task id is a receipt.

        Raises:
            ProviderError: as `Provider.submit` says.
        """
        await self._rate.take(self.name, urgency=Urgency.SUBMIT)
        answer = await self._call("submit", "POST", "/task", body=submission.body)
        envelope = read_envelope(answer.body)
        task_id = None if envelope is None else read_identifier(envelope.result.get("task_id"))
        if envelope is not None and envelope.is_success and answer.is_success and task_id is not None:
            return Receipt(task_id, read_amount(envelope.result.get("credit_cost")))
        if task_id is not None:  # whatever else it says, there is a task
            raise ProviderAmbiguous(_code(answer, envelope), retry_after_s=answer.retry_after_s, task_id=task_id)
        _refuse(answer, envelope, _SUBMIT, otherwise=ProviderAmbiguous)

    async def status(self, task_id: str) -> TaskStatus:
        """Ask for one task.

        Raises:
            TaskNotFound: the API's own code says so; a bare 404 does not.
            ProviderError: no usable answer this time.
        """
        path = f"/task/{quote(task_id, safe='')}"
        envelope = await self._ask("status", "GET", path, Urgency.POLL, _TASK)
        return _same_task(envelope, task_id)

    async def list_tasks(self, *, since: datetime) -> AsyncIterator[TaskStatus]:
        """Yield the account's tasks from `since` on, each once. Rows that cannot be read are left out.

        The documentation promises no order. Pages after one that ends before `since` are left out only where that
        page was in order, newest first.

        Raises:
            ProviderBusy: more than 50 pages of 100, or a page with nothing new before the end, so that a missing task
                would prove nothing.
            ProviderError: no usable answer this time.
        """
        seen: set[str] = set()
        unreadable = 0
        for page in range(1, PAGES_MAX + 1):
            query = {"page": str(page), "page_size": str(PAGE_SIZE)}
            envelope = await self._ask("list", "GET", "/tasks", Urgency.POLL, _ACCOUNT, query=query)
            rows = read_rows(envelope.result)
            if rows is None:
                raise ProviderBusy("malformed")
            tasks = [task for task in map(read_task, rows) if task is not None]
            if len(tasks) < len(rows):
                log.warning("provider.rows_unreadable", extra={"provider": self.name, "rows": len(rows) - len(tasks)})
                unreadable += len(rows) - len(tasks)
            known = len(seen)
            for task in tasks:
                if task.task_id not in seen and (task.created_at is None or task.created_at >= since):
                    yield task
                seen.add(task.task_id)
            if not rows or _is_complete(envelope.result, len(seen) + unreadable) or _ends_before(tasks, since):
                return
            if tasks and len(seen) == known:
                raise ProviderBusy("list_repeats")
        raise ProviderBusy("list_too_long")

    async def cancel(self, task_id: str) -> TaskStatus | None:
        """Ask to cancel; a task under way is cancelled "with the provider", so that it may still end otherwise.

        Raises:
            TaskNotFound: the API's own code says so.
            ProviderError: no usable answer this time.
        """
        await self._rate.take(self.name, urgency=Urgency.CANCEL)
        answer = await self._call("cancel", "POST", f"/task/{quote(task_id, safe='')}/cancel")
        envelope = read_envelope(answer.body)
        if envelope is not None and envelope.is_success and answer.is_success:
            return _same_task(envelope, task_id)
        code = _code(answer, envelope)
        if code in ("TASK_CANCEL_NOT_ALLOWED", "INVALID_PARAMETER", "http_400"):
            return None
        _refuse(answer, envelope, _TASK, otherwise=ProviderBusy)

    async def balance(self) -> Decimal | None:
        """Return the account's remaining credits.

        Raises:
            ProviderError: no usable answer this time.
        """
        envelope = await self._ask("balance", "GET", "/balance", Urgency.POLL, _ACCOUNT)
        remaining = read_amount(envelope.result.get("remain_credits"), may_be_negative=True)
        if remaining is None:
            raise ProviderBusy("malformed")
        return remaining

    async def check_key(self) -> None:
        """Prove the key by asking for the balance.

        Raises:
            ProviderAccount: the key is dead.
            ProviderError: no usable answer this time.
        """
        await self.balance()

    async def styles(self) -> list[str]:
        """There are none here."""
        return []

    async def _ask(
        self,
        route: str,
        method: str,
        path: str,
        urgency: int,
        meaning: Meaning,
        *,
        query: Mapping[str, str] | None = None,
    ) -> Envelope:
        """Send a request that is safe to repeat, and return a success."""
        await self._rate.take(self.name, urgency=urgency)
        answer = await self._call(route, method, path, query=query)
        envelope = read_envelope(answer.body)
        if envelope is not None and envelope.is_success and answer.is_success:
            return envelope
        _refuse(answer, envelope, meaning, otherwise=ProviderBusy)

    async def _call(
        self, route: str, method: str, path: str, *, query: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        answer = await self._client.call(route, method, f"{API}{path}", query=query, body=body)
        if answer.retry_after_s and _is_too_much(answer):
            await self._rate.pause(self.name, answer.retry_after_s)
        return answer


def _item(kind: str, value: str) -> dict[str, str]:
    """Make an item of `content`; its value is in the field named like its type."""
    return {"type": kind, kind: value}


def _same_task(envelope: Envelope, task_id: str) -> TaskStatus:
    task = read_task({"task_id": task_id, **envelope.result})
    if task is None or task.task_id != task_id or not isinstance(envelope.result.get("status"), str):
        raise ProviderBusy("malformed")
    return task


def _is_complete(result: Mapping[str, Any], received: int) -> bool:
    """Whether all rows have come. Counted, because a page may be smaller than was asked for; rows that come again do
    not count, because pages move on while they are read, or are all the same."""
    total = read_amount(result.get("total"))
    return total is not None and received >= total


def _ends_before(tasks: Sequence[TaskStatus], since: datetime) -> bool:
    moments = [task.created_at for task in tasks if task.created_at is not None]
    return bool(moments) and moments == sorted(moments, reverse=True) and moments[-1] < since


def _code(answer: Answer, envelope: Envelope | None) -> str:
    """Name what went wrong: the API's code, else the HTTP status, else that the answer made no sense."""
    if envelope is not None and not envelope.is_success and envelope.code is not None:
        return envelope.code
    status = _status(answer, envelope)
    return "malformed" if 200 <= status < 300 else _CODE_OF_STATUS.get(status, f"http_{status}")


def _status(answer: Answer, envelope: Envelope | None) -> int:
    """Return the HTTP status, or the one that the body names instead of a code."""
    return answer.status if envelope is None or envelope.status is None else envelope.status


def _is_too_much(answer: Answer) -> bool:
    """Whether an answer says that there were too many requests, by its HTTP status or its code."""
    envelope = read_envelope(answer.body)
    return _status(answer, envelope) in (429, 503) or _code(answer, envelope) in _TOO_MUCH


def _refuse(answer: Answer, envelope: Envelope | None, meaning: Meaning, *, otherwise: type[ProviderError]) -> NoReturn:
    code = _code(answer, envelope)
    kind = meaning.get(code) if code in ERROR_CODES else meaning.get(_status(answer, envelope))
    raise (kind or otherwise)(code, retry_after_s=answer.retry_after_s)
