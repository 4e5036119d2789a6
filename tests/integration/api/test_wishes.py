"""What people can want of jobs and tasks, and what becomes of it."""

from __future__ import annotations

import uuid

import pytest

from tests.integration.api import shapes
from tests.integration.api.node_in_a_thread import NodeInAThread
from tests.integration.api.shapes import fits
from tests.integration.api.talk import V3, Farm, Worker, eventually


@pytest.fixture
def worker(farm: Farm) -> Worker:
    """A worker that is awake."""
    return farm.worker()


def completed(farm: Farm, worker: Worker) -> str:
    """Return a job that is completed."""
    job = str(farm.submit()["id"])
    for _ in range(3):
        worker.does()
    assert farm.job(job)["status"] == "completed"
    return job


# --- jobs


@pytest.mark.parametrize("asked", ["pause-requested", "paused"])
def test_pausing_lets_the_running_task_finish_first(farm: Farm, worker: Worker, asked: str) -> None:
    job = farm.submit()["id"]
    task = worker.gets()["uuid"]
    farm.set_job(job, asked).says(204)
    assert farm.job(job)["status"] == "pause-requested"
    assert farm.statuses(job) == ["active", "paused", "paused"]
    worker.completes(task)
    assert farm.job(job)["status"] == "paused"
    assert farm.statuses(job) == ["completed", "paused", "paused"]
    worker.ask().says(204)


@pytest.mark.parametrize("asked", ["requeueing", "queued", "active"])
def test_a_paused_job_goes_on_where_it_was(farm: Farm, worker: Worker, asked: str) -> None:
    job = farm.submit()["id"]
    worker.does()
    farm.set_job(job, "paused").says(204)
    farm.set_job(job, asked).says(204)
    assert farm.statuses(job) == ["completed", "queued", "queued"]
    worker.does()
    worker.does()
    assert farm.job(job)["status"] == "completed"


@pytest.mark.parametrize("asked", ["cancel-requested", "canceled"])
def test_canceling_ends_all_that_is_not_done(farm: Farm, worker: Worker, asked: str) -> None:
    job = farm.submit()["id"]
    worker.does()
    task = worker.gets()["uuid"]
    farm.set_job(job, asked).says(204)
    shown = farm.job(job)
    assert shown["status"] == "canceled"
    assert "a test" in shown["activity"]
    assert farm.statuses(job) == ["completed", "canceled", "canceled"]
    assert not worker.may_run(task)["mayKeepRunning"]
    worker.ask().says(204)


def test_a_canceled_job_can_be_requeued_and_keeps_what_is_done(farm: Farm, worker: Worker) -> None:
    job = farm.submit()["id"]
    worker.does()
    farm.set_job(job, "canceled").says(204)
    farm.set_job(job, "requeueing").says(204)
    assert farm.statuses(job) == ["completed", "queued", "queued"]


def test_a_completed_job_that_is_requeued_is_done_again_from_the_start(
    farm: Farm, worker: Worker
) -> None:
    job = completed(farm, worker)
    farm.set_job(job, "requeueing").says(204)
    shown = farm.job(job)
    assert (shown["status"], shown["steps_completed"]) == ("queued", 0)
    assert farm.statuses(job) == ["queued", "queued", "queued"]
    for _ in range(3):
        worker.does()
    assert farm.job(job)["status"] == "completed"


def test_a_job_can_be_given_up_and_requeued(farm: Farm, worker: Worker) -> None:
    job = farm.submit()["id"]
    farm.set_job(job, "failed").says(204)
    assert farm.job(job)["status"] == "failed"
    assert {*farm.statuses(job)} == {"canceled"}
    farm.set_job(job, "queued").says(204)
    assert farm.job(job)["status"] == "queued"
    assert {*farm.statuses(job)} == {"queued"}


def test_what_a_job_is_already_can_be_asked_for(farm: Farm, worker: Worker) -> None:
    job = completed(farm, worker)
    farm.set_job(job, "completed").says(204)
    assert farm.job(job)["status"] == "completed"


@pytest.mark.parametrize("asked", ["completed", "under-construction"])
def test_what_follows_from_tasks_cannot_be_set(farm: Farm, asked: str) -> None:
    job = farm.submit()["id"]
    answer = farm.set_job(job, asked).says(422)
    assert "follows from its tasks" in answer.message
    assert "Cancel, pause or requeue" in answer.message


@pytest.mark.parametrize("asked", ["canceled", "cancel-requested", "paused", "failed", "queued"])
def test_a_completed_job_can_only_be_requeued(farm: Farm, worker: Worker, asked: str) -> None:
    job = completed(farm, worker)
    assert "Requeue it" in farm.set_job(job, asked).says(422).message
    assert farm.job(job)["status"] == "completed"


@pytest.mark.parametrize(
    "wrong", [{}, {"status": "paused"}, {"reason": "x"}, {"status": "sleeping", "reason": ""}]
)
def test_a_wish_needs_a_status_and_a_reason(farm: Farm, wrong: dict[str, str]) -> None:
    job = farm.submit()["id"]
    task = farm.tasks(job)[0]["id"]
    farm.ask("POST", f"{V3}/jobs/{job}/setstatus", wrong).says(400)
    farm.ask("POST", f"{V3}/tasks/{task}/setstatus", wrong).says(400)


# --- single tasks


