"""Claiming due jobs and running their steps under a lease that is renewed while they last."""

import asyncio
import logging
from collections.abc import Callable
from errno import EDQUOT, ENOSPC, EROFS, errorcode

from bot.clock import Clock
from bot.domain.errors import LeaseLost
from bot.domain.jobs import Job
from bot.services.cards import Cards
from bot.services.dispatch import Dispatch
from bot.services.leases import Leases
from bot.services.wake import Wake
from bot.workers.steps import AT_ONCE, Steps

log = logging.getLogger(__name__)

MAX_STEPS_AT_ONCE = 32
IDLE_LOOK_S = 1.0
MAX_ATTEMPTS = 8
RETRY_BASE_S = 1.0
RETRY_MAX_S = 300.0
RENEWALS_PER_LEASE = 3
GRACE_S = 10.0
TURN_RETRY_MAX_S = 15.0
DISK_RETRY_S = 30.0
#: Full, over its quota, or turned read-only by the system: no fault of the job's, so such a try does not count.
UNUSABLE_DISK = frozenset({ENOSPC, EDQUOT, EROFS})


NoteState = Callable[[str, str, float], None]


def note_nothing(_state: str, _provider: str, _seconds: float) -> None:
    """Where nobody counts."""


class WorkerLoop:
    """One process's worker. `stop` lets steps finish for a while, then hands the rest back."""

    def __init__(
        self,
        clock: Clock,
        *,
        leases: Leases,
        steps: Steps,
        dispatch: Dispatch,
        cards: Cards,
        wake: Wake,
        lease_s: float,
        note_state: NoteState = note_nothing,
    ) -> None:
        """`note_state` hears the state that a job leaves, its provider, and the seconds it was in it."""
        self._note_state = note_state
        self._clock = clock
        self._leases = leases
        self._steps = steps
        self._dispatch = dispatch
        self._cards = cards
        self._wake = wake
        self._lease_s = lease_s
        self._running: set[asyncio.Task[None]] = set()
        self._turning = asyncio.Lock()
        self._is_stopping = False

    @property
    def busy(self) -> int:
        """How many steps run now."""
        return len(self._running)

    async def run(self) -> None:
        """Work until `stop`. An error of the database is logged, with its traceback once, and tried again."""
        failures = 0
        while not self._is_stopping:
            try:
                async with self._turning:
                    wait_s = await self._turn()
                failures = 0
            except Exception as error:
                log.error("worker.turn_failed", extra={"failures": failures + 1}, exc_info=None if failures else error)
                wait_s = min(IDLE_LOOK_S * 2**failures, TURN_RETRY_MAX_S)
                failures = min(failures + 1, 1000)
            if wait_s > 0:
                await self._wake.wait(wait_s)

    async def stop(self) -> None:
        """Claim nothing more; let running steps finish for 10 seconds, cancel the rest and free their leases."""
        self._is_stopping = True
        self._wake.up()
        async with self._turning:  # what is being claimed at this moment belongs to it
            tasks = list(self._running)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=GRACE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _turn(self) -> float:
        await self._dispatch.run()
        free = MAX_STEPS_AT_ONCE - len(self._running)
        if free <= 0:
            return IDLE_LOOK_S
        claimed, next_at = await self._leases.claim(most=free)
        for held in claimed:
            task = asyncio.create_task(self._work(held), name=f"job {held.id}")
            self._running.add(task)
            task.add_done_callback(self._finished)
        if len(claimed) == free:
            return 0.0
        if next_at is None:
            return IDLE_LOOK_S
        return min(IDLE_LOOK_S, max(0.0, (next_at - self._clock.now()).total_seconds()))

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._wake.up()

    async def _work(self, held: Job) -> None:
        """Run a job's steps while they follow at once; park it where our own code keeps failing."""
        if held.attempt > MAX_ATTEMPTS:
            await self._leases.park(held, reason=f"failed {MAX_ATTEMPTS} times in {held.state}")
            log.error("job.parked", extra={"job_id": held.id, "state": held.state.value})
            self._cards.touch(held.id)
            return
        current: Job | None = held
        while current is not None:
            held, current = current, await self._step(current)

    async def _step(self, held: Job) -> Job | None:
        renewal = asyncio.create_task(self._renew(held), name=f"lease {held.id}")
        try:
            moved = await self._steps.run(held)
        except LeaseLost:
            log.info("job.lease_lost", extra={"job_id": held.id})
            return None
        except asyncio.CancelledError:
            await self._hand_back(held)
            raise
        except Exception as error:
            extra = {"job_id": held.id, "state": held.state.value}
            code = error.errno if isinstance(error, OSError) else None
            if code in UNUSABLE_DISK:
                log.error("storage.unusable", extra=extra | {"error": errorcode[code]})
            else:
                log.exception("job.step_failed", extra=extra)
            await self._later(held, is_counted=code not in UNUSABLE_DISK)
            return None
        finally:
            renewal.cancel()
        if moved is None:
            return None
        log.info("job.moved", extra={"job_id": held.id, "from": held.state.value, "to": moved.state.value})
        self._note_state(held.state.value, held.provider, (moved.updated_at - held.updated_at).total_seconds())
        self._cards.touch(moved.id, moved.state)
        if moved.state not in AT_ONCE:
            return None
        if self._is_stopping:
            await self._leases.retry_later(moved, delay_s=0)
            return None
        return moved

    async def _later(self, held: Job, *, is_counted: bool) -> None:
        """Have a failed step tried again. Where not even this can be written down, the lease lapses by itself."""
        try:
            if is_counted:
                await self._leases.retry_later(held, delay_s=min(RETRY_BASE_S * 2**held.attempt, RETRY_MAX_S))
            else:
                await self._leases.retry_later(held, delay_s=DISK_RETRY_S, attempt=0)
        except Exception:
            log.exception("job.lease_left", extra={"job_id": held.id})

    async def _hand_back(self, held: Job) -> None:
        """Let another worker, or the next start, have the job at once."""
        try:
            await asyncio.shield(self._leases.retry_later(held, delay_s=0))
        except LeaseLost:
            return

    async def _renew(self, held: Job) -> None:
        """Renew the lease while the step lasts; where the lease is lost, the step's next write fails."""
        while True:
            await self._clock.sleep(self._lease_s / RENEWALS_PER_LEASE)
            try:
                if not await self._leases.renew(held):
                    return
            except Exception:
                log.warning("lease.not_renewed", extra={"job_id": held.id}, exc_info=True)
