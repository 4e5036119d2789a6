"""Ids: what a task's id says of its job, which texts are ids, and which come first."""

from __future__ import annotations

import string
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flamenco_p2p.farm.ids import (
    MOST_TASKS,
    JobId,
    TaskKey,
    new_job_id,
    read_id,
    read_task,
    task_text,
    text_of,
    timed_id,
)

WHEN = st.integers(0, (1 << 48) - 1)
LUCK = st.binary(min_size=10, max_size=10)
JOBS = st.builds(new_job_id, WHEN, LUCK)
TASKS = st.builds(TaskKey, JOBS, st.integers(1, MOST_TASKS))
JOB = new_job_id(1_700_000_000_000, b"0123456789")


@given(TASKS)
def test_a_tasks_id_tells_its_job_and_number(task: TaskKey) -> None:
    assert read_task(task_text(task)) == task
    assert read_task(task_text(task).upper()) == task


@given(TASKS)
def test_a_tasks_id_is_a_version_7_uuid_and_not_its_jobs_id(task: TaskKey) -> None:
    parsed = uuid.UUID(task_text(task))
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert task_text(task) != text_of(task.job)


@given(JOBS)
def test_a_job_id_read_as_a_task_is_no_task(job: JobId) -> None:
    assert read_task(text_of(job)) == TaskKey(job, 0)


def test_a_task_beyond_the_most_has_no_id() -> None:
    with pytest.raises(OverflowError):
        task_text(TaskKey(JOB, MOST_TASKS + 1))


@given(st.binary(min_size=16, max_size=16))
def test_any_id_comes_back_from_its_text(some_id: bytes) -> None:
    text = text_of(some_id)
    assert read_id(text) == read_id(text.upper()) == some_id
    assert text == text.lower()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "jobs",
        text_of(JOB)[:-1],
        text_of(JOB) + "0",
        text_of(JOB).replace("-", ""),
        "{" + text_of(JOB)[1:-1] + "}",
        "urn:uuid:" + text_of(JOB)[9:],
        text_of(JOB).replace("-", "_"),
        text_of(JOB)[:-1] + "g",
        text_of(JOB)[:-1] + "\n",
        " " + text_of(JOB)[1:],
        text_of(JOB)[:-1] + "\u0663",  # a digit, but not one of ours
        "-" * 36,
        text_of(JOB)[1:9] + text_of(JOB)[0] + text_of(JOB)[9:],
        text_of(JOB).replace("-", "", 1) + "-",
    ],
)
def test_what_is_not_written_as_a_uuid_is_no_id(text: str) -> None:
    assert read_id(text) is None
    assert read_task(text) is None


@given(st.text(alphabet=string.hexdigits + "-{}_\u0661", min_size=36, max_size=36) | st.text())
def test_no_text_confuses_the_reader_of_ids(text: str) -> None:
    found = read_id(text)
    assert found is None or text_of(found) == text.lower()


@given(WHEN, LUCK, WHEN, LUCK)
def test_later_ids_sort_later(early: int, luck: bytes, late: int, more_luck: bytes) -> None:
    early, late = sorted((early, late))
    if early == late:
        return
    assert timed_id(early, luck) < timed_id(late, more_luck)
    assert new_job_id(early, luck) < new_job_id(late, more_luck)
    assert text_of(timed_id(early, luck)) < text_of(timed_id(late, more_luck))


def test_jobs_of_the_same_millisecond_differ_by_their_luck() -> None:
    assert new_job_id(5, b"a" * 10) != new_job_id(5, b"b" * 10)
