"""What a task's status is, from its state, its lease and its job.

Is: the one rule for what people and workers see of a task. Is not: what is stored: a task stores
its state in its present epoch (waiting < canceled < failed < done), who holds it, and how many
workers failed at it; pausing or canceling a job changes no task.

    state     holder  job                     failed at  status
    done      -       -                       -          completed
    failed    -       -                       -          failed
    canceled  -       -                       -          canceled
    waiting   -       canceled, failed        -          canceled
    waiting   yes     -                       -          active
    waiting   no      paused, pause-requested -          paused
    waiting   no      -                       1 or more  soft-failed
    waiting   no      -                       0          queued
"""

from __future__ import annotations

from flamenco_p2p.farm.statuses import JobStatus, TaskState, TaskStatus

SETTLED = {
    TaskState.DONE: TaskStatus.COMPLETED,
    TaskState.FAILED: TaskStatus.FAILED,
    TaskState.CANCELED: TaskStatus.CANCELED,
}


def task_status(*, state: TaskState, leased: bool, failed_at: int, job: JobStatus) -> TaskStatus:
    """Return the status; the table in this module's head, read from top to bottom."""
    if (settled := SETTLED.get(state)) is not None:
        return settled
    if job in (JobStatus.CANCELED, JobStatus.FAILED):
        return TaskStatus.CANCELED
    if leased:
        return TaskStatus.ACTIVE
    if job in (JobStatus.PAUSED, JobStatus.PAUSE_REQUESTED):
        return TaskStatus.PAUSED
    return TaskStatus.SOFT_FAILED if failed_at else TaskStatus.QUEUED
