"""A worker's conduct: events in, instructions out."""

from __future__ import annotations

import pytest

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
    KeptDelivered,
    MayRun,
    NothingNew,
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
from flamenco_p2p.worker.machine import Machine

TASK = AssignedTask("task-1", "job-1", "render-1")
WATCH = Wait(0.25, AskMayRun("task-1"))


def after(*events: Event) -> Machine:
    machine = Machine()
    for event in events:
        machine.handle(event)
    return machine


def awake(*events: Event) -> Machine:
    return after(Started(known=True), SignedOn("awake"), KeptDelivered(), StateTold(), *events)


def asleep(*events: Event) -> Machine:
    return after(Started(known=True), SignedOn("asleep"), KeptDelivered(), StateTold(), *events)


def test_a_worker_without_credentials_registers_first() -> None:
    machine = Machine()
    assert machine.handle(Started(known=False)) == [Register()]
    assert machine.handle(Registered()) == [SignOn()]


def test_a_known_worker_signs_on_delivers_what_is_left_and_only_then_asks_for_work() -> None:
    machine = Machine()
    assert machine.handle(Started(known=True)) == [SignOn()]
    assert machine.handle(SignedOn("awake")) == [DeliverKept(10.0)]
    assert machine.handle(KeptDelivered()) == [TellState(State.AWAKE)]
    assert machine.handle(StateTold()) == [AskForTask()]


def test_sign_on_is_tried_again_after_growing_pauses() -> None:
    machine = after(Started(known=True))
    pauses = []
    for _ in range(7):
        (wait,) = machine.handle(Failed(SignOn(), None))
        assert isinstance(wait, Wait)
        assert wait.then == SignOn()
        pauses.append(wait.seconds)
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


@pytest.mark.parametrize("status", [400, 500, 503])
def test_a_farm_in_trouble_is_no_reason_to_become_another_worker(status: int) -> None:
    machine = after(Started(known=True))
    assert machine.handle(Failed(SignOn(), status)) == [Wait(0.2, SignOn())]


def test_refused_credentials_lead_to_a_new_registration_and_never_to_a_flood_of_them() -> None:
    machine = after(Started(known=True))
    assert machine.handle(Failed(SignOn(), 403)) == [Register()]
    assert machine.handle(Registered()) == [SignOn()]
    assert machine.handle(Failed(SignOn(), 403)) == [Wait(2.0, Register())]
    assert machine.handle(Registered()) == [SignOn()]
    assert machine.handle(Failed(SignOn(), 403)) == [Wait(4.0, Register())]


def test_a_worker_the_farm_has_forgotten_signs_on_again() -> None:
    machine = awake()
    assert machine.handle(Failed(AskForTask(), 403)) == [Wait(0.5, SignOn())]


def test_no_task_after_a_held_request_means_ask_again_at_once() -> None:
    assert awake().handle(NothingNew(held=True)) == [AskForTask()]


def test_no_task_from_a_manager_that_does_not_wait_means_a_pause() -> None:
    assert awake().handle(NothingNew(held=False)) == [Wait(5.0, AskForTask())]


def test_a_task_is_run_and_soon_asked_about() -> None:
    assert awake().handle(TaskGiven(TASK)) == [RunTask(TASK), WATCH]


def test_after_a_task_the_next_one_is_asked_for_at_once() -> None:
    machine = awake(TaskGiven(TASK))
    assert machine.handle(TaskEnded(reported=True)) == [EndWatch(), AskForTask()]


def test_a_task_that_cannot_even_be_reported_is_not_asked_for_in_a_frenzy() -> None:
    machine = awake(TaskGiven(TASK))
    assert machine.handle(TaskEnded(reported=False)) == [EndWatch(), Wait(0.5, AskForTask())]
    machine.handle(TaskGiven(TASK))
    assert machine.handle(TaskEnded(reported=False)) == [EndWatch(), Wait(1.0, AskForTask())]
    machine.handle(TaskGiven(TASK))
    assert machine.handle(TaskEnded(reported=True)) == [EndWatch(), AskForTask()]
    assert machine.handle(Failed(AskForTask(), 500)) == [Wait(0.5, AskForTask())]


def test_an_unreachable_farm_is_asked_less_and_less_often() -> None:
    machine = awake()
    waits = [machine.handle(Failed(AskForTask(), None)) for _ in range(6)]
    assert waits == [[Wait(s, AskForTask())] for s in (0.5, 1.0, 2.0, 4.0, 8.0, 10.0)]


def test_a_farm_that_thinks_this_worker_is_not_awake_is_told_again() -> None:
    machine = awake()
    assert machine.handle(Failed(AskForTask(), 409)) == [Wait(0.5, TellState(State.AWAKE))]


def test_a_running_task_goes_on_as_long_as_the_farm_says_so() -> None:
    machine = awake(TaskGiven(TASK))
    ask = AskMayRun("task-1")
    assert machine.handle(MayRun("task-1", keep=True, held=True)) == [ask]
    assert machine.handle(MayRun("task-1", keep=True, held=False)) == [Wait(3.0, ask)]


def test_a_running_task_goes_on_when_the_farm_says_nothing() -> None:
    machine = awake(TaskGiven(TASK))
    ask = AskMayRun("task-1")
    answers = [machine.handle(Failed(ask, status)) for status in (None, 500, 403, 404, None, None)]
    assert answers == [[Wait(s, ask)] for s in (0.5, 1.0, 2.0, 4.0, 8.0, 10.0)]


