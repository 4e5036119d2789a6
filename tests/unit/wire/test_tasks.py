"""Tasks in JSON, both ways."""

from __future__ import annotations

import pytest
from msgspec import UNSET, json
from msgspec.structs import replace

from flamenco_p2p.farm.statuses import TaskStatus
from flamenco_p2p.wire.json import BadBody, encode
from flamenco_p2p.wire.tasks import (
    JobTasksSummary,
    MayKeepRunning,
    TaskWorker,
    parse_task_status_change,
    parse_task_update,
    render_assigned_task,
    render_task,
    render_task_summary,
    render_task_worker,
)
from tests.unit.wire.examples import (
    ATTEMPT_ID,
    ATTEMPT_TEXT,
    JOB_TEXT,
    NOON,
    NOON_MS,
    OUR_ASSIGNMENT,
    PLAIN_ASSIGNMENT,
    PLAIN_TASK,
    PLAIN_WORKER,
    TASK_TEXT,
    WORKER_ID,
    WORKER_TEXT,
)

COMMANDS = b'[{"name":"echo","parameters":{"message": "hi"},"total_step_count":0}]'


def test_an_update_may_be_empty_and_then_changes_nothing() -> None:
    update = parse_task_update(b"{}")
    assert (update.task_status, update.activity, update.steps_completed) == (UNSET, UNSET, UNSET)
    assert (update.log, update.outputs, update.redelivered) == ("", (), False)
    assert update.attempt_id is None


def test_an_update_of_a_stock_worker_is_read() -> None:
    update = parse_task_update(b'{"taskStatus":"failed","activity":"Failed: no","log":"no"}')
    assert update.task_status is TaskStatus.FAILED
    assert (update.activity, update.log) == ("Failed: no", "no")


def test_an_update_of_our_own_worker_says_more() -> None:
    update = parse_task_update(
        b'{"taskStatus":"completed","steps_completed":5.0,"outputs":["a.png"],'
        b'"redelivered":true,"attempt":"' + ATTEMPT_TEXT.encode() + b'"}'
    )
    assert update.steps_completed == 5
    assert update.outputs == ("a.png",)
    assert update.redelivered
    assert update.attempt_id == ATTEMPT_ID


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"taskStatus":"soft-failed"}', "A worker cannot report a task as soft-failed."),
        (b'{"taskStatus":null}', "The task update's `taskStatus` should be a string, not null."),
        (
            b'{"steps_completed":-1}',
            "The task update's `steps_completed` should be at least 0.",
        ),
        (b'{"attempt":"first"}', "The task update's `attempt` should be a UUID."),
        (b'{"outputs":[1]}', "The task update's `outputs[0]` should be a string, not an integer."),
    ],
)
def test_a_refused_update_says_why(body: bytes, problem: str) -> None:
    with pytest.raises(BadBody) as refusal:
        parse_task_update(body)
    assert refusal.value.problem == problem


def test_a_status_change_needs_a_known_status_and_a_reason() -> None:
    change = parse_task_status_change(b'{"status":"queued","reason":"again"}')
    assert (change.status, change.reason) == (TaskStatus.QUEUED, "again")
    with pytest.raises(BadBody, match="has no `status`"):
        parse_task_status_change(b'{"reason":"again"}')


def test_an_untouched_task_belongs_to_nobody_by_empty_names() -> None:
    nobody = {"id": "", "name": "", "address": ""}
    assert json.decode(encode(render_task(PLAIN_TASK, None))) == {
        "id": TASK_TEXT,
        "job_id": JOB_TEXT,
        "name": "render-1-5",
        "task_type": "blender",
        "activity": "",
        "created": NOON,
        "updated": NOON,
        "index_in_job": 1,
        "status": "queued",
        "priority": 50,
        "commands": [],
        "steps_completed": 0,
        "steps_total": 5,
        "worker": nobody,
        "failed_by_workers": [],
    }


def test_a_touched_task_shows_who_has_it_and_who_failed_it() -> None:
    task = replace(PLAIN_TASK, worker=WORKER_ID, touched_ms=NOON_MS, commands=COMMANDS)
    encoded = encode(render_task(task, PLAIN_WORKER, [PLAIN_WORKER], steps_done=3))
    assert b'"commands":' + COMMANDS in encoded
    shown = json.decode(encoded)
    attic = {"id": WORKER_TEXT, "name": "attic", "address": "192.168.1.7"}
    assert shown["worker"] == attic
    assert shown["failed_by_workers"] == [attic]
    assert shown["last_touched"] == NOON
    assert shown["steps_completed"] == 3


@pytest.mark.parametrize("worker", [None, replace(PLAIN_WORKER, deleted_ms=NOON_MS)])
def test_of_a_worker_that_is_gone_only_the_id_is_shown(worker: None) -> None:
    shown = render_task_worker(WORKER_ID, worker)
    assert shown == TaskWorker(id=WORKER_TEXT, name="", address="")


def test_a_list_shows_tasks_in_short() -> None:
    summary = JobTasksSummary(tasks=[render_task_summary(PLAIN_TASK, None)])
    assert json.decode(encode(summary)) == {
        "tasks": [
            {
                "id": TASK_TEXT,
                "name": "render-1-5",
                "status": "queued",
                "index_in_job": 1,
                "priority": 50,
                "task_type": "blender",
                "updated": NOON,
                "steps_completed": 0,
                "steps_total": 5,
                "worker": {"id": "", "name": "", "address": ""},
            }
        ]
    }


def test_a_worker_gets_a_task_with_the_commands_it_is_to_run() -> None:
    encoded = encode(render_assigned_task(PLAIN_ASSIGNMENT, COMMANDS))
    assert b'"commands":' + COMMANDS in encoded
    shown = json.decode(encoded)
    assert shown.pop("commands") == json.decode(COMMANDS)
    assert shown == {
        "uuid": TASK_TEXT,
        "job": JOB_TEXT,
        "name": "render-1-5",
        "status": "active",
        "priority": 50,
        "job_priority": 60,
        "job_type": "simple-blender-render",
        "task_type": "blender",
        "steps_completed": 0,
        "steps_total": 5,
        "attempt": ATTEMPT_TEXT,
        "epoch": 3,
    }


def test_a_worker_hears_which_blender_fits_and_what_to_clear_away() -> None:
    shown = json.decode(encode(render_assigned_task(OUR_ASSIGNMENT, b"[]")))
    assert shown["blender"] == {"version": "4.2", "newer_allowed": False}
    assert shown["stale_outputs"] == ["frame-0001.png"]


def test_may_keep_running_is_spelled_in_camel_case() -> None:
    answer = MayKeepRunning(may_keep_running=True, reason="", status_change_requested=False)
    assert encode(answer) == (
        b'{"mayKeepRunning":true,"reason":"","statusChangeRequested":false}\n'
    )
