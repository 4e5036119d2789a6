"""Workers in JSON: how they introduce themselves, and what people get to see of them.

Is: the shapes of Flamenco's API, and a few more keys of ours that its clients ignore. Is not: what
a status means (rules/workers). A worker that has never signed on is shown as offline.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from flamenco_p2p.farm import jobs as farm_jobs
from flamenco_p2p.farm import workers as farm_workers
from flamenco_p2p.farm.ids import NodeId, WorkerId, read_id, text_of
from flamenco_p2p.farm.statuses import WorkerStatus
from flamenco_p2p.wire.blenders import InstalledBlender, read_installed, render_installed
from flamenco_p2p.wire.json import BadBody, Timestamp, decode, rfc3339
from flamenco_p2p.wire.tasks import TaskSummary, render_task_summary


class WorkerRegistration(Struct, frozen=True, kw_only=True):
    """A worker nobody knows yet; `secret` is the password it chose."""

    name: str
    secret: str
    platform: str
    supported_task_types: tuple[str, ...]


class RegisteredWorker(Struct, frozen=True, kw_only=True):
    """A worker that has just become known; `uuid` is its user name from now on."""

    uuid: str
    name: str
    address: str
    status: WorkerStatus
    platform: str
    software: str
    supported_task_types: tuple[str, ...]


class WorkerSignOn(Struct, frozen=True, kw_only=True):
    """A worker is here. Our own workers add their `blenders` and the `node` they belong to."""

    name: str
    supported_task_types: tuple[str, ...]
    software_version: str
    can_restart: bool = False
    blenders: tuple[InstalledBlender, ...] = ()
    node: str = ""

    @property
    def node_id(self) -> NodeId | None:
        """The node this worker is the hands of, if it is one of ours."""
        raw = read_id(self.node)
        return None if raw is None else NodeId(raw)

    @property
    def installed(self) -> tuple[farm_workers.InstalledBlender, ...]:
        """What the worker says it can render with; empty: unknown."""
        return read_installed(self.blenders)


class WorkerStateChange(Struct, frozen=True, kw_only=True):
    """What a worker is told to become."""

    status_requested: WorkerStatus


class WorkerStateChanged(Struct, frozen=True, kw_only=True):
    """What a worker has become."""

    status: WorkerStatus


class WorkerStatusChangeRequest(Struct, frozen=True, kw_only=True):
    """What people want a worker to become; lazy: after its present task."""

    status: WorkerStatus
    is_lazy: bool


class WorkerSummary(Struct, frozen=True, kw_only=True):
    """A worker in a list. `version` is that of its software."""

    id: str
    name: str
    status: WorkerStatus
    version: str
    can_restart: bool
    last_seen: Timestamp | UnsetType = UNSET
    status_change: WorkerStatusChangeRequest | UnsetType = UNSET


class WorkerList(Struct, frozen=True, kw_only=True):
    """All workers of the farm."""

    workers: list[WorkerSummary]


class WorkerTask(TaskSummary, frozen=True, kw_only=True):
    """The task a worker has, or had last."""

    job_id: str


class Worker(WorkerSummary, frozen=True, kw_only=True):
    """A worker in full."""

    ip_address: str
    platform: str
    supported_task_types: tuple[str, ...]
    task: WorkerTask | UnsetType = UNSET
    blenders: tuple[InstalledBlender, ...] | UnsetType = UNSET
    node: str | UnsetType = UNSET


def parse_registration(body: bytes) -> WorkerRegistration:
    """Return who wants to become known. Raises `BadBody`."""
    return decode(body, WorkerRegistration, "registration")


def parse_sign_on(body: bytes) -> WorkerSignOn:
    """Return who is here, its task types trimmed and in lower case. Raises `BadBody`."""
    worker = decode(body, WorkerSignOn, "sign-on")
    if worker.node and worker.node_id is None:
        raise BadBody("The sign-on's `node` should be a UUID.")
    read_installed(worker.blenders)
    types = tuple(text.strip().lower() for text in worker.supported_task_types)
    return msgspec.structs.replace(worker, supported_task_types=types)


def parse_state_changed(body: bytes) -> WorkerStateChanged:
    """Return what a worker has become. Raises `BadBody`."""
    changed = decode(body, WorkerStateChanged, "state change")
    _refuse_new(changed.status, "state change")
    return changed


def parse_status_change_request(body: bytes) -> WorkerStatusChangeRequest:
    """Return what people want a worker to become. Raises `BadBody`."""
    request = decode(body, WorkerStatusChangeRequest, "status change")
    _refuse_new(request.status, "status change")
    return request


def render_registered(worker: farm_workers.Worker) -> RegisteredWorker:
    """Return what a new worker is told about itself."""
    return RegisteredWorker(
        uuid=text_of(worker.id),
        name=worker.name,
        address=worker.address,
        status=shown_status(worker.status),
        platform=worker.platform,
        software=worker.software,
        supported_task_types=worker.task_types,
    )


def render_worker_summary(worker: farm_workers.Worker, seen_ms: int | None = None) -> WorkerSummary:
    """Return a worker as lists show it, with the instant it was last heard of."""
    return WorkerSummary(**_summary(worker, seen_ms))


def render_workers(
    workers: Iterable[farm_workers.Worker], seen_ms: Mapping[WorkerId, int]
) -> WorkerList:
    """Return workers as lists show them, in the given order."""
    return WorkerList(workers=[render_worker_summary(w, seen_ms.get(w.id)) for w in workers])


def render_worker(
    worker: farm_workers.Worker, seen_ms: int | None = None, task: farm_jobs.Task | None = None
) -> Worker:
    """Return a worker in full, with the `task` it has or had last."""
    return Worker(
        **_summary(worker, seen_ms),
        ip_address=worker.address,
        platform=worker.platform,
        supported_task_types=worker.task_types,
        task=UNSET if task is None else _worker_task(task, worker),
        blenders=render_installed(worker.blenders) or UNSET,
        node=UNSET if worker.node is None else text_of(worker.node),
    )


def render_status_request(
    request: farm_workers.StatusRequest | None,
) -> WorkerStatusChangeRequest | UnsetType:
    """Return an open request as the API shows it."""
    if request is None:
        return UNSET
    return WorkerStatusChangeRequest(status=request.status, is_lazy=request.is_lazy)


def shown_status(status: WorkerStatus) -> WorkerStatus:
    """Return a status that every client knows: a new worker's empty one is none of theirs."""
    return WorkerStatus.OFFLINE if status is WorkerStatus.NEW else status


def _summary(worker: farm_workers.Worker, seen_ms: int | None) -> dict[str, Any]:
    """Return what summary and full view have in common."""
    return {
        "id": text_of(worker.id),
        "name": worker.name,
        "status": shown_status(worker.status),
        "version": worker.software,
        "can_restart": worker.can_restart,
        "last_seen": UNSET if seen_ms is None else rfc3339(seen_ms),
        "status_change": render_status_request(worker.requested),
    }


def _worker_task(task: farm_jobs.Task, worker: farm_workers.Worker) -> WorkerTask:
    summary = msgspec.structs.asdict(render_task_summary(task, worker))
    return WorkerTask(**summary, job_id=text_of(task.key.job))


def _refuse_new(status: WorkerStatus, what: str) -> None:
    if status is WorkerStatus.NEW:
        raise BadBody(f"The {what}'s `status` cannot be empty.")
