"""Builds the services from the settings. Edges (Discord, providers, media) come in as ports."""

from datetime import timedelta
from decimal import Decimal

from bot.app.prices import load_prices
from bot.clock import Clock
from bot.db.engine import Database
from bot.domain.budgets import Period
from bot.domain.catalog import MODELS, Catalog
from bot.domain.money import MILLI, Credits, Limit
from bot.services.config import MoneyRules, Timings
from bot.services.pacing import Pacing
from bot.settings import Settings, SettingsError

SECONDS_A_MINUTE = 60.0


def limit(amount: Decimal | None) -> Limit:
    """Turn a setting's amount into a limit; None is unlimited."""
    return None if amount is None else Credits(int(amount * MILLI))


def money_rules(settings: Settings, *, owners: frozenset[int] = frozenset()) -> MoneyRules:
    """Collect what the operator set about budgets. `owners` are the operators where OPERATOR_IDS names none."""
    return MoneyRules(
        member_allowance=limit(settings.member_allowance_credits),
        allowance_period=Period(settings.member_allowance_period),
        guild_pool=limit(settings.guild_pool_credits),
        instance_daily=limit(settings.instance_daily_credits),
        provider_daily={name: limit(settings.provider(name).daily_credits) for name in settings.enabled_providers},
        home_guild_id=settings.discord_guild_id,
        operator_ids=settings.operator_ids or owners,
    )


def timings(settings: Settings) -> Timings:
    """Collect durations."""
    return Timings(
        poll_interval_s=settings.poll_interval_s,
        lease_s=settings.lease_s,
        job_deadline_s=settings.job_deadline_s,
        unknown_deadline_s=settings.unknown_deadline_s,
        search_interval_s=settings.search_interval_s,
        quote_ttl_s=settings.quote_ttl_s,
        approval_ttl_s=settings.approval_ttl_s,
        reference_retention=timedelta(days=settings.reference_retention_days),
        clip_retention=timedelta(days=settings.clip_retention_days),
        undelivered_retention=timedelta(days=settings.undelivered_retention_days),
    )


def catalog(settings: Settings, supported: tuple[str, ...]) -> Catalog:
    """Build the catalogue of the providers that have a key.

    Raises:
        SettingsError: no provider, DEFAULT_MODEL is not among the models, or PRICES_FILE is wrong.
    """
    settings.require_provider()
    names = [name for name in settings.enabled_providers if name in supported]
    rates = {name: settings.provider(name).credit_rate for name in names}
    try:
        return Catalog.build(
            providers=names,
            rates=rates,
            prices=load_prices(settings.prices_file),
            default_model=settings.default_model,
        )
    except SettingsError:
        raise
    except ValueError as error:
        first = next(model.key for model in MODELS if model.provider == names[0])
        raise SettingsError(f"DEFAULT_MODEL: {error}. Example: DEFAULT_MODEL={first}") from error


def pacing(settings: Settings, database: Database, clock: Clock) -> Pacing:
    """Build the shared rate budget and breaker."""
    limits = {
        name: (settings.provider(name).requests_per_minute, SECONDS_A_MINUTE) for name in settings.enabled_providers
    }
    return Pacing(database, clock, limits=limits)
