"""What a task's status is: the table in the rule's head, as data, and what must hold always."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flamenco_p2p.farm.statuses import JobStatus, TaskState, TaskStatus
from flamenco_p2p.rules.task_status import SETTLED, task_status

WAITING = TaskState.WAITING
EVERY_JOB = list(JobStatus)

# state, held, jobs, failed at, status
TABLE: list[tuple[TaskState, list[bool], list[str], list[int], str]] = [
    (TaskState.DONE, [False, True], [*EVERY_JOB], [0, 2], "completed"),
    (TaskState.FAILED, [False, True], [*EVERY_JOB], [0, 2], "failed"),
    (TaskState.CANCELED, [False, True], [*EVERY_JOB], [0, 2], "canceled"),
    (WAITING, [False, True], ["canceled", "failed"], [0, 2], "canceled"),
    (WAITING, [True], ["queued", "active", "paused", "pause-requested"], [0, 2], "active"),
    (WAITING, [False], ["paused", "pause-requested"], [0, 2], "paused"),
    (WAITING, [False], ["queued", "active", "under-construction"], [1, 2], "soft-failed"),
    (WAITING, [False], ["queued", "active", "under-construction"], [0], "queued"),
]


@pytest.mark.parametrize(("state", "helds", "jobs", "failures", "status"), TABLE)
def test_a_task_has_the_status_of_the_row_that_fits(
    state: TaskState, helds: list[bool], jobs: list[str], failures: list[int], status: str
) -> None:
    found = {
        task_status(state=state, leased=held, failed_at=failed_at, job=JobStatus(job))
        for held in helds
        for job in jobs
        for failed_at in failures
    }
    assert found == {status}


@given(st.sampled_from(TaskState), st.booleans(), st.integers(0, 9), st.sampled_from(JobStatus))
def test_every_task_has_a_status(
    state: TaskState, leased: bool, failed_at: int, job: JobStatus
) -> None:
    status = task_status(state=state, leased=leased, failed_at=failed_at, job=job)
    assert isinstance(status, TaskStatus)
    assert (status is TaskStatus.COMPLETED) == (state is TaskState.DONE)


@given(st.sampled_from(sorted(SETTLED)), st.booleans(), st.integers(0, 9))
def test_what_happens_to_a_job_changes_nothing_for_its_settled_tasks(
    state: TaskState, leased: bool, failed_at: int
) -> None:
    seen = {
        task_status(state=state, leased=leased, failed_at=failed_at, job=job) for job in JobStatus
    }
    assert len(seen) == 1


def test_a_running_task_goes_on_while_its_job_is_being_paused() -> None:
    status = task_status(state=WAITING, leased=True, failed_at=0, job=JobStatus.PAUSE_REQUESTED)
    assert status is TaskStatus.ACTIVE
