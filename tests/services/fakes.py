"""Stand-ins at the ports: a provider with its own task list, Discord's channels, files, links, a breaker."""

import itertools
import json
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from bot.clock import Clock
from bot.domain.catalog import Model
from bot.domain.errors import DeliveryAmbiguous, MediaRejected, ProviderAmbiguous, TaskNotFound
from bot.domain.jobs import CardTarget, Job, TaskState, TaskStatus
from bot.domain.requests import Attachment, MediaKind, Reference, Spec
from bot.ports import (
    ApprovalView,
    BreakerState,
    CardView,
    ClipInfo,
    ClipPost,
    MarkSearch,
    Notice,
    Posted,
    ProviderTraits,
    Receipt,
    Submission,
    UploadedReference,
)

P1 = "seedance2-movie"
PRICE = {"seedance-2.0": Decimal("1.8"), "seedance-2.0-fast": Decimal("1.44")}
NONCE_KEPT_FOR = timedelta(minutes=5)
LOST = "lost"  # the effect takes place, its answer does not arrive

#: Called at every port call, before and after its effect; a test may raise there.
Point = Callable[[str], None]


def no_point(_name: str) -> None:
    """Nothing happens."""


@dataclass
class FakeTask:
    """A task in the provider's record."""

    task_id: str
    body: dict
    created_at: datetime
    state: TaskState = TaskState.RUNNING
    cost: Decimal | None = None
    error_code: str | None = None
    hides_seed: bool = False
    has_url: bool = True
    pictures: int = 0  # how many come of it; 0 for a clip
    renewals: int = 0  # how often its addresses were signed anew


@dataclass
class FakeProvider:
    """P1 in memory. Scripts hold what the next calls do: an exception to raise, LOST, or None for a plain answer."""

    clock: Clock
    name: str = P1
    traits: ProviderTraits = field(
        default_factory=lambda: ProviderTraits(
            has_list=True, has_cancel=True, has_balance=True, has_callback=True, has_idempotency=False
        )
    )
    point: Point = no_point
    auto_finish: bool = True
    tasks: dict[str, FakeTask] = field(default_factory=dict)
    creates: list[dict] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    _bodies: dict[str | None, tuple[bytes, FakeTask]] = field(default_factory=dict)
    status_times: list[datetime] = field(default_factory=list)
    searches: list[datetime] = field(default_factory=list)
    cancels: list[str] = field(default_factory=list)
    submit_script: deque = field(default_factory=deque)
    status_script: deque = field(default_factory=deque)
    cancel_script: deque = field(default_factory=deque)
    list_script: deque = field(default_factory=deque)
    key_script: deque = field(default_factory=deque)
    on_submit: Callable[[FakeTask], object] | None = None
    on_status: Callable[[FakeTask], object] | None = None
    on_search: Callable[[], object] | None = None
    _numbers: itertools.count = field(default_factory=lambda: itertools.count(1))

    def number_from(self, first: int) -> None:
        """Name the next tasks from this number on: worlds on one database must not name theirs alike."""
        self._numbers = itertools.count(first)

    async def upload(self, reference: Reference, source: Path) -> UploadedReference:
        self.point("upload")
        return UploadedReference(reference.role.value, reference.kind, f"api/uploads/{reference.key}")

    async def check_key(self) -> None:
        if self.key_script:
            raise self.key_script.popleft()

    async def styles(self) -> list[str]:
        return []

    def compose(self, spec: Spec, uploads: Sequence[UploadedReference], *, callback_url: str | None) -> Submission:
        body = {
            "model": spec.model_name,
            "seed": spec.seed,
            "resolution": spec.resolution,
            "ratio": spec.aspect_ratio,
            "duration": spec.duration_s,
            "callback_url": callback_url,
            "content": [u.address for u in uploads],
        }
        return Submission(json.dumps(body).encode())

    def add(self, body: dict, **values: object) -> FakeTask:
        """Put a task into the record, as if somebody had created it."""
        task = FakeTask(f"task{next(self._numbers)}", body, self.clock.now(), **values)
        self.tasks[task.task_id] = task
        return task

    async def submit(self, submission: Submission) -> Receipt:
        self.point("submit")
        outcome = self.submit_script.popleft() if self.submit_script else None
        self.creates.append(json.loads(submission.body))
        self.keys.append(submission.idempotency_key)
        if isinstance(outcome, BaseException):
            raise outcome
        task = self._replayed(submission) or self.add(json.loads(submission.body))
        self._bodies[submission.idempotency_key] = (submission.body, task)
        if self.on_submit is not None:
            await _maybe(self.on_submit(task))
        self.point("submitted")
        if outcome == LOST:
            raise ProviderAmbiguous("timeout")
        if callable(outcome):
            raise outcome(task)
        return Receipt(task.task_id)

    def _replayed(self, submission: Submission) -> FakeTask | None:
        """Return the task that the same key made before; other bytes under it are a conflict."""
        known = self._bodies.get(submission.idempotency_key) if submission.idempotency_key else None
        if known is None:
            return None
        body, task = known
        assert body == submission.body
        return task

    def _answer(self, task: FakeTask) -> TaskStatus:
        done = task.state is TaskState.SUCCEEDED
        cost = task.cost if task.cost is not None else PRICE[task.body["model"]] * task.body["duration"]
        return TaskStatus(
            task.task_id,
            task.state,
            cost=cost if done else None if task.state is TaskState.RUNNING else task.cost,
            result_url=_addresses(task)[0] if done and task.has_url else None,
            result_urls=_addresses(task) if done and task.has_url and task.pictures else (),
            error_code=task.error_code,
            seed=None if task.hides_seed else task.body["seed"],
            model_name=task.body["model"],
            resolution=task.body["resolution"],
            aspect_ratio=task.body["ratio"],
            duration_s=task.body["duration"],
            created_at=task.created_at,
        )

    async def status(self, task_id: str) -> TaskStatus:
        self.point("status")
        self.status_times.append(self.clock.now())
        outcome = self.status_script.popleft() if self.status_script else None
        if isinstance(outcome, BaseException):
            raise outcome
        task = self.tasks.get(task_id)
        if task is None:
            raise TaskNotFound("TASK_NOT_FOUND")
        if self.auto_finish and task.state is TaskState.RUNNING:
            task.state = TaskState.SUCCEEDED
        answer = self._answer(task)
        if self.on_status is not None:
            await _maybe(self.on_status(task))
        return answer

    async def list_tasks(self, *, since: datetime) -> AsyncIterator[TaskStatus]:
        self.point("list")
        self.searches.append(self.clock.now())
        if self.on_search is not None:
            await _maybe(self.on_search())
        outcome = self.list_script.popleft() if self.list_script else None
        if isinstance(outcome, BaseException):
            raise outcome
        for task in reversed(list(self.tasks.values())):
            if task.created_at >= since:
                yield self._answer(task)

    async def cancel(self, task_id: str) -> TaskStatus | None:
        self.point("cancel")
        self.cancels.append(task_id)
        outcome = self.cancel_script.popleft() if self.cancel_script else None
        if isinstance(outcome, BaseException):
            raise outcome
        if outcome == "refused":
            return None
        task = self.tasks[task_id]
        if outcome == "but completes":  # says cancelled, and goes on
            return TaskStatus(task_id, TaskState.CANCELLED)
        task.state = TaskState.CANCELLED
        self.point("cancelled")
        return self._answer(task)

    async def balance(self) -> Decimal | None:
        return Decimal(1000)


