"""What the manager itself writes into task logs: who got the task, and what became of it.

Is: a listener that turns events into dated lines. Is not: the program's output, which its worker
sends.
"""

from __future__ import annotations

from flamenco_p2p import clock
from flamenco_p2p.farm.events import Event, LeaseChanged, TaskChanged
from flamenco_p2p.farm.statuses import TaskStatus
from flamenco_p2p.files.task_logs import TaskLogs
from flamenco_p2p.manager.roster import Roster


class Chronicle:
    """Writes the manager's lines."""

    def __init__(self, logs: TaskLogs, roster: Roster) -> None:
        self._logs = logs
        self._roster = roster

    def hear(self, event: Event) -> None:
        """Write a line if the event is one for a task's log."""
        match event:
            case LeaseChanged(worker=worker_id, task=task) if task is not None:
                worker = self._roster.workers.get(worker_id)
                name = worker.name if worker is not None else "?"
                self._logs.append_soon(task, f"{_now()} assigned to worker {name}")
            case TaskChanged(key=key, status=status, previous=before) if (
                before is not None and status is not TaskStatus.ACTIVE and status is not before
            ):
                self._logs.append_soon(key, f"{_now()} {before} → {status}")
            case _:
                pass


def _now() -> str:
    return clock.local_now().isoformat(timespec="seconds")
