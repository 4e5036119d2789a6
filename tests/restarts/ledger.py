"""What was tried and what was acknowledged, kept by those who survive.

Is: notes made from the records that lives send before and after each proposal, and what must
therefore be in the files. Is not: reading the files (witness). What was tried and never answered
may have happened or not; what was answered has.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import msgspec
from msgspec import Struct

from flamenco_p2p.farm import decisions as d
from flamenco_p2p.farm.ids import AttemptId, JobId, RequestId, WorkerId
from flamenco_p2p.farm.statuses import Desired

RECENT = 300


class Standing(Struct, frozen=True, tag=True):
    """A life has started and found everything in order."""


class Wrong(Struct, frozen=True, tag=True):
    """A life has found something that must not be."""

    what: str


class Tried(Struct, frozen=True, tag=True):
    """A proposal is about to be made. `again`: its request was answered before."""

    number: int
    owner: int
    decision: d.AnyDecision
    request: RequestId | None = None
    again: bool = False


class Answered(Struct, frozen=True, tag=True):
    """A proposal was answered: carried out, or refused in these words. `epoch`: of a task given."""

    number: int
    refusal: str = ""
    problem: str = ""
    epoch: int = 0


Record = Standing | Wrong | Tried | Answered

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Record).decode


@dataclass(slots=True)
class Given:
    """An attempt whose beginning was acknowledged."""

    no: int
    worker: WorkerId
    epoch: int


@dataclass(slots=True)
class JobNotes:
    """What is known of a job. Sets hold every value that the files may have."""

    owner: int
    priority: set[int]
    desired: set[Desired]
    begun: bool = False
    tasks: int = 0  # that it has once it is complete; 0: completing it was never tried
    complete: bool = False
    removing: bool = False
    epoch: int = 1  # the greatest one acknowledged
    epochs: set[int] = field(default_factory=lambda: {1})
    given: dict[AttemptId, Given] = field(default_factory=dict)
    done: dict[int, int] = field(default_factory=dict)  # task: epoch in which it was completed
    redone: dict[int, int] = field(default_factory=dict)  # task: epoch in which it must be at least


@dataclass(slots=True)
class WorkerNotes:
    """What is known of a worker."""

    owner: int
    registered: bool = False
    removing: bool = False


class Ledger:
    """Everything that survivors know."""

    def __init__(self) -> None:
        self.jobs: dict[JobId, JobNotes] = {}
        self.removed: dict[JobId, None] = {}
        self.workers: dict[WorkerId, WorkerNotes] = {}
        self.answers: dict[RequestId, tuple[str, str]] = {}
        self.asked: deque[Tried] = deque(maxlen=RECENT)  # with a request, and answered
        self.last_number = 0
        self.acknowledged = 0
        self._open: dict[int, Tried] = {}

    def note(self, record: Record) -> None:
        """Take a record of a life."""
        match record:
            case Tried():
                self.last_number = record.number
                self._open[record.number] = record
                if not record.again:
                    self._tried(record.owner, record.decision)
            case Answered():
                tried = self._open.pop(record.number)
                self.acknowledged += 1
                if tried.request is not None and not tried.again:
                    self.answers[tried.request] = (record.refusal, record.problem)
                    self.asked.append(tried)
                if not record.refusal and not tried.again:
                    self._done(tried.decision, record)
                elif record.refusal == "Unknown" and isinstance(tried.decision, d.RemoveWorker):
                    del self.workers[tried.decision.worker]  # an unanswered one had worked
            case _:
                pass

    def forget_open(self) -> None:
        """A life is over: what is open now will never be answered."""
        self._open.clear()

    def _tried(self, owner: int, decision: d.AnyDecision) -> None:
        match decision:
            case d.BeginJob(job=job, spec=spec):
                self.jobs.setdefault(job, JobNotes(owner, {spec.priority}, {spec.desired}))
            case d.CompleteJob(job=job, task_count=count):
                self.jobs[job].tasks = count
            case d.RemoveJob(job=job):
                self.jobs[job].removing = True
            case d.SetPriority(job=job, priority=priority):
                self.jobs[job].priority.add(priority)
            case d.SetDesired(job=job, desired=desired):
                self.jobs[job].desired.add(desired)
            case d.RequeueJob(job=job, epoch=epoch) | d.RequeueTasks(job=job, epoch=epoch):
                self.jobs[job].epochs.add(epoch)
                self.jobs[job].desired.add(Desired.ACTIVE)
            case d.RegisterWorker(worker=worker):
                self.workers[worker] = WorkerNotes(owner)
            case d.RemoveWorker(worker=worker):
                self.workers[worker].removing = True
            case _:
                pass

    def _done(self, decision: d.AnyDecision, answer: Answered) -> None:
        match decision:
            case d.BeginJob(job=job):
                self.jobs[job].begun = True
            case d.CompleteJob(job=job):
                self.jobs[job].complete = True
            case d.RemoveJob(job=job):
                del self.jobs[job]
                self.removed[job] = None
            case d.SetPriority(job=job, priority=priority):
                self.jobs[job].priority = {priority}
            case d.SetDesired(job=job, desired=desired):
                self.jobs[job].desired = {desired}
            case d.RequeueJob(job=job, epoch=epoch):
                self.jobs[job].desired = {Desired.ACTIVE}
                self.jobs[job].epoch = max(self.jobs[job].epoch, epoch)
            case d.RegisterWorker(worker=worker):
                self.workers[worker].registered = True
            case d.RemoveWorker(worker=worker):
                del self.workers[worker]
            case _:
                self._task_done(decision, answer)

    def _task_done(self, decision: d.AnyDecision, answer: Answered) -> None:
        match decision:
            case d.RequeueTasks(job=job, epoch=epoch, tasks=tasks):
                notes = self.jobs[job]
                notes.epoch = max(notes.epoch, epoch)
                for no in tasks:
                    notes.redone[no] = max(notes.redone.get(no, 0), epoch)
            case d.AssignTask(job=job, task=no, worker=worker, attempt=attempt):
                self.jobs[job].given[attempt] = Given(no, worker, answer.epoch)
            case d.CompleteTask(job=job, task=no, attempt=attempt) if attempt is not None:
                notes = self.jobs[job]
                notes.done[no] = max(notes.done.get(no, 0), notes.given[attempt].epoch)
            case _:
                pass
