"""Whatever comes in: the answer is a refusal in words, and the node lives on."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.api.talk import V3, Answer, Farm, Worker

NOBODY = "0d5c7f1a-0000-4000-8000-000000000001"
JSON = {"Content-Type": "application/json"}
LARGE = 256 * 1024

TAKING_JSON = [
    ("POST", "/jobs"),
    ("POST", "/jobs/check"),
    ("POST", f"/jobs/{NOBODY}/setstatus"),
    ("POST", f"/jobs/{NOBODY}/setpriority"),
    ("POST", f"/tasks/{NOBODY}/setstatus"),
    ("POST", "/worker/register-worker"),
    ("POST", "/worker/sign-on"),
    ("POST", "/worker/state-changed"),
    ("POST", f"/worker/task/{NOBODY}"),
    ("POST", f"/worker-mgt/workers/{NOBODY}/setstatus"),
]


@pytest.fixture
def worker(farm: Farm) -> Worker:
    """A worker that is awake; its proof is good for every door."""
    return farm.worker()


@pytest.fixture(autouse=True)
def _the_node_lives_on(farm: Farm) -> Iterator[None]:
    yield
    farm.get("/version")


def refused(answer: Answer) -> None:
    """Fail unless the answer is a refusal of the client's in the usual shape."""
    assert 400 <= answer.status < 500, (answer.status, answer.body[:300])
    answer.says(answer.status)


# --- not JSON, or not this JSON


@pytest.mark.parametrize(("method", "path"), TAKING_JSON)
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"nonsense",
        b"null",
        b"5",
        b'"text"',
        b"[]",
        b"[1,2]",
        b"NaN",
        b'{"name": NaN}',
        b'{"name": Infinity}',
        b"\xff\xfe\x00",
        b'{"name": "\xff"}',
        b'{"name": "\\ud800"}',
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b'{"a":' * 40_000,
        b'{"settings":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        b"1" * 100_000,
        b'{"priority": 1' + b"0" * 5_000 + b"}",
        b'{"priority": 1e999}',
        b'{"status": {"status": "awake"}}',
    ],
    ids=lambda raw: repr(raw[:20]),
)
def test_what_is_not_the_right_json_is_refused(
    farm: Farm, worker: Worker, method: str, path: str, raw: bytes
) -> None:
    refused(farm.ask(method, V3 + path, raw=raw, headers=worker.proof | JSON))


@pytest.mark.parametrize(("method", "path"), TAKING_JSON)
@pytest.mark.parametrize(
    "kind", ["", "text/plain", "text/json", "application/x-www-form-urlencoded", "nonsense", ";"]
)
def test_what_is_not_said_to_be_json_is_refused(
    farm: Farm, worker: Worker, method: str, path: str, kind: str
) -> None:
    headers = worker.proof | ({"Content-Type": kind} if kind else {})
    farm.ask(method, V3 + path, raw=b"{}", headers=headers).says(400)


def test_a_charset_behind_the_content_type_is_taken(farm: Farm) -> None:
    raw = json.dumps(farm.submission()).encode()
    headers = {"Content-Type": "application/json; charset=utf-8"}
    farm.ask("POST", f"{V3}/jobs/check", raw=raw, headers=headers).says(204)


# --- settings are free, but not lawless


@pytest.mark.parametrize(
    "text",
    [
        "1" + "0" * 30,
        "-" + "9" * 25,
        "18446744073709551616",
        "1e308",
        "1e999",
        "-1e-400",
        "0.1e1",
        '"\\u0000"',
        '"\\ud83c\\udfac"',
        '"\\ud800"',
        "[" * 200 + "]" * 200,
        "[" * 900 + "]" * 900,
        "[" * 50_000 + "]" * 50_000,
        '{"__proto__": 1, "constructor": null}',
        '"' + "x" * 100_000 + '"',
    ],
    ids=lambda text: text[:20],
)
def test_a_strange_setting_is_taken_or_refused_but_breaks_nothing(farm: Farm, text: str) -> None:
    body = json.dumps(farm.submission()).replace('"hi"', text).encode()
    answer = farm.ask("POST", f"{V3}/jobs", raw=body, headers=JSON)
    if answer.status == 200:
        job = answer.json()["id"]
        farm.jobs.append(job)
        assert farm.job(job)["settings"] == answer.json()["settings"]
    else:
        refused(answer)


@pytest.mark.parametrize("name", ["", "\0", "x" * 100_000, "🎬" * 1000, "../../etc", "a\nb"])
def test_a_job_may_have_a_strange_name(farm: Farm, name: str) -> None:
    job = farm.submit(name=name)
    assert farm.job(job["id"])["name"] == name


@pytest.mark.parametrize("blend", ["\0", "/" * 5000, "/dev/zero", "/proc/self/mem", "/", "\ud83c"])
def test_a_strange_file_name_opens_nothing(farm: Farm, blend: str) -> None:
    settings = {"message": "hi", "sleep_repeats": 0, "blendfile": blend}
    answer = farm.ask("POST", f"{V3}/jobs/check", farm.submission(settings=settings))
    assert answer.status in (204, 400)


# --- size


