"""The doctor: checks everything that running needs and says each finding in a sentence."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

import aiohttp
from sqlalchemy.exc import SQLAlchemyError

from bot.addresses import guarded_connector
from bot.app import build, desk
from bot.app.outside import ADAPTERS, SUPPORTED, open_provider
from bot.app.process import App
from bot.clock import SystemClock
from bot.db import work
from bot.db.engine import Database
from bot.discord.sync import command_differences
from bot.domain.errors import BotError, DeliveryError, ProviderAccount, ProviderBusy, ProviderError, SettingsInvalid
from bot.ports import Provider, RateBudget
from bot.services.alerts import clip_costs
from bot.services.pacing import PACED
from bot.settings import Settings, SettingsError

ADDRESS_TIMEOUT = aiohttp.ClientTimeout(total=15, connect=10, sock_connect=10, sock_read=10)
LOCAL_TIMEOUT_S = 2.0
TURN_WAIT_MAX_S = 90.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    name: str
    is_ok: bool
    sentence: str


class _Unpaced:
    """Lets the doctor's questions through at once, where no database shares out the turns of a running bot."""

    async def take(self, key: str, *, urgency: int) -> None:
        """Let one request through."""

    async def pause(self, key: str, seconds: float) -> None:
        """Forget a `Retry-After`: nothing more is asked."""


async def examine(load: Callable[[], Settings]) -> AsyncIterator[Finding]:
    """Yield each finding as it is made. Nothing is changed anywhere: no table, no command, no job."""
    try:
        settings = load()
    except SettingsError as error:
        yield Finding("settings", False, str(error))
        return
    yield _settings(settings)
    async with AsyncExitStack() as stack:
        database: Database | None = None
        try:
            database = await stack.enter_async_context(desk.open_database(settings))
            is_current = await desk.is_current(database)
            yield Finding("database", True, f"answers ({'SQLite' if database.is_sqlite else 'PostgreSQL'})")
            yield _migrations(is_current)
        except (SettingsInvalid, SQLAlchemyError, OSError) as error:
            yield Finding("database", False, _database_problem(error))
            database, is_current = None, False
        owners: frozenset[int] = frozenset()
        async for finding, found in _discord(settings):
            owners |= found
            yield finding
        rate = build.pacing(settings, database, SystemClock()) if database is not None and is_current else _Unpaced()
        async for finding in _providers(settings, rate):
            yield finding
        yield await _address(settings)
        if database is not None and is_current:
            if settings.public_base_url:
                yield await _arrivals(settings, database)
            yield await _spending(settings, database, owners)


def _settings(settings: Settings) -> Finding:
    try:
        settings.require_run()
        build.catalog(settings, SUPPORTED)
    except SettingsError as error:
        return Finding("settings", False, str(error))
    return Finding("settings", True, f"complete; providers: {', '.join(settings.enabled_providers)}")


def _migrations(is_current: bool) -> Finding:
    if is_current:
        return Finding("migrations", True, "the tables are those of this version")
    return Finding("migrations", False, "the tables are not those of this version; run: python -m bot migrate")


def _database_problem(error: Exception) -> str:
    if isinstance(error, SettingsInvalid):
        return str(error)
    return f"DATABASE_URL: the database does not answer ({type(error).__name__}); is it running, and the address right?"


async def _discord(settings: Settings) -> AsyncIterator[tuple[Finding, frozenset[int]]]:
    """Check the token, the registered commands and the intents; with each finding comes who owns the application."""
    if settings.discord_token is None:
        yield Finding("discord token", False, "not tried: there is none"), frozenset()
        return
    try:
        app = App(settings)
    except SettingsError as error:
        yield Finding("discord token", False, f"not tried: {error}"), frozenset()
        return
    nobody: frozenset[int] = frozenset()
    try:
        await app.sign_in(b"")
        user = app.client.user
        owners = app.client.owner_ids_of_application()
        yield Finding("discord token", True, f"signed in as {user} ({user.id if user else 0})"), owners
        differences = await command_differences(
            app.client.tree,
            application_id=app.client.application_id or 0,
            guild_id=settings.discord_guild_id,
            operator_guild_id=settings.operator_guild_id,
        )
        yield _commands(differences), nobody
        yield _intents(app), nobody
    except DeliveryError as error:
        what = f"does not answer as it should ({error})" if error.status else "cannot be reached"
        yield Finding("discord token", False, f"Discord {what}; try again in a minute"), nobody
    except BotError as error:
        yield Finding("discord token", False, str(error)), nobody
    finally:
        await app.stop()


def _commands(differences: list[str]) -> Finding:
    if not differences:
        return Finding("commands", True, "registered as they are")
    return Finding(
        "commands", False, f"differ at Discord: {' '.join(differences)}; start the bot or run: python -m bot sync"
    )


def _intents(app: App) -> Finding:
    intents = app.client.intents
    privileged = [name for name in ("members", "presences", "message_content") if getattr(intents, name)]
    if privileged:
        return Finding("intents", False, f"privileged ones are asked for: {', '.join(privileged)}")
    return Finding("intents", True, "no privileged intent is needed")


