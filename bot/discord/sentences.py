"""Errors as sentences: what happened, what to do next, and a reference where somebody has to look."""

from datetime import datetime

from bot.discord.words import Words, escape_inline, relative
from bot.domain.errors import BudgetRefused, Cheaper, MediaRejected, Refused
from bot.domain.jobs import Job
from bot.domain.money import MILLI, ZERO, Credits

#: Parameters that name options, and those that are values of options: one, or several with commas between.
OF_OPTIONS = frozenset({"option"})
OF_CHOICES = frozenset({"value", "offered", "rendering", "renderings", "ratio", "ratios"})
#: Parameters that sentences show in code spans.
IN_CODE = frozenset({"option", "job", "reference", "entry"})
#: Parameters that are mentions made of ids.
OF_IDS = frozenset({"channels"})
#: The operator is shown a multiple of this to open a guild's empty pool with.
SUGGESTED_POOL = Credits(100_000)


def refusal(error: Refused | MediaRejected, words: Words, *, reference: str) -> str:
    """Say why a request was refused and what would work."""
    if isinstance(error, BudgetRefused):
        return budget_refusal(error, words)
    params = {name: _shown(name, value, words) for name, value in error.params.items()}
    if state := error.params.get("state"):
        params["state"] = words(f"state.{state}")
    if rule := error.params.get("rule"):
        params["rule"] = words(f"journal.rule.{rule}")
    family = "media" if isinstance(error, MediaRejected) else "refused"
    key = f"{family}.{error.code}"
    if params.get("others") == "" and words.catalogue.has(f"{key}.alone"):
        key += ".alone"
    if not words.catalogue.has(key):
        key = f"{family}.other"
    return words(key, **{"option": "?", "reference": reference, **params})


def budget_refusal(error: BudgetRefused, words: Words) -> str:
    """Name the level that refused, what is left there, when more is free, and the cheapest variant that would fit."""
    is_none = error.limit is not None and error.limit == ZERO
    key = f"budget.{error.level}.none" if is_none else f"budget.{error.level}"
    if not words.catalogue.has(key):
        key = f"budget.{error.level}"
    command = f"`python -m bot pool --guild {error.guild_id} --credits {_open_pool(error)}`"
    parts = [words(key, needed=error.needed, available=error.available, command=command)]
    if error.frees_at is not None:
        parts.append(words("budget.frees", when=relative(error.frees_at)))
    if error.cheaper is not None:
        parts.append(words("budget.cheaper", variant=_variant(error.cheaper, words)))
    if error.level == "pool" and not is_none and error.available == ZERO:
        parts.append(words("budget.operator", command=command))
    return " ".join(parts)


def _open_pool(error: BudgetRefused) -> int:
    """Return a limit in whole credits with which the refused request would fit, whatever is used already."""
    wanted = max(error.used + error.needed, SUGGESTED_POOL)
    return -(-wanted.milli // SUGGESTED_POOL.milli) * SUGGESTED_POOL.milli // MILLI


def failure(job: Job, words: Words) -> str:
    """Say why a job ended without a clip. Codes that have no sentence, and a provider's own text, are never shown."""
    code = job.error_code or ""
    for key in (f"failed.{code}", f"provider.{code}", f"media.{code}"):
        if words.catalogue.has(key) and not words.catalogue.placeholders(key):
            return words(key)
    is_file = words.catalogue.has(f"media.{code}")
    return words("failed.file_unreadable" if is_file else "provider.other")


def _variant(cheaper: Cheaper, words: Words) -> str:
    name = cheaper.model.partition("/")[2]
    key = "budget.variant_fast" if name.endswith("-fast") else "budget.variant"
    return words(
        key if cheaper.duration_s else "budget.variant_pictures",
        resolution=cheaper.resolution,
        model=name,
        seconds=cheaper.duration_s,
        credits=cheaper.cost,
    )


def _shown(name: str, value: object, words: Words) -> object:
    """Return a parameter as its reader knows it, harmless: options and their values by the names that Discord shows."""
    if isinstance(value, str) and name in OF_CHOICES:
        return ", ".join(map(words.choice, value.split(", ")))
    shown = _harmless(name, value)
    if name in OF_OPTIONS:
        return ", ".join(map(words.option, str(shown).split(", ")))
    return shown


def _harmless(name: str, value: object) -> object:
    """Escape what a person typed; ids and options stand in code spans, where only a backtick could do harm."""
    if isinstance(value, datetime):
        return relative(value)
    if not isinstance(value, str) or name in OF_IDS:
        return value
    return value.replace("`", "") if name in IN_CODE else escape_inline(value)
