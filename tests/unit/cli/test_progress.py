"""How far a job is, as its watcher understands it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flamenco_p2p.cli.progress import JobProgress

STATUSES = ["queued", "active", "completed", "failed", "soft-failed", "canceled", "paused"]


def task(no: int, status: str, done: int = 0, total: int = 1) -> dict[str, Any]:
    return {
        "id": f"task-{no:06}",
        "name": f"render-{no}",
        "status": status,
        "steps_completed": done,
        "steps_total": total,
        "worker": {"id": "", "name": "anna", "address": ""},
    }


def watched(*tasks: dict[str, Any], now_s: float = 0) -> JobProgress:
    job = JobProgress("job", "orrery")
    job.see_tasks(tasks, now_s)
    return job


def test_each_frame_of_a_chunk_is_a_cell() -> None:
    job = watched(task(1, "completed", 3, 3), task(2, "active", 1, 3), task(3, "queued"))
    done, active, queued = "completed", "active", "queued"
    assert job.cells(200) == [done, done, done, done, active, queued, queued]


def test_a_failed_chunk_shows_which_frames_it_had_saved() -> None:
    assert watched(task(1, "failed", 1, 3)).cells(200) == ["completed", "failed", "failed"]


def test_many_frames_share_cells_and_the_worst_of_them_is_seen() -> None:
    tasks = [task(no, "completed") for no in range(1000)]
    tasks[777] = task(777, "failed")
    cells = watched(*tasks).cells(200)
    assert len(cells) == 200
    assert cells.count("failed") == 1
    assert cells[155] == "failed"


@given(
    st.lists(st.tuples(st.sampled_from(STATUSES), st.integers(0, 9), st.integers(0, 9))),
    st.integers(1, 300),
)
def test_a_strip_is_never_longer_than_asked_and_steps_never_exceed_their_total(
    said: list[tuple[str, int, int]], width: int
) -> None:
    job = watched(*(task(no, status, done, total) for no, (status, done, total) in enumerate(said)))
    assert len(job.cells(width)) <= width
    done, total = job.steps()
    assert 0 <= done <= total


def test_tasks_stand_in_the_jobs_order_whatever_order_they_are_told_in() -> None:
    job = watched(task(2, "queued"), task(1, "completed"))
    assert job.cells(200) == ["completed", "queued"]


def test_an_event_about_a_task_counts_at_once() -> None:
    job = watched(task(1, "queued"), task(2, "queued"))
    job.see_task({**task(2, "active"), "activity": "rendering"}, 1)
    assert [(one.name, one.activity, one.worker) for one in job.active()] == [
        ("render-2", "rendering", "anna")
    ]


def test_an_event_about_a_task_nobody_has_listed_waits_for_the_list() -> None:
    job = watched(task(1, "queued"))
    job.see_task(task(9, "active"), 1)
    assert job.active() == []


def test_there_is_no_guess_before_something_is_done() -> None:
    job = watched(task(1, "active"), task(2, "queued"))
    assert job.remaining_s(30) is None


def test_the_time_left_follows_from_what_the_last_steps_took() -> None:
    job = watched(*(task(no, "active" if no == 1 else "queued") for no in range(1, 5)))
    job.see_task(task(1, "completed"), 10)
    assert job.remaining_s(10) == pytest.approx(30)
    assert job.remaining_s(14) == pytest.approx(26)
    assert job.remaining_s(100) == 0


def test_two_machines_halve_the_time_left() -> None:
    job = watched(*(task(no, "active" if no < 3 else "queued") for no in range(1, 7)))
    job.see_task(task(1, "completed"), 10)
    job.see_task(task(2, "completed"), 10)
    assert job.remaining_s(10) == pytest.approx(20)


def test_a_requeued_task_begins_a_new_guess() -> None:
    job = watched(task(1, "active"), task(2, "queued"))
    job.see_task(task(1, "completed"), 10)
    job.see_task(task(1, "queued"), 11)
    assert job.remaining_s(11) is None


@pytest.mark.parametrize("status", ["completed", "failed", "canceled", "deleted"])
def test_a_job_that_has_ended_is_over(status: str) -> None:
    job = watched(task(1, "completed"))
    job.see_status(status)
    assert job.over
    assert job.remaining_s(1) is None


@pytest.mark.parametrize("status", ["queued", "active", "paused", "cancel-requested"])
def test_a_job_that_may_go_on_is_not_over(status: str) -> None:
    job = watched(task(1, "queued"))
    job.see_status(status)
    assert not job.over