@pytest.mark.parametrize(("method", "path"), TAKING_JSON)
def test_more_than_256_kib_is_refused(farm: Farm, worker: Worker, method: str, path: str) -> None:
    large = b'{"name":"' + b"x" * LARGE + b'"}'
    farm.ask(method, V3 + path, raw=large, headers=worker.proof | JSON).says(413)


def test_256_kib_are_taken(farm: Farm, worker: Worker) -> None:
    farm.submit()
    task = worker.gets()["uuid"]
    worker.report(task, log="x" * (LARGE - 100)).says(204)


def test_a_body_of_unsaid_length_is_measured_as_it_comes(farm: Farm) -> None:
    connection = farm.connect()
    chunks = iter([b" " * 65536] * 5)
    connection.request("POST", f"{V3}/jobs", chunks, JSON, encode_chunked=True)
    response = connection.getresponse()
    Answer(response.status, response.headers, response.read()).says(413)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "nonsense"])
def test_a_packed_body_is_never_unpacked(farm: Farm, encoding: str) -> None:
    packed = gzip.compress(json.dumps(farm.submission()).encode())
    headers = JSON | {"Content-Encoding": encoding}
    farm.ask("POST", f"{V3}/jobs", raw=packed, headers=headers).says(400)


# --- at random

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
KEYS = (
    "name", "type", "priority", "settings", "metadata", "submitter_platform", "storage", "status",
    "worker_tag", "initial_status", "reason", "is_lazy", "taskStatus", "activity", "log", "secret",
    "steps_completed", "attempt", "outputs", "supported_task_types", "software_version", "blenders",
    "platform", "blender", "type_etag", "time_zone",
)  # fmt: skip
VALUES = (
    ANY_JSON
    | st.sampled_from(["echo-sleep-test", "linux", "awake", "completed", "paused", 50, True])
    | st.lists(st.text(max_size=5), max_size=3)
)
FUZZ = settings(
    max_examples=500,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def tried_everywhere(farm: Farm, worker: Worker, raw: bytes) -> None:
    """Send a body to every door that takes JSON."""
    for method, path in TAKING_JSON:
        answer = farm.ask(method, V3 + path, raw=raw, headers=worker.proof | JSON)
        assert answer.status < 500, (path, raw, answer.body)
        if answer.status >= 400:
            answer.says(answer.status)


@FUZZ
@given(raw=st.binary(max_size=200))
def test_random_bytes_break_nothing(farm: Farm, worker: Worker, raw: bytes) -> None:
    tried_everywhere(farm, worker, raw)


@FUZZ
@given(body=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=8))
def test_random_records_break_nothing(farm: Farm, worker: Worker, body: dict[str, object]) -> None:
    tried_everywhere(farm, worker, json.dumps(body).encode())


@pytest.mark.parametrize(
    "text",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /api/v3/version HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
        b"POST /api/v3/jobs HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET " + b"/" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        bytes(range(256)) * 10,
    ],
    ids=lambda text: repr(text[:30]),
)
def test_what_is_not_http_breaks_nothing(farm: Farm, text: bytes) -> None:
    host, _, port = farm.address.partition(":")
    with socket.create_connection((host, int(port or 80)), 10) as raw:
        raw.sendall(text)
        raw.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := raw.recv(65536):
            answer += piece
    assert not answer.startswith((b"HTTP/1.1 2", b"HTTP/1.1 5"))


# --- who may call


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "local.example"]
)
def test_a_strangers_name_for_this_machine_is_refused(farm: Farm, host: str) -> None:
    for method, path in (("GET", "/version"), ("POST", "/jobs")):
        farm.ask(method, V3 + path, headers={"Host": host}).says(403)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.0.0.7:8080", "[::1]:8080", "localhost", "anna:8080", "anna.local"]
)
def test_names_of_this_network_are_taken(farm: Farm, host: str) -> None:
    farm.ask("GET", f"{V3}/version", headers={"Host": host}).says(200)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_a_page_of_another_site_may_look_but_change_nothing(
    farm: Farm, headers: dict[str, str]
) -> None:
    farm.ask("GET", f"{V3}/version", headers=headers).says(200)
    job = farm.submit()["id"]
    farm.ask("POST", f"{V3}/jobs", farm.submission(), headers=headers).says(403)
    farm.ask("DELETE", f"{V3}/jobs/{job}", headers=headers).says(403)
    assert farm.job(job)["status"] == "queued"


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_the_farms_own_page_may_change_things(farm: Farm, site: str) -> None:
    headers = {"Origin": farm.url, "Sec-Fetch-Site": site}
    farm.ask("POST", f"{V3}/jobs/check", farm.submission(), headers=headers).says(204)


def test_nobody_is_believed_about_being_forwarded(farm: Farm) -> None:
    worker = farm.registered()
    worker.call(
        "POST",
        "/worker/sign-on",
        {"name": "a", "supported_task_types": ["misc"], "software_version": "1"},
        headers={"X-Forwarded-For": "203.0.113.9", "X-Real-Ip": "203.0.113.9"},
    ).says(200)
    assert worker.shown()["ip_address"] != "203.0.113.9"
