"""What decisions about whole jobs (and the farm itself) do to the rows.

Is: one function per decision. Is not: transactions and derived statuses (apply, working_set).
Each function checks first and refuses before it has changed anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from flamenco_p2p.farm import decisions as d
from flamenco_p2p.farm.errors import Conflict, Refused, Unfitting
from flamenco_p2p.farm.events import JobRemoved
from flamenco_p2p.farm.ids import JobId, TaskKey
from flamenco_p2p.farm.statuses import Desired, JobStatus, Outcome, TaskState
from flamenco_p2p.store.database import queries
from flamenco_p2p.store.rows import JobRow, TaskRow, blender_text
from flamenco_p2p.store.working_set import WorkingSet

FARM = queries("farm")
JOBS = queries("jobs")
TASKS = queries("tasks")

_slices = msgspec.msgpack.Decoder(
    tuple[list[tuple[int, str, str, int, int, bytes]], list[tuple[int, list[tuple[int, int]]]]]
)


def found_farm(work: WorkingSet, decision: d.FoundFarm) -> None:
    """Remember the farm's id, for ever."""
    work.db.execute(FARM["insert_farm"], (decision.farm, work.mod, decision.name, work.now_ms))


def admit_node(work: WorkingSet, decision: d.AdmitNode) -> None:
    """Remember a machine and its public key."""
    work.db.execute(
        FARM["insert_node"],
        (decision.node, work.mod, decision.name, decision.public_key, work.stamp),
    )


def begin_job(work: WorkingSet, decision: d.BeginJob) -> None:
    """Make the row of a job whose tasks are still to come.

    What had arrived of it before goes: a script that runs again may make other tasks.
    """
    if work.db.execute(JOBS["is_removed"], (decision.job,)).fetchone() is not None:
        raise Conflict("This job was deleted.", remedy="Submit it as a new one.")
    if work.has_job(decision.job):
        if work.job(decision.job).complete:
            return
        _drop_rows(work, decision.job)
    spec = decision.spec
    work.db.execute(
        JOBS["insert"],
        (
            decision.job, work.mod, spec.name, spec.type, spec.settings,
            msgspec.json.encode(spec.metadata), spec.submitter_platform, spec.submitter,
            spec.owner, spec.comment, spec.time_zone, spec.shaman_checkout_id,
            blender_text(spec.blender), work.now_ms, spec.desired, work.stamp, spec.priority,
            spec.worker_tag,
        ),
    )  # fmt: skip


def add_tasks(work: WorkingSet, decision: d.AddTasks) -> None:
    """Add a slice of tasks, and of what they wait for."""
    job = work.job(decision.job)
    if decision.slice <= job.slices:
        return
    tasks, dependencies = _slices.decode(decision.payload)
    first_no = job.tally["total"] + 1
    numbers = range(first_no, first_no + len(tasks))
    if (
        decision.slice != job.slices + 1
        or job.complete
        or [row[0] for row in tasks] != list(numbers)
        or not all(0 < no < numbers.stop for no, _ in dependencies)
    ):
        raise Conflict("A part of the job is missing.", remedy="Submit the job again.")
    waiting: dict[int, int] = {}
    pairs: list[tuple[bytes, int, int, int]] = []
    for no, ranges in dependencies:
        for first, last in ranges:
            pairs.extend((job.id, before, no, work.mod) for before in range(first, last + 1))
            waiting[no] = waiting.get(no, 0) + last + 1 - first
    rows, commands = [], []
    for no, name, type_, priority, steps, text in tasks:
        before = waiting.pop(no, 0)
        rows.append(
            (job.id, no, work.mod, name, type_, priority, steps, work.now_ms, before, before,
             before == 0)
        )  # fmt: skip
        commands.append((job.id, no, work.mod, text))
        job.steps_total += steps
        job.tally["ready"] += before == 0
    job.tally["total"] += len(rows)
    work.db.executemany(TASKS["insert"], rows)
    work.db.executemany(TASKS["insert_commands"], commands)
    work.db.executemany(TASKS["insert_dependency"], pairs)
    for no, more in waiting.items():  # went on from an earlier slice
        task = work.task(TaskKey(job.id, no))
        task.before += more
        task.unmet += more
        work.save(task)
    job.slices = decision.slice
    work.change(job)


