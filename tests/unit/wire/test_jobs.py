"""Jobs in JSON, both ways."""

from __future__ import annotations

import pytest
from msgspec import UNSET, json
from msgspec.structs import replace

from flamenco_p2p.farm.ids import TagId
from flamenco_p2p.farm.jobs import BlenderNeed
from flamenco_p2p.farm.statuses import JobStatus
from flamenco_p2p.wire.jobs import (
    parse_job_priority_change,
    parse_job_status_change,
    parse_submitted_job,
    render_job,
)
from flamenco_p2p.wire.json import BadBody, encode
from tests.unit.wire.examples import JOB_TEXT, NODE_ID, NODE_TEXT, PLAIN_JOB, PLAIN_SPEC

SMALLEST = {"name": "shot7", "type": "simple-blender-render", "submitter_platform": "linux"}


def submission(**more: object) -> bytes:
    return json.encode(SMALLEST | more)


def test_three_keys_make_a_job() -> None:
    job = parse_submitted_job(submission())
    assert (job.name, job.type, job.submitter_platform) == tuple(SMALLEST.values())
    assert job.wanted_priority == 50
    assert job.settings_text == b"{}"
    assert job.metadata == {}
    assert job.initial_status is UNSET
    assert job.blender_need is None


def test_settings_stay_as_they_were_written() -> None:
    settings = b'{"fps": 24.0, "frames":"1-5",  "scale": 1e2}'
    body = submission().removesuffix(b"}") + b',"settings":' + settings + b"}"
    assert parse_submitted_job(body).settings_text == settings


@pytest.mark.parametrize(("given", "priority"), [(None, 50), (0, 0), (5.0, 5), (-7, -7)])
def test_a_priority_may_be_null_or_have_a_zero_fraction(given: object, priority: int) -> None:
    wanted = parse_submitted_job(submission(priority=given)).wanted_priority
    assert wanted == priority
    assert type(wanted) is int


def test_our_own_keys_are_read() -> None:
    job = parse_submitted_job(
        submission(
            submitter="rosa",
            owner="film-3",
            comment="last try",
            time_zone="Europe/Berlin",
            blender={"version": "4.2", "newer_allowed": False},
        )
    )
    assert (job.submitter, job.owner, job.comment) == ("rosa", "film-3", "last try")
    assert job.time_zone == "Europe/Berlin"
    assert job.blender_need == BlenderNeed(major=4, minor=2, newer_allowed=False)


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"priority": "5"}, "The job's `priority` should be an integer, not a string."),
        ({"priority": 5.5}, "The job's `priority` should be an integer, not a number."),
        ({"priority": 2**31}, "The job's `priority` should be at most 2147483647."),
        ({"priority": 1e300}, "The job's `priority` should be an integer, not a number."),
        ({"name": None}, "The job's `name` should be a string, not null."),
        ({"worker_tag": None}, "The job's `worker_tag` should be a string, not null."),
        ({"settings": []}, "The job's settings should be an object, not a list."),
        ({"settings": None}, "The job's settings should be an object, not null."),
        (
            {"metadata": {"take": 3}},
            "A value in the job's `metadata` should be a string, not an integer.",
        ),
        ({"initial_status": "soon"}, "The job's `initial_status` cannot be 'soon'."),
        (
            {"initial_status": "a - at `$.name`"},
            "The job's `initial_status` cannot be 'a - at `$.name`'.",
        ),
        (
            {"storage": {"shaman_checkout_id": 3}},
            "The job's `storage.shaman_checkout_id` should be a string, not an integer.",
        ),
        ({"blender": {"version": "new"}}, "“new” is no version of Blender."),
        ({"blender": {}}, "The job's `blender` has no `version`."),
    ],
)
def test_a_refusal_names_the_place_and_the_reason(more: dict[str, object], problem: str) -> None:
    with pytest.raises(BadBody) as refusal:
        parse_submitted_job(submission(**more))
    assert refusal.value.problem == problem


@pytest.mark.parametrize("key", SMALLEST)
def test_a_job_without_a_needed_key_is_refused(key: str) -> None:
    body = json.encode({k: v for k, v in SMALLEST.items() if k != key})
    with pytest.raises(BadBody, match=rf"^The job has no `{key}`\."):
        parse_submitted_job(body)


def test_a_status_change_needs_a_known_status_and_a_reason() -> None:
    change = parse_job_status_change(b'{"status":"requeueing","reason":"lens","more":1}')
    assert (change.status, change.reason) == (JobStatus.REQUEUEING, "lens")
    with pytest.raises(BadBody, match="has no `reason`"):
        parse_job_status_change(b'{"status":"requeueing"}')
    with pytest.raises(BadBody, match="cannot be 'cancelled'"):
        parse_job_status_change(b'{"status":"cancelled","reason":""}')


@pytest.mark.parametrize("priority", [0, 100, 50.0])
def test_a_priority_lies_between_0_and_100(priority: float) -> None:
    assert parse_job_priority_change(b'{"priority":%r}' % priority).priority == priority


@pytest.mark.parametrize("priority", [b"-1", b"101", b"100.5", b'"5"', b"null"])
def test_any_other_priority_is_refused(priority: bytes) -> None:
    with pytest.raises(BadBody, match="`priority` should be"):
        parse_job_priority_change(b'{"priority":' + priority + b"}")


def test_a_plain_job_shows_what_clients_must_find_and_nothing_else() -> None:
    assert encode(render_job(PLAIN_JOB)) == (
        b'{"id":"' + JOB_TEXT.encode() + b'","name":"shot7","type":"simple-blender-render",'
        b'"priority":60,"submitter_platform":"","settings":{"frames": "1-5", "fps": 24.0},'
        b'"metadata":{},"created":"2026-02-03T14:15:16.5Z","updated":"2026-02-03T14:15:17Z",'
        b'"status":"queued","activity":"","steps_completed":2,"steps_total":5,'
        b'"tally":{"total":2,"ready":1,"active":0,"done":0,"failed":0,"canceled":0}}\n'
    )


def test_a_job_shows_what_else_is_known_of_it() -> None:
    spec = replace(
        PLAIN_SPEC,
        submitter="rosa",
        owner="film-3",
        comment="last try",
        shaman_checkout_id="shot7/a1",
        worker_tag=TagId(NODE_ID),
        blender=BlenderNeed(major=4, minor=2),
    )
    job = replace(PLAIN_JOB, spec=spec, delete_requested_ms=PLAIN_JOB.created_ms)
    shown = json.decode(encode(render_job(job)))
    assert {key: shown[key] for key in list(shown)[14:]} == {
        "storage": {"shaman_checkout_id": "shot7/a1"},
        "worker_tag": NODE_TEXT,
        "delete_requested_at": "2026-02-03T14:15:16.5Z",
        "blender": {"version": "4.2", "newer_allowed": True},
        "submitter": "rosa",
        "owner": "film-3",
        "comment": "last try",
    }
