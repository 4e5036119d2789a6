"""What a worker's machine and its loop say to each other.

Is: the instructions (machine to loop) and the events (loop to machine). Is not: which follows which
(machine), or how one is carried out (loop). Pure.

An instruction that is a question is answered with one event: the one it names, or `Failed`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from flamenco_p2p.client.answers import AssignedTask


class State(StrEnum):
    """What a worker is. The last two are also reasons to leave."""

    STARTING = "starting"
    AWAKE = "awake"
    ASLEEP = "asleep"
    OFFLINE = "offline"
    RESTART = "restart"


# Instructions. Those that are questions say which event answers them.


@dataclass(frozen=True, slots=True)
class Register:
    """Become known to the farm -> `Registered`."""


@dataclass(frozen=True, slots=True)
class SignOn:
    """Come to work -> `SignedOn`."""


@dataclass(frozen=True, slots=True)
class DeliverKept:
    """Deliver what could not be delivered before, for at most so long -> `KeptDelivered`."""

    limit_s: float


@dataclass(frozen=True, slots=True)
class TellState:
    """Say what this worker is now -> `StateTold`."""

    state: State


@dataclass(frozen=True, slots=True)
class AskForTask:
    """-> `TaskGiven`, `NothingNew` or `StateRequested`."""


@dataclass(frozen=True, slots=True)
class AskForState:
    """-> `StateRequested` or `NothingNew`."""


@dataclass(frozen=True, slots=True)
class SignOff:
    """Go home, as far as the farm is concerned -> `SignedOff`."""

    limit_s: float


@dataclass(frozen=True, slots=True)
class AskMayRun:
    """The watch question -> `MayRun`."""

    task: str


Question = (
    Register | SignOn | DeliverKept | TellState | AskForTask | AskForState | SignOff | AskMayRun
)


@dataclass(frozen=True, slots=True)
class Wait:
    """Ask, but only after so many seconds."""

    seconds: float
    then: Question


@dataclass(frozen=True, slots=True)
class RunTask:
    """Run its commands -> `CommandsEnded`, `TaskEnded`; only the latter when it is cancelled."""

    task: AssignedTask


@dataclass(frozen=True, slots=True)
class CancelTask:
    """End the running command at once and report nothing."""


@dataclass(frozen=True, slots=True)
class EndWatch:
    """Forget the watch question."""


@dataclass(frozen=True, slots=True)
class End:
    """The worker has left; `why` is `OFFLINE` or `RESTART`."""

    why: State


Act = Question | Wait | RunTask | CancelTask | EndWatch
Instruction = Act | End


# Events.


@dataclass(frozen=True, slots=True)
class Started:
    """The program runs; `known`: it has credentials from earlier."""

    known: bool


@dataclass(frozen=True, slots=True)
class Registered:
    """The farm knows us."""


@dataclass(frozen=True, slots=True)
class SignedOn:
    """The farm expects us to be `wanted`."""

    wanted: str


@dataclass(frozen=True, slots=True)
class KeptDelivered:
    """All is delivered, or the time for it is over."""


@dataclass(frozen=True, slots=True)
class StateTold:
    """The farm has heard what we are."""


@dataclass(frozen=True, slots=True)
class TaskGiven:
    """Here is work."""

    task: AssignedTask


@dataclass(frozen=True, slots=True)
class NothingNew:
    """No task, or no other state; `held`: the farm waited before it said so."""

    held: bool


@dataclass(frozen=True, slots=True)
class StateRequested:
    """The farm wants us to be `wanted`."""

    wanted: str


@dataclass(frozen=True, slots=True)
class MayRun:
    """May this task go on?"""

    task: str
    keep: bool
    held: bool


@dataclass(frozen=True, slots=True)
class CommandsEnded:
    """The task's commands are through; what is left is to report it."""


@dataclass(frozen=True, slots=True)
class TaskEnded:
    """Its commands have ended; `reported`: the farm was told how."""

    reported: bool


@dataclass(frozen=True, slots=True)
class SignedOff:
    """The farm knows that we are gone."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A question got no good answer: that HTTP status, or none at all."""

    question: Question
    status: int | None


@dataclass(frozen=True, slots=True)
class StopRequested:
    """This machine's node wants us to leave: `at_once`, or once the task in hand is done."""

    at_once: bool


Event = (
    Started
    | Registered
    | SignedOn
    | KeptDelivered
    | StateTold
    | TaskGiven
    | NothingNew
    | StateRequested
    | MayRun
    | CommandsEnded
    | TaskEnded
    | SignedOff
    | Failed
    | StopRequested
)
