"""What a server's moderators allow: one value with a default for everything, checked against each request."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import lru_cache
from typing import Any

from bot.domain.blocked import first_blocked
from bot.domain.errors import Refused
from bot.domain.money import Credits, Limit
from bot.domain.requests import Spec

#: Of clips and of pictures, from least to most.
CLIP_RESOLUTIONS = ("480p", "720p", "1080p", "1080p-plus", "4k")
PICTURE_RESOLUTIONS = ("1K", "2K", "4K")
RESOLUTIONS = (*CLIP_RESOLUTIONS, *PICTURE_RESOLUTIONS)
#: What a limit means for the other kind: about as many pixels along the longer side, and never nothing at all.
_COUNTERPARTS = {
    "480p": "1K",
    "720p": "1K",
    "1080p": "2K",
    "1080p-plus": "2K",
    "4k": "4K",
    "1K": "720p",
    "2K": "1080p-plus",
    "4K": "4k",
}
#: Renderings that need an opt-in and an age-restricted channel (contract, Safety).
CLOSED_RENDERINGS = frozenset({"wild", "real"})
DEFAULT_CONFIRM_OVER = Credits(15_000)


class PublicPrompts(StrEnum):
    """Whether public cards and clips show the prompt."""

    YES = "yes"
    SPOILER = "spoiler"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is asked for. `channel_id` is the parent's in a thread."""

    channel_id: int
    is_age_restricted: bool = False


def is_within(resolution: str, highest: str) -> bool:
    """Whether a resolution is no higher than a limit.

    Clips are compared with clips and pictures with pictures: a limit named for the one kind holds the other to its
    counterpart (`720p` allows pictures of 1K, `2K` allows clips of 1080p-plus). A name that is not known is above all,
    so that it is never let through a limit, unless it is the limit itself.
    """
    for family in (CLIP_RESOLUTIONS, PICTURE_RESOLUTIONS):
        if resolution in family:
            limit = highest if highest in family else _COUNTERPARTS.get(highest, highest)
            return limit not in family or family.index(resolution) <= family.index(limit)
    return resolution == highest


@dataclass(frozen=True, slots=True, kw_only=True)
class GuildRules:
    """One server's `/settings`. Empty sets and None allow what the model can do; thresholds of None never apply."""

    channels: frozenset[int] = frozenset()
    models: frozenset[str] = frozenset()
    renderings: frozenset[str] = frozenset()
    restricted_models: frozenset[str] = frozenset()
    longest_s: int | None = None
    highest_resolution: str | None = None
    running_cap: int = 2
    queued_cap: int = 10
    confirm_over: Limit = DEFAULT_CONFIRM_OVER
    approve_over: Limit = None
    blocked: tuple[str, ...] = ()
    moderator_roles: frozenset[int] = frozenset()
    log_channel_id: int | None = None
    public_prompts: PublicPrompts = PublicPrompts.YES
    ping: bool = True
    language: str | None = None

    def check(self, spec: Spec, place: Place) -> None:
        """Refuse what this server does not allow, cheapest check first.

        Raises:
            Refused: `channel_not_allowed`, `age_restricted`, `blocked_word`, `model_not_allowed`,
                `rendering_not_allowed`, `too_long` or `resolution_too_high`.
        """
        self.check_place(place)
        if not place.is_age_restricted and self.needs_age_restriction(spec):
            raise Refused("age_restricted", model=spec.model, rendering=spec.rendering or "")
        for text in (spec.prompt, spec.sample or "", spec.style or ""):
            if (word := first_blocked(text, self.blocked)) is not None:
                raise Refused("blocked_word", word=word[:60])
        self._check_model(spec)

    def check_place(self, place: Place) -> None:
        """Refuse a channel that is not among the allowed ones.

        Raises:
            Refused: `channel_not_allowed`.
        """
        if self.channels and place.channel_id not in self.channels:
            raise Refused("channel_not_allowed", channels=" ".join(f"<#{one}>" for one in sorted(self.channels)))

    def needs_age_restriction(self, spec: Spec) -> bool:
        """Whether a request may only be made where age is checked."""
        return spec.model in self.restricted_models or spec.rendering in CLOSED_RENDERINGS

    def allows_model(self, key: str) -> bool:
        """Whether a model may be used here at all."""
        return not self.models or key in self.models

    def allows_size(self, duration_s: int, resolution: str) -> bool:
        """Whether a clip of this length and resolution may be made here."""
        highest = self.highest_resolution
        is_short = self.longest_s is None or duration_s <= self.longest_s
        return is_short and (highest is None or is_within(resolution, highest))

    def _check_model(self, spec: Spec) -> None:
        if not self.allows_model(spec.model):
            raise Refused("model_not_allowed", model=spec.model, models=", ".join(sorted(self.models)))
        if spec.rendering in CLOSED_RENDERINGS and spec.rendering not in self.renderings:
            raise Refused("rendering_not_allowed", rendering=spec.rendering)
        if self.longest_s is not None and spec.duration_s > self.longest_s:
            raise Refused("too_long", duration=spec.duration_s, most=self.longest_s)
        if not self.allows_size(0, spec.resolution):
            raise Refused("resolution_too_high", resolution=spec.resolution, most=self.highest_resolution)

    def to_json(self) -> str:
        """Write the values that differ from the defaults."""
        default = GuildRules()
        changed = {f.name: getattr(self, f.name) for f in fields(self)}
        return json.dumps({k: _plain(v) for k, v in changed.items() if v != getattr(default, k)}, sort_keys=True)

    @classmethod
    @lru_cache(maxsize=256)
    def from_json(cls, text: str) -> "GuildRules":
        """Read what `to_json` wrote; names that this version does not know are ignored.

        The rules are asked for at every step of every job, and are the same text each time.
        """
        raw: Mapping[str, Any] = json.loads(text or "{}")
        known = {f.name for f in fields(cls)}
        return cls(**{k: _READERS.get(k, _same)(v) for k, v in raw.items() if k in known})


def _same(value: Any) -> Any:
    return value


def _limit(value: Any) -> Limit:
    return None if value is None else Credits(int(value))


_READERS: dict[str, Callable[[Any], Any]] = {
    "channels": frozenset,
    "models": frozenset,
    "renderings": frozenset,
    "restricted_models": frozenset,
    "moderator_roles": frozenset,
    "blocked": tuple,
    "confirm_over": _limit,
    "approve_over": _limit,
    "public_prompts": PublicPrompts,
}


def _plain(value: Any) -> Any:
    if isinstance(value, Credits):
        return value.milli
    if isinstance(value, frozenset):
        return sorted(value)
    return list(value) if isinstance(value, tuple) else value
