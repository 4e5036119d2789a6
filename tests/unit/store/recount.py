"""A second opinion on everything that the store derives.

Is: every materialised column counted again from the rows people, workers and scripts caused, by
other means than the store's, and laws that hold between rows. Is not: fast.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from flamenco_p2p.farm.events import (
    Event,
    JobChanged,
    JobRemoved,
    LeaseChanged,
    TaskChanged,
    TasksReady,
    WorkerChanged,
)
from flamenco_p2p.farm.ids import JobId, TaskKey, WorkerId
from flamenco_p2p.farm.jobs import Job
from flamenco_p2p.farm.workers import Worker
from flamenco_p2p.store.rows import JobRow, WorkerRow

WAITING, CANCELED, FAILED, DONE = range(4)
SETTLED = {CANCELED: "canceled", FAILED: "failed", DONE: "completed"}

Row = dict[str, Any]


@dataclass
class Seen:
    """What an onlooker sees of the farm between two decisions."""

    jobs: dict[JobId, Job] = field(default_factory=dict)
    workers: dict[WorkerId, Worker] = field(default_factory=dict)
    tasks: dict[TaskKey, str] = field(default_factory=dict)
    ready: set[TaskKey] = field(default_factory=set)
    progress: dict[TaskKey, tuple[int, int]] = field(default_factory=dict)
    leases: dict[WorkerId, TaskKey] = field(default_factory=dict)


def look(db: sqlite3.Connection) -> Seen:
    """Recount everything; fail where the store counted otherwise."""
    db.row_factory = sqlite3.Row
    seen = Seen()
    jobs = [dict(row) for row in db.execute("SELECT * FROM jobs")]
    for job in jobs:
        _look_at_job(db, job, seen)
    db.row_factory = None
    for job in jobs:
        row = JobRow.load(db, job["job_id"])
        assert row is not None
        if job["complete"]:
            seen.jobs[row.id] = row.record()
    for (worker_id,) in db.execute("SELECT worker_id FROM workers").fetchall():
        worker = WorkerRow.load(db, worker_id)
        assert worker is not None
        seen.workers[worker_id] = worker.record()
    for holder in seen.leases:
        assert seen.workers[holder].deleted_ms is None
        assert seen.workers[holder].status in ("awake", "starting")
    _look_at_leftovers(db)
    return seen


def _look_at_job(db: sqlite3.Connection, job: Row, seen: Seen) -> None:
    job_id = job["job_id"]
    tasks = {
        row["task_no"]: dict(row)
        for row in db.execute("SELECT * FROM tasks WHERE job_id = ?", (job_id,))
    }
    waits: dict[int, list[int]] = {no: [] for no in tasks}
    for before, after in db.execute(
        "SELECT before_no, task_no FROM dependencies WHERE job_id = ?", (job_id,)
    ):
        waits[after].append(before)
    failures = [
        (row["task_no"], row["epoch"])
        for row in db.execute("SELECT * FROM failures WHERE job_id = ?", (job_id,))
    ]
    for no, task in tasks.items():
        unmet = sum(tasks[before]["state"] != DONE for before in waits[no])
        idle = task["state"] == WAITING and task["attempt_id"] is None
        assert task["before"] == len(waits[no])
        assert task["unmet"] == unmet
        assert task["ready"] == (idle and unmet == 0)
        assert task["failed_at"] == failures.count((no, task["epoch"]))
        assert (task["done"] is not None) == (task["state"] == DONE)
        assert task["epoch"] <= job["epoch"]
        assert task["mod"] <= job["mod"]
        seen.progress[TaskKey(job_id, no)] = (task["epoch"], task["state"])
        if task["ready"]:
            seen.ready.add(TaskKey(job_id, no))
        if task["attempt_id"] is not None:
            assert task["state"] == WAITING
            assert job["status"] not in ("canceled", "failed", "completed")
            assert task["worker_id"] not in seen.leases
            seen.leases[task["worker_id"]] = TaskKey(job_id, no)
    _compare_tally(job, list(tasks.values()))
    for no, task in tasks.items():
        seen.tasks[TaskKey(job_id, no)] = _task_status(task, job["status"])
    open_attempts = db.execute(
        "SELECT task_no, attempt_id FROM attempts WHERE job_id = ? AND ended_ms IS NULL", (job_id,)
    )
    held = {(no, t["attempt_id"]) for no, t in tasks.items() if t["attempt_id"] is not None}
    assert {tuple(row) for row in open_attempts} == held


def _compare_tally(job: Row, tasks: list[Row]) -> None:
    states = [task["state"] for task in tasks]
    active = sum(task["attempt_id"] is not None for task in tasks)
    ready = sum(task["ready"] for task in tasks)
    assert job["n_total"] == len(tasks)
    assert job["n_ready"] == ready
    assert job["n_active"] == active
    assert (job["n_done"], job["n_failed"], job["n_canceled"]) == (
        states.count(DONE),
        states.count(FAILED),
        states.count(CANCELED),
    )
    assert job["steps_total"] == sum(task["steps"] for task in tasks)
    assert job["steps_done"] == sum(task["steps"] for task in tasks if task["state"] == DONE)
    assert job["requeued"] <= job["epoch"]
    assert job["status"] == _job_status(job, states, active=active, ready=ready)


def _job_status(job: Row, states: list[int], *, active: int, ready: int) -> str:
    failed = states.count(FAILED)
    wished = {"active": "", "paused": "pause-requested" if active else "paused", "canceled": ""}
    lively = "active" if job["started"] >= job["requeued"] else "queued"
    answers = [
        ("under-construction", not job["complete"]),
        ("completed", all(state == DONE for state in states)),
        ("canceled", job["desired"] == "canceled"),
        ("failed", job["given_up"] >= job["epoch"]),
        ("failed" if failed else "canceled", not active and not ready),
        (wished[job["desired"]], job["desired"] == "paused"),
        (lively, True),
    ]
    return next(answer for answer, holds in answers if holds)


def _task_status(task: Row, job_status: str) -> str:
    if task["state"] in SETTLED:
        return SETTLED[task["state"]]
    if job_status in ("canceled", "failed"):
        return "canceled"
    if task["attempt_id"] is not None:
        return "active"
    if job_status in ("paused", "pause-requested"):
        return "paused"
    return "soft-failed" if task["failed_at"] else "queued"


def _look_at_leftovers(db: sqlite3.Connection) -> None:
    below = ("tasks", "task_commands", "dependencies", "attempts", "failures", "blocks", "outputs")
    for table in below:
        orphans = db.execute(
            f"SELECT 1 FROM {table} WHERE job_id NOT IN (SELECT job_id FROM jobs)"  # noqa: S608 -- names from above
        )
        assert orphans.fetchone() is None, table
    both = db.execute("SELECT 1 FROM jobs JOIN removed_jobs USING (job_id)")
    assert both.fetchone() is None


def look_at(path: object) -> Seen:
    """Recount the farm in a file."""
    with closing(sqlite3.connect(str(path))) as db:
        return look(db)


def compare(before: Seen, told: list[Event], after: Seen) -> None:
    """Fail unless somebody who knew `before` and was told `told` knows `after`."""
    jobs = {event.job.id: event for event in told if isinstance(event, JobChanged)}
    tasks = {event.key: event for event in told if isinstance(event, TaskChanged)}
    removed = {event.job for event in told if isinstance(event, JobRemoved)}
    refreshed = {
        event.job.id for event in told if isinstance(event, JobChanged) and event.refresh_tasks
    }
    for job_id, job in after.jobs.items():
        if before.jobs.get(job_id) != job:
            assert jobs[job_id].job == job
    assert set(before.jobs) - set(after.jobs) <= removed
    for key, status in after.tasks.items():
        if key in tasks:
            assert tasks[key].status == status
        known = before.tasks.get(key, status)
        if known != status and key.job in after.jobs and key.job not in refreshed:
            assert key in tasks, f"{key.no}: {known} -> {status} was told to nobody"
    _compare_leases(before, told, after)
    _compare_ready(before, told, after, refreshed)
    workers = {event.worker.id: event for event in told if isinstance(event, WorkerChanged)}
    for worker_id, worker in after.workers.items():
        if before.workers.get(worker_id) != worker:
            assert workers[worker_id].worker == worker
    for key, progress in after.progress.items():
        assert before.progress.get(key, progress) <= progress, "progress is never taken back"


def _compare_leases(before: Seen, told: list[Event], after: Seen) -> None:
    leases = dict(before.leases)
    for event in told:
        if isinstance(event, LeaseChanged) and event.task is not None:
            leases[event.worker] = event.task
        elif isinstance(event, LeaseChanged):
            del leases[event.worker]
    assert leases == after.leases


def _compare_ready(before: Seen, told: list[Event], after: Seen, refreshed: set[JobId]) -> None:
    told_ready = {
        TaskKey(event.job, no)
        for event in told
        if isinstance(event, TasksReady)
        for _, _, no in event.tasks
    }
    for key in after.ready - before.ready:
        if key.job in before.jobs and key.job not in refreshed:
            assert key in told_ready
