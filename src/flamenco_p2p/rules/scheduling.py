"""May this worker have tasks of this job, and which Blender would render them?

Is: the choice that needs no rows: order of jobs, tag, type, version. Is not: finding runnable tasks
(manager/ready_tasks) or the final check (store/apply verifies what was chosen).
Visible order: job priority, then task priority, both greatest first, then oldest job, then the
order in which the script added the tasks.
"""

from __future__ import annotations

from collections.abc import Sequence

from flamenco_p2p.farm.ids import JobId
from flamenco_p2p.farm.jobs import BlenderNeed, Job
from flamenco_p2p.farm.workers import InstalledBlender, Worker
from flamenco_p2p.rules.job_status import SCHEDULABLE

BLENDER_TASKS = "blender"


def job_order(job: Job) -> tuple[int, int, JobId]:
    """Return the sort key of jobs: most urgent first, then oldest."""
    return (-job.priority, job.created_ms, job.id)


def is_schedulable(job: Job) -> bool:
    """Say whether tasks of this job may be given out at all."""
    return job.status in SCHEDULABLE and job.delete_requested_ms is None


def blender_fits(need: BlenderNeed | None, have: Sequence[InstalledBlender]) -> bool:
    """Say whether one of these Blenders may open the job's file.

    Same series, or a newer one where the job allows it; an older one never: it fails or crashes on
    files from its future. Nothing known on either side counts as fitting.
    """
    if need is None or not have:
        return True
    wanted = (need.major, need.minor)
    return any(
        (b.major, b.minor) == wanted or (need.newer_allowed and (b.major, b.minor) > wanted)
        for b in have
    )


def fitting_types(job: Job, worker: Worker) -> tuple[str, ...]:
    """Return the task types of this job that the worker may get; empty: none."""
    if job.spec.worker_tag is not None:
        return ()  # no worker carries tags yet
    if blender_fits(job.spec.blender, worker.blenders):
        return worker.task_types
    return tuple(t for t in worker.task_types if t != BLENDER_TASKS)
