"""Which wish a status that somebody sets through the API stands for.

Is: the table button -> wish, for jobs and tasks. Is not: making the decision (manager/steering).
Statuses that follow from tasks alone cannot be set; the refusal says what to do instead.
"""

from __future__ import annotations

from enum import Enum, auto

from flamenco_p2p.farm.errors import Conflict, Unfitting
from flamenco_p2p.farm.statuses import JobStatus, TaskStatus


class JobWish(Enum):
    """What people can want of a job."""

    RUN = auto()
    PAUSE = auto()
    CANCEL = auto()
    FAIL = auto()
    REQUEUE = auto()


class TaskWish(Enum):
    """What people can want of a single task."""

    REQUEUE = auto()
    CANCEL = auto()
    FAIL = auto()
    COMPLETE = auto()


JOB_WISHES = {
    JobStatus.CANCEL_REQUESTED: JobWish.CANCEL,
    JobStatus.CANCELED: JobWish.CANCEL,
    JobStatus.PAUSE_REQUESTED: JobWish.PAUSE,
    JobStatus.PAUSED: JobWish.PAUSE,
    JobStatus.REQUEUEING: JobWish.REQUEUE,
    JobStatus.QUEUED: JobWish.RUN,
    JobStatus.ACTIVE: JobWish.RUN,
    JobStatus.FAILED: JobWish.FAIL,
}
POINTLESS = {(JobStatus.FAILED, JobWish.PAUSE), (JobStatus.CANCELED, JobWish.FAIL)}
TASK_WISHES = {
    TaskStatus.QUEUED: TaskWish.REQUEUE,
    TaskStatus.CANCELED: TaskWish.CANCEL,
    TaskStatus.FAILED: TaskWish.FAIL,
    TaskStatus.COMPLETED: TaskWish.COMPLETE,
}


def job_wish(asked: JobStatus, now: JobStatus) -> JobWish | None:
    """Return what setting `asked` on a job that is `now` means; None: it is so already."""
    if asked is now:
        return None
    if (wish := JOB_WISHES.get(asked)) is None:
        raise Unfitting(
            f"A job's status cannot be set to “{asked}”: it follows from its tasks.",
            remedy="Cancel, pause or requeue the job, or set the status of single tasks.",
        )
    if wish is JobWish.RUN and now in (JobStatus.FAILED, JobStatus.CANCELED):
        return JobWish.REQUEUE  # wanting it to run would not bring back what was given up
    if (now, wish) in POINTLESS or (now is JobStatus.COMPLETED and wish is not JobWish.REQUEUE):
        raise Unfitting(
            f"The job is {now}; there is nothing left to {wish.name.lower()}.",
            remedy="Requeue it to render it again.",
        )
    return wish


def task_wish(asked: TaskStatus, now: TaskStatus, job: JobStatus) -> TaskWish | None:
    """Return what setting `asked` on a task that is `now` means; None: it is so already."""
    if (wish := TASK_WISHES.get(asked)) is None:
        raise Unfitting(
            f"A task's status cannot be set to “{asked}”.",
            remedy="Set it to queued or canceled; to pause, pause the whole job.",
        )
    if asked is now:
        return None
    if wish is TaskWish.REQUEUE and job is JobStatus.CANCELED:
        raise Conflict(
            "The job is canceled, so the task would not run.",
            remedy="Requeue the job: finished tasks are kept.",
        )
    return wish
