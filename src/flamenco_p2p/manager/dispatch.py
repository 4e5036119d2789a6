"""A worker asks: what shall I do, and may I go on?

Is: choosing a task and giving it out once that is durable, and holding a question until there is an
answer (long polling). Is not: the order of tasks (ready_tasks) or the final check (store/apply).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from flamenco_p2p import clock
from flamenco_p2p.farm.bridge import Bridge
from flamenco_p2p.farm.decisions import AssignTask, SetWorkerStatus
from flamenco_p2p.farm.errors import Conflict, Refused, Unknown
from flamenco_p2p.farm.ids import AttemptId, TaskKey, WorkerId
from flamenco_p2p.farm.jobs import Assignment
from flamenco_p2p.farm.statuses import WorkerStatus
from flamenco_p2p.farm.workers import StatusRequest, Worker
from flamenco_p2p.manager.bell import Bells
from flamenco_p2p.manager.ready_tasks import Chosen, ReadyTasks
from flamenco_p2p.manager.roster import WORK, Lease, Roster
from flamenco_p2p.store.farm_reads import FarmReads, WhyNot


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether a worker may go on with its task, and if not, why."""

    allowed: bool
    reason: str = ""
    status_change: bool = False


class Dispatch:
    """Gives tasks to workers."""

    def __init__(
        self, bridge: Bridge, roster: Roster, ready: ReadyTasks, reads: FarmReads, bells: Bells
    ) -> None:
        self._bridge = bridge
        self._roster = roster
        self._ready = ready
        self._reads = reads
        self._bells = bells
        self._choosing = asyncio.Lock()

    async def next_task(
        self,
        worker_id: WorkerId,
        wait_s: float = 0,
        still_there: Callable[[], bool] = lambda: True,
    ) -> Assignment | StatusRequest | None:
        """Return the worker's task, or what it is asked to become, or None after `wait_s`.

        None, too, when there is something but the asker has gone: a task given to nobody would
        wait until the worker counts as silent. Raises `Conflict` if the worker is not awake.
        """
        deadline = clock.steady_s() + wait_s
        with self._bells.listen((WORK, worker_id)) as bell:
            while still_there():
                worker = await self._awake(worker_id)
                if worker.requested is not None:
                    return worker.requested
                lease = self._roster.leases.get(worker_id)
                task = await (self._again(worker, lease) if lease else self._choose(worker))
                if task is not None:
                    return task
                left = deadline - clock.steady_s()
                if left <= 0 or not await bell.wait(left):
                    return None
                self._roster.see(worker_id, clock.now_ms())
        return None

    async def _awake(self, worker_id: WorkerId) -> Worker:
        worker = self._roster.worker(worker_id)
        if worker.requested is None and worker.status is WorkerStatus.ERROR:
            # It was given up for silent, and here it is: no need for a person to wake it.
            await self._bridge.propose(SetWorkerStatus(worker=worker_id, status=WorkerStatus.AWAKE))
            worker = self._roster.worker(worker_id)
        if worker.requested is None and worker.status is not WorkerStatus.AWAKE:
            raise Conflict(
                f"This worker is “{worker.status or 'not signed on'}”, so it gets no tasks.",
                remedy="Sign on, then report the status “awake”.",
            )
        return worker

    async def _again(self, worker: Worker, lease: Lease) -> Assignment | None:
        """Give out once more what the worker holds: it may have restarted, or missed the answer."""
        try:
            return await self._assign(worker.id, lease.task, lease.attempt)
        except Refused:
            return None

    async def _choose(self, worker: Worker) -> Assignment | None:
        while True:
            async with self._choosing:
                chosen = await self._ready.take(worker)
            if chosen is None:
                return None
            try:
                try:
                    return await self._assign(worker.id, chosen.task, clock.fresh_attempt_id())
                except (Conflict, Unknown):
                    why = await self._reads.why_not(chosen.task, worker.id)
            except BaseException:
                self._put_back(chosen)
                raise
            match why:
                case WhyNot.TASK:
                    continue  # when it is ready again, that will be told
                case WhyNot.FAILED | WhyNot.BLOCKED:
                    self._ready.refuse(chosen, worker.id, why)
                    self._put_back(chosen)
                case WhyNot.WORKER:
                    self._put_back(chosen)
                    return None  # it is asked to sleep, or busy

    def _put_back(self, chosen: Chosen) -> None:
        self._ready.put_back(chosen)
        self._bells.ring(WORK)  # whoever asked meanwhile has not seen it

    async def _assign(self, worker: WorkerId, task: TaskKey, attempt: AttemptId) -> Assignment:
        decision = AssignTask(job=task.job, task=task.no, worker=worker, attempt=attempt)
        assignment = (await self._bridge.propose(decision)).assignment
        assert assignment is not None  # noqa: S101 -- carried out, so there is one
        if (lease := self._roster.holder(worker, task)) is not None:
            lease.touched_ms = clock.now_ms()
        return assignment

    async def may_run(self, worker_id: WorkerId, task: TaskKey, wait_s: float = 0) -> Permission:
        """Say whether the worker may go on; "no" at once, "yes" at the latest after `wait_s`."""
        deadline = clock.steady_s() + wait_s
        with self._bells.listen((worker_id,)) as bell:
            while True:
                now_ms = clock.now_ms()
                self._roster.see(worker_id, now_ms)
                permission = self._permission(worker_id, task)
                if not permission.allowed:
                    return permission
                if (lease := self._roster.holder(worker_id, task)) is not None:
                    lease.touched_ms = now_ms
                left = deadline - clock.steady_s()
                if left <= 0 or not await bell.wait(left):
                    return permission

    def _permission(self, worker_id: WorkerId, task: TaskKey) -> Permission:
        worker = self._roster.worker(worker_id)
        if (asked := worker.requested) is not None and not asked.is_lazy:
            return Permission(
                allowed=False, reason=f"worker is asked to be {asked.status}", status_change=True
            )
        if self._roster.holder(worker_id, task) is None:
            return Permission(
                allowed=False, reason="the task is not this worker's any more: it was canceled, "
                "requeued, deleted or given to another worker",
            )  # fmt: skip
        return Permission(allowed=True)
