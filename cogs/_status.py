"""The figures of the installation as `/operator status` shows them."""

from collections.abc import Iterable, Mapping, Sequence

import discord

from bot.discord.words import Words, escape_inline, relative
from bot.domain.jobs import JobState
from bot.ports import BudgetLine
from bot.services.operator_desk import DiskUse, PoolFigures, ProviderFigures, Status

FIELD_CHARS = 1024
MEBIBYTE = 1024 * 1024
MOST_POOLS = 12


def status_embed(found: Status, names: Mapping[int, str], words: Words) -> discord.Embed:
    """Show the installation: providers, jobs, what needs a person, money, room. `names` are the servers' by id."""
    embed = discord.Embed(title=words("operator.title"))
    for provider in found.providers:
        embed.add_field(name=provider.name, value=_provider(provider, words), inline=False)
    embed.add_field(name=words("operator.jobs"), value=_jobs(found.jobs, words), inline=False)
    trouble = _trouble(found, words)
    if trouble:
        embed.add_field(name=words("operator.trouble"), value=trouble, inline=False)
    embed.add_field(name=words("operator.today"), value=_spent(found.today, words), inline=False)
    embed.add_field(name=words("operator.pools"), value=_pools(found.pools, names, words), inline=False)
    return embed.add_field(name=words("operator.disk"), value=_disk(found.disk, words), inline=False)


def _provider(one: ProviderFigures, words: Words) -> str:
    lines = []
    if one.breaker.is_open:
        lines.append(words(f"operator.breaker.{one.breaker.reason}"))
        if one.breaker.probe_at is not None:
            lines.append(words("operator.probe", when=relative(one.breaker.probe_at)))
    else:
        lines.append(words("operator.breaker.closed"))
    if one.balance is not None:
        amount = one.balance.amount.normalize()
        lines.append(words("operator.balance", amount=amount, when=relative(one.balance.at)))
    if one.is_silent is not None:
        lines.append(words("operator.callbacks_silent" if one.is_silent else "operator.callbacks"))
    lines.append(_spent(one.today, words))
    return "\n".join(lines)[:FIELD_CHARS]


def _jobs(jobs: Mapping[str, int], words: Words) -> str:
    ordered = [state for state in JobState if jobs.get(state.value)]
    parts = [words("operator.state", state=words(f"state.{state}"), count=jobs[state.value]) for state in ordered]
    return " · ".join(parts) or words("operator.idle")


def _trouble(found: Status, words: Words) -> str:
    lines = []
    if found.parked:
        lines.append(words("operator.parked", jobs=_ids(found.parked)))
    if found.unresolved:
        lines.append(words("operator.unresolved", jobs=_ids(found.unresolved)))
    return "\n".join(lines)[:FIELD_CHARS]


def _spent(line: BudgetLine, words: Words) -> str:
    return words("operator.spent", spent=line.settled, held=line.held, limit=words.limit(line.limit))


def _pools(pools: Sequence[PoolFigures], names: Mapping[int, str], words: Words) -> str:
    if not pools:
        return words("operator.no_guilds")
    lines = [
        words("operator.pool", guild=escape_inline(names[one.guild_id][:40]), spent=_spent(one.line, words))
        for one in pools[:MOST_POOLS]
    ]
    if len(pools) > MOST_POOLS:
        lines.append(words("operator.more_guilds", count=len(pools) - MOST_POOLS))
    while len("\n".join(lines)) > FIELD_CHARS:
        lines.pop(-2)
    return "\n".join(lines)


def _disk(disk: DiskUse, words: Words) -> str:
    return words(
        "operator.disk_line",
        used=disk.used_bytes // MEBIBYTE,
        limit=disk.limit_bytes // MEBIBYTE,
        free=disk.free_bytes // MEBIBYTE,
    )


def _ids(job_ids: Iterable[str]) -> str:
    return ", ".join(f"`{job_id}`" for job_id in job_ids)
