"""The farm's API from outside, against a real HTTP server with scripted answers."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from aiohttp import web

from flamenco_p2p.client.answers import FarmVersion, Job, TaskLog
from flamenco_p2p.client.errors import FarmSaid, FarmUnreachable, StrangeAnswer
from flamenco_p2p.client.farm_client import FarmClient


@dataclass
class Server:
    """Gives `answers[method, path]`, and remembers what was asked."""

    url: str = ""
    answers: dict[tuple[str, str], tuple[int, bytes]] = field(default_factory=dict)
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.asked.append((request.method, request.raw_path, body))
        self.headers = dict(request.headers)
        missing = (404, b'{"code": 404, "message": "There is no such thing."}')
        status, answer = self.answers.get((request.method, request.path), missing)
        return web.Response(status=status, body=answer or None)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    serving = Server()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", serving.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        serving.url = f"http://{host}:{port}"
        yield serving
    finally:
        await runner.cleanup()


@pytest.fixture
async def farm(server: Server) -> AsyncIterator[FarmClient]:
    async with FarmClient(server.url) as client:
        yield client


JOB = {"id": "j", "name": "shot", "type": "echo-sleep-test", "status": "queued", "new": {}}
READ: list[tuple[str, Any, Callable[[FarmClient], Awaitable[Any]], Any]] = [
    ("/api/v3/version", {"version": "3.9"}, lambda f: f.version(), FarmVersion("3.9")),
    ("/api/v3/status", {"status": "idle"}, lambda f: f.farm_status(), "idle"),
    ("/api/p2p/v1/cluster", {"nodes": []}, lambda f: f.cluster(), {"nodes": []}),
    ("/api/v3/jobs/types", {"job_types": [1]}, lambda f: f.job_types(), [1]),
    ("/api/v3/jobs/type/a b", {"name": "a b"}, lambda f: f.job_type("a b"), {"name": "a b"}),
    ("/api/v3/jobs", {"jobs": [1]}, lambda f: f.jobs(), [1]),
    ("/api/v3/jobs/j", JOB, lambda f: f.job("j"), Job("j", "shot", "echo-sleep-test", "queued")),
    ("/api/v3/jobs/j/tasks", {"tasks": [1]}, lambda f: f.job_tasks("j"), [1]),
    ("/api/v3/tasks/t", {"id": "t"}, lambda f: f.task("t"), {"id": "t"}),
    ("/api/v3/worker-mgt/workers", {"workers": [1]}, lambda f: f.workers(), [1]),
    ("/api/v3/worker-mgt/workers/w", {"id": "w"}, lambda f: f.worker("w"), {"id": "w"}),
    (
        "/api/v3/tasks/t/log",
        {"task_id": "t", "job_id": "j", "url": "/l", "size": 3},
        lambda f: f.task_log("t"),
        TaskLog("t", "j", "/l", 3),
    ),
]


@pytest.mark.parametrize(("path", "answer", "ask", "expected"), READ)
async def test_what_people_read(
    server: Server,
    farm: FarmClient,
    path: str,
    answer: Any,
    ask: Callable[[FarmClient], Awaitable[Any]],
    expected: Any,
) -> None:
    server.answers["GET", path] = (200, msgspec.json.encode(answer))
    assert await ask(farm) == expected


WRITE: list[tuple[str, str, Any, Callable[[FarmClient], Awaitable[Any]]]] = [
    (
        "POST",
        "/api/v3/jobs/j/setstatus",
        {"status": "cancel-requested", "reason": "r"},
        lambda f: f.set_job_status("j", "cancel-requested", "r"),
    ),
    (
        "POST",
        "/api/v3/jobs/j/setpriority",
        {"priority": 7},
        lambda f: f.set_job_priority("j", 7),
    ),
    ("DELETE", "/api/v3/jobs/j", None, lambda f: f.delete_job("j")),
    (
        "POST",
        "/api/v3/tasks/t/setstatus",
        {"status": "queued", "reason": "r"},
        lambda f: f.set_task_status("t", "queued", "r"),
    ),
    (
        "POST",
        "/api/v3/worker-mgt/workers/w/setstatus",
        {"status": "asleep", "is_lazy": True},
        lambda f: f.request_worker_status("w", "asleep", lazy=True),
    ),
]


@pytest.mark.parametrize(("method", "path", "body", "ask"), WRITE)
async def test_what_people_ask_for(
    server: Server,
    farm: FarmClient,
    method: str,
    path: str,
    body: Any,
    ask: Callable[[FarmClient], Awaitable[Any]],
) -> None:
    server.answers[method, path] = (204, b"")
    await ask(farm)
    ((_, _, sent),) = server.asked
    assert (msgspec.json.decode(sent) if sent else None) == body


async def test_a_job_is_handed_in_as_it_is_and_under_its_key(
    server: Server, farm: FarmClient
) -> None:
    server.answers["POST", "/api/v3/jobs"] = (200, msgspec.json.encode(JOB))
    job = await farm.submit_job(b'{"name": "shot"}', idempotency_key="key-1")
    assert job.id == "j"
    assert server.asked == [("POST", "/api/v3/jobs", b'{"name": "shot"}')]
    assert server.headers["Idempotency-Key"] == "key-1"
    assert server.headers["Content-Type"] == "application/json"


async def test_what_is_not_there_yet_is_none(server: Server, farm: FarmClient) -> None:
    for path in ("/api/v3/tasks/t/log", "/api/v3/tasks/t/logtail"):
        server.answers["GET", path] = (204, b"")
    assert await farm.task_log("t") is None
    assert await farm.task_log_tail("t") == ""


async def test_a_log_is_read_whole(server: Server, farm: FarmClient) -> None:
    server.answers["GET", "/job-files/log"] = (200, b"x" * 300_000)
    async with aclosing(farm.download("/job-files/log")) as chunks:
        assert b"".join([chunk async for chunk in chunks]) == b"x" * 300_000


async def test_a_refusal_carries_the_farms_own_words(farm: FarmClient) -> None:
    with pytest.raises(FarmSaid, match="There is no such thing") as refusal:
        await farm.job("j")
    assert refusal.value.answered == 404


async def test_a_refusal_without_words_is_a_sentence_too(server: Server, farm: FarmClient) -> None:
    server.answers["GET", "/api/v3/jobs/j"] = (502, b"<html>")
    with pytest.raises(FarmSaid, match="status 502"):
        await farm.job("j")


async def test_an_answer_that_makes_no_sense_is_told_from_a_refusal(
    server: Server, farm: FarmClient
) -> None:
    server.answers["GET", "/api/v3/jobs/j"] = (200, b"<html>hello</html>")
    with pytest.raises(StrangeAnswer):
        await farm.job("j")


async def test_nobody_there_comes_with_a_remedy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        async with FarmClient(address) as farm:
            with pytest.raises(FarmUnreachable, match=address) as nobody:
                await farm.version()
    assert nobody.value.remedy == "Start the node with `flamenco-p2p`."


async def test_events_arrive_with_their_names(server: Server, farm: FarmClient) -> None:
    stream = b"retry: 1000\n: hello\n\n" + b'event: /jobs\ndata: {"id": "j"}\n\n' * 2
    server.answers["GET", "/api/p2p/v1/events"] = (200, stream)
    async with aclosing(farm.events(["/jobs", "/workers"])) as events:
        assert [event async for event in events] == [("/jobs", {"id": "j"})] * 2
    assert server.asked[0][1] == "/api/p2p/v1/events?topics=%2Fjobs,%2Fworkers"
