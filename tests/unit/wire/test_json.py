"""Reading bodies and writing answers, whatever the shape."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import fields

from flamenco_p2p.wire import jobs, tasks, workers
from flamenco_p2p.wire.blenders import BlenderNeed, InstalledBlender
from flamenco_p2p.wire.json import BadBody, encode, rfc3339
from flamenco_p2p.wire.meta import FlamencoVersion

PARSERS: tuple[Callable[[bytes], object], ...] = (
    jobs.parse_submitted_job,
    jobs.parse_job_status_change,
    jobs.parse_job_priority_change,
    tasks.parse_task_status_change,
    tasks.parse_task_update,
    workers.parse_registration,
    workers.parse_sign_on,
    workers.parse_state_changed,
    workers.parse_status_change_request,
)
RECORDS: tuple[type[Struct], ...] = (
    jobs.SubmittedJob,
    jobs.JobStorageInfo,
    tasks.TaskUpdate,
    tasks.TaskStatusChange,
    workers.WorkerRegistration,
    workers.WorkerSignOn,
    workers.WorkerStatusChangeRequest,
    InstalledBlender,
    BlenderNeed,
)
KEYS = st.sampled_from(sorted({key.encode_name for record in RECORDS for key in fields(record)}))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["active", "soft-failed", "awake", "", "4.2", "4.2.1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=12),
)


@given(body=st.binary(max_size=200), parser=st.sampled_from(PARSERS))
def test_any_bytes_are_read_or_refused(body: bytes, parser: Callable[[bytes], object]) -> None:
    assert_read_or_refused(parser, body)


@given(body=st.dictionaries(KEYS, VALUES, max_size=12), parser=st.sampled_from(PARSERS))
def test_any_json_is_read_or_refused(
    body: dict[str, object], parser: Callable[[bytes], object]
) -> None:
    assert_read_or_refused(parser, encode(body))


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"settings":' * 50_000,
        b'{"settings":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"name":"\xff"}',
        b'{"settings":{"a":"\xff"}}',
        b'{"name":"\\ud800"}',
        b"\xef\xbb\xbf{}",
        b"null",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_hostile_bodies_are_refused(parser: Callable[[bytes], object], body: bytes) -> None:
    with pytest.raises(BadBody):
        parser(body)


def assert_read_or_refused(parser: Callable[[bytes], object], body: bytes) -> None:
    try:
        parser(body)
    except BadBody as refused:
        refusal = str(refused)
    else:
        refusal = ""
    assert "\n" not in refusal
    assert len(refusal) < 300


def test_an_empty_body_is_called_missing() -> None:
    with pytest.raises(BadBody, match=r"^The job is missing\."):
        jobs.parse_submitted_job(b"")


def test_what_is_no_json_is_called_so() -> None:
    with pytest.raises(BadBody, match=r"^The job is not valid JSON\."):
        jobs.parse_submitted_job(b'{"name": shot7}')


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_770_128_116_000, "2026-02-03T14:15:16Z"),
        (1_770_128_116_500, "2026-02-03T14:15:16.5Z"),
        (1_770_128_116_050, "2026-02-03T14:15:16.05Z"),
        (1_770_128_116_123, "2026-02-03T14:15:16.123Z"),
    ],
)
def test_an_instant_has_no_more_digits_than_it_needs(milliseconds: int, text: str) -> None:
    assert rfc3339(milliseconds) == text


def test_an_answer_ends_in_a_newline() -> None:
    who = FlamencoVersion(version="3.9", shortversion="3.9", name="Attic", git="")
    assert encode(who) == b'{"version":"3.9","shortversion":"3.9","name":"Attic","git":""}\n'