def _addresses(task: FakeTask) -> tuple[str, ...]:
    """Return where a task's results are, signed as often as the test wants."""
    behind = f"?signed={task.renewals}" if task.renewals else ""
    if not task.pictures:
        return (f"https://cdn.example/{task.task_id}.mp4{behind}",)
    return tuple(f"https://cdn.example/{task.task_id}-{number}.png{behind}" for number in range(1, task.pictures + 1))


async def _maybe(result: object) -> None:
    if hasattr(result, "__await__"):
        await result


@dataclass
class FakeMessage:
    """A message that people see. `channel_id` 0 is the interaction's follow-up."""

    id: int
    channel_id: int
    nonce: str
    post: ClipPost
    at: datetime


@dataclass
class FakeMessenger:
    """Discord's channels. Direct messages of member U are channel 9_000_000 + U; follow-ups are in channel
    `follow_ups_in`.

    `script["post"]`, `["follow_up"]`, `["open"]`, `["find"]`, `["tell"]`, `["card"]`, `["member"]`, `["notice"]`,
    `["approval"]` hold what the next calls do. `gone` are members who have left.
    """

    clock: Clock
    point: Point = no_point
    messages: list[FakeMessage] = field(default_factory=list)
    cards: list[CardView] = field(default_factory=list)
    told: list[CardView] = field(default_factory=list)
    script: dict[str, deque] = field(default_factory=lambda: defaultdict(deque))
    notices: list[tuple[int, Notice]] = field(default_factory=list)
    approvals: list[tuple[int, ApprovalView]] = field(default_factory=list)
    gone: set[int] = field(default_factory=set)
    closed: set[int] = field(default_factory=set)
    closed_error: type[Exception] | None = None
    follow_ups_in: int = 0
    limit_bytes: int | None = None
    too_large: type[Exception] | None = None
    posts: int = 0
    _ids: itertools.count = field(default_factory=lambda: itertools.count(5000))

    def _next(self, kind: str) -> object:
        outcome = self.script[kind].popleft() if self.script[kind] else None
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    async def show_card(self, target: CardTarget, view: CardView) -> CardTarget | None:
        self._next("card")
        self.cards.append(view)
        return target

    async def post_clip(self, channel_id: int, post: ClipPost) -> Posted:
        self.point("post")
        assert len(post.nonce) <= 25
        self.posts += 1
        outcome = self._next("post")
        if channel_id in self.closed:
            raise self.closed_error(50013, status=403)
        size = sum(one.size_bytes for one in (post.file, post.preview, *post.pictures) if one is not None)
        if self.limit_bytes is not None and size > self.limit_bytes:
            raise self.too_large(40005, status=413)
        message = self._same_nonce(channel_id, post.nonce) or self._add(channel_id, post)
        self.point("posted")
        if outcome == LOST:
            raise DeliveryAmbiguous(0, status=502)
        return Posted(channel_id, message.id)

    def _same_nonce(self, channel_id: int, nonce: str) -> FakeMessage | None:
        for message in self.messages:
            is_kept = self.clock.now() - message.at < NONCE_KEPT_FOR
            if message.channel_id == channel_id and message.nonce == nonce and is_kept:
                return message
        return None

    def _add(self, channel_id: int, post: ClipPost) -> FakeMessage:
        message = FakeMessage(next(self._ids), channel_id, post.nonce, post, self.clock.now())
        self.messages.append(message)
        return message

    async def follow_up(self, target: CardTarget, post: ClipPost) -> Posted:
        self.point("follow_up")
        outcome = self._next("follow_up")
        message = self._add(self.follow_ups_in, post)
        self.point("followed_up")
        if outcome == LOST:
            raise DeliveryAmbiguous(0, status=502)
        return Posted(target.channel_id, message.id)

    async def open_direct(self, user_id: int) -> int:
        self.point("open_direct")
        self._next("open")
        return 9_000_000 + user_id

    async def tell(self, user_id: int, view: CardView) -> Posted:
        self._next("tell")
        self.told.append(view)
        return Posted(9_000_000 + user_id, next(self._ids))

    async def find_mark(
        self, channel_id: int, job: Job, delivery_number: int, *, after: datetime, part: int = 0
    ) -> MarkSearch:
        self.point("find_mark")
        if self._next("find") == "unreadable":
            return MarkSearch(None, is_certain=False)
        for message in self.messages:
            nonce = f"{job.id}-{delivery_number}-{part}"
            if message.channel_id == channel_id and message.nonce == nonce and message.at >= after:
                return MarkSearch(Posted(channel_id, message.id), is_certain=True)
        return MarkSearch(None, is_certain=True)

    async def delete_message(self, channel_id: int, message_id: int) -> None:
        self.messages = [m for m in self.messages if m.id != message_id]

    async def is_member(self, guild_id: int, user_id: int) -> bool:
        self._next("member")
        return user_id not in self.gone

    async def post_notice(self, channel_id: int, notice: Notice) -> Posted:
        assert len(notice.nonce) <= 25
        assert len(notice.text) <= 2000
        self._next("notice")
        self.notices.append((channel_id, notice))
        return Posted(channel_id, next(self._ids))

    async def show_approval(self, channel_id: int, view: ApprovalView, *, message_id: int | None) -> Posted:
        self._next("approval")
        self.approvals.append((channel_id, view))
        return Posted(channel_id, next(self._ids) if message_id is None else message_id)

    def of(self, job: Job) -> list[FakeMessage]:
        """Messages that show a job's clip, wherever."""
        return [m for m in self.messages if m.post.job.id == job.id]


