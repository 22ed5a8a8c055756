"""Comparing the books with the providers, beside a running bot: with its database and its share of the rate budget."""

import aiohttp

from bot.addresses import guarded_connector
from bot.app import build
from bot.app.desk import open_database
from bot.app.outside import SUPPORTED, open_provider
from bot.clock import SystemClock
from bot.db import migrate
from bot.services.reconcile import Reconcile, Report
from bot.settings import Settings


async def compare(settings: Settings, *, days: int) -> list[Report]:
    """Compare what the last `days` brought at every provider in use.

    Raises:
        SettingsError: no provider has a key, or a setting is wrong.
        SettingsInvalid: the database does not exist or has other tables.
    """
    clock = SystemClock()
    offered = build.catalog(settings, SUPPORTED)
    connector = guarded_connector(allow_private=settings.provider_allow_private_hosts)
    async with (
        open_database(settings) as database,
        aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session,
    ):
        await migrate.require_current(database)
        rate = build.pacing(settings, database, clock)
        providers = {
            name: open_provider(settings, name, session=session, rate=rate, observe=lambda *_: None)
            for name in settings.enabled_providers
            if name in SUPPORTED
        }
        return await Reconcile(database, clock, providers=providers, catalog=offered).run(days=days)
