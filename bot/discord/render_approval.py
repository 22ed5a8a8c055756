"""The card on which moderators decide about a job."""

from typing import Any

from bot.discord.custom_ids import Action, custom_id
from bot.discord.words import Words, escape, relative, shorten
from bot.ports import ApprovalView

PROMPT_CHARS = 1000
REASON_CHARS = 400
NO_MENTIONS: dict[str, Any] = {"parse": []}
SUCCESS, DANGER = 3, 4
WAITING_COLOUR, APPROVED_COLOUR, CLOSED_COLOUR = 0xB58900, 0x2D7D46, 0x6D6F78
APPROVED = "approved"


def approval(view: ApprovalView, words: Words) -> dict[str, Any]:
    """Return the message: who asks, where, for what and at which price; two buttons, or what was decided and by whom.

    The prompt is shown for private jobs too: moderators must see what they approve.
    """
    is_waiting = view.outcome is None
    lines = [escape(shorten(view.job.spec.prompt, PROMPT_CHARS))]
    if view.outcome is not None:
        actor = "?" if view.actor_id is None else f"<@{view.actor_id}>"
        lines += ["", words(f"approval.outcome.{view.outcome}", actor=actor)]
    embed = {
        "title": words("approval.title" if is_waiting else "approval.title_decided"),
        "description": "\n".join(lines),
        "color": _colour(view.outcome),
        "fields": _fields(view, words),
        "footer": {"text": words("card.footer", job=view.job.id)},
    }
    return {
        "content": "",
        "embeds": [embed],
        "components": _buttons(view, words) if is_waiting else [],
        "allowed_mentions": NO_MENTIONS,
    }


def _fields(view: ApprovalView, words: Words) -> list[dict[str, Any]]:
    job = view.job
    place = f"<#{job.channel_id}>" + (f" ({words('approval.private')})" if job.is_private else "")
    fields = [
        _field(words("approval.field.requester"), f"<@{job.user_id}>", is_inline=True),
        _field(words("approval.field.channel"), place, is_inline=True),
        _field(words("approval.field.options"), words.options(job.spec)),
    ]
    if view.outcome is None:
        fields.append(_field(words("approval.field.cost"), words("approval.cost", credits=job.quote), is_inline=True))
        fields.append(_field(words("approval.field.lapses"), relative(job.run_at), is_inline=True))
    elif job.decision_reason:
        fields.append(_field(words("approval.field.reason"), escape(shorten(job.decision_reason, REASON_CHARS))))
    return fields


def _field(name: str, value: str, *, is_inline: bool = False) -> dict[str, Any]:
    return {"name": name, "value": value, "inline": is_inline}


def _buttons(view: ApprovalView, words: Words) -> list[dict[str, Any]]:
    pairs = ((Action.APPROVE, SUCCESS), (Action.DENY, DANGER))
    buttons = [
        {"type": 2, "style": style, "label": words(f"button.{action}"), "custom_id": custom_id(action, view.job.id)}
        for action, style in pairs
    ]
    return [{"type": 1, "components": buttons}]


def _colour(outcome: str | None) -> int:
    if outcome is None:
        return WAITING_COLOUR
    return APPROVED_COLOUR if outcome == APPROVED else CLOSED_COLOUR
