"""The edges of one process that are not Discord: sessions, media, providers."""

from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

from bot.addresses import guarded_connector
from bot.clock import Clock
from bot.media.child import Children
from bot.media.download import Downloader
from bot.media.links import SignedLinks
from bot.media.references import References
from bot.media.store import LocalStore
from bot.media.videos import Videos
from bot.media.workshop import Workshop
from bot.ports import Provider, RateBudget
from bot.providers.seedance2_movie import Seedance2Movie
from bot.providers.seedance2ai import Seedance2Ai
from bot.providers.seedance_tv import SeedanceTv
from bot.services.intake import Intake
from bot.settings import Settings

#: Providers that this version speaks, each with its adapter.
ADAPTERS: dict[str, type[Seedance2Movie | Seedance2Ai | SeedanceTv]] = {
    "seedance2-movie": Seedance2Movie,
    "seedance2ai": Seedance2Ai,
    "seedance-tv": SeedanceTv,
}
SUPPORTED = tuple(ADAPTERS)
MEDIA_FOLDER = "media"


@dataclass(frozen=True, slots=True)
class Outside:
    """What a process reaches the world with; `close` ends it."""

    session: aiohttp.ClientSession
    store: LocalStore
    links: SignedLinks
    intake: Intake
    workshop: Workshop
    providers: dict[str, Provider]

    async def close(self) -> None:
        """Close every connection."""
        await self.session.close()


def open_outside(
    settings: Settings,
    clock: Clock,
    *,
    secret: bytes,
    rate: RateBudget,
    observe: Callable[[str, str, int], None],
) -> Outside:
    """Build the edges. Must be called on the running loop. `observe` hears of provider requests."""
    allow_private = settings.provider_allow_private_hosts
    session = aiohttp.ClientSession(
        connector=guarded_connector(allow_private=allow_private), cookie_jar=aiohttp.DummyCookieJar()
    )
    store = LocalStore(settings.data_dir / MEDIA_FOLDER, counted=settings.data_dir)
    children = Children()
    videos = Videos(children, settings.ffmpeg)
    references = References(session, store, children, videos, allow_private=allow_private)
    downloader = Downloader(session, timeout_s=settings.download_timeout_s, allow_private=allow_private)
    providers: dict[str, Provider] = {}
    for name in settings.enabled_providers:
        if name in SUPPORTED:
            providers[name] = open_provider(settings, name, session=session, rate=rate, observe=observe)
    return Outside(
        session=session,
        store=store,
        links=SignedLinks(secret, settings.public_base_url),
        intake=Intake(references, store, clock, data_dir=settings.data_dir, max_bytes=settings.data_dir_max_bytes),
        workshop=Workshop(store, downloader, videos, children),
        providers=providers,
    )


def open_provider(
    settings: Settings,
    name: str,
    *,
    session: aiohttp.ClientSession,
    rate: RateBudget,
    observe: Callable[[str, str, int], None],
) -> Provider:
    """Build one provider's adapter."""
    account = settings.provider(name)
    key = account.api_key.get_secret_value() if account.api_key else ""
    return ADAPTERS[name](
        session,
        base_url=account.base_url,
        api_key=key,
        rate=rate,
        allow_private_hosts=settings.provider_allow_private_hosts,
        observe=lambda route, status: observe(name, route, status),
    )
