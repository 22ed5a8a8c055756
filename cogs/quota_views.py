"""Limits and use as moderators see them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import discord

from bot.discord.words import Words, date, escape_inline, one_line, relative
from bot.domain.money import ZERO, Limit
from bot.ports import BudgetLine
from bot.services.queries import BalanceView
from bot.services.standing import Overview, Standing, Suspension
from cogs._lists import FIELD_CHARS, balance_embed, member_name

MOST_CAPS = 8
PAGE_LINES = 20
REASON_CHARS = 80


def standing_embed(view: BalanceView, standing: Standing, name: str, words: Words, *, channel_id: int) -> discord.Embed:
    """Show a member's balance, where the allowance comes from, a suspension, and the channels' caps, this one first."""
    embed = balance_embed(view, words("balance.title_of", member=name), words)
    kind, subject = standing.source
    source = words(f"quota.source.{kind}", role=f"<@&{subject}>", limit=words.limit(standing.limit))
    embed.insert_field_at(1, name=words("quota.source"), value=source, inline=False)
    if standing.suspension is not None:
        line = _suspended(standing.suspension, words, is_named=False)
        embed.insert_field_at(0, name=words("quota.suspension"), value=line[:FIELD_CHARS], inline=False)
    if standing.caps:
        caps = sorted(standing.caps.items(), key=lambda one: one[0] != channel_id)[:MOST_CAPS]
        lines = fit([_cap(one, line, words) for one, line in caps], words)
        embed.add_field(name=words("quota.caps"), value=lines, inline=False)
    return embed


@dataclass(frozen=True, slots=True)
class OverviewPage:
    """A page of a server's limits and use; pages count from 0."""

    embed: discord.Embed
    number: int
    count: int


def overview_page(overview: Overview, number: int, words: Words) -> OverviewPage:
    """Show a server's limits and use: on each page the server's budget and everyone's limit, then a part of the lists.

    A page that is not there any more is the nearest one.
    """
    pages = _pages(_lists(overview, words))
    number = max(0, min(number, len(pages) - 1))
    embed = discord.Embed(title=words("quota.list_title"))
    embed.add_field(name=words("quota.pool"), value=_use(overview.pool, words), inline=False)
    key = "quota.everyone_line" if overview.is_everyone_set else "quota.everyone_default"
    everyone = words(key, limit=words.limit(overview.everyone), when=relative(overview.period_ends_at))
    embed.add_field(name=words("quota.everyone"), value=everyone, inline=False)
    for name, lines in pages[number].items():
        embed.add_field(name=name, value="\n".join(lines), inline=False)
    if len(pages) > 1:
        embed.set_footer(text=words("quota.footer", page=number + 1, pages=len(pages)))
    return OverviewPage(embed, number, len(pages))


def _lists(overview: Overview, words: Words) -> Iterator[tuple[str, str]]:
    """Go through the lists: under which name, and each of their lines."""
    for name, lines in (
        (words("quota.spenders"), list(_spenders(overview, words))),
        (words("quota.suspended_members"), [_suspended(one, words, is_named=True) for one in overview.suspensions]),
        (words("quota.roles"), [_limit(f"<@&{one}>", limit, words) for one, limit in overview.roles]),
        (words("quota.members"), [_limit(f"<@{one}>", limit, words) for one, limit in overview.members]),
        (words("quota.caps"), [_cap(one, line, words) for one, line in overview.caps.items()]),
    ):
        for line in lines:
            yield name, line


def _pages(lists: Iterable[tuple[str, str]]) -> list[dict[str, list[str]]]:
    """Part the lists into pages of lines by name; at least one page, which may be empty."""
    pages: list[dict[str, list[str]]] = [{}]
    for name, line in lists:
        kept = pages[-1].get(name, [])
        is_full = sum(map(len, pages[-1].values())) >= PAGE_LINES
        if is_full or sum(len(one) + 1 for one in kept) + len(line) > FIELD_CHARS:
            pages.append({})
        pages[-1].setdefault(name, []).append(line)
    return pages


def fit(lines: Sequence[str], words: Words, most: int = FIELD_CHARS) -> str:
    """Join as many lines as fit into `most` characters, and say how many were left out."""
    rest_chars = 60
    kept: list[str] = []
    for line in lines:
        if sum(len(one) + 1 for one in kept) + len(line) > most - rest_chars:
            break
        kept.append(line)
    left_out = len(lines) - len(kept)
    return "\n".join([*kept, words("quota.more", count=left_out)] if left_out else kept)


def _spenders(overview: Overview, words: Words) -> Iterable[str]:
    for place, one in enumerate(overview.spenders, start=1):
        # Whoever had their data deleted has a number below zero in place of an id.
        member = member_name(one.user_id, words)
        yield words("quota.spender", place=place, member=member, credits=one.spent, count=one.jobs)


def _limit(subject: str, limit: Limit, words: Words) -> str:
    return words("quota.limit_line", subject=subject, limit=words.limit(limit))


def _cap(channel_id: int, line: BudgetLine, words: Words) -> str:
    return words("quota.cap_line", channel=f"<#{channel_id}>", use=_use(line, words))


def _use(line: BudgetLine, words: Words) -> str:
    when = "" if line.ends_at is None else relative(line.ends_at)
    if line.limit is None:
        return words("quota.use_unlimited", spent=line.settled, held=line.held, when=when)
    if line.limit == ZERO:
        return words("quota.use_none")
    return words("quota.use", spent=line.settled, held=line.held, limit=line.limit, when=when)


def _suspended(held: Suspension, words: Words, *, is_named: bool) -> str:
    until = words("quota.until_resumed") if held.until is None else words("quota.until", when=date(held.until))
    return words(
        "quota.suspension_named" if is_named else "quota.suspension_line",
        member=f"<@{held.user_id}>",
        until=until,
        actor=f"<@{held.actor}>",
        reason=escape_inline(one_line(held.reason, REASON_CHARS)),
    )
