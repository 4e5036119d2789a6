"""What a job's status is: the table in the rule's head, as data, and what must hold always."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flamenco_p2p.farm.jobs import Tally
from flamenco_p2p.farm.statuses import Desired, JobStatus
from flamenco_p2p.rules.job_status import ENDED, SCHEDULABLE, job_status, too_many_failed

ACTIVE, PAUSED, CANCELED = Desired.ACTIVE, Desired.PAUSED, Desired.CANCELED


def tally(total: int, **parts: int) -> Tally:
    """Return a tally; the tasks that no part names wait for others."""
    return Tally(total=total, **parts)


YES, NO = True, False
TABLE = [
    # why, arrived, tasks, wish, given up, given out once, status
    ("arriving", NO, tally(20, ready=20), ACTIVE, NO, NO, "under-construction"),
    ("arriving, unwanted", NO, tally(20, ready=20), CANCELED, NO, NO, "under-construction"),
    ("arriving, given up", NO, tally(0), ACTIVE, YES, NO, "under-construction"),
    ("all done", YES, tally(20, done=20), ACTIVE, NO, YES, "completed"),
    ("done though unwanted", YES, tally(20, done=20), CANCELED, NO, YES, "completed"),
    ("done though pausing", YES, tally(20, done=20), PAUSED, NO, YES, "completed"),
    ("done though given up", YES, tally(20, done=20), ACTIVE, YES, YES, "completed"),
    ("no tasks", YES, tally(0), ACTIVE, NO, NO, "completed"),
    ("unwanted", YES, tally(20, ready=20), CANCELED, NO, NO, "canceled"),
    ("unwanted, given up", YES, tally(20, ready=20), CANCELED, YES, YES, "canceled"),
    ("unwanted, failing", YES, tally(20, failed=20), CANCELED, NO, YES, "canceled"),
    ("given up", YES, tally(20, ready=20), ACTIVE, YES, YES, "failed"),
    ("given up, pausing", YES, tally(20, ready=20), PAUSED, YES, YES, "failed"),
    (
        "10 % failed, given another chance",
        YES,
        tally(20, ready=18, failed=2),
        ACTIVE,
        NO,
        YES,
        "active",
    ),
    ("5 % failed", YES, tally(20, ready=19, failed=1), ACTIVE, NO, YES, "active"),
    ("video is blocked", YES, tally(20, done=18, failed=1), ACTIVE, NO, YES, "failed"),
    ("blocked, pausing", YES, tally(20, done=18, failed=1), PAUSED, NO, YES, "failed"),
    ("rest canceled", YES, tally(20, done=19, canceled=1), ACTIVE, NO, YES, "canceled"),
    ("canceled, pausing", YES, tally(20, done=19, canceled=1), PAUSED, NO, YES, "canceled"),
    ("both", YES, tally(20, done=18, canceled=1, failed=1), ACTIVE, NO, YES, "failed"),
    ("pausing", YES, tally(20, ready=18, active=2), PAUSED, NO, YES, "pause-requested"),
    ("paused", YES, tally(20, ready=20), PAUSED, NO, YES, "paused"),
    ("paused from birth", YES, tally(20, ready=20), PAUSED, NO, NO, "paused"),
    ("new", YES, tally(20, ready=20), ACTIVE, NO, NO, "queued"),
    ("begun", YES, tally(20, ready=19, active=1), ACTIVE, NO, YES, "active"),
    ("between two tasks", YES, tally(20, ready=10, done=10), ACTIVE, NO, YES, "active"),
    ("last one runs", YES, tally(20, active=1, done=19), ACTIVE, NO, YES, "active"),
]


@pytest.mark.parametrize(
    ("complete", "tasks", "desired", "given_up", "started", "status"),
    [pytest.param(*row, id=why) for why, *row in TABLE],
)
def test_a_job_has_the_status_of_the_first_row_that_fits(
    complete: bool, tasks: Tally, desired: Desired, given_up: bool, started: bool, status: str
) -> None:
    assert status == job_status(
        complete=complete, desired=desired, given_up=given_up, started=started, tally=tasks
    )


@pytest.mark.parametrize(
    ("total", "failed"),
    [(1, 1), (9, 1), (10, 1), (11, 2), (20, 2), (21, 3), (30, 3), (99, 10), (100, 10), (101, 11)],
)
def test_a_job_fails_with_exactly_every_tenth_task(total: int, failed: int) -> None:
    assert too_many_failed(tally(total, failed=failed))
    assert not too_many_failed(tally(total, failed=failed - 1))


def test_a_job_without_tasks_has_not_failed() -> None:
    assert not too_many_failed(tally(0))


@st.composite
def tallies(draw: st.DrawFn) -> Tally:
    """Draw a tally that a real job can have: what waits for others waits for something."""
    names = ("ready", "active", "done", "failed", "canceled")
    parts = {name: draw(st.integers(0, 15)) for name in names}
    waiting = draw(st.integers(0, 15))
    if not any(parts[name] for name in names if name != "done"):
        waiting = 0
    return Tally(total=sum(parts.values()) + waiting, **parts)


situations = st.fixed_dictionaries(
    {
        "complete": st.just(True),
        "desired": st.sampled_from(Desired),
        "given_up": st.booleans(),
        "started": st.booleans(),
        "tally": tallies(),
    }
)


@given(situations)
def test_every_job_has_a_status_that_lasts(situation: dict[str, Any]) -> None:
    status = job_status(**situation)
    requests = {JobStatus.REQUEUEING, JobStatus.CANCEL_REQUESTED, JobStatus.UNDER_CONSTRUCTION}
    assert status not in requests


@given(situations)
def test_a_job_that_can_go_on_has_something_to_go_on_with(situation: dict[str, Any]) -> None:
    tasks = situation["tally"]
    if job_status(**situation) not in ENDED:
        assert tasks.active or tasks.ready


@given(situations)
def test_a_job_whose_tasks_are_all_done_is_completed_whatever_was_wished(
    situation: dict[str, Any],
) -> None:
    tasks = situation["tally"]
    completed = job_status(**situation) is JobStatus.COMPLETED
    assert completed == (tasks.done == tasks.total)


@given(situations)
def test_only_a_job_that_people_want_to_run_gives_out_tasks(situation: dict[str, Any]) -> None:
    if job_status(**situation) in SCHEDULABLE:
        assert situation["desired"] is ACTIVE
        assert not situation["given_up"]


@given(situations)
def test_wanting_a_job_to_run_lets_it_run_or_shows_why_it_cannot(
    situation: dict[str, Any],
) -> None:
    now = job_status(**(situation | {"desired": ACTIVE, "given_up": False}))
    assert now in SCHEDULABLE | ENDED


@given(situations)
def test_canceling_ends_a_job_at_once(situation: dict[str, Any]) -> None:
    now = job_status(**(situation | {"desired": CANCELED}))
    assert now in (JobStatus.CANCELED, JobStatus.COMPLETED)


@given(situations)
def test_a_pausing_job_is_paused_when_its_last_running_task_has_come_back(
    situation: dict[str, Any],
) -> None:
    if job_status(**situation) is not JobStatus.PAUSE_REQUESTED:
        return
    before = situation["tally"]
    after = Tally(
        total=before.total, ready=before.ready + before.active, done=before.done,
        failed=before.failed, canceled=before.canceled,
    )  # fmt: skip
    assert job_status(**(situation | {"tally": after})) is JobStatus.PAUSED
