"""What the farm answers, as records.

Is: shapes, read leniently: unknown fields are skipped, what a stock manager leaves out has a
default. Is not: the server's side of the same shapes (wire/).
"""

from __future__ import annotations

from typing import Any

import msgspec

from flamenco_p2p.wire.blenders import BlenderNeed


class FarmVersion(msgspec.Struct, frozen=True):
    """Who answers: `version` is for people, `name` is the farm's."""

    version: str
    shortversion: str = ""
    name: str = ""
    git: str = ""


class Job(msgspec.Struct, frozen=True):
    """One job. `settings` as its job type wants them."""

    id: str
    name: str
    type: str
    status: str
    priority: int = 50
    activity: str = ""
    steps_completed: int = 0
    steps_total: int = 0
    created: str = ""
    updated: str = ""
    settings: dict[str, Any] = {}
    metadata: dict[str, str] = {}
    blender: BlenderNeed | None = None


class TaskLog(msgspec.Struct, frozen=True):
    """Where a task's whole log is: `url` begins with a slash; `size` in bytes."""

    task_id: str
    job_id: str
    url: str
    size: int


class RegisteredWorker(msgspec.Struct, frozen=True):
    """The id under which a worker is known from now on."""

    uuid: str


class StateWanted(msgspec.Struct, frozen=True):
    """What the farm wants a worker to be: `awake`, `asleep`, `offline`, `restart`, or other."""

    status_requested: str


class Command(msgspec.Struct, frozen=True):
    """One step of a task; `total_step_count` 0: it reports no steps by itself."""

    name: str
    parameters: dict[str, Any] = {}
    total_step_count: int = 0


class AssignedTask(msgspec.Struct, frozen=True):
    """A task for this worker. The last four fields are ours; a stock manager sends none of them."""

    uuid: str
    job: str
    name: str
    commands: list[Command] = []
    job_type: str = ""
    task_type: str = ""
    attempt: str | None = None
    epoch: int | None = None
    blender: BlenderNeed | None = None
    stale_outputs: list[str] = []


class MayKeepRunning(msgspec.Struct, frozen=True, rename="camel"):
    """Whether the worker may go on with its task. `reason` is a sentence if not."""

    may_keep_running: bool
    reason: str = ""
    status_change_requested: bool = False


class NothingToDo(msgspec.Struct, frozen=True):
    """No task, no new state. `held`: the farm waited with this answer, so ask again at once."""

    held: bool
