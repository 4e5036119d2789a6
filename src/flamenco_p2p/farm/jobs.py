"""Jobs and tasks as the farm knows them.

Is: frozen records. Is not: JSON (wire/) or rows (store/). Instants are aware datetimes in records
for people and integer milliseconds since 1970 where they are replicated.
"""

from __future__ import annotations

from msgspec import Struct

from flamenco_p2p.farm.ids import AttemptId, JobId, TagId, TaskKey, WorkerId
from flamenco_p2p.farm.statuses import Desired, JobStatus, TaskState, TaskStatus


class BlenderNeed(Struct, frozen=True, kw_only=True):
    """Which Blender may render a job: the series that saved its file; newer ones if allowed."""

    major: int
    minor: int
    newer_allowed: bool = True


class JobSpec(Struct, frozen=True, kw_only=True):
    """What a submission fixes for ever. `settings` is JSON object text."""

    name: str
    type: str
    priority: int
    settings: bytes
    metadata: dict[str, str]
    submitter_platform: str
    submitter: str = ""
    owner: str = ""
    comment: str = ""
    time_zone: str = ""
    shaman_checkout_id: str = ""
    worker_tag: TagId | None = None
    blender: BlenderNeed | None = None
    desired: Desired = Desired.ACTIVE


class Tally(Struct, frozen=True, kw_only=True):
    """How many tasks of a job are in which condition. `ready`: could be given out now."""

    total: int = 0
    ready: int = 0
    active: int = 0
    done: int = 0
    failed: int = 0
    canceled: int = 0


class Job(Struct, frozen=True, kw_only=True):
    """A job as it is now."""

    id: JobId
    spec: JobSpec
    status: JobStatus
    priority: int
    desired: Desired
    tally: Tally
    created_ms: int
    updated_ms: int
    activity: str
    steps_total: int
    steps_done: int
    epoch: int
    requeued: int
    complete: bool
    delete_requested_ms: int | None = None


class Task(Struct, frozen=True, kw_only=True):
    """A task as it is now. `commands` is JSON text, variables not yet expanded."""

    key: TaskKey
    name: str
    type: str
    priority: int
    status: TaskStatus
    state: TaskState
    epoch: int
    steps_total: int
    steps_done: int
    activity: str
    created_ms: int
    updated_ms: int
    worker: WorkerId | None = None
    attempt: AttemptId | None = None
    touched_ms: int | None = None
    commands: bytes = b"[]"


class Assignment(Struct, frozen=True, kw_only=True):
    """What a worker gets: the task, and what of the job it must know to carry it out."""

    task: TaskKey
    attempt: AttemptId
    epoch: int
    name: str
    type: str
    priority: int
    steps_total: int
    commands: bytes
    job_priority: int
    job_type: str
    blender: BlenderNeed | None = None
    outputs_stale: tuple[str, ...] = ()
