"""The stream of events, as a browser or a script follows it."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import flamenco_p2p.api.stream
from tests.integration.api import shapes
from tests.integration.api.node_in_a_thread import NodeInAThread
from tests.integration.api.shapes import fits
from tests.integration.api.talk import V3, Farm, eventually
from tests.integration.api.test_files import hand_in, picture

SHAPES = {
    "jobs": shapes.EVENT_JOB,
    "task": shapes.EVENT_TASK,
    "tasklog": shapes.EVENT_LOG,
    "last-rendered": shapes.EVENT_RENDERED,
    "workers": shapes.EVENT_WORKER,
    "status": shapes.FARM_STATUS,
    "lifecycle": {"type": {"manager-startup", "manager-shutdown"}},
}


class Listener:
    """Somebody who follows events."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self._response = response

    def next(self) -> tuple[str, Any]:
        """Return the next event's name and payload."""
        name = ""
        while True:
            line = self._response.readline()
            assert line, "the stream has ended"
            if line.startswith(b"event: "):
                name = line[7:].strip().decode()
            elif line.startswith(b"data: "):
                payload = json.loads(line[6:])
                removed = name == "jobs" and "was_deleted" in payload
                return name, fits(payload, shapes.EVENT_JOB_REMOVED if removed else SHAPES[name])

    def until(self, name: str, **fields: Any) -> list[tuple[str, Any]]:
        """Return all events up to the first of this name with these fields."""
        heard = []
        while True:
            heard.append(self.next())
            last, payload = heard[-1]
            if last == name and all(payload.get(key) == fields[key] for key in fields):
                return heard


@contextmanager
def listening(farm: Farm, *topics: str) -> Iterator[Listener]:
    """Follow some topics, or all."""
    connection = farm.connect()
    query = f"?topics={','.join(topics)}" if topics else ""
    connection.request("GET", f"/api/p2p/v1/events{query}")
    response = connection.getresponse()
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/event-stream"
    assert response.headers["Cache-Control"] == "no-store"
    while response.readline() != b": hello\n":
        pass
    yield Listener(response)
    connection.close()


def test_the_life_of_a_job_is_told_in_order(farm: Farm) -> None:
    worker = farm.worker()
    with listening(farm, "/jobs") as listener:
        job = farm.submit()["id"]
        name, new = listener.next()
        assert (name, new["id"], new["status"]) == ("jobs", job, "queued")
        assert not new["refresh_tasks"]
        task = worker.gets()["uuid"]
        (*_, (_, active)) = listener.until("jobs", status="active")
        assert active["previous_status"] == "queued"
        worker.report(task, steps_completed=1).says(204)
        (*_, (_, step)) = listener.until("jobs", steps_completed=1)
        assert "previous_status" not in step
        worker.completes(task)
        farm.set_job(job, "paused").says(204)
        (*_, (_, paused)) = listener.until("jobs", status="paused")
        assert paused["refresh_tasks"]
        farm.set_job(job, "queued").says(204)
        worker.does()
        worker.does()
        (*_, (_, done)) = listener.until("jobs", status="completed")
        assert done["steps_completed"] == 3
        farm.ask("DELETE", f"{V3}/jobs/{job}").says(204)
        name, asked = listener.until("jobs")[-1]
        assert "delete_requested_at" in asked
        listener.until("jobs", id=job, was_deleted=True)


def test_what_happens_to_tasks_is_told_to_those_who_follow_their_job(farm: Farm) -> None:
    worker = farm.worker()
    job, other = farm.submit()["id"], farm.submit(priority=10)["id"]
    with listening(farm, f"/jobs/{job}") as listener:
        task = worker.gets()["uuid"]
        name, given = listener.next()
        assert (name, given["id"], given["status"]) == ("task", task, "active")
        assert given["previous_status"] == "queued"
        assert given["worker"] == {"name": "anna", "uuid": worker.id}
        worker.report(task, steps_completed=1, activity="busy").says(204)
        _, step = listener.next()
        assert (step["steps_completed"], step["activity"]) == (1, "busy")
        assert "previous_status" not in step
        farm.set_job(other, "canceled").says(204)
        worker.completes(task)
        _, done = listener.next()
        assert (done["status"], done["previous_status"]) == ("completed", "active")