@dataclass
class FakeStore:
    """Kept files, by key."""

    folder: Path
    gone: set[str] = field(default_factory=set)
    deleted: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)  # what has been there for long

    async def put(self, key: str, source: Path) -> None:
        self.gone.discard(key)

    async def keys(self, older_than_s: float) -> list[str]:
        return [key for key in self.kept if key not in self.gone]

    async def local(self, key: str) -> Path:
        if any(key == gone or key.startswith(f"{gone}.") for gone in self.gone):
            raise MediaRejected("gone")
        return self.folder / "file"

    async def delete(self, key: str) -> None:
        self.deleted.append(key)
        self.gone.add(key)


@dataclass
class FakeWorkshop:
    """Clips of `clip_bytes`; `smallest_bytes` is the least that one can be squeezed to. `fit_error` stops that.

    Pictures of `picture_bytes`, squeezed alike; `picture_script` says by address what stops one from being fetched.
    """

    folder: Path
    point: Point = no_point
    clip_bytes: int = 1_000_000
    smallest_bytes: int = 500_000
    fit_error: Exception | None = None
    script: deque = field(default_factory=deque)
    fetches: list[str] = field(default_factory=list)
    picture_bytes: int = 2_000_000
    picture_script: dict[str, Exception] = field(default_factory=dict)

    def _file(self, name: str, size: int) -> Path:
        path = self.folder / name
        with path.open("wb") as file:
            file.truncate(size)
        return path

    async def fetch_clip(self, url: str, key: str) -> ClipInfo:
        self.point("fetch")
        self.fetches.append(url)
        outcome = self.script.popleft() if self.script else None
        if isinstance(outcome, BaseException):
            raise outcome
        self.point("fetched")
        return ClipInfo(self.clip_bytes, 5.0, 1280, 720, True)

    async def fit_clip(self, key: str, limit_bytes: int) -> Path | None:
        self.point("fit")
        if self.fit_error is not None:
            raise self.fit_error
        if self.clip_bytes <= limit_bytes:
            return self._file("clip.mp4", self.clip_bytes)
        return self._file("fitted.mp4", limit_bytes) if self.smallest_bytes <= limit_bytes else None

    async def fetch_picture(self, url: str, stem: str) -> str:
        self.point("fetch")
        self.fetches.append(url)
        outcome = self.picture_script.get(url)
        if isinstance(outcome, BaseException):
            raise outcome
        self.point("fetched")
        return f"{stem}.png"

    async def fit_picture(self, key: str, limit_bytes: int) -> Path | None:
        self.point("fit")
        number = key.split(".")[1]
        if self.picture_bytes <= limit_bytes:
            return self._file(f"picture{number}.png", self.picture_bytes)
        fits = self.smallest_bytes <= limit_bytes
        return self._file(f"picture{number}.jpg", limit_bytes) if fits else None

    async def preview(self, key: str) -> Path | None:
        return self._file("preview.jpg", 10_000)

    async def last_frame(self, key: str) -> Path | None:
        return self._file("last.jpg", 10_000)


