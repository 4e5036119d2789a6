"""What a batch of decisions is working on.

Is: rows loaded once and saved once per batch, and the events that tell of it. Is not: rules and not
the meaning of decisions. A job's status is derived after each decision (`settle`), so that every
change of it is seen, while its row is written once per batch (`flush`).
"""

from __future__ import annotations

import sqlite3

from flamenco_p2p.farm.errors import Unknown
from flamenco_p2p.farm.events import (
    Event,
    JobChanged,
    LeaseChanged,
    TaskChanged,
    TasksReady,
    WorkerChanged,
)
from flamenco_p2p.farm.ids import JobId, NodeId, TaskKey, WorkerId
from flamenco_p2p.farm.statuses import JobStatus, Outcome, TaskState, TaskStatus, WorkerStatus
from flamenco_p2p.rules.task_status import task_status
from flamenco_p2p.store.database import queries
from flamenco_p2p.store.rows import JobRow, TaskRow, WorkerRow

TASKS = queries("tasks")
MOST_CACHED = 500


class WorkingSet:
    """Rows in hand, and what is to be told about them."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        self.mod = 0
        self.hlc = 0
        self.now_ms = 0
        self.stamp = b""
        self._jobs: dict[JobId, JobRow | None] = {}
        self._workers: dict[WorkerId, WorkerRow | None] = {}
        self._dirty_jobs: dict[JobId, JobRow] = {}
        self._dirty_workers: dict[WorkerId, WorkerRow] = {}
        self._tasks: list[TaskRow] = []
        self._touched: dict[JobId, JobRow] = {}
        self._ready: dict[JobId, list[tuple[str, int, int]]] = {}
        self._refresh: set[JobId] = set()
        self._told: set[JobId] = set()
        self._events: list[Event] = []

    def begin(self, index: int, node: NodeId, hlc: int) -> None:
        """Start with a decision: its place in the log, who decided it, and when."""
        self.mod, self.hlc, self.now_ms = index, hlc, hlc >> 16
        self.stamp = hlc.to_bytes(8, "big") + node

    # --- rows

    def job(self, job_id: JobId) -> JobRow:
        """Return the job's row. Raises `Unknown`."""
        row = self._jobs.get(job_id)
        if row is None:
            row = self._jobs[job_id] = JobRow.load(self.db, job_id)
        if row is None:
            raise Unknown(
                "There is no such job.",
                remedy="It may have been deleted; look at the list of jobs.",
            )
        return row

    def has_job(self, job_id: JobId) -> bool:
        """Say whether the job exists."""
        try:
            self.job(job_id)
        except Unknown:
            return False
        return True

    def change(self, job: JobRow, *, refresh_tasks: bool = False) -> None:
        """Note that this decision changes the job."""
        job.updated_ms, job.mod = self.now_ms, self.mod
        self._touched[job.id] = job
        if refresh_tasks:
            self._refresh.add(job.id)

    def drop_job(self, job_id: JobId) -> None:
        """Forget a job that was deleted."""
        self._jobs.pop(job_id, None)
        self._dirty_jobs.pop(job_id, None)
        self._touched.pop(job_id, None)
        self._ready.pop(job_id, None)
        self._tasks = [task for task in self._tasks if task.job.id != job_id]

    def task(self, key: TaskKey) -> TaskRow:
        """Return the task's row. Raises `Unknown`."""
        row = TaskRow.load(self.db, self.job(key.job), key.no)
        if row is None:
            raise Unknown("There is no such task.", remedy="Its job may have been deleted.")
        return row

    def save(self, task: TaskRow) -> None:
        """Write a changed task; its job and the listeners follow when the decision settles."""
        task.updated_ms = self.now_ms
        if task.save(self.db, self.mod):
            self._ready.setdefault(task.job.id, []).append((task.type, task.priority, task.no))
        self._tasks.append(task)
        self.change(task.job)

    def release_dependents(self, task: TaskRow) -> None:
        """Let those that waited for a finished task wait for one less.

        In one statement, since a hundred thousand may wait for the same one. None of them changes
        its status: it was queued, and people do not see what it waits for.
        """
        job = task.job
        released = self.db.execute(
            TASKS["release_dependents"], (self.mod, self.now_ms, job.id, task.no)
        ).fetchall()
        ready = [(type_, priority, no) for type_, priority, no, is_ready in released if is_ready]
        if ready:
            job.tally["ready"] += len(ready)
            self._ready.setdefault(job.id, []).extend(ready)

    def hold_dependents(self, task: TaskRow) -> list[int]:
        """Let those that build on a task wait for it again; in one statement, see above.

        Returns the numbers of those that had begun, and so must be done again.
        """
        job = task.job
        held = self.db.execute(
            TASKS["hold_dependents"], (self.mod, self.now_ms, job.id, task.no)
        ).fetchall()
        begun = []
        for no, state, attempt, unmet in held:
            if state != TaskState.WAITING or attempt is not None:
                begun.append(no)
            elif unmet == 1:
                job.tally["ready"] -= 1
        return sorted(begun)

    def worker(self, worker_id: WorkerId) -> WorkerRow:
        """Return the row of a worker that was not deleted. Raises `Unknown`."""
        row = self._workers.get(worker_id)
        if row is None:
            row = self._workers[worker_id] = WorkerRow.load(self.db, worker_id)
        if row is None or row.deleted_ms is not None:
            raise Unknown("There is no such worker.", remedy="It may have been deleted.")
        return row

    def save_worker(self, worker: WorkerRow, previous: WorkerStatus | None = None) -> None:
        """Write a changed worker at the end of the batch, and tell of it."""
        worker.updated_ms, worker.mod = self.now_ms, self.mod
        self._dirty_workers[worker.id] = worker
        if previous is worker.status:
            previous = None
        self.tell(WorkerChanged(worker=worker.record(), previous=previous))

    # --- leases

    def end_lease(self, task: TaskRow, outcome: Outcome) -> None:
        """Take a task from whoever holds it; the caller saves it."""
        if task.attempt is None or task.worker is None:
            return
        self.db.execute(
            TASKS["end_attempt"],
            (self.mod, self.now_ms, outcome, task.job.id, task.no, task.attempt),
        )
        task.attempt = None
        self.tell(LeaseChanged(worker=task.worker, task=None))

    def _end_leases_of(self, job: JobRow) -> None:
        held = self.db.execute(TASKS["held_of_job"], (job.id,)).fetchall()
        for (no,) in held:
            task = self.task(TaskKey(job.id, no))
            self.end_lease(task, Outcome.CANCELED)
            self.save(task)

    # --- telling

    def tell(self, event: Event) -> None:
        """Tell listeners, once the batch is committed."""
        self._events.append(event)

    def settle(self) -> None:
        """Derive what follows from the decision, and note what to tell."""
        touched, self._touched = self._touched, {}
        for job in touched.values():
            previous, now = job.status, job.derive_status()
            if now is not previous and now in (JobStatus.CANCELED, JobStatus.FAILED):
                self._end_leases_of(job)
                self._touched.clear()
                now = job.derive_status()
            if _idle_tasks(previous) is not _idle_tasks(now):
                self._refresh.add(job.id)
            job.status = now
            self._dirty_jobs[job.id] = job
        self._tell_of_tasks()
        for job in touched.values():
            self._tell_of_job(job)

    def _tell_of_tasks(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            now = task.status(task.job.status)
            if now is task.was:
                continue
            self.tell(
                TaskChanged(
                    key=task.key,
                    name=task.name,
                    status=now,
                    previous=task.was,
                    activity=task.activity,
                    steps_done=task.steps if task.done is not None else 0,
                    steps_total=task.steps,
                    updated_ms=task.updated_ms,
                    worker=task.worker,
                )
            )
            task.was = now
        ready, self._ready = self._ready, {}
        for job_id, which in ready.items():
            self.tell(TasksReady(job=job_id, tasks=tuple(which)))

    def _tell_of_job(self, job: JobRow) -> None:
        refresh = job.id in self._refresh
        self._refresh.discard(job.id)
        if not job.complete:
            return  # nobody knows of it yet
        if job.told is job.status and not refresh:
            self._told.discard(job.id)
            return  # only its tally: told once, when the batch is flushed
        previous, job.told = job.told, job.status
        self._told.add(job.id)
        self.tell(JobChanged(job=job.record(), previous=previous, refresh_tasks=refresh))

    def flush(self) -> None:
        """Write what is left to write, and tell of the jobs that nothing was told of yet."""
        for job in self._dirty_jobs.values():
            job.save(self.db)
            if job.complete and job.id not in self._told:
                self.tell(JobChanged(job=job.record()))
        for worker in self._dirty_workers.values():
            worker.save(self.db)
        self._dirty_jobs.clear()
        self._dirty_workers.clear()
        self._told.clear()
        if len(self._jobs) > MOST_CACHED:
            self._jobs.clear()
        if len(self._workers) > MOST_CACHED:
            self._workers.clear()

    def take_events(self) -> list[Event]:
        """Return what is to be told, now that it is committed."""
        events, self._events = self._events, []
        return events


def _idle_tasks(job: JobStatus) -> TaskStatus:
    """Return what people see of the tasks that wait in a job with this status."""
    return task_status(state=TaskState.WAITING, leased=False, failed_at=0, job=job)
