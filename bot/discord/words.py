"""Words, numbers and moments as Discord shows them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date as Day
from datetime import datetime
from decimal import Decimal

from bot.domain.catalog import MODELS
from bot.domain.jobs import Job
from bot.domain.money import Credits, Limit
from bot.domain.requests import Kind, ReferenceRole, Spec
from bot.domain.shots import list_shots
from bot.i18n import Catalogue

PROMPT_CHARS = 300
OPTION_CHARS = 60

_MODELS = {model.key: model for model in MODELS}

#: Characters with a meaning in Discord's markdown (Discord help: Markdown Text 101): anywhere, and at a line's start.
#: The colon of an address keeps it from becoming a link with a preview.
_ANYWHERE = re.compile(r"[\\*_~`|<\[\]]|:(?=//)")
#: Signs that turn the direction of all that follows them in a line (Unicode, Bidirectional Algorithm: explicit ones).
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_CHOICE_BREAK = re.compile(r"[^a-z0-9]+")
_LINE_START = re.compile(r"^(\s*)([#>+-])", re.MULTILINE)


def escape(text: str) -> str:
    """Take the markdown and the mentions out of what a person wrote; it reads as it was typed."""
    return _LINE_START.sub(r"\1\\\2", _plain(text))


def escape_inline(text: str) -> str:
    """As `escape`, for a text that stands inside a line."""
    return _plain(" ".join(text.split()))


def _plain(text: str) -> str:
    return _ANYWHERE.sub(r"\\\g<0>", _TURNING.sub("", text))


def shorten(text: str, most: int) -> str:
    """Cut a text to `most` characters, the last one an ellipsis where something was cut."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def one_line(text: str, most: int) -> str:
    """Return a text's beginning on one line."""
    return shorten(" ".join(text.split()), most)


def relative(moment: datetime) -> str:
    """Return a timestamp that Discord counts by itself (`in 2 minutes`)."""
    return f"<t:{int(moment.timestamp())}:R>"


def choice_key(value: str) -> str:
    """Return the catalogue's key for the name of an option's value (`zoom in`); not every value has a name."""
    return f"choice.{_CHOICE_BREAK.sub('_', value.lower())}"


def date(moment: datetime) -> str:
    """Return a moment in the reader's own time zone and language."""
    return f"<t:{int(moment.timestamp())}:f>"


@dataclass(frozen=True, slots=True)
class Words:
    """The catalogue in one language."""

    catalogue: Catalogue
    locale: str

    def __call__(self, key: str, /, **params: object) -> str:
        """Return the sentence `key`, filled in.

        Raises:
            KeyError: no such sentence, or a placeholder is missing.
        """
        return self.catalogue.text(key, self.locale, **{name: self.shown(value) for name, value in params.items()})

    def shown(self, value: object) -> object:
        """Return a value that is filled in: amounts and other decimal numbers as the language writes them."""
        return self.number(value) if isinstance(value, Credits | Decimal | float) else value

    def number(self, value: Credits | Decimal | float) -> str:
        """Write a decimal number: `11.52`, in Dutch `11,52`."""
        text = f"{value:f}" if isinstance(value, Decimal) else str(value)
        return text.replace(".", self("number.decimal_mark"))

    def day(self, day: Day) -> str:
        """Write a day: `2026-11-21`, in Dutch `21-11-2026`, in Japanese `2026/11/21`."""
        return self("date.day", year=f"{day.year:04}", month=f"{day.month:02}", day=f"{day.day:02}")

    def of(self, kind: Kind, key: str, /, **params: object) -> str:
        """Return the sentence `key` about what a job makes: that of pictures where there is one (`<key>.pictures`)."""
        pictures = f"{key}.pictures"
        return self(pictures if kind is Kind.IMAGE and self.catalogue.has(pictures) else key, **params)

    def option(self, name: str) -> str:
        """Name an option of a command, as its reader sees it."""
        return self.catalogue.names(self.locale).option(name)

    def command(self, typed: str) -> str:
        """Return what to type for a command (`/jobs redeliver job:4T9…`) in a code span, as its reader sees it."""
        return f"`{self.catalogue.names(self.locale).command(typed)}`"

    def limit(self, value: Limit | str) -> str:
        """Name a limit: an amount, unlimited, or inherited."""
        if value is None:
            return self("quota.unlimited")
        return self("quota.credits", credits=value) if isinstance(value, Credits) else self("quota.inherit")

    def choice(self, value: str) -> str:
        """Name a value of an option, as it is offered; what has no name goes by itself."""
        key = choice_key(value)
        return self(key) if self.catalogue.has(key) else _harmless(value)

    def options(self, spec: Spec) -> str:
        """Name every option of a job that a person can choose, and what its model takes for itself."""
        shape = [spec.resolution, self.choice(spec.aspect_ratio)]
        parts = list(self._pictures(spec, shape) if spec.kind is Kind.IMAGE else self._clip(spec, shape))
        if spec.watermark:
            parts.append(self("spec.watermark"))
        if spec.sample:
            parts.append(self("spec.sample", sample=_harmless(spec.sample)))
        parts += self._references(spec)
        model = _MODELS.get(spec.model)
        if model is None or model.takes_seed(spec.rendering):
            parts.append(self("spec.seed", seed=spec.seed))
        return " · ".join([spec.model, *parts])

    def _clip(self, spec: Spec, shape: list[str]) -> Iterator[str]:
        yield self("spec.seconds", seconds=spec.duration_s)
        if spec.shots:
            yield self("spec.shots", count=len(spec.shots))
        yield from shape
        model = _MODELS.get(spec.model)
        if model is None or model.has_audio:
            yield self("spec.audio" if spec.audio else "spec.silent")
        for name in ("rendering", "style", "camera", "motion"):
            if value := getattr(spec, name):
                yield self(f"spec.{name}", value=self.choice(value))
        if spec.fixed_lens:
            yield self("spec.fixed_lens")

    def _pictures(self, spec: Spec, shape: list[str]) -> Iterator[str]:
        yield self("spec.pictures", count=spec.count)
        yield from shape
        if spec.rendering:
            yield self("spec.rendering", value=self.choice(spec.rendering))
        if spec.format:
            yield spec.format

    def _references(self, spec: Spec) -> Iterator[str]:
        roles = [one.role for one in spec.references]
        for role in ReferenceRole:
            count = roles.count(role)
            if count:
                yield self("spec.references" if role is ReferenceRole.REFERENCE else f"spec.{role}", count=count)

    def prompt(self, job: Job, most: int = PROMPT_CHARS) -> str:
        """Return the beginning of a job's prompt, harmless; of a storyboard its shots, without what we add to them."""
        spec = job.spec
        return escape(shorten(list_shots(spec.shots) if spec.shots else spec.prompt, most))


def _harmless(text: str) -> str:
    """Return what a person typed into an option, shortened and without its markdown."""
    return escape_inline(shorten(text, OPTION_CHARS))
