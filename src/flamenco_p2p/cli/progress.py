"""How far a job is, as far as its watcher has heard.

Is: what the API says of a job and its tasks, put together; frames as cells; an honest guess of the
time left. Is not: drawn (live) or asked for (watch).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

OVER: Final = frozenset({"completed", "failed", "canceled", "deleted"})
TROUBLE: Final = frozenset({"failed", "soft-failed"})
_WINDOW_S: Final = 300.0  # the pace of the last minutes tells more than that of an hour ago
_WORST_FIRST: Final = ("failed", "soft-failed", "active", "canceled", "paused", "queued")


@dataclass(slots=True)
class Task:
    """What is known of a task. A step of a render task is a frame."""

    id: str
    name: str
    status: str
    steps_done: int
    steps_total: int
    worker: str = ""
    activity: str = ""

    def cells(self) -> list[str]:
        """A status for each of its steps, the task's own for the first that is not done."""
        steps = max(1, self.steps_total)
        if self.status == "completed":
            return ["completed"] * steps
        done = min(self.steps_done, steps - 1)
        rest = "queued" if self.status == "active" else self.status
        return ["completed"] * done + [self.status] + [rest] * (steps - done - 1)


class JobProgress:
    """One job, watched. Instants are steady seconds."""

    def __init__(self, job_id: str, name: str) -> None:
        self.id = job_id
        self.name = name
        self.status = "queued"
        self.tasks: dict[str, Task] = {}
        self._pace: deque[tuple[float, int]] = deque()

    @property
    def over(self) -> bool:
        """Whether nothing will change any more by itself."""
        return self.status in OVER

    def see_status(self, status: str) -> None:
        """The job's status, from wherever it was heard."""
        self.status = status

    def see_tasks(self, tasks: Iterable[Mapping[str, Any]], now_s: float) -> None:
        """All tasks, as the API lists them."""
        seen = {task["id"]: _task(task, self.tasks.get(task["id"])) for task in tasks}
        self.tasks = dict(sorted(seen.items()))  # a task's id ends in its number
        self._note_pace(now_s)

    def see_task(self, event: Mapping[str, Any], now_s: float) -> None:
        """One task, from an event. One that nobody has listed yet waits for the list."""
        if (known := self.tasks.get(event["id"])) is not None:
            self.tasks[event["id"]] = _task(event, known)
            self._note_pace(now_s)

    def counts(self) -> Counter[str]:
        """How many tasks have which status."""
        return Counter(task.status for task in self.tasks.values())

    def active(self) -> list[Task]:
        """What is being worked on."""
        return [task for task in self.tasks.values() if task.status == "active"]

    def in_trouble(self) -> list[Task]:
        """What has failed, for good or so that others may try."""
        return [task for task in self.tasks.values() if task.status in TROUBLE]

    def cells(self, at_most: int) -> list[str]:
        """A status per frame; more than `at_most` are drawn together, the worst of them shown."""
        cells = [cell for task in self.tasks.values() for cell in task.cells()]
        if len(cells) <= at_most:
            return cells
        edges = [len(cells) * cell // at_most for cell in range(at_most + 1)]
        return [_worst(cells[edges[i] : edges[i + 1]]) for i in range(at_most)]

    def steps(self) -> tuple[int, int]:
        """(done, in all)."""
        done = total = 0
        for task in self.tasks.values():
            steps = max(1, task.steps_total)
            total += steps
            done += steps if task.status == "completed" else min(task.steps_done, steps)
        return done, total

    def remaining_s(self, now_s: float) -> float | None:
        """A guess from the time that the last steps took; None if it is too early for one."""
        if len(self._pace) < 2 or self.over:
            return None
        (start_s, done_then), (last_s, done_now) = self._pace[0], self._pace[-1]
        per_step_s = (last_s - start_s) / (done_now - done_then)
        left = self.steps()[1] - done_now
        return max(0.0, left * per_step_s - (now_s - last_s))

    def _note_pace(self, now_s: float) -> None:
        done = self.steps()[0]
        if self._pace and done < self._pace[-1][1]:
            self._pace.clear()  # something was requeued
        if not self._pace:
            if self.active():
                self._pace.append((now_s, done))
        elif done > self._pace[-1][1]:
            self._pace.append((now_s, done))
        while len(self._pace) > 2 and now_s - self._pace[1][0] > _WINDOW_S:
            self._pace.popleft()


def _task(said: Mapping[str, Any], known: Task | None) -> Task:
    worker = (said.get("worker") or {}).get("name", "")
    return Task(
        id=said["id"],
        name=said["name"],
        status=said["status"],
        steps_done=said["steps_completed"],
        steps_total=said["steps_total"],
        worker=worker or (known.worker if known else ""),
        activity=said.get("activity") or (known.activity if known else ""),
    )


def _worst(statuses: list[str]) -> str:
    for status in _WORST_FIRST:
        if status in statuses:
            return status
    return statuses[0]
