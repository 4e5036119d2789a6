"""People ask: pause, cancel, requeue, sooner, away with it.

Is: turning wishes into decisions with all values fixed. Is not: what a wish means (rules/requests)
or what follows from it (derived statuses). Every wish carries a request id, so that asking twice
because the first answer was lost changes nothing twice.
"""

from __future__ import annotations

import hashlib

from flamenco_p2p.farm.bridge import Bridge
from flamenco_p2p.farm.decisions import (
    AnyDecision,
    FailJob,
    RequestDeletion,
    RequestWorkerStatus,
    RequeueJob,
    RequeueTasks,
    SetDesired,
    SetPriority,
    SettleTask,
)
from flamenco_p2p.farm.errors import Conflict, Outdated, Unknown
from flamenco_p2p.farm.ids import JobId, RequestId, TaskKey, WorkerId
from flamenco_p2p.farm.jobs import Job, Task
from flamenco_p2p.farm.statuses import Desired, JobStatus, Outcome, TaskStatus, WorkerStatus
from flamenco_p2p.farm.workers import StatusRequest
from flamenco_p2p.manager.roster import Roster
from flamenco_p2p.rules.requests import JobWish, TaskWish, job_wish, task_wish
from flamenco_p2p.store.farm_reads import FarmReads

TRIES = 3
DESIRED = {
    JobWish.RUN: Desired.ACTIVE,
    JobWish.PAUSE: Desired.PAUSED,
    JobWish.CANCEL: Desired.CANCELED,
}
SETTLED = {
    TaskWish.CANCEL: Outcome.CANCELED,
    TaskWish.FAIL: Outcome.FAILED,
    TaskWish.COMPLETE: Outcome.COMPLETED,
}


class Steering:
    """Does what people ask."""

    def __init__(self, bridge: Bridge, reads: FarmReads, roster: Roster) -> None:
        self._bridge = bridge
        self._reads = reads
        self._roster = roster

    async def job(self, job_id: JobId) -> Job:
        """Return a job. Raises `Unknown`."""
        if (job := await self._reads.job(job_id)) is None:
            raise Unknown(
                "There is no such job.", remedy="It may have been deleted; look at the list."
            )
        return job

    async def set_job_status(
        self, job_id: JobId, asked: JobStatus, reason: str, request: RequestId
    ) -> None:
        """Carry out what setting a status stands for. Raises `Unknown`, `Unfitting`."""
        job = await self.job(job_id)
        wish = job_wish(asked, job.status)
        if wish is None:
            return
        activity = f"Set to “{asked}”: {reason}" if reason else f"Set to “{asked}”"
        decision: AnyDecision
        if wish is JobWish.REQUEUE:
            decision = RequeueJob(job=job_id, epoch=job.epoch + 1, activity=activity)
        elif wish is JobWish.FAIL:
            decision = FailJob(job=job_id, epoch=job.epoch, activity=activity)
        else:
            decision = SetDesired(job=job_id, desired=DESIRED[wish], activity=activity)
        await self._bridge.propose(decision, request=request)

    async def set_priority(self, job_id: JobId, priority: int, request: RequestId) -> None:
        """Let a job be sooner or later. Raises `Unknown`."""
        await self.job(job_id)
        await self._bridge.propose(SetPriority(job=job_id, priority=priority), request=request)

    async def delete(self, job_id: JobId, request: RequestId) -> None:
        """Mark a job for deletion; the watch does the rest. Raises `Unknown`."""
        await self.job(job_id)
        await self._bridge.propose(RequestDeletion(job=job_id), request=request)

    async def task(self, key: TaskKey) -> tuple[Task, Job]:
        """Return a task and its job. Raises `Unknown`."""
        if (found := await self._reads.task(key)) is None:
            raise Unknown("There is no such task.", remedy="Its job may have been deleted.")
        return found[0], found[1]

    async def set_task_status(
        self, key: TaskKey, asked: TaskStatus, reason: str, request: RequestId
    ) -> None:
        """Carry out what setting a task's status stands for. Raises `Unknown`, `Unfitting`."""
        task, job = await self.task(key)
        wish = task_wish(asked, task.status, job.status)
        if wish is None:
            return
        if wish is TaskWish.REQUEUE:
            await self._requeue(key, job, reason, request)
            return
        await self._bridge.propose(
            SettleTask(
                job=key.job, task=key.no, epoch=task.epoch, outcome=SETTLED[wish], activity=reason
            ),
            request=request,
        )

    async def _requeue(self, key: TaskKey, job: Job, reason: str, request: RequestId) -> None:
        for _ in range(TRIES):
            try:
                await self._bridge.propose(
                    RequeueTasks(
                        job=key.job, tasks=(key.no,), epoch=job.epoch + 1, activity=reason
                    ),
                    request=request,
                )
            except Conflict:
                # Somebody, or a failure, has used that epoch meanwhile. The refusal is the answer
                # to this request for ever, so the next try is another one, always the same.
                job = await self.job(key.job)
                request = RequestId(hashlib.sha256(request).digest()[:16])
            else:
                return
        raise Conflict("The job keeps changing.", remedy="Try again in a moment.")

    async def request_worker_status(
        self, worker_id: WorkerId, wish: StatusRequest, request: RequestId
    ) -> None:
        """Ask a worker to change. Raises `Unknown`, `Outdated` (it cannot restart)."""
        if (worker := self._roster.workers.get(worker_id)) is None:
            raise Unknown("There is no such worker.", remedy="Look at the list of workers.")
        if wish.status is WorkerStatus.RESTART and not worker.can_restart:
            raise Outdated(
                "This worker cannot restart by itself.",
                remedy="Start it under a service manager, with a restart exit code.",
            )
        await self._bridge.propose(
            RequestWorkerStatus(worker=worker_id, status=wish.status, is_lazy=wish.is_lazy),
            request=request,
        )
