"""Who works on what, as the manager knows it without asking the database.

Is: workers, leases, jobs that have not ended, and the soft facts that are never replicated: when a
worker was last heard of, and how far its task is. Derived from events; rebuilt at start. Is not:
choosing tasks (ready_tasks).
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import structs

from flamenco_p2p.farm.errors import NotAllowed
from flamenco_p2p.farm.events import (
    Event,
    JobChanged,
    JobRemoved,
    LeaseChanged,
    TasksReady,
    WorkerChanged,
)
from flamenco_p2p.farm.ids import AttemptId, JobId, TaskKey, WorkerId
from flamenco_p2p.farm.jobs import Job
from flamenco_p2p.farm.workers import Worker
from flamenco_p2p.manager.bell import Bells
from flamenco_p2p.rules.job_status import ENDED
from flamenco_p2p.rules.scheduling import is_schedulable
from flamenco_p2p.store.farm_reads import FarmReads

WORK = "work"


@dataclass(slots=True)
class Lease:
    """A task in a worker's hands, and what the worker said of it."""

    worker: WorkerId
    task: TaskKey
    attempt: AttemptId
    name: str
    steps_total: int
    touched_ms: int
    steps_done: int = 0
    activity: str = ""


class Roster:
    """Workers and their leases."""

    def __init__(self, reads: FarmReads, bells: Bells) -> None:
        self._reads = reads
        self._bells = bells
        self.workers: dict[WorkerId, Worker] = {}
        self.leases: dict[WorkerId, Lease] = {}
        self.seen_ms: dict[WorkerId, int] = {}
        self.jobs: dict[JobId, Job] = {}
        self._steps: dict[JobId, int] = {}

    async def load(self, now_ms: int) -> None:
        """Read what the events of earlier lives have led to."""
        self.workers = {w.id: w for w in await self._reads.workers() if w.deleted_ms is None}
        self.jobs = {job.id: job for job in await self._reads.jobs_alive() if job.complete}
        for lease in await self._reads.held():
            self.hear(lease)
        self.hear_of_all(now_ms)  # nobody is silent yet, whatever happened in earlier lives

    # --- questions

    def worker(self, worker_id: WorkerId) -> Worker:
        """Return a worker. Raises `NotAllowed` if there is none: its password is worth nothing."""
        if (worker := self.workers.get(worker_id)) is None:
            raise NotAllowed(
                "This worker is not known here.", remedy="Restart the worker; it registers again."
            )
        return worker

    def holder(self, worker: WorkerId | None, task: TaskKey) -> Lease | None:
        """Return the worker's lease of this task, if it holds it."""
        lease = self.leases.get(worker) if worker is not None else None
        return lease if lease is not None and lease.task == task else None

    def with_steps_under_way(self, job: Job) -> Job:
        """Return a job with the steps that its running tasks have done so far."""
        steps = min(job.steps_done + self._steps.get(job.id, 0), job.steps_total)
        return job if steps == job.steps_done else structs.replace(job, steps_done=steps)

    # --- soft facts

    def see(self, worker: WorkerId, now_ms: int) -> None:
        """Note that a worker was heard of."""
        self.seen_ms[worker] = now_ms

    def hear_of_all(self, now_ms: int) -> None:
        """Give everybody the full time-outs from now on."""
        self.seen_ms = dict.fromkeys(self.workers, now_ms)
        for lease in self.leases.values():
            lease.touched_ms = now_ms

    def report_steps(self, lease: Lease, steps: int) -> None:
        """Note how far a task is."""
        job = lease.task.job
        self._steps[job] = self._steps.get(job, 0) + steps - lease.steps_done
        lease.steps_done = steps

    def _end_lease(self, worker: WorkerId) -> None:
        if (lease := self.leases.pop(worker, None)) is not None:
            self.report_steps(lease, 0)

    # --- events

    def hear(self, event: Event) -> None:
        """Follow what happened."""
        match event:
            case WorkerChanged(worker=worker):
                if worker.deleted_ms is not None:
                    self.workers.pop(worker.id, None)
                else:
                    self.workers[worker.id] = worker
                self._bells.ring(worker.id)
            case LeaseChanged(worker=worker_id, task=task, attempt=attempt):
                self._end_lease(worker_id)
                if task is not None and attempt is not None:
                    self.leases[worker_id] = Lease(
                        worker_id, task, attempt, event.name, event.steps_total,
                        self.seen_ms.get(worker_id, 0),
                    )  # fmt: skip
                self._bells.ring(worker_id)
            case JobChanged(job=job, refresh_tasks=refresh):
                before = self.jobs.get(job.id)
                self._follow_job(job)
                if is_schedulable(job) and (
                    refresh or before is None or not is_schedulable(before)
                ):
                    self._bells.ring(WORK)
            case JobRemoved(job=job_id):
                self.jobs.pop(job_id, None)
                self._steps.pop(job_id, None)
            case TasksReady():
                self._bells.ring(WORK)
            case _:
                pass

    def _follow_job(self, job: Job) -> None:
        if job.status in ENDED and job.delete_requested_ms is None:
            self.jobs.pop(job.id, None)
            self._steps.pop(job.id, None)
        else:
            self.jobs[job.id] = job
