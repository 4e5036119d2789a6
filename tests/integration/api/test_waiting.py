"""Long polling: whoever would wait is answered as soon as there is something to say."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import flamenco_p2p.node
from flamenco_p2p.cluster.replica import Replica
from flamenco_p2p.farm.bridge import Applied
from flamenco_p2p.farm.decisions import AnyDecision
from flamenco_p2p.farm.errors import NotYet
from flamenco_p2p.farm.ids import RequestId
from tests.integration.api.node_in_a_thread import NodeInAThread
from tests.integration.api.talk import V3, Answer, Farm, Worker

LONG_S = 30


@pytest.fixture
def worker(farm: Farm) -> Worker:
    """A worker that is awake."""
    return farm.worker()


@contextmanager
def waiting(
    worker: Worker, method: str, path: str, wait_s: int = LONG_S
) -> Iterator[Callable[[], Answer]]:
    """Let a worker wait for an answer that it must not get by the mere passing of time."""
    with worker.held(method, path, wait_s=wait_s) as take:
        worker.farm.get("/version")  # whatever was sent before has arrived
        started = time.monotonic()
        yield take
        assert time.monotonic() - started < LONG_S / 2


def test_a_waiting_worker_gets_a_task_when_a_job_arrives(farm: Farm, worker: Worker) -> None:
    with waiting(worker, "POST", "/worker/task") as take:
        job = farm.submit()["id"]
        answer = take().says(200)
    assert answer.json()["job"] == job


def test_a_waiting_worker_gets_the_task_that_became_possible(farm: Farm, worker: Worker) -> None:
    farm.submit()
    first = worker.gets()["uuid"]
    berta = farm.worker("berta")
    with waiting(berta, "POST", "/worker/task") as take:
        worker.completes(first)
        assert take().says(200).json()["name"] == "sleep"


def test_a_waiting_worker_gets_what_another_handed_back(farm: Farm, worker: Worker) -> None:
    farm.submit()
    task = worker.gets()["uuid"]
    berta = farm.worker("berta")
    with waiting(berta, "POST", "/worker/task") as take:
        worker.call("POST", "/worker/sign-off").says(204)
        assert take().says(200).json()["uuid"] == task


def test_a_waiting_worker_gets_a_task_when_a_paused_job_goes_on(farm: Farm, worker: Worker) -> None:
    job = farm.submit(initial_status="paused")["id"]
    with waiting(worker, "POST", "/worker/task") as take:
        farm.set_job(job, "queued").says(204)
        take().says(200)


def test_a_waiting_worker_hears_at_once_that_it_should_sleep(worker: Worker) -> None:
    with waiting(worker, "POST", "/worker/task") as take:
        worker.asked_for("asleep", lazy=True).says(204)
        take().says(423)


def test_a_sleeping_worker_hears_at_once_that_it_should_wake(worker: Worker) -> None:
    worker.becomes("asleep").says(204)
    with waiting(worker, "GET", "/worker/state") as take:
        worker.asked_for("awake").says(204)
        assert take().says(200).json() == {"status_requested": "awake"}


def test_a_short_wait_ends_with_nothing_and_says_that_it_waited(worker: Worker) -> None:
    for method, path in (("POST", "/worker/task"), ("GET", "/worker/state")):
        answer = worker.call(method, path, wait_s=1).says(204)
        assert answer.headers["Preference-Applied"] == "wait"


@pytest.mark.parametrize("prefer", ["", "wait", "wait=", "wait=x", "wait=-1", "respond-async"])
def test_without_a_sound_wish_to_wait_the_answer_comes_at_once(worker: Worker, prefer: str) -> None:
    answer = worker.call("POST", "/worker/task", headers={"Prefer": prefer}).says(204)
    assert "Preference-Applied" not in answer.headers


@pytest.mark.parametrize(
    "end",
    [
        lambda farm, job, task: farm.set_job(job, "canceled"),
        lambda farm, job, task: farm.set_task(task, "canceled"),
        lambda farm, job, task: farm.set_task(task, "queued"),
        lambda farm, job, task: farm.ask("DELETE", f"{V3}/jobs/{job}"),
    ],
    ids=["job canceled", "task canceled", "task requeued", "job deleted"],
)
def test_a_worker_hears_at_once_that_it_should_stop(
    farm: Farm, worker: Worker, end: Callable[[Farm, str, str], Answer]
) -> None:
    job = farm.submit()["id"]
    task = worker.gets()["uuid"]
    with waiting(worker, "GET", f"/worker/task/{task}/may-i-run") as take:
        end(farm, job, task).says(204)
        assert not take().says(200).json()["mayKeepRunning"]


def test_two_waiting_workers_get_two_tasks(own_farm: Farm) -> None:
    anna, berta = own_farm.worker("anna"), own_farm.worker("berta")
    with (
        waiting(anna, "POST", "/worker/task") as take_anna,
        waiting(berta, "POST", "/worker/task") as take_berta,
    ):
        job = own_farm.made_to_measure({}, {})
        given = {take().says(200).json()["uuid"] for take in (take_anna, take_berta)}
    assert given == {task["id"] for task in own_farm.tasks(job)}


def test_a_node_that_stops_answers_whoever_waits(tmp_path: Path) -> None:
    with NodeInAThread(tmp_path) as node:
        farm = Farm(node.url)
        worker = farm.worker()
        with waiting(worker, "POST", "/worker/task") as take:
            node.do(_ring(node))
            take().says(204)
        farm.workers.clear()
        farm.close()


async def _ring(node: NodeInAThread) -> None:
    node.farm.manager.bells.ring_all()


# --- while nothing can be decided


class Reluctant(Replica):
    """A bridge that can be closed for a while."""

    closed = False

    async def propose(self, decision: AnyDecision, *, request: RequestId | None = None) -> Applied:
        if Reluctant.closed:
            raise NotYet("There is no manager now.", remedy="Wait a little.")
        return await super().propose(decision, request=request)


@pytest.fixture
def reluctant_farm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Farm]:
    """A farm whose bridge can be closed."""
    monkeypatch.setattr(flamenco_p2p.node, "Replica", Reluctant)
    monkeypatch.setattr(Reluctant, "closed", False)
    monkeypatch.setattr("flamenco_p2p.api.duty.SIGN_ON_AGAIN_S", 0.05)
    with NodeInAThread(tmp_path) as node:
        farm = Farm(node.url)
        yield farm
        Reluctant.closed = False
        farm.close()


def test_signing_on_is_held_until_it_works(reluctant_farm: Farm) -> None:
    worker = reluctant_farm.registered()
    Reluctant.closed = True
    sign_on = {"name": "a", "supported_task_types": ["misc"], "software_version": "1"}
    with worker.held("POST", "/worker/sign-on", sign_on) as take:
        reluctant_farm.get("/version")
        Reluctant.closed = False
        take().says(200)
    assert worker.shown()["status"] == "starting"


def test_reports_meet_a_closed_connection_so_that_they_are_sent_again(
    reluctant_farm: Farm,
) -> None:
    worker = reluctant_farm.worker()
    reluctant_farm.made_to_measure({})
    task = worker.gets()["uuid"]
    Reluctant.closed = True
    with pytest.raises(ConnectionError):
        worker.report(task, taskStatus="completed")
    with pytest.raises(ConnectionError):
        worker.becomes("asleep")
    with pytest.raises(ConnectionError):
        worker.call("POST", "/worker/sign-off")
    Reluctant.closed = False
    worker.completes(task)


def test_a_worker_that_asks_for_a_task_hears_that_there_is_none(reluctant_farm: Farm) -> None:
    worker = reluctant_farm.worker()
    reluctant_farm.made_to_measure({})
    Reluctant.closed = True
    worker.ask().says(204)
    Reluctant.closed = False
    worker.ask().says(200)


def test_a_running_task_may_go_on(reluctant_farm: Farm) -> None:
    worker = reluctant_farm.worker()
    reluctant_farm.made_to_measure({})
    task = worker.gets()["uuid"]
    Reluctant.closed = True
    assert worker.may_run(task)["mayKeepRunning"]


def test_people_are_told_to_try_again(reluctant_farm: Farm) -> None:
    job = reluctant_farm.made_to_measure({})
    Reluctant.closed = True
    for answer in (
        reluctant_farm.set_job(job, "paused"),
        reluctant_farm.ask("POST", f"{V3}/jobs", reluctant_farm.submission()),
        reluctant_farm.ask("DELETE", f"{V3}/jobs/{job}"),
    ):
        assert answer.says(503).headers["Retry-After"] == "1"
        assert "Wait a little." in answer.message
    assert reluctant_farm.job(job)["status"] == "queued"
