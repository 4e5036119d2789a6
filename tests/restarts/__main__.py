"""`python -m tests.restarts [--count 1000] [--seed N] [--daemon]`: prints what it found.

Is: arguments, and the last line: the seed of a failure, and how to repeat it (the same load and the
same moments; time itself is never the same). Is not: the lives.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from pathlib import Path
from random import Random, SystemRandom

from tests.restarts.daemon import Failed as DaemonFailed
from tests.restarts.daemon import kill_daemon
from tests.restarts.killer import Failed, Killer


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)  # noqa: T201 -- this is a command


def kill_bridge(folder: Path, seed: int, count: int, power_cuts: float) -> str:
    """Restart the bridge so often; return what was seen."""
    killer = Killer(folder, seed, power_cuts=power_cuts)
    begin = time.monotonic()
    killer.run(count, say)
    return (
        f"{count} lives in {time.monotonic() - begin:.0f} s: {killer.stood} killed at work, "
        f"{killer.fell_at_start} while starting, {killer.power_cuts} of all with a power cut; "
        f"{killer.ledger.acknowledged:,} acknowledgements, every one present."
    )


def main() -> int:
    """Return 0 if everything acknowledged was present, every time."""
    parser = argparse.ArgumentParser(prog="python -m tests.restarts", description=__doc__)
    parser.add_argument("--count", type=int, help="how many restarts; default 1000 (--daemon: 15)")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6))
    parser.add_argument("--power-cuts", type=float, default=0.06, help="in which share of them")
    parser.add_argument("--daemon", action="store_true", help="restart a whole node instead")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="flamenco-p2p-restarts-"))
    try:
        if given.daemon:
            report = asyncio.run(kill_daemon(folder, Random(given.seed), given.count or 15))
        else:
            report = kill_bridge(folder, given.seed, given.count or 1000, given.power_cuts)
    except (Failed, DaemonFailed) as failure:
        say(f"{failure}\nseed {given.seed}; the files are kept in {folder}")
        return 1
    shutil.rmtree(folder)
    say(f"{report} Seed {given.seed}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