def complete_job(work: WorkingSet, decision: d.CompleteJob) -> None:
    """Let the job be seen, if all of it has arrived."""
    job = work.job(decision.job)
    if job.complete:
        return
    if job.tally["total"] != decision.task_count:
        raise Conflict("A part of the job is missing.", remedy="Submit the job again.")
    job.complete = True
    work.change(job)


def abandon_job(work: WorkingSet, decision: d.AbandonJob) -> None:
    """Take away what has arrived of a job, unless all has."""
    if work.has_job(decision.job) and not work.job(decision.job).complete:
        _drop_rows(work, decision.job)


def remove_job(work: WorkingSet, decision: d.RemoveJob) -> None:
    """Take the job and everything below it away, and remember that it is gone."""
    if work.has_job(decision.job):
        for (no,) in work.db.execute(TASKS["held_of_job"], (decision.job,)).fetchall():
            work.end_lease(work.task(TaskKey(decision.job, no)), Outcome.CANCELED)
        _drop_rows(work, decision.job)
        work.tell(JobRemoved(job=decision.job))
    work.db.execute(JOBS["insert_removed"], (decision.job, work.mod, work.hlc))


def _drop_rows(work: WorkingSet, job: JobId) -> None:
    for table in (
        "tasks", "task_commands", "dependencies", "attempts", "failures", "blocks", "outputs",
    ):  # fmt: skip
        work.db.execute(JOBS[f"delete_{table}"], (job,))
    work.db.execute(JOBS["delete"], (job,))
    work.drop_job(job)


def request_deletion(work: WorkingSet, decision: d.RequestDeletion) -> None:
    """Give out nothing more of the job; the deleter takes it from here."""
    job = work.job(decision.job)
    if job.delete_requested_ms is None:
        job.delete_requested_ms = work.now_ms
    work.change(job, refresh_tasks=True)


def set_desired(work: WorkingSet, decision: d.SetDesired) -> None:
    """Let the job run, pause or end."""
    job = work.job(decision.job)
    if job.status is JobStatus.COMPLETED:
        raise Unfitting("The job has just completed.", remedy="Requeue it to render it again.")
    job.desired, job.desired_stamp = decision.desired, work.stamp
    job.activity = decision.activity
    work.change(job, refresh_tasks=True)


def set_priority(work: WorkingSet, decision: d.SetPriority) -> None:
    """Let the job be sooner or later."""
    job = work.job(decision.job)
    job.priority, job.priority_stamp = decision.priority, work.stamp
    work.change(job, refresh_tasks=False)


def fail_job(work: WorkingSet, decision: d.FailJob) -> None:
    """Give the job up in this epoch."""
    job = work.job(decision.job)
    if job.status is JobStatus.COMPLETED:
        raise Unfitting("The job has just completed.", remedy="Requeue it to render it again.")
    if decision.epoch < job.epoch:
        raise Conflict("The job has been requeued meanwhile.", remedy="Look again, then retry.")
    job.given_up = max(job.given_up, decision.epoch)
    job.activity = decision.activity
    work.change(job, refresh_tasks=True)


def requeue_job(work: WorkingSet, decision: d.RequeueJob) -> None:
    """Give the job another chance: everything if it was completed, else what did not succeed."""
    job = work.job(decision.job)
    if decision.epoch <= job.requeued:
        return
    _refuse_used_epoch(job, decision.epoch)
    if job.status is JobStatus.COMPLETED:
        _rerun_all(work, job, decision)
    else:
        numbers = work.db.execute(TASKS["in_trouble"], (job.id,)).fetchall()
        for (no,) in numbers:
            task = work.task(TaskKey(job.id, no))
            _start_over(task, decision.epoch, decision.activity)
            work.save(task)
    job.epoch = job.requeued = decision.epoch
    job.desired, job.desired_stamp = Desired.ACTIVE, work.stamp
    job.activity = decision.activity
    work.change(job, refresh_tasks=True)


