"""Jobs and balances as the commands show them."""

from collections.abc import Sequence

import discord

from bot.discord.render import cost, state_line
from bot.discord.words import Words, date, escape_inline, one_line, relative
from bot.domain.jobs import Job, JobState
from bot.domain.money import ZERO
from bot.services.queries import BalanceView, EntryView, JobEvent

LIST_PROMPT_CHARS = 50
DESCRIPTION_CHARS = 4000
FIELD_CHARS = 1000
HISTORY_LINES = 20
CHOICE_CHARS = 100


def member_name(user_id: int, words: Words) -> str:
    """Mention a member; whoever deleted their data has a negative pseudonym and is named by that alone."""
    return f"<@{user_id}>" if user_id > 0 else words("privacy.former_member")


def job_line(job: Job, words: Words, *, guild: str | None = None) -> str:
    """Describe a job on one line; with `guild` also where it is."""
    return words(
        "jobs.line" if guild is None else "jobs.line_elsewhere",
        job=job.id,
        state=words(f"state.{job.state}"),
        when=relative(job.created_at),
        credits=job.cost,
        prompt=escape_inline(one_line(job.spec.prompt, LIST_PROMPT_CHARS)),
        guild=escape_inline(guild or ""),
    )


def job_choice(job: Job, words: Words) -> str:
    """Name a job in autocomplete, at most 100 characters (interactions/application-commands, Choice Structure)."""
    text = words("jobs.choice", job=job.id, state=words(f"state.{job.state}"), prompt=one_line(job.spec.prompt, 100))
    return one_line(text, CHOICE_CHARS)


def job_embed(job: Job, history: Sequence[JobEvent], words: Words) -> discord.Embed:
    """Show one job: prompt, state, options, cost, history, and its message where there is one."""
    lines = [words.prompt(job), "", state_line(job, words)]
    if job.state is JobState.DELIVERED and job.message_id is not None:
        place = "@me" if job.message_channel_id != job.channel_id else str(job.guild_id)
        link = f"https://discord.com/channels/{place}/{job.message_channel_id}/{job.message_id}"
        lines.append(words.of(job.spec.kind, "jobs.message", link=link))
    embed = discord.Embed(description="\n".join(lines))
    embed.add_field(name=words("card.field.options"), value=words.options(job.spec), inline=False)
    embed.add_field(name=words("card.field.cost"), value=cost(job, words))
    events = [
        words("jobs.history_line", when=date(event.at), state=words(f"state.{event.after}"))
        for event in history[-HISTORY_LINES:]
    ]
    if events:
        embed.add_field(name=words("jobs.history"), value="\n".join(events)[:FIELD_CHARS], inline=False)
    return embed.set_footer(text=words("card.footer", job=job.id))


def balance_embed(view: BalanceView, title: str, words: Words) -> discord.Embed:
    """Show what a member may spend, has set aside and has spent."""
    embed = discord.Embed(title=title[:250])
    embed.add_field(name=words("balance.allowance"), value=_allowance(view, words), inline=False)
    embed.add_field(name=words("balance.wallet"), value=_wallet(view, words), inline=False)
    held = words("balance.held_line", credits=view.held, count=view.open_jobs)
    embed.add_field(name=words("balance.held"), value=held, inline=False)
    if view.entries:
        lines = "\n".join(_entry(entry, words) for entry in view.entries)
        embed.add_field(name=words("balance.entries"), value=lines[:FIELD_CHARS], inline=False)
    return embed


def _allowance(view: BalanceView, words: Words) -> str:
    line = view.allowance
    when = "" if line.ends_at is None else relative(line.ends_at)
    if line.limit is None:
        return words("balance.allowance_unlimited", spent=line.settled, when=when)
    if line.limit == ZERO:
        return words("balance.allowance_none")
    left = max(ZERO, line.limit - line.settled - line.held)
    return words("balance.allowance_line", left=left, limit=line.limit, when=when)


def _wallet(view: BalanceView, words: Words) -> str:
    lines = [words("balance.wallet_line", credits=view.wallet)]
    lines += [
        words("balance.wallet_part", credits=credits, when=date(ends_at))
        for credits, ends_at in view.wallet_expires
        if ends_at is not None
    ]
    return "\n".join(lines)[:FIELD_CHARS]


def _entry(entry: EntryView, words: Words) -> str:
    reason = (
        f" · {escape_inline(one_line(entry.reason, 60))}" if entry.kind in {"grant", "revoke"} and entry.reason else ""
    )
    job = "" if entry.job_id is None else f"`{entry.job_id}`"
    kind = words(f"entry.{entry.kind}")
    return words("balance.entry", when=relative(entry.at), kind=kind, credits=entry.amount, job=job, reason=reason)
