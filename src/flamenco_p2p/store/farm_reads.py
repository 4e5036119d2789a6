"""Rows to the farm's records: the reads that doors and manager need.

Is: questions, each answered from one snapshot in one hop to a reading thread. Is not: writing, and
not the hot path: choosing tasks and checking leases need no read (manager/roster, ready_tasks).
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import Enum, auto
from pathlib import Path
from typing import TypeVar

from flamenco_p2p.farm.events import LeaseChanged
from flamenco_p2p.farm.ids import AttemptId, JobId, TaskKey, WorkerId
from flamenco_p2p.farm.jobs import Job, Task
from flamenco_p2p.farm.statuses import TaskState
from flamenco_p2p.farm.workers import Worker
from flamenco_p2p.rules.job_status import SCHEDULABLE
from flamenco_p2p.store.database import queries
from flamenco_p2p.store.rows import JobRow, TaskRow, WorkerRow

READS = queries("reads")
JOBS = queries("jobs")
TASKS = queries("tasks")
WORKERS = queries("workers")

READING_THREADS = 2

T = TypeVar("T")


class WhyNot(Enum):
    """Why a task was not given to a worker."""

    TASK = auto()  # nobody can have it now: it waits, runs or has ended, or its job has
    FAILED = auto()  # the worker has failed it
    BLOCKED = auto()  # the worker gets no more tasks of its type in this job
    WORKER = auto()  # the worker can have no task at all: it is asked to sleep, or busy


class FarmReads:
    """Answers from this node's own copy of the farm."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._threads = ThreadPoolExecutor(READING_THREADS, "farm-reader", self._connect)

    def _connect(self) -> None:
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=20)
        db.execute("PRAGMA query_only = 1")
        db.execute("PRAGMA wal_autocheckpoint = 0")
        self._local.db = db
        self._connections.append(db)

    async def _ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        def answer() -> T:
            db: sqlite3.Connection = self._local.db
            db.execute("BEGIN")
            try:
                return question(db)
            finally:
                db.execute("ROLLBACK")

        return await asyncio.get_running_loop().run_in_executor(self._threads, answer)

    async def close(self) -> None:
        """Close the reading connections."""
        await asyncio.to_thread(self._threads.shutdown)
        for db in self._connections:
            db.close()

    # --- jobs and tasks

    async def job(self, job_id: JobId) -> Job | None:
        """Return a job whose tasks have all arrived, or None."""

        def question(db: sqlite3.Connection) -> Job | None:
            row = JobRow.load(db, job_id)
            return row.record() if row is not None and row.complete else None

        return await self._ask(question)

    async def jobs(self, after: JobId | None = None, limit: int = 100) -> list[Job]:
        """Return a page of jobs, oldest first, that follow a job."""

        def question(db: sqlite3.Connection) -> list[Job]:
            rows = db.execute(READS["jobs"], (after or b"", limit))
            return [JobRow(JobId(id_), tuple(columns)).record() for id_, *columns in rows]

        return await self._ask(question)

    async def jobs_alive(self) -> list[Job]:
        """Return the jobs that have not ended, or are to be deleted, or are still arriving."""

        def question(db: sqlite3.Connection) -> list[Job]:
            rows = db.execute(READS["jobs_alive"])
            return [JobRow(JobId(id_), tuple(columns)).record() for id_, *columns in rows]

        return await self._ask(question)

    async def task(self, key: TaskKey) -> tuple[Task, Job, tuple[WorkerId, ...]] | None:
        """Return a task with its commands, its job, and who failed at it; or None."""

        def question(
            db: sqlite3.Connection,
        ) -> tuple[Task, Job, tuple[WorkerId, ...]] | None:
            job = JobRow.load(db, key.job)
            if job is None or not job.complete:
                return None
            row = TaskRow.load(db, job, key.no)
            if row is None:
                return None
            (commands,) = db.execute(TASKS["commands"], key).fetchone()
            failed = db.execute(READS["failed_by"], (*key, row.epoch)).fetchall()
            return _task(row, commands), job.record(), tuple(WorkerId(w) for (w,) in failed)

        return await self._ask(question)

    async def tasks(self, job_id: JobId, after: int = 0, limit: int = 500) -> list[Task]:
        """Return a page of a job's tasks, in order, without their commands."""

        def question(db: sqlite3.Connection) -> list[Task]:
            job = JobRow.load(db, job_id)
            if job is None or not job.complete:
                return []
            rows = db.execute(READS["tasks_of_job"], (job_id, after, limit))
            return [_task(TaskRow(job, no, tuple(columns))) for no, *columns in rows]

        return await self._ask(question)

    # --- for the manager

    async def workers(self) -> list[Worker]:
        """Return all workers, deleted ones too."""

        def question(db: sqlite3.Connection) -> list[Worker]:
            rows = db.execute(WORKERS["all"])
            return [WorkerRow(WorkerId(id_), tuple(columns)).record() for id_, *columns in rows]

        return await self._ask(question)

    async def held(self) -> list[LeaseChanged]:
        """Return who holds what, in the words in which it was told when it happened."""

        def question(db: sqlite3.Connection) -> list[LeaseChanged]:
            return [
                LeaseChanged(
                    worker=WorkerId(worker), task=TaskKey(JobId(job), no),
                    attempt=AttemptId(attempt), name=name, steps_total=steps,
                )
                for worker, job, no, attempt, name, steps in db.execute(READS["held_tasks"])
            ]  # fmt: skip

        return await self._ask(question)

    async def ready(
        self, job_id: JobId, task_type: str, after: tuple[int, int] | None, limit: int
    ) -> list[tuple[int, int]]:
        """Return (priority, number) of ready tasks, in the order in which they are given out.

        `after`: the last one of the page before, in the same form.
        """

        def question(db: sqlite3.Connection) -> list[tuple[int, int]]:
            found: list[tuple[int, int]] = []
            priority, no = after if after is not None else (1 << 62, 0)
            while len(found) < limit:
                page = db.execute(
                    READS["ready_tasks"], (job_id, task_type, priority, no, limit - len(found))
                ).fetchall()
                found += page
                if len(found) >= limit:
                    break
                lower = db.execute(
                    READS["next_ready_priority"], (job_id, task_type, priority)
                ).fetchone()
                if lower is None:
                    break
                priority, no = lower[0], 0
            return found

        return await self._ask(question)

    async def why_not(self, key: TaskKey, worker: WorkerId) -> WhyNot:
        """Say why a task could not be given to a worker."""

        def question(db: sqlite3.Connection) -> WhyNot:
            job = JobRow.load(db, key.job)
            row = None if job is None else TaskRow.load(db, job, key.no)
            if (
                job is None
                or row is None
                or job.status not in SCHEDULABLE
                or job.delete_requested_ms is not None
                or row.condition() != "ready"
            ):
                return WhyNot.TASK
            if db.execute(TASKS["has_failed"], (*key, worker, row.epoch)).fetchone():
                return WhyNot.FAILED
            blocked = db.execute(JOBS["is_blocked"], (key.job, worker, row.type, job.requeued))
            return WhyNot.WORKER if blocked.fetchone() is None else WhyNot.BLOCKED

        return await self._ask(question)

    async def blocked(self, job_id: JobId) -> list[tuple[WorkerId, str]]:
        """Return which workers get no more tasks of which type in a job."""

        def question(db: sqlite3.Connection) -> list[tuple[WorkerId, str]]:
            job = JobRow.load(db, job_id)
            rows = db.execute(READS["blocks_of_job"], (job_id, job.requeued)) if job else ()
            return [(WorkerId(worker), type_) for worker, type_ in rows]

        return await self._ask(question)

    async def failed_tasks(
        self, job_id: JobId, worker: WorkerId, task_type: str
    ) -> list[tuple[int, bool]]:
        """Return the tasks of a type this worker failed in a job: number, and whether for good."""

        def question(db: sqlite3.Connection) -> list[tuple[int, bool]]:
            rows = db.execute(READS["failed_tasks_of_worker"], (job_id, worker, task_type))
            return [(no, state == TaskState.FAILED) for no, state in rows]

        return await self._ask(question)

    async def last_task(self, worker: WorkerId) -> tuple[Task, Job] | None:
        """Return the task that a worker touched last, or None."""

        def question(db: sqlite3.Connection) -> tuple[Task, Job] | None:
            found = db.execute(READS["last_task_of_worker"], (worker,)).fetchone()
            if found is None or (job := JobRow.load(db, JobId(found[0]))) is None:
                return None
            row = TaskRow.load(db, job, found[1])
            return None if row is None else (_task(row), job.record())

        return await self._ask(question)


def _task(row: TaskRow, commands: bytes = b"[]") -> Task:
    return Task(
        key=row.key, name=row.name, type=row.type, priority=row.priority, status=row.was,
        state=row.state, epoch=row.epoch, steps_total=row.steps,
        steps_done=row.steps if row.state is TaskState.DONE else 0, activity=row.activity,
        created_ms=row.job.created_ms, updated_ms=row.updated_ms, worker=row.worker,
        attempt=row.attempt, touched_ms=row.touched_ms, commands=commands,
    )  # fmt: skip
