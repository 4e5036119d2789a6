"""Which wish a button stands for, and what people are told when it stands for none."""

from __future__ import annotations

import pytest

from flamenco_p2p.farm.errors import Conflict, Unfitting
from flamenco_p2p.farm.statuses import JobStatus as J
from flamenco_p2p.farm.statuses import TaskStatus as T
from flamenco_p2p.rules.requests import JobWish, TaskWish, job_wish, task_wish

GOING = [J.QUEUED, J.ACTIVE, J.PAUSED, J.PAUSE_REQUESTED]
LASTING = [*GOING, J.CANCELED, J.FAILED, J.COMPLETED]

# what is set, on jobs that are, means
BUTTONS = [
    (J.CANCEL_REQUESTED, [*GOING, J.FAILED], JobWish.CANCEL),
    (J.CANCELED, [*GOING, J.FAILED], JobWish.CANCEL),
    (J.PAUSE_REQUESTED, [J.QUEUED, J.ACTIVE, J.CANCELED], JobWish.PAUSE),
    (J.PAUSED, [J.QUEUED, J.ACTIVE, J.CANCELED], JobWish.PAUSE),
    (J.REQUEUEING, LASTING, JobWish.REQUEUE),
    (J.QUEUED, [J.PAUSED, J.PAUSE_REQUESTED], JobWish.RUN),
    (J.ACTIVE, [J.PAUSED, J.PAUSE_REQUESTED], JobWish.RUN),
    (J.QUEUED, [J.FAILED, J.CANCELED], JobWish.REQUEUE),
    (J.ACTIVE, [J.FAILED, J.CANCELED], JobWish.REQUEUE),
    (J.FAILED, GOING, JobWish.FAIL),
]


@pytest.mark.parametrize(("asked", "jobs", "wish"), BUTTONS)
def test_a_button_stands_for_a_wish(asked: J, jobs: list[J], wish: JobWish) -> None:
    assert {job_wish(asked, now) for now in jobs} == {wish}


@pytest.mark.parametrize("status", J)
def test_setting_the_status_a_job_has_is_no_wish(status: J) -> None:
    assert job_wish(status, status) is None


@pytest.mark.parametrize("asked", [J.COMPLETED, J.UNDER_CONSTRUCTION])
def test_a_status_that_follows_from_tasks_cannot_be_set(asked: J) -> None:
    with pytest.raises(Unfitting) as refusal:
        job_wish(asked, J.ACTIVE)
    assert refusal.value.remedy


@pytest.mark.parametrize("asked", [J.PAUSED, J.CANCELED, J.FAILED, J.ACTIVE])
def test_a_completed_job_can_only_be_requeued(asked: J) -> None:
    with pytest.raises(Unfitting, match="completed") as refusal:
        job_wish(asked, J.COMPLETED)
    assert "Requeue" in refusal.value.remedy
    assert job_wish(J.REQUEUEING, J.COMPLETED) is JobWish.REQUEUE


@pytest.mark.parametrize(("asked", "now"), [(J.PAUSED, J.FAILED), (J.FAILED, J.CANCELED)])
def test_a_wish_that_would_change_nothing_is_refused_with_a_way_out(asked: J, now: J) -> None:
    with pytest.raises(Unfitting, match=now) as refusal:
        job_wish(asked, now)
    assert refusal.value.remedy


@pytest.mark.parametrize("asked", J)
@pytest.mark.parametrize("now", LASTING)
def test_every_status_set_on_every_job_is_a_wish_or_a_sentence(asked: J, now: J) -> None:
    try:
        wish = job_wish(asked, now)
    except Unfitting as refusal:
        assert refusal.problem.endswith(".")  # noqa: PT017 -- either way is right
    else:
        assert (wish is None) == (asked is now)


@pytest.mark.parametrize(
    ("asked", "now", "wish"),
    [
        (T.QUEUED, T.COMPLETED, TaskWish.REQUEUE),
        (T.QUEUED, T.FAILED, TaskWish.REQUEUE),
        (T.QUEUED, T.CANCELED, TaskWish.REQUEUE),
        (T.QUEUED, T.SOFT_FAILED, TaskWish.REQUEUE),
        (T.CANCELED, T.QUEUED, TaskWish.CANCEL),
        (T.CANCELED, T.ACTIVE, TaskWish.CANCEL),
        (T.FAILED, T.ACTIVE, TaskWish.FAIL),
        (T.COMPLETED, T.FAILED, TaskWish.COMPLETE),
    ],
)
def test_a_button_of_a_task_stands_for_a_wish(asked: T, now: T, wish: TaskWish) -> None:
    assert task_wish(asked, now, J.ACTIVE) is wish


@pytest.mark.parametrize("status", [T.QUEUED, T.CANCELED, T.FAILED, T.COMPLETED])
def test_setting_the_status_a_task_has_is_no_wish(status: T) -> None:
    assert task_wish(status, status, J.ACTIVE) is None


@pytest.mark.parametrize("asked", [T.ACTIVE, T.SOFT_FAILED, T.PAUSED])
def test_a_status_that_only_workers_and_jobs_cause_cannot_be_set_on_a_task(asked: T) -> None:
    with pytest.raises(Unfitting) as refusal:
        task_wish(asked, T.QUEUED, J.ACTIVE)
    assert refusal.value.remedy


def test_requeueing_a_task_of_a_canceled_job_is_refused_because_it_would_not_run() -> None:
    with pytest.raises(Conflict, match="would not run"):
        task_wish(T.QUEUED, T.CANCELED, J.CANCELED)
