"""What follows when a worker fails at a task.

Is: the verdict on a failure: try elsewhere, give the task up, give the job up, block the worker.
Is not: counting (store/farm_reads) or carrying it out (the FailTask decision).

Counts are exact and include the failure at hand: with thresholds of 3, three different workers try
a task before it is given up, and a worker is blocked at its third failed task of a type. A task is
tried elsewhere as long as one capable worker is left.
"""

from __future__ import annotations

from dataclasses import dataclass

TRIES_BEFORE_FAILED = 3
FAILURES_BEFORE_BLOCKED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """How patient the farm is."""

    tries: int = TRIES_BEFORE_FAILED
    blocked_at: int = FAILURES_BEFORE_BLOCKED


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What to do about one failure. `tries_left` is for the log."""

    hard: bool
    block: bool
    fail_job: bool
    tries_left: int


def judge(
    *, failed_by: int, failed_here: int, others_capable: int, thresholds: Thresholds
) -> Verdict:
    """Judge a failure.

    `failed_by`: different workers that failed this task in its present epoch, this one included.
    `failed_here`: tasks of this type in this job that this worker failed, this one included.
    `others_capable`: workers that could still try this task, the failing one not counted.
    """
    block = failed_here >= thresholds.blocked_at
    if others_capable == 0:
        # Nobody is left to try: waiting would be for ever.
        return Verdict(hard=True, block=block, fail_job=True, tries_left=0)
    hard = failed_by >= thresholds.tries
    return Verdict(
        hard=hard,
        block=block,
        fail_job=False,
        tries_left=0 if hard else min(thresholds.tries - failed_by, others_capable),
    )
