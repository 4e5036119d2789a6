"""Everything the manager may decide. A decision is all that ever changes the farm.

Is: records in which every id, instant and choice is already fixed, so that every node that applies
them gets the same rows. Is not: how they are written in the log (wire/decisions) or carried out
(store/apply). The instant of a decision is the hybrid clock stamp of its envelope.

No decision is an increment: epochs and statuses are absolute values, so that carrying one out
twice, or merging its rows with another branch of history, gives what carrying it out once gives.
Fields may be added with a default; they are never renamed, retyped or reused.
"""

from __future__ import annotations

from msgspec import Struct

from flamenco_p2p.farm.ids import AttemptId, FarmId, JobId, NodeId, RequestId, WorkerId
from flamenco_p2p.farm.jobs import JobSpec
from flamenco_p2p.farm.statuses import Desired, Outcome, WorkerStatus
from flamenco_p2p.farm.workers import InstalledBlender


class Decision(Struct, frozen=True, kw_only=True, tag=True):
    """What all decisions are."""


class FoundFarm(Decision, frozen=True, kw_only=True):
    """This farm begins. Its id is permanent; farms it absorbs later add theirs."""

    farm: FarmId
    name: str


class AdmitNode(Decision, frozen=True, kw_only=True):
    """A machine takes part. `public_key` is its raw Ed25519 key."""

    node: NodeId
    name: str
    public_key: bytes


class BeginJob(Decision, frozen=True, kw_only=True):
    """A job starts to arrive, from the beginning; it becomes visible with `CompleteJob`."""

    job: JobId
    spec: JobSpec


class AddTasks(Decision, frozen=True, kw_only=True):
    """A slice of a job's tasks, as the compiler packed it (at most 500 tasks, 256 KiB).

    `slice` counts from 1; one that was added already changes nothing.
    """

    job: JobId
    slice: int
    payload: bytes


class CompleteJob(Decision, frozen=True, kw_only=True):
    """All slices have arrived: the job becomes visible and its tasks can be given out."""

    job: JobId
    task_count: int


class AbandonJob(Decision, frozen=True, kw_only=True):
    """A job that has not arrived completely goes. Nobody saw it; its id may be submitted again."""

    job: JobId


class RemoveJob(Decision, frozen=True, kw_only=True):
    """The job and all below it goes; its id is remembered as gone for ever."""

    job: JobId


class RequestDeletion(Decision, frozen=True, kw_only=True):
    """People want the job gone; nothing of it is given out any more."""

    job: JobId


class SetDesired(Decision, frozen=True, kw_only=True):
    """People want the job to run, to pause or to end."""

    job: JobId
    desired: Desired
    activity: str


class SetPriority(Decision, frozen=True, kw_only=True):
    """People want the job sooner or later."""

    job: JobId
    priority: int


class FailJob(Decision, frozen=True, kw_only=True):
    """The job has failed as a whole, in this epoch: people or the manager gave it up."""

    job: JobId
    epoch: int
    activity: str


class RequeueJob(Decision, frozen=True, kw_only=True):
    """Once more, in `epoch`: all tasks of a completed job, else those that did not succeed."""

    job: JobId
    epoch: int
    activity: str


class RequeueTasks(Decision, frozen=True, kw_only=True):
    """Once more, in `epoch`: these tasks, and the finished ones that depend on them."""

    job: JobId
    tasks: tuple[int, ...]
    epoch: int
    activity: str


class SettleTask(Decision, frozen=True, kw_only=True):
    """A person ends a task by hand: canceled, failed or completed, in its present epoch."""

    job: JobId
    task: int
    epoch: int
    outcome: Outcome
    activity: str


class AssignTask(Decision, frozen=True, kw_only=True):
    """The manager gives this task to this worker."""

    job: JobId
    task: int
    worker: WorkerId
    attempt: AttemptId


class CompleteTask(Decision, frozen=True, kw_only=True):
    """A worker has finished a task. Without `attempt`: its last one at this task is meant."""

    job: JobId
    task: int
    worker: WorkerId
    attempt: AttemptId | None
    activity: str
    outputs: tuple[str, ...] = ()


class FailTask(Decision, frozen=True, kw_only=True):
    """A worker could not do a task; what follows from it is decided already.

    `hard`: the task is given up. `block`: this worker gets no more tasks of `task_type` here.
    `retry`: tasks this worker had made fail hard, given to others now that it is blocked.
    `fail_job`: why the whole job is given up, or "".
    """

    job: JobId
    task: int
    worker: WorkerId
    attempt: AttemptId | None
    task_type: str
    hard: bool
    block: bool
    epoch: int
    retry: tuple[int, ...]
    fail_job: str
    activity: str
    timed_out: bool = False


class HandBackTasks(Decision, frozen=True, kw_only=True):
    """A worker's tasks, or one `attempt` of its, go back to the queue; nobody is to blame."""

    worker: WorkerId
    activity: str
    attempt: AttemptId | None = None


class ClearBlock(Decision, frozen=True, kw_only=True):
    """A person lets a worker try tasks of a type in a job again."""

    job: JobId
    worker: WorkerId
    task_type: str


class RegisterWorker(Decision, frozen=True, kw_only=True):
    """A worker becomes known. It has no status until it signs on."""

    worker: WorkerId
    name: str
    secret_digest: bytes
    platform: str
    address: str
    task_types: tuple[str, ...]
    node: NodeId | None = None


class SignOnWorker(Decision, frozen=True, kw_only=True):
    """A worker is here, and this is what it can do."""

    worker: WorkerId
    name: str
    address: str
    software: str
    task_types: tuple[str, ...]
    can_restart: bool
    blenders: tuple[InstalledBlender, ...] = ()
    node: NodeId | None = None


class SetWorkerStatus(Decision, frozen=True, kw_only=True):
    """A worker's new status; its tasks are handed back unless it stays awake."""

    worker: WorkerId
    status: WorkerStatus
    activity: str = ""


class SignOffWorker(Decision, frozen=True, kw_only=True):
    """A worker leaves; its tasks are handed back, and it is to come back as it was."""

    worker: WorkerId
    activity: str


class RequestWorkerStatus(Decision, frozen=True, kw_only=True):
    """People want a worker to change; asking for what it is already takes the wish back."""

    worker: WorkerId
    status: WorkerStatus
    is_lazy: bool


class RemoveWorker(Decision, frozen=True, kw_only=True):
    """A worker is forgotten; its tasks are handed back."""

    worker: WorkerId


class ForgetRequests(Decision, frozen=True, kw_only=True):
    """Answers to requests decided before this stamp will not be asked for again."""

    before: int


AnyDecision = (
    FoundFarm
    | AdmitNode
    | BeginJob
    | AddTasks
    | CompleteJob
    | AbandonJob
    | RemoveJob
    | RequestDeletion
    | SetDesired
    | SetPriority
    | FailJob
    | RequeueJob
    | RequeueTasks
    | SettleTask
    | AssignTask
    | CompleteTask
    | FailTask
    | HandBackTasks
    | ClearBlock
    | RegisterWorker
    | SignOnWorker
    | SetWorkerStatus
    | SignOffWorker
    | RequestWorkerStatus
    | RemoveWorker
    | ForgetRequests
)


class Envelope(Struct, frozen=True, array_like=True):
    """A decision on its way: its stamp (milliseconds << 16 | count) and the request it answers."""

    hlc: int
    decision: AnyDecision
    request: RequestId | None = None
