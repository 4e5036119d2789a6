"""Rows of jobs, tasks and workers while a decision changes them.

Is: loading a row, changing it in memory, saving it, turning it into the farm's record. Is not: what
to change (apply_*). A job's tally follows its tasks here, in one place: `TaskRow.save` moves the
task from the condition it had to the one it has.
"""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec

from flamenco_p2p.farm.ids import AttemptId, JobId, NodeId, TagId, TaskKey, WorkerId
from flamenco_p2p.farm.jobs import BlenderNeed, Job, JobSpec, Tally
from flamenco_p2p.farm.statuses import Desired, JobStatus, TaskState, TaskStatus, WorkerStatus
from flamenco_p2p.farm.workers import InstalledBlender, StatusRequest, Worker
from flamenco_p2p.rules.job_status import job_status
from flamenco_p2p.rules.task_status import task_status
from flamenco_p2p.store.database import queries

JOBS = queries("jobs")
TASKS = queries("tasks")
WORKERS = queries("workers")

_blenders = msgspec.json.Decoder(tuple[InstalledBlender, ...])


def blender_text(need: BlenderNeed | None) -> str:
    """Write a need as it is stored: "3.4+" (or newer), "3.4" (that series), "" (unknown)."""
    if need is None:
        return ""
    return f"{need.major}.{need.minor}{'+' if need.newer_allowed else ''}"


def read_blender(text: str) -> BlenderNeed | None:
    """Read what `blender_text` wrote."""
    if not text:
        return None
    major, minor = text.rstrip("+").split(".")
    return BlenderNeed(major=int(major), minor=int(minor), newer_allowed=text.endswith("+"))


class JobRow:
    """A job's row in the hands of the one writer."""

    def __init__(self, job_id: JobId, columns: tuple[Any, ...]) -> None:
        self.id = job_id
        self.mod = 0  # of its last change here; a row that was only read is not saved
        (
            name, type_, settings, metadata, platform, submitter, owner, comment, zone, checkout,
            blender, created, tag,
            desired, desired_stamp, priority, priority_stamp, complete, deletion,
            epoch, requeued, started, given_up, activity, updated, slices, status,
            *tally, steps_total, steps_done,
        ) = columns  # fmt: skip
        self.created_ms: int = created
        self.desired = Desired(desired)
        self.desired_stamp: bytes = desired_stamp
        self.priority: int = priority
        self.priority_stamp: bytes = priority_stamp
        self.complete = bool(complete)
        self.delete_requested_ms: int | None = deletion
        self.epoch: int = epoch
        self.requeued: int = requeued
        self.started: int = started
        self.given_up: int = given_up
        self.activity: str = activity
        self.updated_ms: int = updated
        self.slices: int = slices
        self.status = JobStatus(status)
        self.told: JobStatus | None = self.status if self.complete else None
        names = ("total", "ready", "active", "done", "failed", "canceled")
        self.tally: dict[str, int] = dict(zip(names, tally, strict=True))
        self.steps_total: int = steps_total
        self.steps_done: int = steps_done
        self.spec = JobSpec(
            name=name, type=type_, priority=self.priority, settings=settings,
            metadata=msgspec.json.decode(metadata, type=dict[str, str]),
            submitter_platform=platform, submitter=submitter, owner=owner, comment=comment,
            time_zone=zone, shaman_checkout_id=checkout,
            worker_tag=TagId(tag) if tag is not None else None,
            blender=read_blender(blender),
            desired=self.desired,
        )  # fmt: skip

    @classmethod
    def load(cls, db: sqlite3.Connection, job_id: JobId) -> JobRow | None:
        """Return the job's row, or None."""
        columns = db.execute(JOBS["for_apply"], (job_id,)).fetchone()
        return None if columns is None else cls(job_id, columns)

    def derive_status(self) -> JobStatus:
        """Return the status that follows from everything else."""
        return job_status(
            complete=self.complete,
            desired=self.desired,
            given_up=self.given_up >= self.epoch,
            started=self.started >= self.requeued,
            tally=Tally(**self.tally),
        )

    def save(self, db: sqlite3.Connection) -> None:
        """Write the row."""
        t = self.tally
        db.execute(
            JOBS["save"],
            (
                self.mod, self.desired, self.desired_stamp, self.priority, self.priority_stamp,
                self.complete, self.delete_requested_ms, self.epoch, self.requeued, self.started,
                self.given_up, self.activity, self.updated_ms, self.slices, self.status,
                t["total"], t["ready"], t["active"], t["done"], t["failed"], t["canceled"],
                self.steps_total, self.steps_done, self.id,
            ),
        )  # fmt: skip

    def record(self) -> Job:
        """Return the farm's record of the job as it is now."""
        # A spec loaded before a register changed would differ from one loaded after it.
        spec = msgspec.structs.replace(self.spec, priority=self.priority, desired=self.desired)
        return Job(
            id=self.id, spec=spec, status=self.status, priority=self.priority,
            desired=self.desired, tally=Tally(**self.tally), created_ms=self.created_ms,
            updated_ms=self.updated_ms, activity=self.activity, steps_total=self.steps_total,
            steps_done=self.steps_done, epoch=self.epoch, requeued=self.requeued,
            complete=self.complete, delete_requested_ms=self.delete_requested_ms,
        )  # fmt: skip


