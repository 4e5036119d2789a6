"""What a job's status is, from what people want and how its tasks stand.

Is: the one rule that turns wishes, verdict and tally into a status; it holds alike for live changes
and for rows merged from another branch of history. Is not: stored truth: the column of the same
name only remembers this function's last answer.

    complete  tasks                            wish      verdict   status
    no        -                                -         -         under-construction
    yes       all done (or none at all)        -         -         completed
    yes       -                                canceled  -         canceled
    yes       -                                -         given up  failed
    yes       nothing runs or could, some failed  -      -         failed
    yes       nothing runs or could            -         -         canceled
    yes       some run                         paused    -         pause-requested
    yes       none runs                        paused    -         paused
    yes       none given out since (re)queued  active    -         queued
    yes       -                                active    -         active

A job is given up, in its present epoch, by people, by the manager when nobody is left who could do
it, or when a failure makes it that 10 % of its tasks have failed. Any requeue is a new epoch and so
another chance. `cancel-requested` and `requeueing` are requests, not states: both are carried out
in one decision.
"""

from __future__ import annotations

from flamenco_p2p.farm.jobs import Tally
from flamenco_p2p.farm.statuses import Desired, JobStatus

FAILED_PERCENT = 10

SCHEDULABLE = frozenset({JobStatus.QUEUED, JobStatus.ACTIVE})
ENDED = frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELED})


def too_many_failed(tally: Tally) -> bool:
    """Say whether a failure that led here means that the job is given up."""
    return tally.total > 0 and tally.failed * 100 // tally.total >= FAILED_PERCENT


def job_status(
    *, complete: bool, desired: Desired, given_up: bool, started: bool, tally: Tally
) -> JobStatus:
    """Return the status; the table in this module's head, read from top to bottom."""
    if not complete:
        return JobStatus.UNDER_CONSTRUCTION
    if tally.done == tally.total:
        return JobStatus.COMPLETED
    if desired is Desired.CANCELED:
        return JobStatus.CANCELED
    if given_up:
        return JobStatus.FAILED
    if tally.active == 0 and tally.ready == 0:
        # Dependencies have no cycles, so whatever still waits, waits for something that ended.
        return JobStatus.FAILED if tally.failed else JobStatus.CANCELED
    if desired is Desired.PAUSED:
        return JobStatus.PAUSE_REQUESTED if tally.active else JobStatus.PAUSED
    return JobStatus.ACTIVE if started else JobStatus.QUEUED