def test_a_finished_task_that_is_requeued_takes_along_what_was_made_of_it(
    own_farm: Farm,
) -> None:
    job = own_farm.made_to_measure(
        {"name": "frame 1"}, {"name": "frame 2"}, {"name": "video", "after": [0, 1]}
    )
    worker = own_farm.worker()
    for _ in range(3):
        worker.does()
    first = own_farm.tasks(job)[0]["id"]
    own_farm.set_task(first, "queued").says(204)
    assert own_farm.statuses(job) == ["queued", "completed", "queued"]
    assert own_farm.job(job)["status"] in ("active", "queued")
    assert worker.does() == first
    worker.does()
    assert own_farm.job(job)["status"] == "completed"


def test_a_running_task_that_is_requeued_is_taken_from_its_worker(
    farm: Farm, worker: Worker
) -> None:
    farm.submit()
    first = worker.gets()
    farm.set_task(first["uuid"], "queued").says(204)
    again = worker.gets()
    assert again["uuid"] == first["uuid"]
    assert again["attempt"] != first["attempt"]


@pytest.mark.parametrize("status", ["canceled", "failed", "completed"])
def test_a_task_can_be_ended_by_hand(farm: Farm, status: str) -> None:
    job = farm.submit()["id"]
    task = farm.tasks(job)[0]["id"]
    farm.set_task(task, status).says(204)
    shown = farm.task(task)
    assert (shown["status"], shown["activity"]) == (status, "a test")


def test_a_task_ended_by_hand_lets_the_next_ones_begin(farm: Farm, worker: Worker) -> None:
    job = farm.submit()["id"]
    farm.set_task(farm.tasks(job)[0]["id"], "completed").says(204)
    assert worker.gets()["name"] == "sleep"


@pytest.mark.parametrize("status", ["active", "paused", "soft-failed"])
def test_some_statuses_of_a_task_cannot_be_set(farm: Farm, status: str) -> None:
    task = farm.tasks(farm.submit()["id"])[0]["id"]
    answer = farm.set_task(task, status).says(422)
    assert "pause the whole job" in answer.message


def test_a_task_of_a_canceled_job_cannot_be_requeued_alone(farm: Farm) -> None:
    job = farm.submit()["id"]
    farm.set_job(job, "canceled").says(204)
    answer = farm.set_task(farm.tasks(job)[0]["id"], "queued").says(409)
    assert "Requeue the job" in answer.message


def test_a_finished_task_cannot_be_canceled(farm: Farm, worker: Worker) -> None:
    farm.submit()
    task = worker.does()
    farm.set_task(task, "canceled").says(409)
    assert farm.task(task)["status"] == "completed"


# --- asking twice


def test_a_job_submitted_again_with_its_key_is_the_same_job(farm: Farm, worker: Worker) -> None:
    key = str(uuid.uuid4())
    first = farm.submit(key=key)
    worker.gets()
    second = farm.submit(key=key, name="not this name")
    assert second["id"] == first["id"]
    assert second["name"] == first["name"]
    assert second["status"] == "active"
    assert [j["id"] for j in farm.get("/jobs")["jobs"]].count(first["id"]) == 1


def test_submissions_without_a_key_are_jobs_of_their_own(farm: Farm) -> None:
    assert farm.submit()["id"] != farm.submit()["id"]


def test_a_wish_repeated_with_its_key_is_carried_out_once(farm: Farm, worker: Worker) -> None:
    job = completed(farm, worker)
    key = str(uuid.uuid4())
    farm.set_job(job, "requeueing", key=key).says(204)
    worker.does()
    farm.set_job(job, "requeueing", key=key).says(204)
    assert farm.statuses(job) == ["completed", "queued", "queued"]


def test_a_key_that_is_no_uuid_is_refused_instead_of_forgotten(farm: Farm) -> None:
    headers = {"Idempotency-Key": "once"}
    farm.ask("POST", f"{V3}/jobs", farm.submission(), headers=headers).says(400)


# --- deletion


def test_a_deleted_job_is_gone_with_its_tasks_and_files(
    node: NodeInAThread, own_farm: Farm
) -> None:
    job = own_farm.made_to_measure({}, {})
    worker = own_farm.worker()
    task = worker.gets()["uuid"]
    worker.report(task, log="hello").says(204)
    folder = node.farm.files.root / f"job-{job[:4]}" / job
    assert folder.is_dir()
    own_farm.ask("DELETE", f"{V3}/jobs/{job}").says(204)
    eventually(lambda: own_farm.ask("GET", f"{V3}/jobs/{job}").status == 404)
    assert own_farm.get("/jobs") == {"jobs": []}
    assert own_farm.tasks(job) == []
    own_farm.ask("GET", f"{V3}/tasks/{task}").says(404)
    worker.report(task, taskStatus="completed", log="too late").says(404)
    assert not worker.may_run(task)["mayKeepRunning"]
    worker.ask().says(204)
    eventually(lambda: not folder.parent.exists())


def test_a_job_that_is_to_be_deleted_says_so_and_is_not_worked_on(
    node: NodeInAThread, own_farm: Farm
) -> None:
    node.farm.manager.watch.look = _look_away  # type: ignore[method-assign]
    job = own_farm.made_to_measure({}, {})
    worker = own_farm.worker()
    own_farm.ask("DELETE", f"{V3}/jobs/{job}").says(204)
    shown = fits(own_farm.job(job), shapes.JOB)
    assert "delete_requested_at" in shown
    assert [j["id"] for j in own_farm.get("/jobs")["jobs"]] == [job]
    worker.ask().says(204)
    own_farm.ask("DELETE", f"{V3}/jobs/{job}").says(204)


async def _look_away(now_ms: int) -> None:
    """Look after nothing: deleting waits."""