def test_logs_are_told_to_those_who_follow_them(farm: Farm) -> None:
    worker = farm.worker()
    job = farm.submit()["id"]
    task = farm.tasks(job)[0]["id"]
    with listening(farm, f"/tasklog/{task}") as listener:
        worker.gets()
        _, given = listener.next()
        assert "assigned to worker anna" in given["log"]
        assert not given["log"].endswith("\n")
        worker.report(task, log="two\nlines\n").says(204)
        assert listener.next()[1] == {"task_id": task, "log": "two\nlines\n"}


def test_workers_are_told_of(farm: Farm) -> None:
    with listening(farm, "/workers") as listener:
        worker = farm.registered("anna")
        worker.sign_on().says(200)
        (*_, (_, here)) = listener.until("workers", status="starting")
        assert "previous_status" not in here
        worker.becomes("awake").says(204)
        (*_, (_, awake)) = listener.until("workers", status="awake")
        assert awake["previous_status"] == "starting"
        worker.asked_for("asleep", lazy=True).says(204)
        _, asked = listener.next()
        assert asked["status_change"] == {"status": "asleep", "is_lazy": True}
        assert "previous_status" not in asked
        worker.call("POST", "/worker/sign-off").says(204)
        listener.until("workers", status="offline", previous_status="awake")


def test_a_new_picture_is_told_to_the_jobs_followers_and_to_everybodys(farm: Farm) -> None:
    worker = farm.worker()
    job = farm.submit()["id"]
    task = worker.gets()["uuid"]
    for topic in ("/last-rendered", f"/jobs/{job}/last-rendered"):
        with listening(farm, topic) as listener:
            hand_in(worker, task, picture(20, 10)).says(202)
            (*_, (_, rendered)) = listener.until("last-rendered", job_id=job)
            assert rendered["thumbnail"]["base"].endswith(job)


def test_the_farms_status_is_told_to_everybody(own_farm: Farm) -> None:
    with listening(own_farm, "/nothing-else") as listener:
        worker = own_farm.worker()
        own_farm.made_to_measure({})
        listener.until("status", status="waiting")
        worker.gets()
        listener.until("status", status="active")
    assert own_farm.get("/status") == {"status": "active"}


def test_whoever_names_no_topic_hears_everything(farm: Farm) -> None:
    with listening(farm) as listener:
        worker = farm.worker()
        farm.submit()
        worker.does()
        names = {name for name, _ in listener.until("task", status="completed")}
        assert {"workers", "jobs", "task", "tasklog"} <= names


def test_a_node_that_stops_says_goodbye_and_ends_the_stream(
    node: NodeInAThread, own_farm: Farm
) -> None:
    with listening(own_farm) as listener:
        node.farm.bus.close()
        with pytest.raises(AssertionError, match="the stream has ended"):
            listener.until("nothing")


def test_whoever_does_not_take_what_happens_is_let_go(
    node: NodeInAThread, own_farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flamenco_p2p.api.stream, "TAKEN_WITHIN_S", 0.3)
    worker = own_farm.worker()
    own_farm.made_to_measure({})
    task = worker.gets()["uuid"]
    with socket.create_connection(own_farm.address.split(":"), 10) as slow:  # type: ignore[arg-type]
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.sendall(b"GET /api/p2p/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert slow.recv(10) == b"HTTP/1.1 2"
        streams = node.farm.bus._streams  # nobody outside sees how many
        assert len(streams) == 1
        for _ in range(60):
            worker.report(task, log="x" * 200_000).says(204)
        eventually(lambda: not streams)
    worker.completes(task)
