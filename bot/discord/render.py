"""What people see of a job: its card, its clip, its outcome. Made as Discord's own message payloads."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.discord.custom_ids import Action, custom_id
from bot.discord.sentences import failure
from bot.discord.words import Words, escape_inline, relative
from bot.domain.jobs import HOLDING, Job, JobState
from bot.domain.requests import Kind
from bot.domain.rules import PublicPrompts
from bot.i18n import Catalogue
from bot.ports import CardView, ClipPost

CLIP_PROMPT_CHARS = 200
EPHEMERAL = 1 << 6
NO_MENTIONS: dict[str, Any] = {"parse": []}
PRIMARY, SECONDARY, DANGER = 1, 2, 4

COLOURS = {
    JobState.DELIVERED: 0x2D7D46,
    JobState.UNDELIVERED: 0xB58900,
    JobState.FAILED: 0xA12D2F,
    JobState.EXPIRED: 0xA12D2F,
    JobState.CANCELLED: 0x6D6F78,
}
OPEN_COLOUR = 0x5865F2
REFUNDED = "clip_lost"
DENIED = "denied"
#: States in which the clip is on its way, so that its expected end means something.
ON_ITS_WAY = HOLDING - {JobState.UNKNOWN, JobState.AWAITING_APPROVAL}


@dataclass(frozen=True, slots=True)
class Renderer:
    """Makes message payloads of jobs, in the reader's language."""

    catalogue: Catalogue

    def card(self, view: CardView) -> dict[str, Any]:
        """Return a job's card: prompt, options, cost, live state, expected end, and what can be done now."""
        job = view.job
        words = self.words(job)
        lines = [_shown_prompt(view, words), "", state_line(job, words)]
        if view.note is not None:
            lines.append(words.of(job.spec.kind, f"card.note.{view.note}", job=job.id, **_params(view.note_params)))
        elif job.expected_end_at is not None and job.state in ON_ITS_WAY:
            lines.append(words("card.ends", when=relative(job.expected_end_at)))
        embed = {
            "description": "\n".join(lines),
            "color": COLOURS.get(job.state, OPEN_COLOUR),
            "fields": [
                {"name": words("card.field.options"), "value": words.options(job.spec), "inline": False},
                {"name": words("card.field.cost"), "value": cost(job, words), "inline": True},
            ],
            "footer": {"text": words("card.footer", job=job.id)},
        }
        return {
            "content": "",
            "embeds": [embed],
            "components": _row(_card_buttons(job, words)),
            "allowed_mentions": NO_MENTIONS,
        }

    def clip(self, post: ClipPost) -> dict[str, Any]:
        """Return the message that brings a clip or pictures; only its requester is pinged, and only where `mention`
        says so. Of several messages with pictures, those behind the first only say which pictures they bring."""
        job = post.job
        words = self.words(job) if post.detour is None else Words(self.catalogue, job.locale)
        if post.part:
            return self._more(post, words)
        kind = "pictures" if job.spec.kind is Kind.IMAGE else "clip"
        opening = f"{kind}.{'late' if job.is_late else 'done'}{'' if post.mention else '_quiet'}"
        lines = [words(opening, mention=f"<@{job.user_id}>", count=pictures_made(job)), *_fewer(job, words)]
        if post.prompt_shown is not PublicPrompts.NO:
            prompt = words.prompt(job, CLIP_PROMPT_CHARS)
            lines.append(f"> {_quoted(f'||{prompt}||' if post.prompt_shown is PublicPrompts.SPOILER else prompt)}")
        if post.link is not None:
            lines.append(_link(post, words))
        if kind == "pictures" and len(post.numbers) < pictures_made(job):
            lines.append(_which(post, words))
        if post.detour is not None:
            lines.append(words(f"clip.detour.{post.detour}", channel=f"<#{job.channel_id}>"))
        lines.append(f"-# {words.options(job.spec)} · {_paid(job, words)} · {job.id}")
        return {
            "content": "\n".join(lines),
            "components": _row(_clip_buttons(job, words)),
            "allowed_mentions": {"parse": [], "users": [str(job.user_id)] if post.mention else []},
        }

    def _more(self, post: ClipPost, words: Words) -> dict[str, Any]:
        lines = [_which(post, words)]
        if post.link is not None:
            lines.append(_link(post, words))
        lines.append(f"-# {post.job.id}")
        return {
            "content": "\n".join(lines),
            "components": _row(_clip_buttons(post.job, words, post.part)),
            "allowed_mentions": NO_MENTIONS,
        }

    def outcome(self, job: Job) -> str:
        """Return the sentence that tells a private job's outcome after its card is gone."""
        words = Words(self.catalogue, job.locale)
        command = words.command(f"/jobs redeliver job:{job.id}")
        if job.error_code == DENIED:
            return words("untold.denied", job=job.id, reason=_denial(job, words))
        return words.of(job.spec.kind, f"untold.{job.state}", job=job.id, command=command, reason=failure(job, words))

    def words(self, job: Job) -> Words:
        """Return the words of whoever reads a job's card and clip: its requester, or the whole channel."""
        return Words(self.catalogue, job.locale if job.is_private else job.public_locale)


