"""A task's surroundings that remember what the command did with them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from flamenco_p2p.worker.programs import BlenderWanted, Programs


@dataclass
class Recorder:
    """Fills the `Surroundings` protocol; everything is kept in lists."""

    programs: Programs = field(default_factory=Programs)
    blender_wanted: BlenderWanted | None = None
    known_outputs: frozenset[str] = frozenset()
    stale_outputs: frozenset[str] = frozenset()
    lines: list[str] = field(default_factory=list)
    steps: int = 0
    files: list[str] = field(default_factory=list)
    kept_files: list[str] = field(default_factory=list)
    started: list[int] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    first_start: asyncio.Event = field(default_factory=asyncio.Event)
    first_file: asyncio.Event = field(default_factory=asyncio.Event)

    async def log(self, line: str) -> None:
        self.lines.append(line)

    async def step(self) -> None:
        self.steps += 1

    async def saved(self, path: str) -> None:
        self.files.append(path)
        self.first_file.set()

    def kept(self, path: str) -> None:
        self.kept_files.append(path)

    def on_start(self, pid: int) -> None:
        self.started.append(pid)
        self.first_start.set()

    def on_end(self, pid: int) -> None:
        self.ended.append(pid)

    def said(self) -> list[str]:
        """What the program printed, without the process id before each line."""
        return [line.partition(" > ")[2] for line in self.lines if line.startswith("pid=")]

    def ran(self) -> str:
        """The command line the log announces."""
        return self.lines[self.lines.index("going to run:") + 2].strip()
