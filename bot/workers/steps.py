"""Which service takes a job's next step, by its state."""

from dataclasses import dataclass

from bot.domain.errors import InvariantBroken
from bot.domain.jobs import Job, JobState
from bot.services.approvals import Approvals
from bot.services.delivery import Delivery
from bot.services.fetching import Fetching
from bot.services.quotes import Quotes
from bot.services.status import StatusCheck
from bot.services.submission import Submitter

#: States whose next step follows at once under the same lease.
AT_ONCE = frozenset({JobState.FETCHING, JobState.DELIVERING})


@dataclass(frozen=True, slots=True)
class Steps:
    """The services that move jobs."""

    submitter: Submitter
    status: StatusCheck
    fetching: Fetching
    delivery: Delivery
    quotes: Quotes
    approvals: Approvals

    async def run(self, held: Job) -> Job | None:
        """Take one step of a claimed job. Returns the job as moved, None where it only waits.

        Raises:
            LeaseLost: another worker has it.
        """
        match held.state:
            case JobState.QUOTED:
                return await self.quotes.lapse(held)
            case JobState.AWAITING_APPROVAL:
                return await self.approvals.step(held)
            case JobState.PREPARING:
                return await self.submitter.prepare(held)
            case JobState.SUBMITTING:
                return await self.submitter.recover(held)
            case JobState.UNKNOWN:
                return await self._unknown(held)
            case JobState.RUNNING:
                return await self.status.check(held)
            case JobState.FETCHING:
                return await self.fetching.fetch(held)
            case JobState.DELIVERING:
                return await self.delivery.deliver(held)
        if held.is_final and held.watch_until is not None:
            return await self.status.watch(held)
        raise InvariantBroken(f"no step for a job that is {held.state}")

    async def _unknown(self, held: Job) -> Job | None:
        if held.task_id is not None:
            return await self.status.check(held)
        return await self.submitter.resolve(held)