def test_a_clear_no_ends_the_command_at_once_and_then_the_worker_asks_on() -> None:
    machine = awake(TaskGiven(TASK))
    assert machine.handle(MayRun("task-1", keep=False, held=True)) == [CancelTask()]
    assert machine.handle(TaskEnded(reported=False)) == [EndWatch(), Wait(0.5, AskForTask())]


def test_a_no_that_only_echoes_the_report_of_a_task_does_not_stop_the_report() -> None:
    machine = awake(TaskGiven(TASK), MayRun("task-1", keep=True, held=True))
    assert machine.handle(CommandsEnded()) == [EndWatch()]
    assert machine.handle(MayRun("task-1", keep=False, held=True)) == []
    assert machine.handle(TaskEnded(reported=True)) == [EndWatch(), AskForTask()]


def test_the_task_after_it_can_be_stopped_again() -> None:
    machine = awake(TaskGiven(TASK), CommandsEnded(), TaskEnded(reported=True), TaskGiven(TASK))
    assert machine.handle(MayRun("task-1", keep=False, held=True)) == [CancelTask()]


def test_a_no_about_a_task_of_the_past_is_not_heard() -> None:
    machine = awake(TaskGiven(TASK))
    assert machine.handle(MayRun("task-0", keep=False, held=True)) == []
    machine.handle(TaskEnded(reported=True))
    assert machine.handle(MayRun("task-1", keep=False, held=True)) == []


def test_a_worker_told_to_sleep_says_so_and_waits_for_another_word() -> None:
    machine = awake()
    assert machine.handle(StateRequested("asleep")) == [TellState(State.ASLEEP)]
    assert machine.handle(StateTold()) == [AskForState()]
    assert machine.handle(NothingNew(held=True)) == [AskForState()]
    assert machine.handle(NothingNew(held=False)) == [Wait(3.0, AskForState())]
    assert machine.handle(StateRequested("awake")) == [TellState(State.AWAKE)]
    assert machine.handle(StateTold()) == [AskForTask()]


@pytest.mark.parametrize("word", ["testing", "error", "starting", "dancing"])
def test_a_state_it_does_not_know_makes_a_worker_sleep(word: str) -> None:  # C-104
    assert awake().handle(StateRequested(word)) == [TellState(State.ASLEEP)]


def test_a_state_it_cannot_reach_is_not_told_over_and_over() -> None:
    machine = asleep()
    assert machine.handle(StateRequested("testing")) == [Wait(0.5, AskForState())]
    assert machine.handle(StateRequested("testing")) == [Wait(1.0, AskForState())]


def test_a_farm_that_asks_for_what_it_has_been_told_is_told_again() -> None:
    machine = awake()
    assert machine.handle(StateRequested("awake")) == [Wait(0.5, TellState(State.AWAKE))]
    assert machine.handle(StateTold()) == [AskForTask()]


def test_a_state_that_could_not_be_told_is_told_later_and_a_refused_one_is_not() -> None:
    machine = after(Started(known=True), SignedOn("awake"), KeptDelivered())
    tell = TellState(State.AWAKE)
    assert machine.handle(Failed(tell, None)) == [Wait(0.5, tell)]
    assert machine.handle(Failed(tell, 500)) == [Wait(1.0, AskForTask())]


@pytest.mark.parametrize("word", [State.OFFLINE, State.RESTART])
def test_a_worker_told_to_leave_delivers_signs_off_and_ends(word: State) -> None:  # C-102
    machine = awake()
    assert machine.handle(StateRequested(word)) == [DeliverKept(5.0)]
    assert machine.handle(KeptDelivered()) == [SignOff(3.0)]
    assert machine.handle(SignedOff()) == [End(word)]


def test_a_worker_leaves_even_if_nobody_hears_its_goodbye() -> None:
    machine = asleep()
    assert machine.handle(StopRequested(at_once=True)) == [DeliverKept(5.0)]
    assert machine.handle(KeptDelivered()) == [SignOff(3.0)]
    assert machine.handle(Failed(SignOff(3.0), None)) == [End(State.OFFLINE)]


def test_a_busy_worker_that_must_stop_ends_its_task_first() -> None:
    machine = awake(TaskGiven(TASK))
    assert machine.handle(StopRequested(at_once=True)) == [CancelTask()]
    assert machine.handle(TaskEnded(reported=False)) == [EndWatch(), DeliverKept(5.0)]


def test_a_sleepy_worker_finishes_its_task_and_then_leaves() -> None:
    machine = awake(TaskGiven(TASK))
    assert machine.handle(StopRequested(at_once=False)) == []
    assert machine.handle(MayRun("task-1", keep=True, held=True)) == [AskMayRun("task-1")]
    assert machine.handle(TaskEnded(reported=True)) == [EndWatch(), DeliverKept(5.0)]


def test_a_sleepy_worker_can_still_be_hurried() -> None:
    machine = awake(TaskGiven(TASK), StopRequested(at_once=False))
    assert machine.handle(StopRequested(at_once=True)) == [CancelTask()]


def test_work_that_arrives_at_a_leaving_worker_is_left_to_others() -> None:
    machine = awake(StopRequested(at_once=True))
    assert machine.handle(TaskGiven(TASK)) == []
    assert machine.handle(StateRequested("asleep")) == []
    assert machine.handle(StopRequested(at_once=True)) == []


def test_a_worker_may_be_stopped_before_it_has_signed_on() -> None:
    machine = after(Started(known=False))
    assert machine.handle(StopRequested(at_once=True)) == [DeliverKept(5.0)]
    assert machine.handle(Failed(Register(), None)) == []
    assert machine.handle(KeptDelivered()) == [SignOff(3.0)]
    assert machine.handle(Failed(SignOff(3.0), 403)) == [End(State.OFFLINE)]