def _rerun_all(work: WorkingSet, job: JobRow, decision: d.RequeueJob) -> None:
    work.db.execute(
        TASKS["rerun_all"],
        (work.mod, decision.epoch, decision.activity, work.now_ms, job.id),
    )
    total = job.tally["total"]
    (ready,) = work.db.execute(TASKS["count_ready"], (job.id,)).fetchone()
    job.tally = dict.fromkeys(job.tally, 0) | {"total": total, "ready": ready}
    job.steps_done = 0


def _start_over(task: TaskRow, epoch: int, activity: str) -> None:
    task.epoch, task.state, task.done = epoch, TaskState.WAITING, None
    task.failed_at, task.activity = 0, activity


def _refuse_used_epoch(job: JobRow, epoch: int) -> None:
    """In an epoch that has begun, what tasks have reached in it would be taken back."""
    if epoch <= job.epoch:
        raise Conflict("The job has been requeued meanwhile.", remedy="Look again, then retry.")


def requeue_tasks(work: WorkingSet, decision: d.RequeueTasks) -> None:
    """Do these tasks again, and the finished ones that were made from their results."""
    job = work.job(decision.job)
    _refuse_used_epoch(job, decision.epoch)
    if job.status is JobStatus.CANCELED:
        raise Conflict(
            "The job is canceled, so its tasks would not run.",
            remedy="Requeue the job: finished tasks are kept.",
        )
    for no in decision.tasks:
        work.task(TaskKey(job.id, no))  # refuse before anything is changed
    if job.status is JobStatus.COMPLETED:
        # It may have completed in spite of a wish to pause or cancel it; that wish is fulfilled.
        job.desired, job.desired_stamp = Desired.ACTIVE, work.stamp
    seen: set[int] = set()
    pending = sorted(decision.tasks, reverse=True)
    while pending:
        no = pending.pop()
        if no in seen:
            continue
        seen.add(no)
        task = work.task(TaskKey(job.id, no))
        was_done = task.state is TaskState.DONE
        if task.attempt is not None:
            work.end_lease(task, Outcome.CANCELED)
        _start_over(task, decision.epoch, decision.activity)
        work.save(task)
        if was_done:
            pending.extend(work.hold_dependents(task))
    job.epoch = decision.epoch
    work.change(job, refresh_tasks=len(seen) > 1)


def clear_block(work: WorkingSet, decision: d.ClearBlock) -> None:
    """Let a worker try tasks of a type in the job again."""
    job = work.job(decision.job)
    work.db.execute(
        JOBS["insert_block"],
        (job.id, decision.worker, decision.task_type, work.mod, job.epoch, False, work.stamp),
    )
    work.change(job, refresh_tasks=True)


def forget_requests(work: WorkingSet, decision: d.ForgetRequests) -> None:
    """Forget answers that nobody will ask for again."""
    if decision.before > work.hlc:
        raise Refused("A request cannot be forgotten before it was made.")
    work.db.execute(FARM["forget_requests"], (decision.before,))


HANDLERS: dict[type, Callable[[WorkingSet, Any], None]] = {
    d.FoundFarm: found_farm,
    d.AdmitNode: admit_node,
    d.BeginJob: begin_job,
    d.AddTasks: add_tasks,
    d.CompleteJob: complete_job,
    d.AbandonJob: abandon_job,
    d.RemoveJob: remove_job,
    d.RequestDeletion: request_deletion,
    d.SetDesired: set_desired,
    d.SetPriority: set_priority,
    d.FailJob: fail_job,
    d.RequeueJob: requeue_job,
    d.RequeueTasks: requeue_tasks,
    d.ClearBlock: clear_block,
    d.ForgetRequests: forget_requests,
}
