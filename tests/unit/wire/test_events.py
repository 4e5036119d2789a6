"""Events as clients hear of them."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import json
from msgspec.structs import replace

from flamenco_p2p.farm import events as farm
from flamenco_p2p.farm.ids import WorkerId
from flamenco_p2p.farm.statuses import FarmStatus, JobStatus, TaskStatus, WorkerStatus
from flamenco_p2p.wire.events import Message, render_event
from tests.unit.wire.examples import (
    JOB_ID,
    JOB_TEXT,
    NOON,
    NOON_MS,
    OUR_WORKER,
    PLAIN_JOB,
    PLAIN_WORKER,
    TASK_KEY,
    TASK_TEXT,
    WORKER_ID,
    WORKER_TEXT,
)

TASK_CHANGED = farm.TaskChanged(
    key=TASK_KEY,
    name="render-1-5",
    status=TaskStatus.ACTIVE,
    previous=TaskStatus.QUEUED,
    activity="Started",
    steps_done=0,
    steps_total=5,
    updated_ms=NOON_MS,
    worker=WORKER_ID,
)


def attic(worker: WorkerId) -> str | None:
    return "attic" if worker == WORKER_ID else None


def told(event: farm.Event) -> tuple[str, str, Any]:
    """The one message an event makes: topic, name, payload."""
    (message,) = render_event(event, attic)
    assert b"\n" not in message.payload
    return message.topic, message.name, json.decode(message.payload)


def test_a_changed_job_says_what_it_was_before() -> None:
    event = farm.JobChanged(job=PLAIN_JOB, previous=JobStatus.ACTIVE, refresh_tasks=True)
    payload = {
        "id": JOB_TEXT,
        "name": "shot7",
        "updated": "2026-02-03T14:15:17Z",
        "status": "queued",
        "type": "simple-blender-render",
        "priority": 60,
        "refresh_tasks": True,
        "steps_completed": 2,
        "steps_total": 5,
        "previous_status": "active",
    }
    assert told(event) == ("/jobs", "jobs", payload)


def test_a_new_job_was_nothing_before() -> None:
    _, _, payload = told(farm.JobChanged(job=PLAIN_JOB))
    assert "previous_status" not in payload
    assert payload["refresh_tasks"] is False


def test_a_job_that_is_to_go_says_since_when() -> None:
    job = replace(PLAIN_JOB, delete_requested_ms=NOON_MS)
    _, _, payload = told(farm.JobChanged(job=job))
    assert payload["delete_requested_at"] == NOON


def test_a_removed_job_leaves_its_id_and_filler() -> None:
    assert told(farm.JobRemoved(job=JOB_ID)) == (
        "/jobs",
        "jobs",
        {
            "id": JOB_TEXT,
            "was_deleted": True,
            "updated": "0001-01-01T00:00:00Z",
            "status": "",
            "type": "",
            "priority": 0,
            "refresh_tasks": False,
            "steps_completed": 0,
            "steps_total": 0,
        },
    )


def test_a_changed_task_is_told_to_those_who_follow_its_job() -> None:
    payload = {
        "id": TASK_TEXT,
        "job_id": JOB_TEXT,
        "name": "render-1-5",
        "updated": NOON,
        "status": "active",
        "activity": "Started",
        "steps_completed": 0,
        "steps_total": 5,
        "previous_status": "queued",
        "worker": {"name": "attic", "uuid": WORKER_TEXT},
    }
    assert told(TASK_CHANGED) == (f"/jobs/{JOB_TEXT}", "task", payload)


def test_a_task_that_nobody_has_names_nobody() -> None:
    _, _, payload = told(replace(TASK_CHANGED, worker=None, previous=None))
    assert "worker" not in payload
    assert "previous_status" not in payload


def test_a_worker_that_is_gone_has_an_empty_name() -> None:
    (message,) = render_event(TASK_CHANGED, lambda _: None)
    assert json.decode(message.payload)["worker"] == {"name": "", "uuid": WORKER_TEXT}


def test_log_text_goes_to_those_who_follow_the_log() -> None:
    assert told(farm.TaskLogged(key=TASK_KEY, text="Fra:1\n")) == (
        f"/tasklog/{TASK_TEXT}",
        "tasklog",
        {"task_id": TASK_TEXT, "log": "Fra:1\n"},
    )


def test_a_changed_worker_says_what_it_was_before_and_is_to_become() -> None:
    event = farm.WorkerChanged(worker=OUR_WORKER, previous=WorkerStatus.STARTING)
    payload = {
        "id": WORKER_TEXT,
        "name": "attic",
        "updated": NOON,
        "status": "awake",
        "version": "0.1.0",
        "can_restart": True,
        "previous_status": "starting",
        "status_change": {"status": "asleep", "is_lazy": True},
    }
    assert told(event) == ("/workers", "workers", payload)


@pytest.mark.parametrize("previous", [None, WorkerStatus.NEW])
def test_a_worker_without_a_status_before_names_none(previous: WorkerStatus | None) -> None:
    _, _, payload = told(farm.WorkerChanged(worker=PLAIN_WORKER, previous=previous))
    assert "previous_status" not in payload
    assert "status_change" not in payload


def test_a_removed_worker_says_since_when() -> None:
    event = farm.WorkerChanged(worker=replace(PLAIN_WORKER, deleted_ms=NOON_MS))
    _, _, payload = told(event)
    assert payload["deleted_at"] == NOON


def test_a_new_picture_is_told_to_those_who_follow_the_job_or_all_jobs() -> None:
    messages = render_event(farm.LastRendered(job=JOB_ID), attic)
    assert [message.topic for message in messages] == [
        f"/jobs/{JOB_TEXT}/last-rendered",
        "/last-rendered",
    ]
    assert {message.name for message in messages} == {"last-rendered"}
    (payload,) = {message.payload for message in messages}
    shown = json.decode(payload)
    assert shown["job_id"] == JOB_TEXT
    assert shown["thumbnail"]["base"] == f"/job-files/job-019c/{JOB_TEXT}"


def test_the_farms_word_and_life_cycle_go_to_everybody() -> None:
    assert render_event(farm.FarmStatusChanged(status=FarmStatus.IDLE), attic) == (
        Message("/status", "status", b'{"status":"idle"}'),
    )
    assert render_event(farm.LifeCycle(starting=True), attic) == (
        Message("/lifecycle", "lifecycle", b'{"type":"manager-startup"}'),
    )
    assert render_event(farm.LifeCycle(starting=False), attic) == (
        Message("/lifecycle", "lifecycle", b'{"type":"manager-shutdown"}'),
    )


@pytest.mark.parametrize(
    "event",
    [
        farm.TasksReady(job=JOB_ID, tasks=(("blender", 50, 1),)),
        farm.LeaseChanged(worker=WORKER_ID, task=TASK_KEY),
    ],
)
def test_what_concerns_only_the_scheduler_stays_inside(event: farm.Event) -> None:
    assert render_event(event, attic) == ()
