"""A worker reports: how far it is, what its program said, that it is done or could not do it.

Is: sorting a report into what is replicated (how a task ended), what is kept in a file (log) and
what is only told (steps). Is not: judging a failure (rules/failures).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from flamenco_p2p import clock
from flamenco_p2p.bus import Bus
from flamenco_p2p.farm.bridge import Bridge
from flamenco_p2p.farm.decisions import CompleteTask, FailTask, HandBackTasks
from flamenco_p2p.farm.errors import Conflict, Unknown
from flamenco_p2p.farm.events import Event, JobChanged, TaskChanged
from flamenco_p2p.farm.ids import AttemptId, TaskKey, WorkerId
from flamenco_p2p.farm.jobs import Job, Task
from flamenco_p2p.farm.statuses import TaskStatus
from flamenco_p2p.files.task_logs import TaskLogs
from flamenco_p2p.manager.roster import Lease, Roster
from flamenco_p2p.rules.failures import Thresholds, Verdict, judge
from flamenco_p2p.rules.scheduling import fitting_types
from flamenco_p2p.store.farm_reads import FarmReads


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a worker says of a task; all parts optional."""

    status: TaskStatus | None = None
    activity: str | None = None
    log: str | None = None
    steps_done: int | None = None
    attempt: AttemptId | None = None
    outputs: tuple[str, ...] = ()
    redelivered: bool = False


class Progress:
    """Takes reports."""

    def __init__(
        self,
        bridge: Bridge,
        roster: Roster,
        reads: FarmReads,
        logs: TaskLogs,
        bus: Bus,
        thresholds: Thresholds,
    ) -> None:
        self._bridge = bridge
        self._roster = roster
        self._reads = reads
        self._logs = logs
        self._bus = bus
        self._thresholds = thresholds
        self._judging = asyncio.Lock()

    async def take(self, worker_id: WorkerId, key: TaskKey, report: Report) -> None:
        """Take a report; when this returns, its outcome is durable.

        Raises `Unknown` (no such task) or `Conflict` (not this worker's).
        """
        now_ms = clock.now_ms()
        self._roster.see(worker_id, now_ms)
        lease = self._roster.holder(worker_id, key)
        if lease is None or report.attempt not in (None, lease.attempt):
            if report.status is not TaskStatus.COMPLETED:
                await self._explain(key)
            await self._end(worker_id, key, report)  # refuses whoever never had the task
            await self._write(key, report)
            return
        lease.touched_ms = now_ms
        self._follow(lease, report)  # before anything is waited for: the lease may end meanwhile
        await self._write(key, report)
        await self._end(worker_id, key, replace(report, attempt=lease.attempt))

    async def _write(self, key: TaskKey, report: Report) -> None:
        if report.log:
            await self._logs.append(key, report.log, unless_there=report.redelivered)

    async def _explain(self, key: TaskKey) -> None:
        if await self._reads.task(key) is None:
            raise Unknown("There is no such task.", remedy="Its job may have been deleted.")
        raise Conflict("This task is not assigned to this worker.")

    def _follow(self, lease: Lease, report: Report) -> None:
        """Keep and tell the soft facts."""
        if report.activity is not None:
            lease.activity = report.activity
        if report.steps_done is None or report.steps_done == lease.steps_done:
            return
        steps = min(max(0, report.steps_done), lease.steps_total)
        self._roster.report_steps(lease, steps)
        self._bus.tell(self._steps_events(lease))

    def _steps_events(self, lease: Lease) -> list[Event]:
        task = TaskChanged(
            key=lease.task, name=lease.name, status=TaskStatus.ACTIVE, previous=None,
            activity=lease.activity, steps_done=lease.steps_done, steps_total=lease.steps_total,
            updated_ms=clock.now_ms(), worker=lease.worker,
        )  # fmt: skip
        job = self._roster.jobs.get(lease.task.job)
        return [task] if job is None else [task, JobChanged(job=job)]

    async def _end(self, worker: WorkerId, key: TaskKey, report: Report) -> None:
        activity = report.activity or ""
        match report.status:
            case TaskStatus.COMPLETED:
                await self._bridge.propose(
                    CompleteTask(
                        job=key.job, task=key.no, worker=worker, attempt=report.attempt,
                        activity=activity, outputs=report.outputs,
                    )
                )  # fmt: skip
            case TaskStatus.FAILED:
                await self.fail(worker, key, report.attempt, activity)
            case TaskStatus.QUEUED | TaskStatus.PAUSED | TaskStatus.CANCELED:
                await self._bridge.propose(
                    HandBackTasks(
                        worker=worker, attempt=report.attempt,
                        activity=activity or "Handed back by its worker",
                    )
                )  # fmt: skip
            case _:
                pass

    async def fail(
        self,
        worker: WorkerId,
        key: TaskKey,
        attempt: AttemptId | None,
        activity: str,
        *,
        timed_out: bool = False,
    ) -> None:
        """Judge a failure and carry the verdict out. Raises `Conflict`, `Unknown`."""
        async with self._judging:
            found = await self._reads.task(key)
            if found is None:
                raise Unknown("There is no such task.", remedy="Its job may have been deleted.")
            task, job, failed_by = found
            verdict, retry = await self._judge(worker, task, job, failed_by)
            reason = activity.removeprefix("Failed: ")
            why = f"Nobody is left who could do its “{task.type}” tasks: {reason}"
            await self._bridge.propose(
                FailTask(
                    job=key.job, task=key.no, worker=worker, attempt=attempt,
                    task_type=task.type, hard=verdict.hard, block=verdict.block,
                    epoch=job.epoch + 1, retry=retry, fail_job=why if verdict.fail_job else "",
                    activity=activity, timed_out=timed_out,
                )
            )  # fmt: skip
        await self._logs.append(
            key, _sentence(verdict, task, clock.local_now().isoformat(timespec="seconds"))
        )

    async def _judge(
        self, worker: WorkerId, task: Task, job: Job, failed_by: tuple[WorkerId, ...]
    ) -> tuple[Verdict, tuple[int, ...]]:
        failed_here = await self._reads.failed_tasks(job.id, worker, task.type)
        blocked = {w for w, type_ in await self._reads.blocked(job.id) if type_ == task.type}
        capable = {
            other.id
            for other in self._roster.workers.values()
            if task.type in fitting_types(job, other)
        }
        others = capable - blocked - set(failed_by) - {worker}
        numbers = {no for no, _ in failed_here} | {task.key.no}
        verdict = judge(
            failed_by=len({*failed_by, worker}),
            failed_here=len(numbers),
            others_capable=len(others),
            thresholds=self._thresholds,
        )
        retry = (
            tuple(no for no, for_good in failed_here if for_good and no != task.key.no)
            if verdict.block and not verdict.fail_job
            else ()
        )
        return verdict, retry


def _sentence(verdict: Verdict, task: Task, stamp: str) -> str:
    if verdict.fail_job:
        words = f"no worker is left that could do “{task.type}” tasks of this job"
    elif verdict.hard:
        words = "the task failed on enough workers; it is given up"
    else:
        words = f"{verdict.tries_left} more worker(s) may try this task"
    if verdict.block:
        words += f"; this worker gets no more “{task.type}” tasks of this job"
    return f"{stamp} {words}\n"
