"""The farm in one word, for the corner of a page.

Is: the first of these rules that holds. Is not: a diagnosis.
"""

from __future__ import annotations

from collections.abc import Iterable

from flamenco_p2p.farm.jobs import Job
from flamenco_p2p.farm.statuses import FarmStatus, JobStatus, WorkerStatus
from flamenco_p2p.farm.workers import Worker

AWAY = frozenset({WorkerStatus.NEW, WorkerStatus.OFFLINE, WorkerStatus.ERROR})


def farm_status(jobs: Iterable[Job], workers: Iterable[Worker]) -> FarmStatus:
    """Return the farm's status from its jobs that have not ended and its workers."""
    job_statuses = {job.status for job in jobs}
    worker_statuses = {worker.status for worker in workers}
    if worker_statuses <= AWAY:
        return FarmStatus.INOPERATIVE
    if JobStatus.ACTIVE in job_statuses and WorkerStatus.AWAKE in worker_statuses:
        return FarmStatus.ACTIVE
    if job_statuses & {JobStatus.ACTIVE, JobStatus.QUEUED}:
        return FarmStatus.WAITING
    if WorkerStatus.AWAKE not in worker_statuses and WorkerStatus.ASLEEP in worker_statuses:
        return FarmStatus.ASLEEP
    return FarmStatus.IDLE
