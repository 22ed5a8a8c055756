"""The board as `/queue` shows it: a page of open jobs, one of them in full, and what can be done."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

import discord

from bot.discord.words import Words, date, escape_inline, one_line, relative
from bot.domain.jobs import HOLDING, Job, JobState
from bot.services.board import BoardPage, shows_request
from cogs._lists import LIST_PROMPT_CHARS, job_choice, member_name
from cogs.panels import panel_id

FEATURE = "queue"
CHOICE_CHARS = 100
SHOWN_PROMPT_CHARS = 1000
OLDEST, NEWEST = "o", "n"


@dataclass(frozen=True, slots=True)
class Sight:
    """What a panel shows: a page, its order, and the job that is picked. It travels in the custom ids."""

    page: int = 0
    oldest_first: bool = True
    job_id: str = ""

    def rest(self, verb: str) -> str:
        """Write the verb and the sight into the rest of a custom id."""
        return f"{verb}:{self.page}:{OLDEST if self.oldest_first else NEWEST}:{self.job_id}"

    @classmethod
    def parse(cls, rest: str) -> tuple[str, Self]:
        """Read what `rest` wrote.

        Raises:
            ValueError: it is not of this shape.
        """
        verb, page, order, job_id = rest.split(":")
        return verb, cls(int(page), order == OLDEST, job_id)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawn panel. Two of equal `text` look the same."""

    embeds: list[discord.Embed]
    view: discord.ui.View
    text: str


def draw(shown: BoardPage, picked: Job | None, sight: Sight, words: Words, *, live_until: datetime | None) -> Drawing:
    """Draw a panel. `live_until` is until when it redraws itself, None where it no longer does."""
    sight = replace(sight, page=shown.page, job_id="" if picked is None else picked.id)
    embeds = [_list(shown, words, live_until)]
    view = discord.ui.View(timeout=None)
    if shown.jobs:
        view.add_item(_picker(shown, sight, words))
    for button in _turning(shown, sight, words):
        view.add_item(button)
    if picked is not None:
        embeds.append(_details(picked, words))
        for button in _deciding(picked, sight, words):
            view.add_item(button)
    view.stop()  # found by its custom ids, so that discord.py need not keep it
    text = repr(([embed.to_dict() for embed in embeds], view.to_components()))
    return Drawing(embeds, view, text)


def _list(shown: BoardPage, words: Words, live_until: datetime | None) -> discord.Embed:
    lines = [_line(job, words) for job in shown.jobs] or [words("queue.none")]
    live = words("queue.stale") if live_until is None else words("queue.live", until=date(live_until))
    embed = discord.Embed(title=words("queue.title"), description="\n".join([*lines, "", live]))
    return embed.set_footer(text=words("queue.footer", page=shown.page + 1, pages=shown.pages, total=shown.total))


def _line(job: Job, words: Words) -> str:
    prompt = escape_inline(one_line(job.spec.prompt, LIST_PROMPT_CHARS)) if not job.is_private else ""
    return words(
        "queue.line" if not job.is_private else "queue.line_private",
        job=job.id,
        state=_state(job, words),
        member=member_name(job.user_id, words),
        model=job.spec.model,
        credits=job.cost,
        when=relative(job.created_at),
        prompt=prompt,
    )


def _state(job: Job, words: Words) -> str:
    state = words(f"state.{job.state}")
    if job.is_parked:
        return words("queue.parked", state=state)
    if job.cancel_requested_at is not None:
        return words("queue.cancelling", state=state)
    return state


def _details(job: Job, words: Words) -> discord.Embed:
    is_shown = shows_request(job)
    embed = discord.Embed(
        title=words("card.footer", job=job.id),
        description=words.prompt(job, SHOWN_PROMPT_CHARS) if is_shown else words("queue.private"),
    )
    embed.add_field(name=words("queue.field.state"), value=_state(job, words))
    embed.add_field(name=words("queue.field.member"), value=member_name(job.user_id, words))
    embed.add_field(name=words("queue.field.channel"), value=f"<#{job.channel_id}>")
    embed.add_field(name=words("card.field.cost"), value=words.limit(job.cost))
    embed.add_field(name=words("queue.field.asked"), value=relative(job.created_at))
    options = words.options(job.spec) if is_shown else job.spec.model
    return embed.add_field(name=words("card.field.options"), value=options[:1000], inline=False)


def _picker(shown: BoardPage, sight: Sight, words: Words) -> discord.ui.Select[Any]:
    options = [
        discord.SelectOption(label=choice(job, words), value=job.id, default=job.id == sight.job_id)
        for job in shown.jobs
    ]
    return discord.ui.Select(
        custom_id=panel_id(FEATURE, replace(sight, job_id="").rest("pick")),
        placeholder=words("queue.pick"),
        options=options,
        row=0,
    )


def choice(job: Job, words: Words) -> str:
    """Name a job in a list of choices, at most 100 characters; a private one without its prompt."""
    if not job.is_private:
        return job_choice(job, words)
    return one_line(words("queue.choice_private", job=job.id, state=words(f"state.{job.state}")), CHOICE_CHARS)


def _turning(shown: BoardPage, sight: Sight, words: Words) -> list[discord.ui.Button[Any]]:
    """The row of buttons that turn pages, change the order, and draw anew."""
    back, on = replace(sight, page=max(0, sight.page - 1)), replace(sight, page=sight.page + 1)
    other = replace(sight, page=0, oldest_first=not sight.oldest_first)
    label = words("queue.newest" if sight.oldest_first else "queue.oldest")
    return [
        _button("◀", back.rest("prev"), row=1, is_off=shown.page == 0),
        _button("▶", on.rest("next"), row=1, is_off=shown.page + 1 >= shown.pages),
        _button(words("queue.refresh"), sight.rest("show"), row=1),
        _button(label, other.rest("order"), row=1),
    ]


def _deciding(job: Job, sight: Sight, words: Words) -> list[discord.ui.Button[Any]]:
    """The row of buttons about the job that is picked."""
    buttons = []
    if job.state is JobState.AWAITING_APPROVAL:
        buttons.append(_button(words("queue.approve"), sight.rest("approve"), style=discord.ButtonStyle.success))
        buttons.append(_button(words("queue.deny"), sight.rest("deny"), style=discord.ButtonStyle.danger))
    if job.state in HOLDING and job.cancel_requested_at is None:
        buttons.append(_button(words("queue.cancel"), sight.rest("cancel"), style=discord.ButtonStyle.danger))
    buttons.append(_button(words("queue.close"), replace(sight, job_id="").rest("close")))
    return buttons


def _button(
    label: str,
    rest: str,
    *,
    style: discord.ButtonStyle = discord.ButtonStyle.secondary,
    row: int = 2,
    is_off: bool = False,
) -> discord.ui.Button[Any]:
    return discord.ui.Button(label=label, custom_id=panel_id(FEATURE, rest), style=style, row=row, disabled=is_off)
