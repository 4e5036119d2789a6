"""Everything the farm may tell, after it has happened.

Is: what listeners in this process get, most of it made by applying decisions. Is not: what leaves
the process (wire/events).
"""

from __future__ import annotations

from msgspec import Struct

from flamenco_p2p.farm.ids import AttemptId, JobId, TaskKey, WorkerId
from flamenco_p2p.farm.jobs import Job
from flamenco_p2p.farm.statuses import FarmStatus, JobStatus, TaskStatus, WorkerStatus
from flamenco_p2p.farm.workers import Worker


class JobChanged(Struct, frozen=True, kw_only=True):
    """A job is new or different. `refresh_tasks`: many of its tasks changed without own events."""

    job: Job
    previous: JobStatus | None = None
    refresh_tasks: bool = False


class JobRemoved(Struct, frozen=True, kw_only=True):
    """A job is gone, with everything below it."""

    job: JobId


class TaskChanged(Struct, frozen=True, kw_only=True):
    """One task is different."""

    key: TaskKey
    name: str
    status: TaskStatus
    previous: TaskStatus | None
    activity: str
    steps_done: int
    steps_total: int
    updated_ms: int
    worker: WorkerId | None


class TasksReady(Struct, frozen=True, kw_only=True):
    """These tasks can be given out: (type, priority, number) each. For the scheduler."""

    job: JobId
    tasks: tuple[tuple[str, int, int], ...]


class LeaseChanged(Struct, frozen=True, kw_only=True):
    """A worker got a task, or has none any more (`task` is None). For the roster."""

    worker: WorkerId
    task: TaskKey | None
    attempt: AttemptId | None = None
    name: str = ""
    steps_total: int = 0


class WorkerChanged(Struct, frozen=True, kw_only=True):
    """A worker is new or different."""

    worker: Worker
    previous: WorkerStatus | None = None


class TaskLogged(Struct, frozen=True, kw_only=True):
    """Text was added to a task's log."""

    key: TaskKey
    text: str


class LastRendered(Struct, frozen=True, kw_only=True):
    """A job has a new preview picture."""

    job: JobId


class FarmStatusChanged(Struct, frozen=True, kw_only=True):
    """The farm in one word is another word now."""

    status: FarmStatus


class LifeCycle(Struct, frozen=True, kw_only=True):
    """This node starts or stops."""

    starting: bool


Event = (
    JobChanged
    | JobRemoved
    | TaskChanged
    | TasksReady
    | LeaseChanged
    | WorkerChanged
    | TaskLogged
    | LastRendered
    | FarmStatusChanged
    | LifeCycle
)
