"""The farm's events as they leave the process: topic, name, JSON.

Is: which events clients hear of, and in which words. Is not: who listens, or over what (api/).
Topics and payloads are Flamenco's; the name is what a browser's event source listens for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from msgspec import UNSET, Struct, UnsetType, json

from flamenco_p2p.farm import events as farm
from flamenco_p2p.farm.ids import JobId, WorkerId, task_text, text_of
from flamenco_p2p.farm.statuses import FarmStatus, JobStatus, TaskStatus, WorkerStatus
from flamenco_p2p.wire.job_files import JobLastRenderedImageInfo, render_last_rendered
from flamenco_p2p.wire.json import Timestamp, rfc3339
from flamenco_p2p.wire.workers import (
    WorkerStatusChangeRequest,
    render_status_request,
    shown_status,
)

WorkerName = Callable[[WorkerId], str | None]

JOBS: Final = "/jobs"
WORKERS: Final = "/workers"
STATUS: Final = "/status"
LIFE_CYCLE: Final = "/lifecycle"
LAST_RENDERED: Final = "/last-rendered"


class Message(NamedTuple):
    """One event for everybody who follows `topic`; the payload is a single line of JSON."""

    topic: str
    name: str
    payload: bytes


class EventJobUpdate(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A job is new or different. `refresh_tasks`: fetch its tasks anew."""

    id: str
    name: str
    updated: Timestamp
    status: JobStatus
    type: str
    priority: int
    refresh_tasks: bool
    steps_completed: int
    steps_total: int
    previous_status: JobStatus | UnsetType = UNSET
    delete_requested_at: Timestamp | UnsetType = UNSET


class EventJobRemoved(Struct, frozen=True, kw_only=True):
    """A job is gone. All but the id and the flag is filler that clients expect."""

    id: str
    was_deleted: bool = True
    updated: Timestamp = "0001-01-01T00:00:00Z"
    status: str = ""
    type: str = ""
    priority: int = 0
    refresh_tasks: bool = False
    steps_completed: int = 0
    steps_total: int = 0


class AssignedWorker(Struct, frozen=True, kw_only=True):
    """Who has a task."""

    name: str
    uuid: str


class EventTaskUpdate(Struct, frozen=True, kw_only=True):
    """One task is different."""

    id: str
    job_id: str
    name: str
    updated: Timestamp
    status: TaskStatus
    activity: str
    steps_completed: int
    steps_total: int
    previous_status: TaskStatus | UnsetType = UNSET
    worker: AssignedWorker | UnsetType = UNSET


class EventTaskLogUpdate(Struct, frozen=True, kw_only=True):
    """Text was added to a task's log."""

    task_id: str
    log: str


class EventLastRenderedUpdate(Struct, frozen=True, kw_only=True):
    """A job has a new picture."""

    job_id: str
    thumbnail: JobLastRenderedImageInfo


class EventWorkerUpdate(Struct, frozen=True, kw_only=True):
    """A worker is new, different or gone."""

    id: str
    name: str
    updated: Timestamp
    status: WorkerStatus
    version: str
    can_restart: bool
    previous_status: WorkerStatus | UnsetType = UNSET
    status_change: WorkerStatusChangeRequest | UnsetType = UNSET
    deleted_at: Timestamp | UnsetType = UNSET


class EventFarmStatus(Struct, frozen=True, kw_only=True):
    """The farm in one word is another word now."""

    status: FarmStatus


class EventLifeCycle(Struct, frozen=True, kw_only=True):
    """This node starts or stops."""

    type: Literal["manager-startup", "manager-shutdown"]


def task_topic(job: JobId) -> str:
    """Return the topic of the events of a job's tasks."""
    return f"{JOBS}/{text_of(job)}"


def render_event(event: farm.Event, worker_name: WorkerName) -> tuple[Message, ...]:
    """Return what clients are told of an event: nothing, if it only concerns this process."""
    match event:
        case farm.JobChanged():
            return (_message(JOBS, "jobs", _job(event)),)
        case farm.JobRemoved():
            return (_message(JOBS, "jobs", EventJobRemoved(id=text_of(event.job))),)
        case farm.TaskChanged():
            return (_message(task_topic(event.key.job), "task", _task(event, worker_name)),)
        case farm.TaskLogged():
            task_id = task_text(event.key)
            logged = EventTaskLogUpdate(task_id=task_id, log=event.text)
            return (_message(f"/tasklog/{task_id}", "tasklog", logged),)
        case farm.WorkerChanged():
            return (_message(WORKERS, "workers", _worker(event)),)
        case farm.LastRendered():
            rendered = EventLastRenderedUpdate(
                job_id=text_of(event.job), thumbnail=render_last_rendered(event.job)
            )
            of_job = _message(f"{task_topic(event.job)}/last-rendered", "last-rendered", rendered)
            return (of_job, of_job._replace(topic=LAST_RENDERED))
        case farm.FarmStatusChanged():
            return (_message(STATUS, "status", EventFarmStatus(status=event.status)),)
        case farm.LifeCycle():
            told = EventLifeCycle(type="manager-startup" if event.starting else "manager-shutdown")
            return (_message(LIFE_CYCLE, "lifecycle", told),)
        case farm.TasksReady() | farm.LeaseChanged():
            return ()


def _message(topic: str, name: str, payload: Struct) -> Message:
    return Message(topic, name, json.encode(payload))


def _job(event: farm.JobChanged) -> EventJobUpdate:
    job = event.job
    return EventJobUpdate(
        id=text_of(job.id),
        name=job.spec.name,
        updated=rfc3339(job.updated_ms),
        status=job.status,
        type=job.spec.type,
        priority=job.priority,
        refresh_tasks=event.refresh_tasks,
        steps_completed=job.steps_done,
        steps_total=job.steps_total,
        previous_status=UNSET if event.previous is None else event.previous,
        delete_requested_at=(
            UNSET if job.delete_requested_ms is None else rfc3339(job.delete_requested_ms)
        ),
    )


def _task(event: farm.TaskChanged, worker_name: WorkerName) -> EventTaskUpdate:
    worker: AssignedWorker | UnsetType = UNSET
    if event.worker is not None:
        name = worker_name(event.worker) or ""
        worker = AssignedWorker(name=name, uuid=text_of(event.worker))
    return EventTaskUpdate(
        id=task_text(event.key),
        job_id=text_of(event.key.job),
        name=event.name,
        updated=rfc3339(event.updated_ms),
        status=event.status,
        activity=event.activity,
        steps_completed=event.steps_done,
        steps_total=event.steps_total,
        previous_status=UNSET if event.previous is None else event.previous,
        worker=worker,
    )


def _worker(event: farm.WorkerChanged) -> EventWorkerUpdate:
    worker = event.worker
    return EventWorkerUpdate(
        id=text_of(worker.id),
        name=worker.name,
        updated=rfc3339(worker.updated_ms),
        status=shown_status(worker.status),
        version=worker.software,
        can_restart=worker.can_restart,
        # A worker that had no status yet had none that could have changed.
        previous_status=event.previous or UNSET,
        status_change=render_status_request(worker.requested),
        deleted_at=UNSET if worker.deleted_ms is None else rfc3339(worker.deleted_ms),
    )
