"""What decisions about single tasks do to the rows.

Is: one function per decision. Is not: choosing tasks or judging failures (manager/, rules/).
What was chosen from a possibly older view is checked again here, alike on every node.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flamenco_p2p.farm import decisions as d
from flamenco_p2p.farm.errors import Conflict, Refused
from flamenco_p2p.farm.events import LeaseChanged
from flamenco_p2p.farm.ids import AttemptId, TaskKey, WorkerId
from flamenco_p2p.farm.jobs import Assignment, Tally
from flamenco_p2p.farm.statuses import Outcome, TaskState, WorkerStatus
from flamenco_p2p.rules.job_status import SCHEDULABLE, too_many_failed
from flamenco_p2p.store.database import queries
from flamenco_p2p.store.rows import JobRow, TaskRow
from flamenco_p2p.store.working_set import WorkingSet

JOBS = queries("jobs")
TASKS = queries("tasks")

STATES = {
    Outcome.CANCELED: TaskState.CANCELED,
    Outcome.FAILED: TaskState.FAILED,
    Outcome.COMPLETED: TaskState.DONE,
}


def assign_task(work: WorkingSet, decision: d.AssignTask) -> Assignment:
    """Give a task to a worker, if it can still be given to it."""
    worker = work.worker(decision.worker)
    task = work.task(TaskKey(decision.job, decision.task))
    job = task.job
    if task.attempt == decision.attempt and task.worker == decision.worker:
        return _assignment(work, task)
    if (
        worker.status is not WorkerStatus.AWAKE
        or worker.requested is not None
        or job.status not in SCHEDULABLE
        or job.delete_requested_ms is not None
        or task.condition() != "ready"
        or (task.failed_at and _has_failed(work, task, worker.id))
        or _is_blocked(work, task, worker.id)
        or work.db.execute(TASKS["held_by_worker"], (worker.id,)).fetchone() is not None
        or work.db.execute(TASKS["attempt"], (job.id, task.no, decision.attempt)).fetchone()
    ):
        raise Conflict("The task cannot be given to this worker any more.")
    task.worker, task.attempt = worker.id, decision.attempt
    task.touched_ms = work.now_ms
    work.db.execute(
        TASKS["insert_attempt"],
        (job.id, task.no, decision.attempt, work.mod, task.epoch, worker.id, work.now_ms),
    )
    job.started = max(job.started, job.requeued)
    work.save(task)
    work.tell(
        LeaseChanged(
            worker=worker.id, task=task.key, attempt=decision.attempt, name=task.name,
            steps_total=task.steps,
        )
    )  # fmt: skip
    return _assignment(work, task)


def assignment_of(work: WorkingSet, worker: WorkerId) -> Assignment | None:
    """Return what a worker holds, as it was told when it got it; None if it holds nothing."""
    held = work.db.execute(TASKS["held_by_worker"], (worker,)).fetchone()
    return None if held is None else _assignment(work, work.task(TaskKey(*held)))


def _has_failed(work: WorkingSet, task: TaskRow, worker: WorkerId) -> bool:
    row = work.db.execute(TASKS["has_failed"], (task.job.id, task.no, worker, task.epoch))
    return row.fetchone() is not None


def _is_blocked(work: WorkingSet, task: TaskRow, worker: WorkerId) -> bool:
    found = work.db.execute(JOBS["is_blocked"], (task.job.id, worker, task.type, task.job.requeued))
    return found.fetchone() is not None


def _assignment(work: WorkingSet, task: TaskRow) -> Assignment:
    job = task.job
    (commands,) = work.db.execute(TASKS["commands"], (job.id, task.no)).fetchone()
    stale = ()
    if task.epoch > 1:
        outputs = work.db.execute(TASKS["outputs"], (job.id, task.no)).fetchall()
        stale = tuple(path for path, epoch in outputs if epoch < task.epoch)
    assert task.attempt is not None  # noqa: S101 -- the caller has just given it out
    return Assignment(
        task=task.key, attempt=task.attempt, epoch=task.epoch, name=task.name, type=task.type,
        priority=task.priority, steps_total=task.steps, commands=commands,
        job_priority=job.priority, job_type=job.spec.type, blender=job.spec.blender,
        outputs_stale=stale,
    )  # fmt: skip


def _attempt_of(
    work: WorkingSet, task: TaskRow, worker: WorkerId, attempt: AttemptId | None
) -> tuple[AttemptId, int]:
    """Return the attempt that a report is about, and its epoch. Raises `Conflict`."""
    if attempt is None:
        row = work.db.execute(TASKS["last_attempt_of_worker"], (task.job.id, task.no, worker))
        if (found := row.fetchone()) is not None:
            return AttemptId(found[0]), found[1]
    else:
        row = work.db.execute(TASKS["attempt"], (task.job.id, task.no, attempt))
        if (found := row.fetchone()) is not None and found[1] == worker:
            return attempt, found[0]
    raise Conflict("This task was never given to this worker.")


def complete_task(work: WorkingSet, decision: d.CompleteTask) -> None:
    """A finished task stays finished, whoever reports it, if its epoch is the present one."""
    task = work.task(TaskKey(decision.job, decision.task))
    attempt, epoch = _attempt_of(work, task, decision.worker, decision.attempt)
    if epoch != task.epoch:
        raise Conflict("The task was requeued meanwhile; this result is of an earlier round.")
    if task.state is TaskState.DONE:
        return
    _end_attempt(work, task, attempt, Outcome.COMPLETED)
    task.worker = decision.worker
    _finish(work, task, decision.activity, decision.worker)
    work.db.executemany(
        TASKS["insert_output"],
        [(task.job.id, task.no, path, work.mod, epoch, attempt) for path in decision.outputs],
    )


def _end_attempt(work: WorkingSet, task: TaskRow, attempt: AttemptId, outcome: Outcome) -> None:
    if task.attempt == attempt:
        work.end_lease(task, outcome)
        return
    work.db.execute(
        TASKS["end_attempt"], (work.mod, work.now_ms, outcome, task.job.id, task.no, attempt)
    )
    work.end_lease(task, Outcome.CANCELED)  # somebody else is at it, needlessly now


def _finish(work: WorkingSet, task: TaskRow, activity: str, worker: bytes) -> None:
    task.state = TaskState.DONE
    task.done = work.hlc.to_bytes(8, "big") + worker
    task.activity, task.touched_ms = activity, work.now_ms
    work.save(task)
    work.release_dependents(task)


def fail_task(work: WorkingSet, decision: d.FailTask) -> None:
    """Carry out the verdict on a failure."""
    task = work.task(TaskKey(decision.job, decision.task))
    attempt, epoch = _attempt_of(work, task, decision.worker, decision.attempt)
    if task.attempt != attempt or epoch != task.epoch:
        raise Conflict("The task is not this worker's any more.")
    job = task.job
    work.end_lease(task, Outcome.TIMED_OUT if decision.timed_out else Outcome.FAILED)
    work.db.execute(
        TASKS["insert_failure"],
        (job.id, task.no, decision.worker, work.mod, epoch, task.type),
    )
    (task.failed_at,) = work.db.execute(
        TASKS["count_failures"], (job.id, task.no, epoch)
    ).fetchone()
    task.activity = decision.activity
    if decision.hard:
        task.state = TaskState.FAILED
    work.save(task)
    if decision.block:
        work.db.execute(
            JOBS["insert_block"],
            (job.id, decision.worker, decision.task_type, work.mod, job.epoch, True, work.stamp),
        )
    if decision.retry:
        job.epoch = max(job.epoch, decision.epoch)
    for no in decision.retry:
        retried = work.task(TaskKey(job.id, no))
        if retried.state is TaskState.FAILED and retried.epoch < decision.epoch:
            retried.state, retried.epoch, retried.failed_at = TaskState.WAITING, decision.epoch, 0
            work.save(retried)
    if decision.fail_job:
        job.given_up = max(job.given_up, job.epoch)
        job.activity = decision.fail_job
        work.change(job, refresh_tasks=True)
    _give_up_if_hopeless(job)


def _give_up_if_hopeless(job: JobRow) -> None:
    if job.given_up < job.epoch and too_many_failed(Tally(**job.tally)):
        job.given_up = job.epoch
        job.activity = f"{job.tally['failed']} of {job.tally['total']} tasks have failed"


def settle_task(work: WorkingSet, decision: d.SettleTask) -> None:
    """End a task by hand."""
    task = work.task(TaskKey(decision.job, decision.task))
    if decision.epoch != task.epoch:
        raise Conflict("The task was requeued meanwhile.", remedy="Look again, then retry.")
    if (state := STATES.get(decision.outcome)) is None:
        raise Refused(f"A task cannot be set to “{decision.outcome}”.")
    if task.state >= state:
        raise Conflict(
            f"The task is {task.was} already.", remedy="Requeue it first to change that."
        )
    work.end_lease(task, Outcome.CANCELED)
    if state is TaskState.DONE:
        _finish(work, task, decision.activity, b"")
        return
    task.state, task.activity = state, decision.activity
    work.save(task)
    if state is TaskState.FAILED:
        _give_up_if_hopeless(task.job)


def hand_back_tasks(work: WorkingSet, decision: d.HandBackTasks) -> None:
    """Put a worker's tasks back; nobody is to blame."""
    give_back(work, decision.worker, decision.activity, decision.attempt)


def give_back(
    work: WorkingSet, worker: WorkerId, activity: str, attempt: AttemptId | None = None
) -> None:
    """Take from a worker what it holds, or only what it holds in this attempt."""
    for job_id, no in work.db.execute(TASKS["held_by_worker"], (worker,)).fetchall():
        task = work.task(TaskKey(job_id, no))
        if attempt not in (None, task.attempt):
            continue
        work.end_lease(task, Outcome.HANDED_BACK)
        task.activity = activity
        work.save(task)


HANDLERS: dict[type, Callable[[WorkingSet, Any], Assignment | None]] = {
    d.AssignTask: assign_task,
    d.CompleteTask: complete_task,
    d.FailTask: fail_task,
    d.SettleTask: settle_task,
    d.HandBackTasks: hand_back_tasks,
}
