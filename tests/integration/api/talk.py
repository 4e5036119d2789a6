"""Words for talking to a farm from outside.

Is: plain HTTP/1.1 over real sockets, with the few sentences that tests say most: submit a job, be a
worker. Is not: the project's own client, which would hide what stands on the wire.
"""

from __future__ import annotations

import base64
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from typing import Any, Self
from urllib.parse import urlsplit

TIMEOUT_S = 20.0
V3 = "/api/v3"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Message
    body: bytes

    def says(self, status: int) -> Self:
        """Fail for any other status, or a body that does not belong to it."""
        assert self.status == status, f"{self.status} instead of {status}: {self.body[:300]!r}"
        if status in (202, 204):
            assert self.body == b""
            assert "Content-Type" not in self.headers
        elif status >= 400 and status != 423:
            self._is_error()
        return self

    def _is_error(self) -> None:
        assert self.headers["Content-Type"] == "application/json"
        body = json.loads(self.body)
        assert {*body} == {"code", "message"}
        assert body["code"] == self.status
        assert isinstance(body["message"], str)
        assert body["message"]

    def json(self) -> Any:
        """Return the JSON body."""
        assert self.headers["Content-Type"] == "application/json"
        assert self.body.endswith(b"\n")
        return json.loads(self.body)

    @property
    def message(self) -> str:
        """What an error says."""
        return str(json.loads(self.body)["message"])


class Farm:
    """A farm at an address; usable from several threads."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.address = urlsplit(url).netloc
        self._mine = threading.local()
        self._connections: list[http.client.HTTPConnection] = []
        self.jobs: list[str] = []
        self.workers: list[Worker] = []

    def connect(self, timeout_s: float = TIMEOUT_S) -> http.client.HTTPConnection:
        """Return a connection of its own; closed with the farm at the latest."""
        connection = http.client.HTTPConnection(self.address, timeout=timeout_s)
        self._connections.append(connection)
        return connection

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request and return the answer; `body` goes as JSON, `raw` as it is."""
        if not hasattr(self._mine, "connection"):
            self._mine.connection = self.connect()
        sent = dict(headers or {})
        if body is not None:
            raw = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection: http.client.HTTPConnection = self._mine.connection
        try:
            connection.request(method, path, raw, sent)
            return answer_of(connection)
        except (OSError, http.client.HTTPException):
            connection.close()  # the next request starts afresh
            raise

    def get(self, path: str) -> Any:
        """Return the JSON that is at a path of Flamenco's API."""
        return self.ask("GET", V3 + path).says(200).json()

    def close(self) -> None:
        """Take back what this test did, and hang up."""
        for worker in self.workers:
            worker.call("POST", "/worker/sign-off")
        for job in self.jobs:
            self.ask("DELETE", f"{V3}/jobs/{job}")
        for connection in self._connections:
            connection.close()

    # --- jobs

    def submission(self, **fields: Any) -> dict[str, Any]:
        """Return a small job: one task that echoes, two that sleep after it."""
        usual = {
            "name": "a test's job",
            "type": "echo-sleep-test",
            "submitter_platform": "linux",
            "settings": {"message": "hi", "sleep_duration_seconds": 1, "sleep_repeats": 2},
        }
        return usual | fields

    def submit(self, *, key: str = "", **fields: Any) -> Any:
        """Submit a small job and return it."""
        headers = {"Idempotency-Key": key} if key else {}
        body = self.submission(**fields)
        job = self.ask("POST", f"{V3}/jobs", body, headers=headers).says(200).json()
        self.jobs.append(job["id"])
        return job

    def made_to_measure(self, *tasks: Mapping[str, Any], **fields: Any) -> str:
        """Submit a job with these tasks; return its id. Only for a node of the test's own."""
        job = self.submit(
            type="made-to-measure", settings={"tasks": json.dumps(list(tasks))}, **fields
        )
        return str(job["id"])

    def job(self, job: str) -> Any:
        """Return a job."""
        return self.get(f"/jobs/{job}")

    def tasks(self, job: str) -> list[Any]:
        """Return a job's tasks in short."""
        return list(self.get(f"/jobs/{job}/tasks")["tasks"])

    def task(self, task: str) -> Any:
        """Return a task."""
        return self.get(f"/tasks/{task}")

    def statuses(self, job: str) -> list[str]:
        """Return the statuses of a job's tasks, in order."""
        return [task["status"] for task in self.tasks(job)]

    def set_job(self, job: str, status: str, *, key: str = "") -> Answer:
        """Ask for a job to be something else."""
        return self.ask(
            "POST",
            f"{V3}/jobs/{job}/setstatus",
            {"status": status, "reason": "a test"},
            headers={"Idempotency-Key": key} if key else {},
        )

    def set_task(self, task: str, status: str) -> Answer:
        """Ask for a task to be something else."""
        body = {"status": status, "reason": "a test"}
        return self.ask("POST", f"{V3}/tasks/{task}/setstatus", body)

    # --- workers

    def worker(self, name: str = "anna", *types: str, **sign_on: Any) -> Worker:
        """Return a worker that is awake."""
        worker = self.registered(name, *types)
        worker.sign_on(**sign_on).says(200)
        worker.becomes("awake").says(204)
        return worker

    def registered(self, name: str = "anna", *types: str) -> Worker:
        """Return a worker that has not signed on."""
        body = {
            "name": name,
            "secret": "s3cret" * 10,
            "platform": "linux",
            "supported_task_types": types or ("misc",),
        }
        answer = self.ask("POST", f"{V3}/worker/register-worker", body).says(200)
        worker = Worker(self, answer.json()["uuid"], body)
        self.workers.append(worker)
        return worker


