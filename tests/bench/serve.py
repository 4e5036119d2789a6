"""A node to measure, or to kill: `python -m tests.bench.serve DATA_DIR PORT`.

Is: the whole daemon without its worker, on loopback; says its address on the first line and ends on
SIGTERM. With FLAMENCO_BENCH_PROFILE=FILE every thread is profiled into FILE.<thread>. Is not: the
command line.
"""

from __future__ import annotations

import asyncio
import cProfile
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from flamenco_p2p.config import Config
from flamenco_p2p.data_folder import DataFolder
from flamenco_p2p.node import running_node

PROFILE = "FLAMENCO_BENCH_PROFILE"


async def serve(folder: DataFolder, port: int) -> None:
    """Run the node until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    config = Config(name="bench", host="127.0.0.1", port=port, worker=False)
    async with running_node(config, folder) as running:
        print(running.url, flush=True)  # noqa: T201 -- whoever started it waits for this line
        await stop.wait()


def profile_threads(target: str) -> None:
    """Let every thread from now on write its profile when it ends."""
    run = threading.Thread.run

    def profiled(self: threading.Thread) -> None:
        profile = cProfile.Profile()
        try:
            profile.runcall(run, self)
        finally:
            profile.dump_stats(f"{target}.{self.name}")

    threading.Thread.run = profiled  # type: ignore[method-assign]


def main() -> None:
    """Serve from the folder and port in the arguments."""
    logging.basicConfig(level=logging.WARNING)
    folder = DataFolder(Path(sys.argv[1]))
    target = os.environ.get(PROFILE)
    if target is None:
        asyncio.run(serve(folder, int(sys.argv[2])))
        return
    profile_threads(target)
    profile = cProfile.Profile()
    try:
        profile.runcall(asyncio.run, serve(folder, int(sys.argv[2])))
    finally:
        profile.dump_stats(f"{target}.main")


if __name__ == "__main__":
    main()
