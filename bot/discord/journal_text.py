"""Lines of the log channel and the operator's alerts as sentences. Nothing in them pings or formats."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.discord.words import Words, escape_inline, one_line
from bot.i18n import Catalogue

LINE_CHARS = 400
PROMPT_CHARS = 100
TEXT_CHARS = 120
OPERATORS_LANGUAGE = "en"

#: What a line is called by its event; an event that has no sentence of its own is shown by its name.
_KNOWN = frozenset({"job.accepted", "job.ended", "refused", "moderator", "overrun", "report"})
#: Settings whose values are ids, and what makes a mention of one.
_SIGNS = {"channels": "#", "log_channel_id": "#", "moderator_roles": "@&"}
_ID = re.compile(r"\b(\d{15,20})\b")
_MEMBER = re.compile(r"\bmember (\d{15,20})\b")
_SNOWFLAKE_DIGITS = 15


@dataclass(frozen=True, slots=True)
class JournalText:
    """Writes lines. Particulars that a line lacks are left out, so that lines of other versions are readable too."""

    catalogue: Catalogue

    def line(self, event: str, at: datetime, detail: Mapping[str, Any], locale: str) -> str:
        """Return one line of at most 400 characters: when, and what happened."""
        words = Words(self.catalogue, locale)
        when = f"<t:{int(at.timestamp())}:t>"
        if event not in _KNOWN:
            return f"{when} {_plain(event, TEXT_CHARS)}"
        parts = [part for part in self._parts(event, detail, words) if part]
        kept = f"{when} {parts[0]}"
        for part in parts[1:]:
            longer = f"{kept} · {part}"
            kept = longer if len(longer) <= LINE_CHARS else kept
        return kept

    def alert(self, kind: str, params: Mapping[str, object]) -> str:
        """Tell an operator what is wrong and what to do; in English, as operators' locales are not known."""
        return Words(self.catalogue, OPERATORS_LANGUAGE)(f"alert.{kind}", **params)

    def _parts(self, event: str, detail: Mapping[str, Any], words: Words) -> list[str]:
        """Return what to say in its order; what does not fit is left out from the end."""
        if event == "moderator":
            return self._act(detail, words)
        if event == "refused":
            return [words("journal.refused", member=_member(detail)), self._rule(detail, words), _channel(detail)]
        if event == "report":
            reported = words("journal.report", reporter=_member(detail), job=_code(detail.get("job_id")))
            return [reported, f"<@{detail.get('member_id')}>", _plain(detail.get("reason"), TEXT_CHARS)]
        opening = words(f"journal.{event}", job=_code(detail.get("job_id")), state=self._state(detail, words))
        return [
            opening,
            _member(detail),
            _credits(detail, words),
            _code(detail.get("model")),
            _channel(detail),
            words("journal.private") if detail.get("is_private") else "",
            "" if detail.get("is_private") else _plain(detail.get("prompt"), PROMPT_CHARS),
        ]

    def _act(self, detail: Mapping[str, Any], words: Words) -> list[str]:
        action = str(detail.get("action", ""))
        actor = str(detail.get("actor", ""))
        key = f"journal.action.{action}"
        return [
            words("journal.moderator", actor=f"<@{actor}>" if actor.isdecimal() else _plain(actor, 40)),
            words(key) if self.catalogue.has(key) else _code(action),
            *self._about(action, str(detail.get("subject") or ""), _plain(detail.get("detail"), TEXT_CHARS), words),
            _plain(detail.get("reason"), TEXT_CHARS),
        ]

    def _about(self, action: str, subject: str, detail: str, words: Words) -> list[str]:
        """Say what an act was about and what it did; a setting goes by its name in the panel, ids become mentions."""
        key = f"settings.label.{subject}"
        if action != "settings" or not self.catalogue.has(key):
            return [_subject(subject), _MEMBER.sub(r"<@\1>", detail)]
        sign = _SIGNS.get(subject)
        return [words(key), detail if sign is None else _ID.sub(rf"<{sign}\1>", detail)]

    def _rule(self, detail: Mapping[str, Any], words: Words) -> str:
        code = str(detail.get("code", ""))
        key = f"journal.rule.{code}"
        return words(key) if self.catalogue.has(key) else _code(code)

    def _state(self, detail: Mapping[str, Any], words: Words) -> str:
        key = f"state.{detail.get('state', '')}"
        return words(key) if self.catalogue.has(key) else _plain(detail.get("state"), 20)


def _member(detail: Mapping[str, Any]) -> str:
    user_id = str(detail.get("user_id") or "")
    return f"<@{user_id}>" if user_id.isdecimal() else ""


def _channel(detail: Mapping[str, Any]) -> str:
    channel_id = str(detail.get("channel_id") or "")
    return f"<#{channel_id}>" if channel_id.isdecimal() else ""


def _credits(detail: Mapping[str, Any], words: Words) -> str:
    amount = detail.get("credits")
    return "" if amount is None else words("quota.credits", credits=_plain(amount, 30))


def _subject(subject: str) -> str:
    """Name whom or what an act was about: `member:1`, `role:1`, `channel:1` and bare ids of members become mentions."""
    scope, _, name = subject.rpartition(":")
    if name.isdecimal() and name != "0":
        sign = {"role": "@&", "channel": "#", "member": "@", "": "@"}.get(scope)
        if sign is not None and len(name) >= _SNOWFLAKE_DIGITS:
            return f"<{sign}{name}>"
    return _code(subject)


def _plain(value: object, most: int) -> str:
    return "" if value is None else escape_inline(one_line(str(value), most))


def _code(value: object) -> str:
    text = "" if value is None else one_line(str(value).replace("`", ""), 60)
    return f"`{text}`" if text else ""