async def _providers(settings: Settings, rate: RateBudget) -> AsyncIterator[Finding]:
    """Prove each key, and say what is left."""
    try:
        costs = clip_costs(build.catalog(settings, SUPPORTED))
    except SettingsError:
        costs = {}  # told among the settings
    connector = guarded_connector(allow_private=settings.provider_allow_private_hosts)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        for name in settings.enabled_providers:
            try:
                provider = open_provider(settings, name, session=session, rate=rate, observe=lambda *_: None)
            except SettingsInvalid as error:
                yield Finding(name, False, str(error))
                continue
            yield await _key(provider, clip_cost=costs.get(name, Decimal(0)))


async def _key(provider: Provider, *, clip_cost: Decimal) -> Finding:
    """Prove one key by a request that changes nothing, and ask for the balance where there is one.

    `clip_cost` is what a default clip costs, in the provider's credits.
    """
    name = provider.name
    try:
        await _in_turn(provider.check_key)
        balance = await _in_turn(provider.balance) if provider.traits.has_balance else None
    except ProviderAccount as error:
        return Finding(name, False, f"the account cannot be used ({error.code}); check the key and the credits there")
    except ProviderError as error:
        return Finding(name, False, f"does not answer as it should ({error.code}); try again later")
    if balance is None:
        return Finding(name, True, "the key works; what is left of its credits, only its own site tells")
    if balance <= 0:
        return Finding(name, False, "the key works, but the account has no credits left; buy some there")
    if balance < clip_cost:
        sentence = f"the key works, but {_plain(balance)} credits are left and a usual clip costs {_plain(clip_cost)}"
        return Finding(name, False, f"{sentence}; buy some there")
    return Finding(name, True, f"the key works; {_plain(balance)} credits left")


def _plain(amount: Decimal) -> str:
    return f"{round(amount, 2).normalize():f}"


async def _in_turn(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask once, or twice where a running bot had all the turns of the rate budget."""
    try:
        return await ask()
    except ProviderBusy as error:
        if error.code != PACED or error.retry_after_s is None or error.retry_after_s > TURN_WAIT_MAX_S:
            raise
        await SystemClock().sleep(error.retry_after_s)
        return await ask()


async def _address(settings: Settings) -> Finding:
    """Ask our own public address for /healthz, where something listens behind it."""
    name, base = "callback address", settings.public_base_url
    if base is None:
        links = [p for p in settings.enabled_providers if ADAPTERS[p].traits.takes_links]
        tail = f"; {', '.join(links)} fetches references at Discord's own links, which expire" if links else ""
        return Finding(name, True, f"PUBLIC_BASE_URL is not set: no callbacks, tasks are polled{tail}")
    if not await _is_listening(settings):
        return Finding(name, True, f"not tried: nothing listens on port {settings.http_port} now")
    try:
        async with (
            aiohttp.ClientSession(timeout=ADDRESS_TIMEOUT) as session,
            session.get(f"{base}/healthz", allow_redirects=False) as response,
        ):
            status = response.status
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return Finding(name, False, f"PUBLIC_BASE_URL: {base} cannot be reached from here ({type(error).__name__})")
    if status != 200:
        return Finding(name, False, f"PUBLIC_BASE_URL: {base}/healthz answers {status} instead of 200")
    return Finding(name, True, f"{base} reaches this bot")


async def _arrivals(settings: Settings, database: Database) -> Finding:
    """Say which providers announce that a task is done, and whether the last jobs of those were announced."""
    announcing = [name for name in settings.enabled_providers if ADAPTERS[name].traits.has_callback]
    polled = [name for name in settings.enabled_providers if name not in announcing]
    async with database.read() as connection:
        silent = [name for name in announcing if await work.are_callbacks_silent(connection, name)]
    tail = f"; polled, having none: {', '.join(polled)}" if polled else ""
    if not announcing:
        return Finding("callbacks", True, f"none are expected; polled: {', '.join(polled)}")
    if not silent:
        return Finding("callbacks", True, f"nothing speaks against those of {', '.join(announcing)} arriving{tail}")
    sentence = f"the last {work.SILENT_AFTER} jobs or more of {', '.join(silent)} had none; tasks are polled instead"
    return Finding("callbacks", False, f"{sentence}. Is PUBLIC_BASE_URL reachable from outside?")


async def _is_listening(settings: Settings) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.http_host, settings.http_host)
    try:
        async with asyncio.timeout(LOCAL_TIMEOUT_S):
            _, writer = await asyncio.open_connection(host, settings.http_port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def _spending(settings: Settings, database: Database, owners: frozenset[int]) -> Finding:
    """Check that a guild can spend: with none, every request would be refused."""
    found = await desk.count_spenders(settings, database, owners)
    hint = "run: python -m bot pool --guild SERVER_ID --credits 500"
    awaited = f"{found.awaited} more with a pool when the bot joins them" if found.awaited else ""
    if found.able:
        tail = f", {awaited}" if awaited else ""
        return Finding("spending", True, f"{found.able} of {found.joined} servers can spend{tail}")
    if settings.discord_guild_id is not None or settings.guild_pool_credits != 0:
        return Finding("spending", True, "servers that the bot joins can spend")
    if found.joined:
        tail = f" ({awaited})" if awaited else ""
        return Finding("spending", False, f"none of {found.joined} servers has a pool{tail}; {hint}")
    if found.awaited:
        return Finding("spending", True, f"servers with a pool that the bot has yet to join: {found.awaited}")
    return Finding("spending", False, f"no server can spend yet: GUILD_POOL_CREDITS is 0; invite the bot, then {hint}")