def cost(job: Job, words: Words) -> str:
    """Say what a job holds, has cost, or that nothing was charged."""
    if job.state in HOLDING:
        return words("card.cost.held", credits=job.quote)
    if job.actual is not None and job.error_code != REFUNDED and not job.is_late:
        return words("card.cost.paid", credits=job.actual)
    return words("card.cost.none")


def _paid(job: Job, words: Words) -> str:
    if job.is_late or job.actual is None:
        return words("clip.free") if job.is_late else words("clip.cost", credits=job.quote)
    return words("clip.cost", credits=job.actual)


def state_line(job: Job, words: Words) -> str:
    """Say where a job stands, and what can be done where it went wrong."""
    command = words.command(f"/jobs redeliver job:{job.id}")
    if job.state is JobState.UNDELIVERED and job.error_code == REFUNDED:
        return words("card.state.failed", reason=failure(job, words))
    if job.state is JobState.CANCELLED and job.error_code == DENIED:
        return words("card.state.denied", reason=_denial(job, words))
    is_overdue = job.state is JobState.UNKNOWN and job.task_id is not None
    state = "overdue" if is_overdue else job.state.value
    line = words.of(job.spec.kind, f"card.state.{state}", reason=failure(job, words), command=command)
    if job.state is JobState.FAILED and job.error_code != REFUNDED:
        line = f"{line} {words('card.released')}"
    return line


def _card_buttons(job: Job, words: Words) -> list[dict[str, Any]]:
    if job.state in HOLDING and job.cancel_requested_at is None:
        return [_button(words("button.cancel"), custom_id(Action.CANCEL, job.id), DANGER)]
    is_lost = job.state is JobState.UNDELIVERED and job.error_code == REFUNDED
    if is_lost or job.state in {JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED}:
        return [
            _button(words("button.retry"), custom_id(Action.RETRY, job.id), PRIMARY),
            _button(words("button.edit"), custom_id(Action.EDIT, job.id), SECONDARY),
        ]
    return []


def _clip_buttons(job: Job, words: Words, part: int = 0) -> list[dict[str, Any]]:
    """Return what can be done with a clip or pictures; every button carries the message mark."""
    onward = Action.ANIMATE if job.spec.kind is Kind.IMAGE else Action.EXTEND
    actions = (
        [(onward, SECONDARY)] if part else [(Action.AGAIN, SECONDARY), (Action.EDIT, SECONDARY), (onward, SECONDARY)]
    )
    if job.is_private and not part:
        actions.append((Action.SHARE, SECONDARY))
    actions.append((Action.DELETE, DANGER))
    return [
        _button(words(f"button.{action}"), custom_id(action, job.id, job.delivery_number, part), style)
        for action, style in actions
    ]


def pictures_made(job: Job) -> int:
    """Return how many pictures a job has for people: what came of those that the provider made."""
    return sum(bool(url) for url in job.result_urls) if job.result_urls else 1


def _fewer(job: Job, words: Words) -> list[str]:
    """Say that there are fewer pictures than were asked for, and why."""
    if job.spec.kind is not Kind.IMAGE:
        return []
    made, came = len(job.result_urls) or 1, pictures_made(job)
    lines = [words("pictures.fewer", made=made, asked=job.spec.count)] if made < job.spec.count else []
    return [*lines, words("pictures.lost", lost=made - came, made=made)] if came < made else lines


def _which(post: ClipPost, words: Words) -> str:
    """Name the pictures that a message brings."""
    numbers = ", ".join(map(str, post.numbers))
    return words("pictures.part", numbers=numbers, shown=len(post.numbers), count=len(post.job.result_urls) or 1)


def _shown_prompt(view: CardView, words: Words) -> str:
    """Return the prompt as the server wants it shown; a private card has it always."""
    if view.job.is_private or view.prompt_shown is PublicPrompts.YES:
        return words.prompt(view.job)
    if view.prompt_shown is PublicPrompts.SPOILER:
        return f"||{words.prompt(view.job)}||"
    return words("card.prompt_hidden")


def _params(given: Mapping[str, object] | None) -> dict[str, object]:
    """Return a note's parameters; moments become timestamps that Discord counts by itself."""
    return {key: relative(value) if isinstance(value, datetime) else value for key, value in (given or {}).items()}


def _denial(job: Job, words: Words) -> str:
    """Tell a moderator's reason, harmless."""
    if not job.decision_reason:
        return words("card.no_reason")
    return words("card.reason", reason=escape_inline(job.decision_reason))


def _link(post: ClipPost, words: Words) -> str:
    if post.link_expires_at is None:
        return words("clip.link_forever", link=post.link)
    return words("clip.link", link=post.link, until=relative(post.link_expires_at))


def _quoted(text: str) -> str:
    return text.replace("\n", "\n> ")


def _button(label: str, identifier: str, style: int) -> dict[str, Any]:
    return {"type": 2, "style": style, "label": label, "custom_id": identifier}


def _row(buttons: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"type": 1, "components": buttons}] if buttons else []
