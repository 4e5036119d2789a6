"""Workers in JSON, both ways."""

from __future__ import annotations

import pytest
from msgspec import json
from msgspec.structs import replace

from flamenco_p2p.farm.statuses import WorkerStatus
from flamenco_p2p.farm.workers import InstalledBlender
from flamenco_p2p.wire.json import BadBody, encode
from flamenco_p2p.wire.workers import (
    WorkerStateChange,
    parse_registration,
    parse_sign_on,
    parse_state_changed,
    parse_status_change_request,
    render_registered,
    render_worker,
    render_workers,
)
from tests.unit.wire.examples import (
    JOB_TEXT,
    NODE_ID,
    NODE_TEXT,
    NOON,
    NOON_MS,
    OUR_WORKER,
    PLAIN_TASK,
    PLAIN_WORKER,
    TASK_TEXT,
    WORKER_ID,
    WORKER_TEXT,
)

STOCK = {"name": "attic", "supported_task_types": ["blender"], "software_version": "3.9"}
PLAIN_SUMMARY = {
    "id": WORKER_TEXT,
    "name": "attic",
    "status": "awake",
    "version": "3.9",
    "can_restart": False,
}


def test_a_registration_is_taken_as_it_is_sent() -> None:
    worker = parse_registration(
        b'{"name":"","secret":"s3","platform":"linux","supported_task_types":[" Blender"]}'
    )
    assert (worker.name, worker.secret, worker.platform) == ("", "s3", "linux")
    assert worker.supported_task_types == (" Blender",)


def test_a_registration_without_a_secret_is_refused() -> None:
    with pytest.raises(BadBody, match=r"^The registration has no `secret`\."):
        parse_registration(b'{"name":"","platform":"linux","supported_task_types":[]}')


def test_a_stock_worker_signs_on_with_three_keys() -> None:
    worker = parse_sign_on(json.encode(STOCK))
    assert not worker.can_restart
    assert worker.installed == ()
    assert worker.node_id is None


def test_task_types_are_trimmed_and_in_lower_case_after_sign_on() -> None:
    worker = parse_sign_on(json.encode(STOCK | {"supported_task_types": [" Blender ", "MISC"]}))
    assert worker.supported_task_types == ("blender", "misc")


def test_our_own_worker_names_its_blenders_and_its_node() -> None:
    blenders = [{"version": "4.2.1", "kind": "embedded"}, {"version": "5.0"}]
    worker = parse_sign_on(json.encode(STOCK | {"blenders": blenders, "node": NODE_TEXT}))
    assert worker.installed == (
        InstalledBlender(major=4, minor=2, patch=1, kind="embedded"),
        InstalledBlender(major=5, minor=0, patch=0, kind="installed"),
    )
    assert worker.node_id == NODE_ID


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (
            {"can_restart": 1},
            "The sign-on's `can_restart` should be true or false, not an integer.",
        ),
        ({"blenders": [{"version": "4"}]}, "“4” is no version of Blender."),
        (
            {"blenders": [{"version": 4.2}]},
            "The sign-on's `blenders[0].version` should be a string, not a number.",
        ),
        ({"node": "attic"}, "The sign-on's `node` should be a UUID."),
    ],
)
def test_a_refused_sign_on_says_why(more: dict[str, object], problem: str) -> None:
    with pytest.raises(BadBody) as refusal:
        parse_sign_on(json.encode(STOCK | more))
    assert refusal.value.problem == problem


def test_nobody_becomes_a_worker_that_never_signed_on() -> None:
    assert parse_state_changed(b'{"status":"asleep"}').status is WorkerStatus.ASLEEP
    request = parse_status_change_request(b'{"status":"restart","is_lazy":true}')
    assert (request.status, request.is_lazy) == (WorkerStatus.RESTART, True)
    with pytest.raises(BadBody, match="cannot be empty"):
        parse_state_changed(b'{"status":""}')
    with pytest.raises(BadBody, match="cannot be empty"):
        parse_status_change_request(b'{"status":"","is_lazy":true}')


def test_a_new_worker_learns_its_id_and_counts_as_offline() -> None:
    new = replace(PLAIN_WORKER, status=WorkerStatus.NEW, software="")
    assert json.decode(encode(render_registered(new))) == {
        "uuid": WORKER_TEXT,
        "name": "attic",
        "address": "192.168.1.7",
        "status": "offline",
        "platform": "linux",
        "software": "",
        "supported_task_types": ["blender", "misc"],
    }


def test_a_worker_hears_what_to_become() -> None:
    change = WorkerStateChange(status_requested=WorkerStatus.AWAKE)
    assert encode(change) == b'{"status_requested":"awake"}\n'


def test_a_list_shows_workers_in_short() -> None:
    assert encode(render_workers([], {})) == b'{"workers":[]}\n'
    assert json.decode(encode(render_workers([PLAIN_WORKER], {}))) == {"workers": [PLAIN_SUMMARY]}


def test_a_list_shows_when_a_worker_was_seen_and_what_is_asked_of_it() -> None:
    shown = json.decode(encode(render_workers([OUR_WORKER], {WORKER_ID: NOON_MS})))
    assert shown["workers"][0]["last_seen"] == NOON
    assert shown["workers"][0]["status_change"] == {"status": "asleep", "is_lazy": True}


def test_a_plain_worker_shows_what_clients_must_find_and_nothing_else() -> None:
    idle = replace(PLAIN_WORKER, task_types=())
    assert json.decode(encode(render_worker(idle))) == {
        **PLAIN_SUMMARY,
        "ip_address": "192.168.1.7",
        "platform": "linux",
        "supported_task_types": [],
    }


def test_a_worker_shows_its_task_its_blenders_and_its_node() -> None:
    task = replace(PLAIN_TASK, worker=WORKER_ID)
    shown = json.decode(encode(render_worker(OUR_WORKER, NOON_MS, task)))
    assert shown["blenders"] == [{"version": "4.2.1", "kind": "installed"}]
    assert shown["node"] == NODE_TEXT
    assert (shown["task"]["id"], shown["task"]["job_id"]) == (TASK_TEXT, JOB_TEXT)
    assert shown["task"]["worker"]["name"] == "attic"


def test_nobody_sees_a_secret() -> None:
    answers = (render_worker(PLAIN_WORKER), render_registered(PLAIN_WORKER))
    assert all(b"never shown" not in encode(answer) for answer in answers)
