"""The stage with the models of every provider on offer; only P1's jobs are carried out there."""

from decimal import Decimal

from bot.domain.catalog import Catalog
from tests.cogs.conftest import Stage

AI, TV = "seedance2ai", "seedance-tv"
MOVIE = "seedance2-movie"


async def offer_all(stage: Stage) -> None:
    """Restart the bot with a key for every provider."""
    stage.world.links.has_media = True
    stage.world.offered = Catalog.build(
        providers=[MOVIE, AI, TV], rates={MOVIE: Decimal(1), AI: Decimal("0.3"), TV: Decimal(1)}
    )
    await stage.restart()
