"""Tasks in JSON: what workers and people send about them, and what they get to see.

Is: the shapes of Flamenco's API, and a few more keys of ours that its clients ignore. Is not: what
an update does (manager/progress). What is absent from an update is to be left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from flamenco_p2p.farm import jobs as farm_jobs
from flamenco_p2p.farm import workers as farm_workers
from flamenco_p2p.farm.ids import AttemptId, WorkerId, read_id, task_text, text_of
from flamenco_p2p.farm.statuses import TaskStatus
from flamenco_p2p.wire.blenders import BlenderNeed, render_need
from flamenco_p2p.wire.json import LARGEST_INTEGER, BadBody, Timestamp, decode, rfc3339

Commands = Annotated[
    Raw,
    Meta(extra_json_schema={"type": "array", "items": {"$ref": "#/components/schemas/Command"}}),
]


class Command(Struct, frozen=True, kw_only=True):
    """One thing to do. `total_step_count` 0: it reports no steps of its own."""

    name: str
    parameters: Annotated[Raw, Meta(extra_json_schema={"type": "object"})]
    total_step_count: int


class TaskStatusChange(Struct, frozen=True, kw_only=True):
    """Somebody wants a task to be something else."""

    status: TaskStatus
    reason: str


class TaskUpdate(Struct, frozen=True, kw_only=True, rename={"task_status": "taskStatus"}):
    """What a worker has to say about its task.

    Our own workers add the `attempt` they report on, the `outputs` they made, and whether the
    update was `redelivered`: kept while nobody could be told.
    """

    task_status: TaskStatus | UnsetType = UNSET
    activity: str | UnsetType = UNSET
    log: str = ""
    steps_completed: Annotated[int, Meta(ge=0, le=LARGEST_INTEGER)] | UnsetType = UNSET
    attempt: str = ""
    outputs: tuple[str, ...] = ()
    redelivered: bool = False

    @property
    def attempt_id(self) -> AttemptId | None:
        """The attempt reported on; None: the worker's last one at this task is meant."""
        raw = read_id(self.attempt)
        return None if raw is None else AttemptId(raw)


class TaskWorker(Struct, frozen=True, kw_only=True):
    """Who has, had or failed a task. All empty: nobody; only an id: a worker that is gone."""

    id: str
    name: str
    address: str


class Task(Struct, frozen=True, kw_only=True):
    """A task as it is now; its commands with their variables not yet replaced."""

    id: str
    job_id: str
    name: str
    task_type: str
    activity: str
    created: Timestamp
    updated: Timestamp
    index_in_job: int
    status: TaskStatus
    priority: int
    commands: Commands
    steps_completed: int
    steps_total: int
    worker: TaskWorker
    failed_by_workers: list[TaskWorker]
    last_touched: Timestamp | UnsetType = UNSET


class TaskSummary(Struct, frozen=True, kw_only=True):
    """A task in a list."""

    id: str
    name: str
    status: TaskStatus
    index_in_job: int
    priority: int
    task_type: str
    updated: Timestamp
    steps_completed: int
    steps_total: int
    worker: TaskWorker


class JobTasksSummary(Struct, frozen=True, kw_only=True):
    """All tasks of a job."""

    tasks: list[TaskSummary]


class AssignedTask(Struct, frozen=True, kw_only=True):
    """A task for a worker, ready to be carried out.

    Ours: `attempt` and `epoch` to report with, which Blender fits, and `stale_outputs` to remove
    before starting.
    """

    uuid: str
    job: str
    name: str
    status: TaskStatus
    priority: int
    job_priority: int
    job_type: str
    task_type: str
    commands: Commands
    steps_completed: int
    steps_total: int
    attempt: str
    epoch: int
    blender: BlenderNeed | UnsetType = UNSET
    stale_outputs: tuple[str, ...] | UnsetType = UNSET


class MayKeepRunning(Struct, frozen=True, kw_only=True, rename="camel"):
    """Whether a worker should go on with its task, and if not, why. `reason` may be empty."""

    may_keep_running: bool
    reason: str
    status_change_requested: bool


def parse_task_status_change(body: bytes) -> TaskStatusChange:
    """Return what somebody wants of a task. Raises `BadBody`."""
    return decode(body, TaskStatusChange, "status change")


def parse_task_update(body: bytes) -> TaskUpdate:
    """Return a worker's update. Raises `BadBody`, also for a status that no worker decides."""
    update = decode(body, TaskUpdate, "task update")
    if update.task_status is TaskStatus.SOFT_FAILED:
        raise BadBody(
            "A worker cannot report a task as soft-failed.",
            remedy="Report it as failed; the manager decides whether others may try.",
        )
    if update.attempt and update.attempt_id is None:
        raise BadBody("The task update's `attempt` should be a UUID.")
    return update


def render_task_worker(
    worker_id: WorkerId | None, worker: farm_workers.Worker | None
) -> TaskWorker:
    """Return who has a task; `worker` is None if nobody, or nobody known any more."""
    known = worker if worker is not None and worker.deleted_ms is None else None
    return TaskWorker(
        id="" if worker_id is None else text_of(worker_id),
        name=known.name if known else "",
        address=known.address if known else "",
    )


def render_task(
    task: farm_jobs.Task,
    worker: farm_workers.Worker | None,
    failed_by: Sequence[farm_workers.Worker] = (),
    steps_done: int | None = None,
) -> Task:
    """Return a task in full; `steps_done` if more is known than the task says."""
    return Task(
        id=task_text(task.key),
        job_id=text_of(task.key.job),
        name=task.name,
        task_type=task.type,
        activity=task.activity,
        created=rfc3339(task.created_ms),
        updated=rfc3339(task.updated_ms),
        index_in_job=task.key.no,
        status=task.status,
        priority=task.priority,
        commands=Raw(task.commands),
        steps_completed=task.steps_done if steps_done is None else steps_done,
        steps_total=task.steps_total,
        worker=render_task_worker(task.worker, worker),
        failed_by_workers=[render_task_worker(failed.id, failed) for failed in failed_by],
        last_touched=UNSET if task.touched_ms is None else rfc3339(task.touched_ms),
    )


def render_task_summary(
    task: farm_jobs.Task, worker: farm_workers.Worker | None, steps_done: int | None = None
) -> TaskSummary:
    """Return a task as lists show it; `steps_done` if more is known than the task says."""
    return TaskSummary(
        id=task_text(task.key),
        name=task.name,
        status=task.status,
        index_in_job=task.key.no,
        priority=task.priority,
        task_type=task.type,
        updated=rfc3339(task.updated_ms),
        steps_completed=task.steps_done if steps_done is None else steps_done,
        steps_total=task.steps_total,
        worker=render_task_worker(task.worker, worker),
    )


def render_assigned_task(
    assignment: farm_jobs.Assignment, commands: bytes, steps_done: int = 0
) -> AssignedTask:
    """Return what the worker gets; `commands` is JSON list text, variables replaced."""
    return AssignedTask(
        uuid=task_text(assignment.task),
        job=text_of(assignment.task.job),
        name=assignment.name,
        status=TaskStatus.ACTIVE,
        priority=assignment.priority,
        job_priority=assignment.job_priority,
        job_type=assignment.job_type,
        task_type=assignment.type,
        commands=Raw(commands),
        steps_completed=steps_done,
        steps_total=assignment.steps_total,
        attempt=text_of(assignment.attempt),
        epoch=assignment.epoch,
        blender=UNSET if assignment.blender is None else render_need(assignment.blender),
        stale_outputs=assignment.outputs_stale or UNSET,
    )