class TaskRow:
    """A task's row in the hands of the one writer."""

    __slots__ = (
        "_condition", "activity", "attempt", "before", "done", "epoch", "failed_at", "job", "name",
        "no", "priority", "state", "steps", "touched_ms", "type", "unmet", "updated_ms", "was",
        "worker",
    )  # fmt: skip

    def __init__(self, job: JobRow, no: int, columns: tuple[Any, ...]) -> None:
        self.job = job
        self.no = no
        self.name: str
        self.type: str
        self.priority: int
        self.steps: int
        self.epoch: int
        self.done: bytes | None
        self.worker: WorkerId | None
        self.attempt: AttemptId | None
        self.activity: str
        self.updated_ms: int
        self.touched_ms: int | None
        self.before: int
        self.unmet: int
        self.failed_at: int
        (
            self.name, self.type, self.priority, self.steps, self.epoch, state, self.done,
            self.worker, self.attempt, self.activity, self.updated_ms, self.touched_ms,
            self.before, self.unmet, self.failed_at, _,
        ) = columns  # fmt: skip
        self.state = TaskState(state)
        self._condition = self.condition()
        self.was = self.status(job.status)

    @classmethod
    def load(cls, db: sqlite3.Connection, job: JobRow, no: int) -> TaskRow | None:
        """Return the task's row, or None."""
        columns = db.execute(TASKS["for_apply"], (job.id, no)).fetchone()
        return None if columns is None else cls(job, no, columns)

    @property
    def key(self) -> TaskKey:
        """The task's name in the farm."""
        return TaskKey(self.job.id, self.no)

    def condition(self) -> str:
        """Return the name of the tally this task counts in; "" if it waits for others."""
        if self.state is not TaskState.WAITING:
            return self.state.name.lower()
        if self.attempt is not None:
            return "active"
        return "ready" if self.unmet == 0 else ""

    def status(self, job: JobStatus) -> TaskStatus:
        """Return the status in a job that has this status."""
        return task_status(
            state=self.state, leased=self.attempt is not None, failed_at=self.failed_at, job=job
        )

    def save(self, db: sqlite3.Connection, mod: int) -> bool:
        """Write the row and keep the job's tally; say whether the task has just become ready."""
        before, now = self._condition, self.condition()
        if before != now:
            tally = self.job.tally
            if before:
                tally[before] -= 1
            if now:
                tally[now] += 1
            if before == "done":
                self.job.steps_done -= self.steps
            if now == "done":
                self.job.steps_done += self.steps
            self._condition = now
        db.execute(
            TASKS["save"],
            (
                mod, self.epoch, self.state, self.done, self.worker, self.attempt, self.activity,
                self.updated_ms, self.touched_ms, self.before, self.unmet, self.failed_at,
                now == "ready", self.job.id, self.no,
            ),
        )  # fmt: skip
        return now == "ready" and before != "ready"


class WorkerRow:
    """A worker's row in the hands of the one writer."""

    def __init__(self, worker_id: WorkerId, columns: tuple[Any, ...]) -> None:
        self.id = worker_id
        self.mod = 0  # of its last change here; a row that was only read is not saved
        self.secret_digest: bytes
        self.platform: str
        self.name: str
        self.address: str
        self.software: str
        self.node: NodeId | None
        self.stamp: bytes
        self.status_stamp: bytes
        self.requested_stamp: bytes
        self.deleted_ms: int | None
        self.updated_ms: int
        (
            self.secret_digest, self.platform, self.name, self.address, self.software, types,
            can_restart, blenders, self.node, self.stamp, status, self.status_stamp, requested,
            lazy, self.requested_stamp, self.deleted_ms, self.updated_ms,
        ) = columns  # fmt: skip
        self.task_types = tuple(t for t in str(types).split(",") if t)
        self.can_restart = bool(can_restart)
        self.blenders = _blenders.decode(blenders)
        self.status = WorkerStatus(status)
        self.requested = (
            StatusRequest(status=WorkerStatus(requested), is_lazy=bool(lazy)) if requested else None
        )

    @classmethod
    def load(cls, db: sqlite3.Connection, worker_id: WorkerId) -> WorkerRow | None:
        """Return the worker's row, or None."""
        columns = db.execute(WORKERS["for_apply"], (worker_id,)).fetchone()
        return None if columns is None else cls(worker_id, columns)

    def save(self, db: sqlite3.Connection) -> None:
        """Write the row."""
        asked = self.requested
        db.execute(
            WORKERS["save"],
            (
                self.mod, self.name, self.address, self.software, ",".join(self.task_types),
                self.can_restart, msgspec.json.encode(self.blenders), self.node, self.stamp,
                self.status, self.status_stamp, asked.status if asked else "",
                asked.is_lazy if asked else False, self.requested_stamp, self.deleted_ms,
                self.updated_ms, self.id,
            ),
        )  # fmt: skip

    def record(self) -> Worker:
        """Return the farm's record of the worker as it is now."""
        return Worker(
            id=self.id, name=self.name, secret_digest=self.secret_digest, platform=self.platform,
            address=self.address, software=self.software, task_types=self.task_types,
            status=self.status, requested=self.requested, can_restart=self.can_restart,
            updated_ms=self.updated_ms, blenders=self.blenders, node=self.node,
            deleted_ms=self.deleted_ms,
        )  # fmt: skip
