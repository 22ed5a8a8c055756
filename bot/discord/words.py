"""Words, numbers and moments as Discord shows them."""

import re
from dataclasses import dataclass
from datetime import datetime

from bot.domain.jobs import Job
from bot.domain.money import Credits, Limit
from bot.domain.requests import Spec
from bot.i18n import Catalogue

PROMPT_CHARS = 300

#: Characters with a meaning in Discord's markdown (Discord help: Markdown Text 101): anywhere, and at a line's start.
_ANYWHERE = re.compile(r"[\\*_~`|<\[\]]")
_LINE_START = re.compile(r"^(\s*)([#>+-])", re.MULTILINE)


def escape(text: str) -> str:
    """Take the markdown and the mentions out of what a person wrote; it reads as it was typed."""
    return _LINE_START.sub(r"\1\\\2", _ANYWHERE.sub(r"\\\g<0>", text))


def escape_inline(text: str) -> str:
    """As `escape`, for a text that stands inside a line."""
    return _ANYWHERE.sub(r"\\\g<0>", " ".join(text.split()))


def shorten(text: str, most: int) -> str:
    """Cut a text to `most` characters, the last one an ellipsis where something was cut."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def one_line(text: str, most: int) -> str:
    """Return a text's beginning on one line."""
    return shorten(" ".join(text.split()), most)


def relative(moment: datetime) -> str:
    """Return a timestamp that Discord counts by itself (`in 2 minutes`)."""
    return f"<t:{int(moment.timestamp())}:R>"


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
        return self.catalogue.text(key, self.locale, **params)

    def limit(self, value: Limit | str) -> str:
        """Name a limit: an amount, unlimited, or inherited."""
        if value is None:
            return self("quota.unlimited")
        return self("quota.credits", credits=value) if isinstance(value, Credits) else self("quota.inherit")

    def options(self, spec: Spec) -> str:
        """Name every option of a job that a person can choose."""
        parts = [
            spec.model,
            self("spec.seconds", seconds=spec.duration_s),
            spec.resolution,
            spec.aspect_ratio,
            self("spec.audio" if spec.audio else "spec.silent"),
        ]
        if spec.watermark:
            parts.append(self("spec.watermark"))
        if spec.sample:
            parts.append(self("spec.sample", sample=escape_inline(shorten(spec.sample, 60))))
        if spec.references:
            parts.append(self("spec.references", count=len(spec.references)))
        return " · ".join([*parts, self("spec.seed", seed=spec.seed)])

    def prompt(self, job: Job, most: int = PROMPT_CHARS) -> str:
        """Return the beginning of a job's prompt, harmless."""
        return escape(shorten(job.spec.prompt, most))
