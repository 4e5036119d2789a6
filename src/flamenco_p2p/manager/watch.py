"""While elected: what nobody asks about.

Is: silent workers, tasks nobody touches, jobs to be deleted, jobs that only half arrived, answers
nobody will ask for again, the farm in one word. Is not: a timer library: it looks every second.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from flamenco_p2p import clock
from flamenco_p2p.bus import Bus
from flamenco_p2p.farm.bridge import Bridge
from flamenco_p2p.farm.decisions import AbandonJob, ForgetRequests, RemoveJob, SetWorkerStatus
from flamenco_p2p.farm.errors import FarmError
from flamenco_p2p.farm.events import FarmStatusChanged
from flamenco_p2p.farm.ids import JobId, task_text
from flamenco_p2p.farm.statuses import FarmStatus, WorkerStatus
from flamenco_p2p.files.task_logs import TaskLogs
from flamenco_p2p.manager.progress import Progress
from flamenco_p2p.manager.roster import Lease, Roster
from flamenco_p2p.rules.farm_status import farm_status
from flamenco_p2p.store.farm_reads import FarmReads

log = logging.getLogger(__name__)

ROUND_S = 1.0
MOST_BETWEEN_ROUNDS_MS = 30_000
HALF_ARRIVED_MS = 10 * 60 * 1000
REQUESTS_KEPT_MS = 24 * 60 * 60 * 1000
TIDY_EVERY_MS = 10 * 60 * 1000
SILENT_EXEMPT = frozenset({WorkerStatus.ERROR, WorkerStatus.OFFLINE, WorkerStatus.NEW})


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long the farm waits, in milliseconds; 0 = for ever."""

    worker_ms: int = 60_000
    task_ms: int = 600_000


class Watch:
    """Looks after the farm."""

    def __init__(
        self,
        bridge: Bridge,
        roster: Roster,
        reads: FarmReads,
        progress: Progress,
        logs: TaskLogs,
        bus: Bus,
        patience: Patience,
    ) -> None:
        self._bridge = bridge
        self._roster = roster
        self._reads = reads
        self._progress = progress
        self._logs = logs
        self._bus = bus
        self._patience = patience
        self._looked_ms = 0
        self._tidied_ms = 0
        self.status = FarmStatus.STARTING

    async def run(self) -> None:
        """Look after the farm until cancelled."""
        while True:
            now_ms = clock.now_ms()
            self.follow_clock(now_ms)
            try:
                await self.look(now_ms)
            except FarmError as error:
                log.warning("%s", error)
            except Exception:  # the farm goes on without this round
                log.exception("looking after the farm failed")
            await asyncio.sleep(ROUND_S)

    def follow_clock(self, now_ms: int) -> None:
        """Give everybody new time-outs if this machine slept, or its clock was set.

        The time that has passed then says nothing about workers.
        """
        if not 0 <= now_ms - self._looked_ms <= MOST_BETWEEN_ROUNDS_MS:
            self._roster.hear_of_all(now_ms)
        self._looked_ms = now_ms

    async def look(self, now_ms: int) -> None:
        """Do one round."""
        await self._silent_workers(now_ms)
        await self._untouched_tasks(now_ms)
        await self._unwanted_jobs()
        if abs(now_ms - self._tidied_ms) > TIDY_EVERY_MS:
            self._tidied_ms = now_ms
            await self._half_arrived_jobs(now_ms)
            await self._bridge.propose(ForgetRequests(before=(now_ms - REQUESTS_KEPT_MS) << 16))
        self._tell_status()

    async def _silent_workers(self, now_ms: int) -> None:
        if self._patience.worker_ms == 0:
            return
        for worker in list(self._roster.workers.values()):
            seen_ms = self._roster.seen_ms.get(worker.id, now_ms)
            if worker.status in SILENT_EXEMPT or now_ms - seen_ms < self._patience.worker_ms:
                continue
            log.warning("worker %s has been silent for too long", worker.name)
            await self._bridge.propose(
                SetWorkerStatus(
                    worker=worker.id, status=WorkerStatus.ERROR, activity="Its worker fell silent"
                )
            )

    async def _untouched_tasks(self, now_ms: int) -> None:
        if self._patience.task_ms == 0:
            return
        for lease in list(self._roster.leases.values()):
            if now_ms - lease.touched_ms >= self._patience.task_ms:
                await self._give_up_on(lease)

    async def _give_up_on(self, lease: Lease) -> None:
        minutes = self._patience.task_ms // 60_000
        try:
            await self._progress.fail(
                lease.worker,
                lease.task,
                lease.attempt,
                f"Nothing was heard of it for {minutes} minutes",
                timed_out=True,
            )
        except FarmError as error:
            log.info("task %s ended by itself meanwhile: %s", task_text(lease.task), error)

    async def _unwanted_jobs(self) -> None:
        for job in list(self._roster.jobs.values()):
            if job.delete_requested_ms is not None:
                await self._remove(job.id)

    async def _half_arrived_jobs(self, now_ms: int) -> None:
        """Remove what a submitter began and never finished; nobody has seen it."""
        for job in await self._reads.jobs_alive():
            if not job.complete and now_ms - job.updated_ms > HALF_ARRIVED_MS:
                await self._bridge.propose(AbandonJob(job=job.id))

    async def _remove(self, job: JobId) -> None:
        await self._logs.delete_job(job)
        await self._bridge.propose(RemoveJob(job=job))
        await self._logs.delete_job(job)  # what its workers still said meanwhile

    def _tell_status(self) -> None:
        status = farm_status(self._roster.jobs.values(), self._roster.workers.values())
        if status is not self.status:
            self.status = status
            self._bus.tell([FarmStatusChanged(status=status)])
