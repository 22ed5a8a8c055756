"""Cards of jobs that the operator's command line moved beside this process."""

from bot.db import reports
from bot.db.engine import Database
from bot.services.cards import Cards
from bot.services.operator import GIVEN_UP


class OutsideMoves:
    """Redraws cards after what the command line did. Every process with a gateway may look; each draws once."""

    def __init__(self, database: Database, *, cards: Cards) -> None:
        self._database = database
        self._cards = cards
        self._seen: int | None = None

    async def look(self) -> None:
        """Touch the cards of jobs given up since the last look; the first look only notes where to begin. One read."""
        async with self._database.read() as connection:
            last, moved = await reports.moved_since(connection, self._seen, cause=GIVEN_UP)
        self._seen = last
        for job_id in moved:
            self._cards.touch(job_id)
