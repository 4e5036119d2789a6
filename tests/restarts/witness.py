"""Compares the files with the ledger.

Is: for everything acknowledged, whether it is there; for everything there, whether it was tried.
`look` is quick; `look_closely` also recounts every derived column and reads every page and every
entry of the log. Is not: what a life does.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from flamenco_p2p.farm.ids import JobId, RequestId, TaskKey, task_text
from flamenco_p2p.farm.statuses import TaskState
from flamenco_p2p.store.decision_log import DecisionLog
from tests.restarts.ledger import RECENT, JobNotes, Ledger
from tests.unit.store.recount import look_at

Row = tuple[Any, ...]


class Lost(AssertionError):
    """Something acknowledged is not there, or something nobody tried is."""


def look(folder: Path, ledger: Ledger) -> None:
    """Check all jobs and workers there are, and the newest of what only grows. Raises `Lost`."""
    with closing(sqlite3.connect(folder / "farm.db")) as db:
        _look(db, ledger, list(ledger.removed)[-RECENT:], list(ledger.answers)[-RECENT:])


def look_closely(folder: Path, ledger: Ledger) -> None:
    """Check everything. Raises `AssertionError`. The folder's node must not be writing."""
    with closing(sqlite3.connect(folder / "farm.db")) as db:
        _look(db, ledger, ledger.removed, ledger.answers)
    look_at(folder / "farm.db")
    for name in ("farm.db", "raft.db"):
        with closing(sqlite3.connect(folder / name)) as db:
            (verdict,) = db.execute("PRAGMA integrity_check").fetchone()
            _expect(verdict == "ok", f"{name}: {verdict}")
    with closing(sqlite3.connect(folder / "raft.db")) as db:
        (first,) = db.execute("SELECT min(idx) FROM log").fetchone()
    log = DecisionLog(folder / "raft.db")
    for _ in log.after(first - 1):  # checks that each follows the one before, and its sum
        pass
    log.close()


def _look(
    db: sqlite3.Connection, ledger: Ledger, removed: Iterable[JobId], answers: Iterable[RequestId]
) -> None:
    db.execute("BEGIN")
    for job, notes in ledger.jobs.items():
        _look_at_job(db, job, notes)
    for job in removed:
        _expect(_one(db, "SELECT 1 FROM jobs WHERE job_id = ?", job) is None, "a job is back")
        _expect(_is_removed(db, job), "a deletion is forgotten")
    for worker, worker_notes in ledger.workers.items():
        row = _one(db, "SELECT deleted_ms FROM workers WHERE worker_id = ?", worker)
        _expect(row is not None or not worker_notes.registered, "a worker is lost")
        _expect(row is None or row[0] is None or worker_notes.removing, "a worker was deleted")
    for request in answers:
        row = _one(db, "SELECT refusal, problem FROM requests WHERE request_id = ?", request)
        _expect(row == ledger.answers[request], f"a request's answer is now {row}")


def _look_at_job(db: sqlite3.Connection, job: JobId, notes: JobNotes) -> None:
    row = _one(
        db, "SELECT complete, n_total, priority, desired, epoch FROM jobs WHERE job_id = ?", job
    )
    if row is None:
        _expect(not notes.begun or notes.removing, "a job is lost")
        _expect(not notes.begun or _is_removed(db, job), "a job went without being removed")
        return
    complete, total, priority, desired, epoch = row
    _expect(complete or not notes.complete, "a submitted job is not complete")
    _expect(not complete or 0 < notes.tasks == total, "a job is seen with a part of its tasks")
    _expect(priority in notes.priority, f"priority {priority}, not of {notes.priority}")
    _expect(desired in notes.desired, f"{desired} is wanted, not one of {notes.desired}")
    _expect(notes.epoch <= epoch, f"epoch {epoch}, though {notes.epoch} was begun")
    _expect(epoch in notes.epochs, f"epoch {epoch}, which nobody began")
    tasks = {
        no: (task_epoch, state)
        for no, task_epoch, state in db.execute(
            "SELECT task_no, epoch, state FROM tasks WHERE job_id = ?", (job,)
        )
    }
    _expect(len(tasks) == total, f"{len(tasks)} tasks in a job of {total}")
    for no, done_in in notes.done.items():
        task_epoch, state = tasks[no]
        finished = (task_epoch, state) >= (done_in, TaskState.DONE) and task_epoch in notes.epochs
        _expect(finished, f"completed {task_text(TaskKey(job, no))} is {state} in {task_epoch}")
    for no, redone_in in notes.redone.items():
        _expect(tasks[no][0] >= redone_in, "a requeued task is in its old epoch")
    attempts = {
        attempt: (no, worker, attempt_epoch)
        for attempt, no, worker, attempt_epoch in db.execute(
            "SELECT attempt_id, task_no, worker_id, epoch FROM attempts WHERE job_id = ?", (job,)
        )
    }
    for attempt, given in notes.given.items():
        known = attempts.get(attempt)
        _expect(known == (given.no, given.worker, given.epoch), f"an attempt is now {known}")


def _is_removed(db: sqlite3.Connection, job: JobId) -> bool:
    return _one(db, "SELECT 1 FROM removed_jobs WHERE job_id = ?", job) is not None


def _one(db: sqlite3.Connection, sql: str, *values: object) -> Row | None:
    row: Row | None = db.execute(sql, values).fetchone()
    return row


def _expect(holds: object, otherwise: str) -> None:
    if not holds:
        raise Lost(otherwise)
