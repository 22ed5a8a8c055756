"""`python -m benchmarks [row …] [--quick]`: run the rows, print the table. Always ends by itself; exit code 0 or 1."""

import argparse
import asyncio
import os
import sys
import time
import traceback
from collections.abc import Awaitable, Callable

import uvloop

from benchmarks.acknowledgement import acknowledgement
from benchmarks.callbacks import callbacks
from benchmarks.delivery import delivery
from benchmarks.open_jobs import open_jobs
from benchmarks.report import Row, table
from benchmarks.throughput import throughput

Measure = Callable[..., Awaitable[list[Row]]]
MEASURES: dict[str, Measure] = {
    "acknowledgement": acknowledgement,
    "callbacks": callbacks,
    "delivery": delivery,
    "throughput": throughput,
    "open-jobs": open_jobs,
}
TIMEOUT_S = 90


async def measure(names: list[str], *, is_quick: bool) -> int:
    """Run the named measures one after another and print their rows. 1 where one could not be run."""
    rows: list[Row] = []
    failed: list[str] = []
    began = time.monotonic()
    for name in names:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                rows += await MEASURES[name](is_quick=is_quick)
        except (TimeoutError, RuntimeError, OSError):
            traceback.print_exc()
            failed.append(name)
    print(table(rows))
    missed = sum(not row.is_met for row in rows)
    spent_s = time.monotonic() - began
    print(f"\n{len(rows) - missed} of {len(rows)} goals met, in {spent_s:.0f} s on {os.cpu_count()} cores.")
    if failed:
        print(f"Could not be measured: {', '.join(failed)}.")
    return 1 if failed else 0


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="The bot's speed beside the bare minimum."
    )
    parser.add_argument("row", nargs="*", choices=[*MEASURES, []], help="only these (default: all)")
    parser.add_argument("--quick", action="store_true", help="less of everything, in under a minute")
    given = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(measure(given.row or list(MEASURES), is_quick=given.quick))


if __name__ == "__main__":
    raise SystemExit(main())
