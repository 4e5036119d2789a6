"""One task, run from its first command to its last report.

Is: the order of things, and what a command may use of us while it runs. Is not: any command, or the
question whether to go on (machine). Cancelled, it ends its program and says nothing.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Callable
from typing import Final

from flamenco_p2p.client.answers import AssignedTask
from flamenco_p2p.wire.blenders import BlenderNeed
from flamenco_p2p.worker.children import Children
from flamenco_p2p.worker.commands import CommandFailed, run_command
from flamenco_p2p.worker.outbox import Outbox
from flamenco_p2p.worker.programs import BlenderWanted, Programs
from flamenco_p2p.worker.reports import NotOurs, Reports

log = logging.getLogger(__name__)

_SERIES: Final = re.compile(r"([0-9]+)\.([0-9]+)")


class TaskRun:
    """The `Surroundings` of its commands. `run` is called once."""

    def __init__(
        self,
        task: AssignedTask,
        *,
        programs: Programs,
        outbox: Outbox,
        children: Children,
        offer_preview: Callable[[str, str], None],
        commands_ended: Callable[[], None],
    ) -> None:
        self.programs = programs
        self.blender_wanted = _wanted(task.blender)
        self.known_outputs: frozenset[str] = frozenset()
        self.stale_outputs: frozenset[str] = frozenset()
        self.on_start = children.started
        self.on_end = children.ended
        self._task = task
        self._outbox = outbox
        self._offer_preview = offer_preview
        self._commands_ended = commands_ended
        self._run_id = task.attempt or task.uuid
        self._reports = Reports(task.uuid, task.attempt, outbox.send)
        self._saved: dict[str, None] = {}  # in order, each once

    async def run(self) -> bool:
        """Run the task; return whether the farm knows, or will know, how it ended."""
        self.known_outputs = await self._outbox.begin_run(self._run_id)
        # The farm does not know that some are new again: they were made by this same run.
        self.stale_outputs = frozenset(self._task.stale_outputs) - self.known_outputs
        self._saved = dict.fromkeys(sorted(self.known_outputs))
        reported = False
        try:
            await self._reports.started()
            why = await self._run_commands()
            self._commands_ended()
            if why is None:
                await self._reports.completed(list(self._saved))
            else:
                await self._reports.failed(why)
            reported = True
        except* NotOurs:
            log.info("task %s is not ours any longer", self._task.uuid)
        return reported

    async def log(self, line: str) -> None:
        """One line for the task's log."""
        await self._reports.log(line)

    async def step(self) -> None:
        """One unit of progress."""
        self._reports.step()

    async def saved(self, path: str) -> None:
        """A program has written this file."""
        self._saved[path] = None
        self._offer_preview(self._task.uuid, path)
        try:
            await asyncio.to_thread(_to_disk, path)
        except OSError:
            return  # the command will look at the file itself
        await self._outbox.add_finished_file(self._run_id, path)

    def kept(self, path: str) -> None:
        """A frame of this task that was there: saved, perhaps, while nobody listened."""
        self._saved[path] = None

    async def _run_commands(self) -> str | None:
        """Return why the task failed, if it did. Raises a group of `NotOurs`."""
        async with asyncio.TaskGroup() as together:
            together.create_task(self._reports.pump())
            why = await self._one_after_the_other()
            self._reports.close()
        return why

    async def _one_after_the_other(self) -> str | None:
        for command in self._task.commands:
            try:
                await run_command(command.name, command.parameters, self)
            except CommandFailed as error:
                return str(error)
            except Exception as error:  # a fault of ours in one command must not end the worker
                log.exception("command %s of task %s", command.name, self._task.uuid)
                return (
                    f"the command {command.name} met a fault in flamenco-p2p "
                    f"({type(error).__name__}: {error}); this machine's log has the details"
                )
            if command.total_step_count == 0:
                self._reports.step()
        return None


def _wanted(needed: BlenderNeed | None) -> BlenderWanted | None:
    found = None if needed is None else _SERIES.match(needed.version)
    if needed is None or found is None:
        return None
    return BlenderWanted((int(found[1]), int(found[2])), needed.newer_allowed)


def _to_disk(path: str) -> None:
    """What a later life takes for finished must not have been lost with the power."""
    fd = os.open(path, os.O_RDWR)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
