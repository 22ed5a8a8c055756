"""Fields of modals: prompts that are longer than one field, and files."""

from typing import Any

import discord

from bot.discord.words import shorten
from bot.domain.requests import PROMPT_MIN_CHARS, Attachment, ReferenceRole

#: Limits of Discord (components/reference): a text field, a label, its description.
FIELD_CHARS = 4000
LABEL_CHARS = 45
DESCRIPTION_CHARS = 100

#: A prompt that is nearly as long as a field gets a second one, so that it can grow.
ONE_FIELD_UNITS = 3500
#: How far back from a field's end a paragraph or a word may end, for the cut to be there.
CUT_WITHIN = 1000

#: What stood between the two parts of a prompt, by the letter that the modal's id carries.
JOINERS = {"n": "\n", "s": " ", "x": ""}


def label(text: str, component: discord.ui.Item[Any], description: str | None = None) -> discord.ui.Label[Any]:
    """Put a field under its label."""
    short = None if description is None else shorten(description, DESCRIPTION_CHARS)
    return discord.ui.Label(text=shorten(text, LABEL_CHARS), description=short, component=component)


def paragraph(custom_id: str, default: str | None = None, *, required: bool = True) -> discord.ui.TextInput[Any]:
    """Make a field for a prompt."""
    return discord.ui.TextInput(
        custom_id=custom_id,
        style=discord.TextStyle.paragraph,
        default=default or None,
        required=required,
        min_length=PROMPT_MIN_CHARS if required else None,
        max_length=FIELD_CHARS,
    )


def split_prompt(prompt: str) -> tuple[str, str, str]:
    """Cut a prompt into two fields. Returns both parts and the letter of what stood between them.

    Lengths are counted as Discord's clients do, in UTF-16 units; Python counts no more than they.
    """
    if _units(prompt) <= FIELD_CHARS:
        return prompt, "", "n"
    end = len(prompt)
    while _units(prompt[:end]) > FIELD_CHARS:
        end -= max(1, (_units(prompt[:end]) - FIELD_CHARS) // 2)
    for letter, between in (("n", "\n"), ("s", " ")):
        cut = prompt.rfind(between, max(1, end - CUT_WITHIN), end)
        if cut > 0:
            return prompt[:cut], _fitting(prompt[cut + 1 :]), letter
    return prompt[:end], _fitting(prompt[end:]), "x"


def join_prompt(first: str, second: str, letter: str) -> str:
    """Put the two fields together again; what was added to a prompt of one field goes on in a new line."""
    if not second.strip():
        return first
    return first + JOINERS.get(letter, "\n") + second


def needs_second_field(prompt: str) -> bool:
    """Whether a prompt needs a second field, or is about to."""
    return _units(prompt) > ONE_FIELD_UNITS


def uploaded(files: list[discord.Attachment]) -> list[Attachment]:
    """Describe uploaded files; what they are for is decided where the earlier job is known."""
    return [Attachment("", ReferenceRole.REFERENCE, file.filename, file.size, file.url) for file in files]


def _fitting(text: str) -> str:
    while _units(text) > FIELD_CHARS:
        text = text[: len(text) - max(1, (_units(text) - FIELD_CHARS) // 2)]
    return text


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
