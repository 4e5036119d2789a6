"""Statuses as the API spells them, and the few states from which they are derived.

Is: names. Is not: which change is allowed (rules/).
"""

from __future__ import annotations

from enum import IntEnum, StrEnum


class JobStatus(StrEnum):
    """What people see of a job. Always derived from its tasks and wishes, see rules/job_status."""

    UNDER_CONSTRUCTION = "under-construction"
    QUEUED = "queued"
    ACTIVE = "active"
    PAUSE_REQUESTED = "pause-requested"
    PAUSED = "paused"
    CANCEL_REQUESTED = "cancel-requested"
    CANCELED = "canceled"
    FAILED = "failed"
    COMPLETED = "completed"
    REQUEUEING = "requeueing"


class TaskStatus(StrEnum):
    """What people see of a task. Derived from its state, its lease and its job."""

    QUEUED = "queued"
    ACTIVE = "active"
    SOFT_FAILED = "soft-failed"
    PAUSED = "paused"
    CANCELED = "canceled"
    FAILED = "failed"
    COMPLETED = "completed"


class WorkerStatus(StrEnum):
    """What a worker does, or is asked to do. The empty one: registered, never signed on."""

    NEW = ""
    STARTING = "starting"
    AWAKE = "awake"
    ASLEEP = "asleep"
    OFFLINE = "offline"
    ERROR = "error"
    RESTART = "restart"
    TESTING = "testing"


class FarmStatus(StrEnum):
    """The farm in one word."""

    STARTING = "starting"
    INOPERATIVE = "inoperative"
    ACTIVE = "active"
    WAITING = "waiting"
    ASLEEP = "asleep"
    IDLE = "idle"
    UNKNOWN = "unknown"


class Desired(StrEnum):
    """What people want of a job: a last-writer register."""

    ACTIVE = "active"
    PAUSED = "paused"
    CANCELED = "canceled"


class TaskState(IntEnum):
    """How far a task has come in its epoch. The order is the join: the greater one stays."""

    WAITING = 0
    CANCELED = 1
    FAILED = 2
    DONE = 3


class Outcome(StrEnum):
    """How an attempt at a task ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    HANDED_BACK = "handed-back"  # its worker left, slept or fell silent: nobody's fault
    CANCELED = "canceled"
    TIMED_OUT = "timed-out"
