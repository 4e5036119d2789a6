"""A farm whose history is written by hand.

Is: a real `FarmState` on a file, a clock that ticks once per decision, and short words for what
tests want to happen. Is not: a manager: it decides nothing, it only writes decisions down.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from flamenco_p2p.farm import decisions as d
from flamenco_p2p.farm.errors import Refused
from flamenco_p2p.farm.events import Event
from flamenco_p2p.farm.ids import (
    AttemptId,
    JobId,
    NodeId,
    RequestId,
    TaskKey,
    WorkerId,
    new_job_id,
    timed_id,
)
from flamenco_p2p.farm.jobs import Assignment, Job, JobSpec
from flamenco_p2p.farm.statuses import Desired, JobStatus, TaskStatus, WorkerStatus
from flamenco_p2p.farm.workers import Worker
from flamenco_p2p.store.apply import FarmState, Outcome
from flamenco_p2p.store.decision_log import Entry
from flamenco_p2p.store.rows import JobRow, TaskRow, WorkerRow
from flamenco_p2p.wire.decisions import encode_batch

BEGINNING_MS = 1_700_000_000_000
HERE = NodeId(b"node-of-the-test")

Dependencies = Sequence[Sequence[int]]


def spec(**changes: Any) -> JobSpec:
    """Return what a submission of a small job says."""
    said: dict[str, Any] = {
        "name": "Sprite Fright",
        "type": "simple-blender-render",
        "priority": 50,
        "settings": b"{}",
        "metadata": {"project": "sprite"},
        "submitter_platform": "linux",
    }
    return JobSpec(**(said | changes))


def packed(
    numbers: Sequence[int], waits_for: Mapping[int, Sequence[int]], *, task_type: str = "blender"
) -> bytes:
    """Return a slice as the compiler packs it: these tasks, and what some tasks wait for."""
    tasks = [(no, f"task {no}", task_type, 50, 10, b'[{"name":"echo"}]') for no in numbers]
    ranges = [(no, [(before, before) for before in some]) for no, some in waits_for.items()]
    return msgspec.msgpack.encode((tasks, ranges))


class FarmOnPaper:
    """See the module's head."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state = FarmState(path)
        self.log: list[Entry] = []
        self.told: list[Event] = []
        self._ticks = 0
        self._luck = 0

    # --- history

    def write_down(self, *decisions: d.AnyDecision, request: RequestId | None = None) -> Entry:
        """Put decisions into the next entry of the log, without carrying them out."""
        batch = []
        for decision in decisions:
            self._ticks += 1
            batch.append(d.Envelope((BEGINNING_MS + self._ticks) << 16, decision, request))
        entry = Entry(len(self.log) + 1, 1, HERE, encode_batch(batch))
        self.log.append(entry)
        return entry

    def attempt_at(self, decision: d.AnyDecision, *, request: RequestId | None = None) -> Outcome:
        """Carry a decision out, refused or not; `told` is then what it told."""
        (outcome,), self.told = self.state.apply([self.write_down(decision, request=request)])
        return outcome

    def decide(self, decision: d.AnyDecision, *, request: RequestId | None = None) -> Outcome:
        """Carry a decision out; a refusal fails the test."""
        outcome = self.attempt_at(decision, request=request)
        assert outcome.refusal is None, outcome.refusal
        return outcome

    def refusal_of(self, decision: d.AnyDecision) -> Refused:
        """Carry a decision out that must be refused, and must change no row but the index."""
        before = self.dump(without=("meta",))
        outcome = self.attempt_at(decision)
        assert outcome.refusal is not None
        assert self.dump(without=("meta",)) == before
        return outcome.refusal

    def reopen(self) -> None:
        """Stop and start again."""
        self.state.close()
        self.state = FarmState(self.path)

    def close(self) -> None:
        """Stop."""
        self.state.close()

    def fresh(self) -> bytes:
        """Return 16 bytes for an id, later ones sorting later."""
        self._luck += 1
        return timed_id(BEGINNING_MS + self._luck, self._luck.to_bytes(10, "big"))

    def fresh_job(self) -> JobId:
        """Return an id for a job, later ones sorting later."""
        self._luck += 1
        return new_job_id(BEGINNING_MS + self._luck, bytes(10))

    # --- workers

    def known_worker(self, *task_types: str) -> WorkerId:
        """Register a worker that has not signed on."""
        worker = WorkerId(self.fresh())
        self.decide(
            d.RegisterWorker(
                worker=worker, name=f"worker {self._luck}", secret_digest=b"secret",
                platform="linux", address="127.0.0.1", task_types=task_types or ("blender",),
            )
        )  # fmt: skip
        return worker

    def sign_on(self, worker: WorkerId, *, can_restart: bool = True) -> None:
        """Let a registered worker arrive; it is `starting` then."""
        self.decide(
            d.SignOnWorker(
                worker=worker, name="anna", address="127.0.0.1", software="3.9",
                task_types=("blender",), can_restart=can_restart,
            )
        )  # fmt: skip

    def worker(self) -> WorkerId:
        """Return a worker that is awake."""
        worker = self.known_worker()
        self.sign_on(worker)
        self.reports(worker, WorkerStatus.AWAKE)
        return worker

    def reports(self, worker: WorkerId, status: WorkerStatus) -> None:
        """Let a worker say what it does now."""
        self.decide(d.SetWorkerStatus(worker=worker, status=status))

    def wish(self, worker: WorkerId, status: WorkerStatus, *, is_lazy: bool = False) -> None:
        """Let people want a worker to change."""
        self.decide(d.RequestWorkerStatus(worker=worker, status=status, is_lazy=is_lazy))

    # --- jobs

    def begun_job(self, **changes: Any) -> JobId:
        """Begin a job whose tasks are still to come."""
        job = self.fresh_job()
        self.decide(d.BeginJob(job=job, spec=spec(**changes)))
        return job

    def job(self, waits_for: Dependencies = ((),), **changes: Any) -> JobId:
        """Submit a job: one task for each entry, which says what that task waits for."""
        job = self.begun_job(**changes)
        numbers = range(1, len(waits_for) + 1)
        given = {no: some for no, some in zip(numbers, waits_for, strict=True) if some}
        self.decide(d.AddTasks(job=job, slice=1, payload=packed(numbers, given)))
        self.decide(d.CompleteJob(job=job, task_count=len(waits_for)))
        return job

    def want(self, job: JobId, desired: Desired) -> None:
        """Let people want the job to run, pause or end."""
        self.decide(d.SetDesired(job=job, desired=desired, activity="asked for"))

    def requeue_job(self, job: JobId) -> None:
        """Let people want the job once more."""
        epoch = self.job_record(job).epoch + 1
        self.decide(d.RequeueJob(job=job, epoch=epoch, activity="once more"))

    def requeue_tasks(self, job: JobId, *numbers: int) -> None:
        """Let people want these tasks once more."""
        epoch = self.job_record(job).epoch + 1
        self.decide(d.RequeueTasks(job=job, tasks=numbers, epoch=epoch, activity="once more"))

    # --- tasks

    def assign(self, job: JobId, no: int, worker: WorkerId) -> Assignment:
        """Give a task to a worker."""
        assignment = self.decide(self.assignment(job, no, worker)).assignment
        assert assignment is not None
        return assignment

    def assignment(self, job: JobId, no: int, worker: WorkerId) -> d.AssignTask:
        """Return the decision that gives a task to a worker, under a new attempt."""
        return d.AssignTask(job=job, task=no, worker=worker, attempt=AttemptId(self.fresh()))

    def completion(
        self, job: JobId, no: int, worker: WorkerId, attempt: AttemptId | None = None, **more: Any
    ) -> d.CompleteTask:
        """Return the decision that a worker has finished a task."""
        return d.CompleteTask(
            job=job, task=no, worker=worker, attempt=attempt, activity="done", **more
        )

    def failure(
        self, job: JobId, no: int, worker: WorkerId, attempt: AttemptId | None = None, **more: Any
    ) -> d.FailTask:
        """Return the decision that a worker could not do a task; softly unless `more` says else."""
        verdict: dict[str, Any] = {
            "hard": False, "block": False, "epoch": 0, "retry": (), "fail_job": "",
        }  # fmt: skip
        return d.FailTask(
            job=job, task=no, worker=worker, attempt=attempt, task_type="blender",
            activity="failed", **(verdict | more),
        )  # fmt: skip

    def render(self, job: JobId, *numbers: int, worker: WorkerId) -> None:
        """Give tasks to a worker, and let it finish each."""
        for no in numbers:
            given = self.assign(job, no, worker)
            self.decide(self.completion(job, no, worker, given.attempt))

    # --- looking

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Look into the file with a connection of our own."""
        with closing(sqlite3.connect(self.path)) as db:
            return db.execute(sql, values).fetchall()

    def job_record(self, job: JobId) -> Job:
        """Return the job as its row says."""
        with closing(sqlite3.connect(self.path)) as db:
            row = JobRow.load(db, job)
        assert row is not None
        return row.record()

    def worker_record(self, worker: WorkerId) -> Worker:
        """Return the worker as its row says."""
        with closing(sqlite3.connect(self.path)) as db:
            row = WorkerRow.load(db, worker)
        assert row is not None
        return row.record()

    def task_row(self, job: JobId, no: int) -> TaskRow:
        """Return the task as its row says."""
        with closing(sqlite3.connect(self.path)) as db:
            job_row = JobRow.load(db, job)
            row = TaskRow.load(db, job_row, no) if job_row else None
        assert row is not None
        return row

    def job_status(self, job: JobId) -> JobStatus:
        """Return the job's stored status."""
        return self.job_record(job).status

    def statuses(self, job: JobId) -> list[TaskStatus]:
        """Return what people see of the job's tasks, in their order."""
        rows = self.query("SELECT task_no FROM tasks WHERE job_id = ? ORDER BY task_no", job)
        return [self.task_row(job, no).was for (no,) in rows]

    def holder(self, job: JobId, no: int) -> WorkerId | None:
        """Return who holds a task now."""
        row = self.task_row(job, no)
        return row.worker if row.attempt is not None else None

    def held(self) -> dict[WorkerId, TaskKey]:
        """Return what each worker holds."""
        rows = self.query(
            "SELECT worker_id, job_id, task_no FROM tasks WHERE attempt_id IS NOT NULL"
        )
        return {worker: TaskKey(job, no) for worker, job, no in rows}

    def dump(self, *, without: Sequence[str] = ()) -> dict[str, list[tuple[Any, ...]]]:
        """Return every row of every table."""
        with closing(sqlite3.connect(self.path)) as db:
            tables = db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
            return {
                table: sorted(db.execute(f"SELECT * FROM {table}").fetchall(), key=repr)  # noqa: S608 -- names from the schema
                for (table,) in sorted(tables)
                if table not in without
            }