class Worker:
    """A worker, as the farm knows it."""

    def __init__(self, farm: Farm, uuid: str, registration: dict[str, Any]) -> None:
        self.farm = farm
        self.id = uuid
        self.name = registration["name"]
        self._types = registration["supported_task_types"]
        self.proof = {"Authorization": basic(uuid, registration["secret"])}

    def call(
        self, method: str, path: str, body: object = None, *, wait_s: int = 0, **more: Any
    ) -> Answer:
        """Send a request as this worker."""
        headers = self.proof | more.pop("headers", {})
        if wait_s:
            headers["Prefer"] = f"wait={wait_s}"
        return self.farm.ask(method, V3 + path, body, headers=headers, **more)

    def sign_on(self, **changes: Any) -> Answer:
        """Say that it is here."""
        usual = {
            "name": self.name,
            "supported_task_types": self._types,
            "software_version": "3.9-test",
        }
        return self.call("POST", "/worker/sign-on", usual | changes)

    def becomes(self, status: str) -> Answer:
        """Say what it has become."""
        return self.call("POST", "/worker/state-changed", {"status": status})

    def ask(self, wait_s: int = 0) -> Answer:
        """Ask for a task."""
        return self.call("POST", "/worker/task", wait_s=wait_s)

    def gets(self) -> Any:
        """Ask for a task; there must be one."""
        return self.ask().says(200).json()

    def report(self, task: str, **update: Any) -> Answer:
        """Report on a task."""
        return self.call("POST", f"/worker/task/{task}", update)

    def completes(self, task: str) -> None:
        """Report that a task is done."""
        self.report(task, taskStatus="completed", activity="Completed").says(204)

    def fails(self, task: str) -> None:
        """Report that a task could not be done."""
        self.report(task, taskStatus="failed", activity="Failed: it broke").says(204)

    def does(self) -> str:
        """Get a task and complete it; return its id."""
        task = str(self.gets()["uuid"])
        self.completes(task)
        return task

    def may_run(self, task: str, wait_s: int = 0) -> Any:
        """Ask whether to go on."""
        path = f"/worker/task/{task}/may-i-run"
        return self.call("GET", path, wait_s=wait_s).says(200).json()

    def asked_for(self, status: str, *, lazy: bool = False) -> Answer:
        """Let people ask it to become something."""
        return self.farm.ask(
            "POST",
            f"{V3}/worker-mgt/workers/{self.id}/setstatus",
            {"status": status, "is_lazy": lazy},
        )

    def shown(self) -> Any:
        """Return what people see of it."""
        return self.farm.get(f"/worker-mgt/workers/{self.id}")

    @contextmanager
    def held(
        self, method: str, path: str, body: object = None, *, wait_s: int = 0
    ) -> Iterator[Callable[[], Answer]]:
        """Send a request now and take its answer later."""
        connection = self.farm.connect()
        headers = dict(self.proof)
        if wait_s:
            headers["Prefer"] = f"wait={wait_s}"
        raw = None
        if body is not None:
            raw = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        connection.request(method, V3 + path, raw, headers)
        try:
            yield lambda: answer_of(connection)
        finally:
            connection.close()


def answer_of(connection: http.client.HTTPConnection) -> Answer:
    """Read the answer to what was sent."""
    response = connection.getresponse()
    return Answer(response.status, response.headers, response.read())


def basic(name: str, password: str) -> str:
    """Return the header by which workers prove themselves."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def eventually(true: Callable[[], object], within_s: float = 10.0) -> None:
    """Wait until something that happens by itself has happened."""
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
