"""The board: a guild's open jobs as its moderators see them, page by page. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.db import board, jobs
from bot.db.engine import Database
from bot.domain.errors import NotFound
from bot.domain.jobs import Job, JobState

JOBS_A_PAGE = 10


@dataclass(frozen=True, slots=True)
class BoardPage:
    """One page of the board. `page` counts from 0; `total` is the number of jobs on all `pages`."""

    jobs: Sequence[Job]
    page: int
    pages: int
    total: int


class Board:
    """Shows what is going on in a guild. A private job is seen without its prompt, unless it waits for approval."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, guild_id: int, *, page: int, oldest_first: bool) -> BoardPage:
        """Return a page of the guild's open jobs; one beyond the last is the last. Two reads in one transaction."""
        async with self._database.read() as connection:
            total = await board.count_open(connection, guild_id)
            pages = max(1, -(-total // JOBS_A_PAGE))
            shown = min(max(0, page), pages - 1)
            found = await board.open_jobs(
                connection, guild_id, oldest_first=oldest_first, offset=shown * JOBS_A_PAGE, limit=JOBS_A_PAGE
            )
        return BoardPage(found, shown, pages, total)

    async def job(self, guild_id: int, job_id: str) -> Job:
        """Return one of the guild's jobs, whether or not it is still open.

        Raises:
            NotFound: `job_not_found`, no such job in this guild.
        """
        async with self._database.read() as connection:
            found = await jobs.get(connection, job_id)
        if found is None or found.guild_id != guild_id:
            raise NotFound("job_not_found", job=job_id)
        return found


def shows_request(one: Job) -> bool:
    """Whether moderators may read what a job asks for: a private one's only where they must decide on it."""
    return not one.is_private or one.state is JobState.AWAITING_APPROVAL