@dataclass
class FakeIntake:
    """Takes every attachment as a PNG."""

    stored: list[Reference] = field(default_factory=list)
    discarded: list[Reference] = field(default_factory=list)
    room: int = 10  # for how many jobs

    async def store(self, attachments: Sequence[Attachment], model: Model) -> tuple[Reference, ...]:
        made = tuple(
            Reference(a.role, MediaKind.IMAGE, "image/png", a.size_bytes, "0" * 64, f"ref/{a.option}", option=a.option)
            for a in attachments
        )
        self.stored += made
        return made

    async def discard(self, references: Sequence[Reference]) -> None:
        self.discarded += references

    async def has_room(self, jobs: int = 1) -> bool:
        return self.room >= jobs


@dataclass
class FakeLinks:
    """Addresses of our own listener, or none."""

    has_callbacks: bool = False
    has_media: bool = False
    shows_expiry: bool = False

    def callback_url(self, provider: str, job_id: str, attempt: int) -> str | None:
        return f"https://bot.example/callbacks/{provider}/{job_id}/{attempt}" if self.has_callbacks else None

    def media_url(self, key: str, filename: str, *, expires_at: datetime) -> str | None:
        behind = f"?until={expires_at.isoformat()}" if self.shows_expiry else ""
        return f"https://bot.example/media/{key}{behind}" if self.has_media else None


@dataclass
class FakeBreaker:
    """Opens at once for `credits` and `key`, after three outages in a row."""

    reasons: dict[str, str] = field(default_factory=dict)
    outages: int = 0
    failures: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    lets_probe: bool = False

    async def state(self, provider: str) -> BreakerState:
        reason = self.reasons.get(provider)
        return BreakerState(reason is not None and not self.lets_probe, reason)

    async def succeeded(self, provider: str, *, took_task: bool = True) -> None:
        self.outages = 0
        if took_task or self.reasons.get(provider) != "credits":
            self.reasons.pop(provider, None)

    async def crowded(self, provider: str) -> None:
        self.complaints.append(provider)

    async def failed(self, provider: str, reason: str, *, is_create: bool = False, is_lost: bool = False) -> None:
        self.failures.append(reason)
        self.outages = self.outages + 1 if reason == "outage" else 0
        if reason != "outage" or self.outages >= 3:
            self.reasons[provider] = reason
