"""What a command may use of the worker that runs it.

Is: the Protocol that the loop fills, and the one way in which a command fails. Is not: any
command, or anything that talks to the farm.
"""

from __future__ import annotations

from typing import Protocol

from flamenco_p2p.worker.programs import BlenderWanted, Programs


class CommandFailed(Exception):
    """The command did not do what it was asked. Its text becomes the task's activity and log."""


class Surroundings(Protocol):
    """One running task, as its commands see it. Paths are absolute."""

    @property
    def programs(self) -> Programs:
        """The Blenders and the FFmpeg of this machine."""

    @property
    def blender_wanted(self) -> BlenderWanted | None:
        """Which Blender the job needs; `None`: unknown."""

    @property
    def known_outputs(self) -> frozenset[str]:
        """Files that were verified when an earlier attempt of this task saved them."""

    @property
    def stale_outputs(self) -> frozenset[str]:
        """Files of this task from before it was asked to be done afresh."""

    async def log(self, line: str) -> None:
        """One line, without line end, for the task's log."""

    async def step(self) -> None:
        """One unit of progress."""

    async def saved(self, path: str) -> None:
        """The program says it has written this file."""

    def kept(self, path: str) -> None:
        """The program leaves this file of the task as it found it."""

    def on_start(self, pid: int) -> None:
        """A program runs: remember it, so that it can be ended after a crash of the daemon."""

    def on_end(self, pid: int) -> None:
        """That program is gone."""
