"""A node of our own: started as a process, looked at, ended or killed.

Is: its life and its size. Is not: the node (serve).
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
START_WITHIN_S = 120.0
END_WITHIN_S = 60.0


class OwnNode:
    """One node and its data folder. `url` and `started_in_s` are known once it has started."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self._folder = folder
        self._port = port
        self._process: asyncio.subprocess.Process | None = None
        self.url = ""
        self.started_in_s = 0.0

    async def start(self) -> None:
        """Start it, at the same address as before; return once it answers."""
        before = time.perf_counter()
        paths = [str(ROOT), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench.serve", str(self._folder), str(self._port),
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        )  # fmt: skip
        assert self._process.stdout is not None
        async with asyncio.timeout(START_WITHIN_S):
            self.url = (await self._process.stdout.readline()).decode().strip()
        if not self.url:
            raise RuntimeError("The node did not start; what it said stands above.")
        self._port = int(self.url.rpartition(":")[2])
        self.started_in_s = time.perf_counter() - before

    async def stop(self) -> None:
        """End it in good order."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            async with asyncio.timeout(END_WITHIN_S):
                await self._process.wait()

    async def kill(self) -> None:
        """Kill it where it stands."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    def memory_mib(self) -> float:
        """Return the resident memory of the node and its children."""
        own = self._own()
        total = 0
        for process in (own, *own.children(recursive=True)):
            try:
                total += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return total / 2**20

    def cpu_s(self) -> float:
        """Return the processor time the node itself has used so far."""
        times = self._own().cpu_times()
        return float(times.user + times.system)

    def _own(self) -> psutil.Process:
        assert self._process is not None
        return psutil.Process(self._process.pid)
