"""A worker's conduct: what happened goes in, what to do comes out.

Is: every decision a worker takes: which question comes next, after what pause, when a task is
given up, when to leave. Is not: the doing (loop), or the words for it (conversation). Pure, so all
of it is tested with `==`.

A worker asks one *duty* question at a time (sign on, give me a task, ...) and, while a task runs,
one *watch* question besides: may I go on?
"""

from __future__ import annotations

from typing import Final

from flamenco_p2p.client.answers import AssignedTask
from flamenco_p2p.worker.conversation import (
    AskForState,
    AskForTask,
    AskMayRun,
    CancelTask,
    CommandsEnded,
    DeliverKept,
    End,
    EndWatch,
    Event,
    Failed,
    Instruction,
    KeptDelivered,
    MayRun,
    NothingNew,
    Question,
    Register,
    Registered,
    RunTask,
    SignedOff,
    SignedOn,
    SignOff,
    SignOn,
    Started,
    State,
    StateRequested,
    StateTold,
    StopRequested,
    TaskEnded,
    TaskGiven,
    TellState,
    Wait,
)

WATCH_AFTER_S: Final = 0.25  # many tasks are over by then and never ask
WATCH_PAUSE_S: Final = 3.0  # where answers are not held; click to process gone
TASK_PAUSE_S: Final = 5.0
STATE_PAUSE_S: Final = 3.0
DELIVER_AT_START_S: Final = 10.0
DELIVER_AT_END_S: Final = 5.0
SIGN_OFF_LIMIT_S: Final = 3.0


class Machine:
    """One worker. `handle` is all there is to it."""

    def __init__(self) -> None:
        self._state = State.STARTING
        self._wanted = ""  # by the farm, at sign-on
        self._running: AssignedTask | None = None
        self._reporting = False
        self._leaving: State | None = None  # with a task in hand: after it
        self._told = False  # the farm has heard of the present state
        self._duty_failures = 0  # since the farm last had an ordinary word for us
        self._watch_failures = 0
        self._refusals = 0  # of our credentials, in a row

    def handle(self, event: Event) -> list[Instruction]:
        """Take in what happened; return what to do, in this order."""
        match event:
            case CommandsEnded():
                # Its report ends the lease, and that makes the watch question's answer "no":
                # which is then no order to stop, but an echo.
                self._reporting = True
                return [EndWatch()]
            case TaskEnded(reported):
                return self._after_task(reported=reported)
            case StopRequested(at_once):
                return self._stop(at_once=at_once)
            case MayRun() | Failed(question=AskMayRun()):
                return self._watched(event)
            case _:
                pass
        if self._leaving is not None:
            return self._on_the_way_out(event, self._leaving)
        if isinstance(event, Failed):
            return self._failed(event.question, event.status)
        return self._answered(event)

    def _answered(self, event: Event) -> list[Instruction]:
        match event:
            case Started(known):
                return [SignOn() if known else Register()]
            case Registered():
                return [SignOn()]
            case SignedOn(wanted):
                self._wanted = wanted
                self._state = State.STARTING
                self._refusals = 0
                return [DeliverKept(DELIVER_AT_START_S)]
            case KeptDelivered():
                return self._become(self._wanted)
            case StateRequested(wanted):
                return self._become(wanted)
            case StateTold():
                self._told = True
                return [self._usual_question()]
            case NothingNew(held):
                self._duty_failures = 0
                ask = self._usual_question()
                pause_s = TASK_PAUSE_S if self._state is State.AWAKE else STATE_PAUSE_S
                return [ask if held else Wait(pause_s, ask)]
            case TaskGiven(task):
                self._running = task
                self._watch_failures = 0
                return [RunTask(task), Wait(WATCH_AFTER_S, AskMayRun(task.uuid))]
            case _:
                return []

    def _become(self, wanted: str) -> list[Instruction]:
        """Go to a state; one that is not ours to understand means sleep."""
        match wanted:
            case State.OFFLINE:
                return self._leave(State.OFFLINE)
            case State.RESTART:
                return self._leave(State.RESTART)
            case _:
                state = State.AWAKE if wanted == State.AWAKE else State.ASLEEP
        if state is self._state and self._told:
            # Either the farm has forgotten what it was told, or it wants what we cannot be.
            again = TellState(state) if wanted == state else self._usual_question()
            return [Wait(self._pause(0.5, 10.0), again)]
        self._state, self._told = state, False
        return [TellState(state)]

    def _usual_question(self) -> AskForTask | AskForState:
        return AskForTask() if self._state is State.AWAKE else AskForState()

    def _failed(self, question: Question, status: int | None) -> list[Instruction]:
        """No good answer: ask again later, each time a little later, or ask something else."""
        match question, status:
            case SignOn(), 403:
                self._refusals += 1
                if self._refusals == 1:
                    return [Register()]
                return [Wait(_growing(self._refusals, 1.0, 60.0), Register())]
            case AskForTask() | AskForState() | TellState(), 403:
                # The farm has forgotten this worker, or never was the one it knew.
                return [Wait(self._pause(0.5, 10.0), SignOn())]
            case AskForTask(), 409:
                return [Wait(self._pause(0.5, 10.0), TellState(self._state))]
            case ((Register() | SignOn()), _):
                return [Wait(self._pause(0.2, 5.0), question)]
            case TellState(), int():
                return [Wait(self._pause(0.5, 10.0), self._usual_question())]
            case _:
                return [Wait(self._pause(0.5, 10.0), question)]

    def _pause(self, first_s: float, longest_s: float) -> float:
        self._duty_failures += 1
        return _growing(self._duty_failures, first_s, longest_s)

    def _watched(self, event: Event) -> list[Instruction]:
        """Only a clear no ends a task; whatever else happens to the question, it goes on."""
        if self._running is None or self._reporting:
            return []
        ask = AskMayRun(self._running.uuid)
        match event:
            case MayRun(ask.task, keep=False):
                return [CancelTask()]
            case MayRun(ask.task, held=held):
                self._watch_failures = 0
                return [ask if held else Wait(WATCH_PAUSE_S, ask)]
            case Failed(question=question) if question == ask:
                self._watch_failures += 1
                return [Wait(_growing(self._watch_failures, 0.5, 10.0), ask)]
            case _:
                return []  # about a task of the past

    def _after_task(self, *, reported: bool) -> list[Instruction]:
        self._running, self._reporting = None, False
        if self._leaving is not None:
            return [EndWatch(), DeliverKept(DELIVER_AT_END_S)]
        if reported:
            self._duty_failures = 0
            return [EndWatch(), AskForTask()]
        # The farm may give the same task again, to the same end.
        return [EndWatch(), Wait(self._pause(0.5, 10.0), AskForTask())]

    def _stop(self, *, at_once: bool) -> list[Instruction]:
        first = self._leaving is None
        self._leaving = self._leaving or State.OFFLINE
        if self._running is not None:
            return [CancelTask()] if at_once else []
        return [DeliverKept(DELIVER_AT_END_S)] if first else []

    def _leave(self, why: State) -> list[Instruction]:
        self._leaving = why
        return [DeliverKept(DELIVER_AT_END_S)]

    def _on_the_way_out(self, event: Event, why: State) -> list[Instruction]:
        """Whatever else is said to one who is leaving is not heard."""
        match event:
            case KeptDelivered():
                return [SignOff(SIGN_OFF_LIMIT_S)]
            case SignedOff() | Failed(question=SignOff()):
                return [End(why)]
            case _:
                return []


def _growing(failures: int, first_s: float, longest_s: float) -> float:
    return min(first_s * 2.0 ** min(failures - 1, 10), longest_s)
