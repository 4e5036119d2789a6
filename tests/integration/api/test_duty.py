"""What workers and the farm say to each other about tasks."""

from __future__ import annotations

import json
import time

import pytest

from tests.integration.api import shapes
from tests.integration.api.node_in_a_thread import NodeInAThread
from tests.integration.api.shapes import fits
from tests.integration.api.talk import V3, Farm, Worker

NOBODY = "0d5c7f1a-0000-4000-8000-000000000001"


@pytest.fixture
def worker(farm: Farm) -> Worker:
    """A worker that is awake."""
    return farm.worker()


# --- asking for a task


def test_a_task_is_given_with_all_that_is_needed_to_carry_it_out(
    farm: Farm, worker: Worker
) -> None:
    job = farm.submit(blender={"version": "4.2"}, priority=70)["id"]
    task = fits(worker.gets(), shapes.ASSIGNED)
    assert task["job"] == job
    assert (task["name"], task["task_type"]) == ("echo", "misc")
    assert (task["priority"], task["job_priority"], task["job_type"]) == (50, 70, "echo-sleep-test")
    assert (task["steps_completed"], task["steps_total"]) == (0, 1)
    assert task["blender"] == {"version": "4.2", "newer_allowed": True}
    assert farm.job(job)["status"] == "active"


def test_a_worker_that_asks_again_gets_the_same_task_again(farm: Farm, worker: Worker) -> None:
    farm.submit()
    first = worker.gets()
    worker.report(first["uuid"], steps_completed=1).says(204)
    second = worker.gets()
    assert second == first | {"steps_completed": 1}


def test_a_worker_that_restarts_gets_its_task_again(farm: Farm, worker: Worker) -> None:
    farm.submit()
    first = worker.gets()
    worker.sign_on().says(200)
    worker.becomes("awake").says(204)
    assert worker.gets()["attempt"] == first["attempt"]


def test_without_work_there_is_nothing(worker: Worker) -> None:
    worker.ask().says(204)


def test_a_task_that_waits_for_another_is_not_given_out(farm: Farm, worker: Worker) -> None:
    farm.submit()
    worker.gets()
    farm.worker("berta").ask().says(204)


def test_a_worker_gets_no_tasks_of_types_it_does_not_do(farm: Farm) -> None:
    farm.submit()
    farm.worker("berta", "blender", "ffmpeg").ask().says(204)


@pytest.mark.parametrize("status", ["starting", "asleep", "offline", "testing"])
def test_a_worker_that_is_not_awake_gets_no_tasks(farm: Farm, status: str) -> None:
    farm.submit()
    worker = farm.registered()
    worker.ask().says(409)
    worker.sign_on().says(200)
    worker.becomes(status).says(204)
    worker.ask().says(409)


@pytest.mark.parametrize("lazy", [True, False])
def test_a_worker_that_is_asked_to_sleep_hears_it_instead_of_a_task(
    farm: Farm, worker: Worker, *, lazy: bool
) -> None:
    farm.submit()
    worker.asked_for("asleep", lazy=lazy).says(204)
    assert fits(worker.ask().says(423).json(), shapes.STATE_CHANGE) == {
        "status_requested": "asleep"
    }
    worker.becomes("asleep").says(204)
    worker.ask().says(409)


def test_variables_are_filled_in_for_the_worker_and_left_in_the_task(own_farm: Farm) -> None:
    job = own_farm.made_to_measure({"steps": [0]})
    (command,) = own_farm.worker().gets()["commands"]
    assert command["parameters"]["message"] == "blender {unknown}"
    (command,) = own_farm.task(own_farm.tasks(job)[0]["id"])["commands"]
    assert command["parameters"]["message"] == "{blender} {unknown}"


def test_a_task_is_given_to_one_worker_only_however_many_ask_at_once(own_farm: Farm) -> None:
    job = own_farm.made_to_measure(*[{}] * 20)
    workers = [own_farm.worker(f"worker {n}") for n in range(30)]
    holding = [worker.held("POST", "/worker/task") for worker in workers]
    answers = [held.__enter__() for held in holding]
    given = [json.loads(a.body)["uuid"] for a in (take() for take in answers) if a.status == 200]
    for held in holding:
        held.__exit__(None, None, None)
    assert len(given) == 20
    assert {*given} == {task["id"] for task in own_farm.tasks(job)}


# --- may I go on


def test_a_worker_may_go_on_with_its_own_task(farm: Farm, worker: Worker) -> None:
    farm.submit()
    said = fits(worker.may_run(worker.gets()["uuid"]), shapes.MAY_RUN)
    assert said == {"mayKeepRunning": True, "reason": "", "statusChangeRequested": False}


def test_nobody_may_go_on_with_a_task_that_does_not_exist(farm: Farm, worker: Worker) -> None:
    said = fits(worker.may_run(NOBODY), shapes.MAY_RUN)
    assert not said["mayKeepRunning"]
    assert not said["statusChangeRequested"]
    assert said["reason"]
    worker.call("GET", "/worker/task/nonsense/may-i-run").says(400)


def test_nobody_may_go_on_with_somebody_elses_task(farm: Farm, worker: Worker) -> None:
    farm.submit()
    task = worker.gets()["uuid"]
    assert not farm.worker("berta").may_run(task)["mayKeepRunning"]


def test_a_worker_asked_to_sleep_at_once_may_not_go_on(farm: Farm, worker: Worker) -> None:
    farm.submit()
    task = worker.gets()["uuid"]
    worker.asked_for("asleep").says(204)
    said = worker.may_run(task)
    assert (said["mayKeepRunning"], said["statusChangeRequested"]) == (False, True)


def test_a_worker_asked_to_sleep_later_may_finish_its_task(farm: Farm, worker: Worker) -> None:
    farm.submit()
    task = worker.gets()["uuid"]
    worker.asked_for("asleep", lazy=True).says(204)
    assert worker.may_run(task)["mayKeepRunning"]


@pytest.mark.parametrize("status", ["canceled", "completed", "failed", "queued"])
def test_a_worker_may_not_go_on_with_a_task_that_people_ended(
    farm: Farm, worker: Worker, status: str
) -> None:
    farm.submit()
    task = worker.gets()["uuid"]
    farm.set_task(task, status).says(204)
    said = worker.may_run(task)
    assert (said["mayKeepRunning"], said["statusChangeRequested"]) == (False, False)
    assert said["reason"]


def test_a_worker_may_finish_its_task_though_the_job_is_paused(farm: Farm, worker: Worker) -> None:
    job = farm.submit()["id"]
    task = worker.gets()["uuid"]
    farm.set_job(job, "paused").says(204)
    assert worker.may_run(task)["mayKeepRunning"]


# --- reporting


def test_an_empty_report_is_taken(farm: Farm, worker: Worker) -> None:
    farm.submit()
    worker.report(worker.gets()["uuid"]).says(204)


def test_what_a_worker_reports_is_shown(farm: Farm, worker: Worker) -> None:
    farm.submit()
    task = worker.gets()["uuid"]
    worker.report(task, taskStatus="active", activity="Started").says(204)
    shown = farm.task(task)
    assert (shown["activity"], shown["status"]) == ("Started", "active")


def test_steps_are_absolute_and_capped(farm: Farm, worker: Worker) -> None:
    job = farm.submit()["id"]
    task = worker.gets()["uuid"]
    for said, shown in ((1, 1), (1, 1), (7, 1), (0, 0), (1, 1)):
        worker.report(task, steps_completed=said).says(204)
        assert farm.task(task)["steps_completed"] == shown
        assert farm.tasks(job)[0]["steps_completed"] == shown
        assert farm.job(job)["steps_completed"] == shown


def test_steps_of_a_task_that_is_handed_back_are_forgotten(farm: Farm, worker: Worker) -> None:
    job = farm.submit()["id"]
    worker.report(worker.gets()["uuid"], steps_completed=1).says(204)
    worker.call("POST", "/worker/sign-off").says(204)
    assert farm.job(job)["steps_completed"] == 0
    assert farm.tasks(job)[0]["steps_completed"] == 0


def test_a_completed_task_has_all_its_steps(farm: Farm, worker: Worker) -> None:
    job = farm.submit()["id"]
    task = worker.does()
    shown = farm.task(task)
    assert (shown["status"], shown["steps_completed"]) == ("completed", 1)
    assert shown["activity"] == "Completed"
    assert farm.job(job)["steps_completed"] == 1


def test_the_last_task_completes_the_job(farm: Farm, worker: Worker) -> None:
    job = farm.submit()["id"]
    for _ in range(3):
        worker.does()
    shown = fits(farm.job(job), shapes.JOB)
    assert (shown["status"], shown["steps_completed"]) == ("completed", 3)
    assert shown["tally"]["done"] == 3
    worker.ask().says(204)


def test_a_report_on_an_unknown_task_is_not_found(farm: Farm, worker: Worker) -> None:
    for status in ("completed", "failed", "active"):
        worker.report(NOBODY, taskStatus=status).says(404)
    worker.report("nonsense").says(400)


def test_a_report_on_somebody_elses_task_is_a_conflict(farm: Farm, worker: Worker) -> None:
    job = farm.submit()["id"]
    task = worker.gets()["uuid"]
    berta = farm.worker("berta")
    for update in (
        {},
        {"activity": "mine!"},
        {"log": "mine!"},
        {"taskStatus": "completed", "log": "mine!"},
        {"taskStatus": "failed"},
        {"steps_completed": 1},
    ):
        berta.report(task, **update).says(409)
    waiting = farm.tasks(job)[1]["id"]
    worker.report(waiting, taskStatus="completed").says(409)
    assert b"mine!" not in farm.ask("GET", f"{V3}/tasks/{task}/logtail").says(200).body


def test_a_log_of_nobodys_task_is_kept_nowhere(node: NodeInAThread, own_farm: Farm) -> None:
    worker = own_farm.worker()
    worker.report(NOBODY, taskStatus="completed", log="lost").says(404)
    assert not list(node.farm.files.root.glob("**/*.txt"))


def test_a_result_that_comes_late_is_taken_with_its_log(farm: Farm, worker: Worker) -> None:
    farm.submit()
    task = worker.gets()["uuid"]
    worker.call("POST", "/worker/sign-off").says(204)
    assert farm.task(task)["status"] == "queued"
    worker.report(task, log="still did it", activity="x").says(409)
    worker.report(task, taskStatus="completed", log="did it after all").says(204)
    assert farm.task(task)["status"] == "completed"
    tail = farm.ask("GET", f"{V3}/tasks/{task}/logtail").says(200).body
    assert b"did it after all" in tail
    assert b"still did it" not in tail


def test_a_late_failure_is_a_conflict(farm: Farm, worker: Worker) -> None:
    farm.submit()
    task = worker.gets()["uuid"]
    worker.call("POST", "/worker/sign-off").says(204)
    worker.report(task, taskStatus="failed").says(409)
    assert farm.task(task)["status"] == "queued"


def test_a_result_of_an_earlier_round_is_a_conflict(farm: Farm, worker: Worker) -> None:
    farm.submit()
    task = worker.gets()["uuid"]
    farm.set_task(task, "queued").says(204)
    worker.report(task, taskStatus="completed").says(409)
    assert farm.task(task)["status"] == "queued"


def test_completing_a_task_twice_is_once(farm: Farm, worker: Worker) -> None:
    job = farm.submit()["id"]
    task = worker.does()
    worker.completes(task)
    assert farm.job(job)["tally"]["done"] == 1


def test_a_worker_cannot_report_a_task_as_soft_failed(farm: Farm, worker: Worker) -> None:
    farm.submit()
    task = worker.gets()["uuid"]
    worker.report(task, taskStatus="soft-failed").says(400)
    assert farm.task(task)["status"] == "active"


@pytest.mark.parametrize("status", ["queued", "paused", "canceled"])
def test_a_worker_may_hand_its_task_back(farm: Farm, worker: Worker, status: str) -> None:
    farm.submit()
    task = worker.gets()["uuid"]
    worker.report(task, taskStatus=status, activity="no room here").says(204)
    shown = farm.task(task)
    assert (shown["status"], shown["activity"]) == ("queued", "no room here")
    assert shown["failed_by_workers"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"taskStatus": "finished"},
        {"taskStatus": None},
        {"steps_completed": -1},
        {"steps_completed": 1 << 80},
        {"steps_completed": "1"},
        {"log": 5},
        {"activity": None},
        {"attempt": "x"},
        {"outputs": "one"},
    ],
    ids=str,
)
def test_a_wrong_report_is_refused(farm: Farm, worker: Worker, wrong: dict[str, object]) -> None:
    farm.submit()
    worker.report(worker.gets()["uuid"], **wrong).says(400)


# --- coming and going


def test_signing_off_hands_the_task_back_and_resumes_later(farm: Farm, worker: Worker) -> None:
    job = farm.submit()["id"]
    task = worker.gets()["uuid"]
    worker.call("POST", "/worker/sign-off").says(204)
    shown = farm.task(task)
    assert (shown["status"], shown["worker"]["id"]) == ("queued", worker.id)
    assert worker.shown()["status"] == "offline"
    assert worker.shown()["status_change"] == {"status": "awake", "is_lazy": False}
    berta = farm.worker("berta")
    assert berta.gets()["uuid"] == task
    assert farm.job(job)["status"] == "active"


def test_going_to_sleep_hands_the_task_back(farm: Farm, worker: Worker) -> None:
    farm.submit()
    task = worker.gets()["uuid"]
    worker.becomes("asleep").says(204)
    assert farm.task(task)["status"] == "queued"


def test_a_task_handed_back_in_a_paused_job_is_paused(farm: Farm, worker: Worker) -> None:
    job = farm.submit()["id"]
    task = worker.gets()["uuid"]
    farm.set_job(job, "paused").says(204)
    worker.call("POST", "/worker/sign-off").says(204)
    assert farm.task(task)["status"] == "paused"
    assert farm.job(job)["status"] == "paused"


def test_a_silent_worker_loses_its_task_and_comes_back_by_asking(
    node: NodeInAThread, own_farm: Farm
) -> None:
    anna = own_farm.worker("anna")
    job = own_farm.made_to_measure({})
    task = anna.gets()["uuid"]
    node.look(int(time.time() * 1000) + 59_000)
    assert anna.shown()["status"] == "awake"
    node.look(int(time.time() * 1000) + 61_000)
    assert anna.shown()["status"] == "error"
    assert "status_change" not in anna.shown()
    assert own_farm.task(task)["status"] == "queued"
    assert not anna.may_run(task)["mayKeepRunning"]
    assert anna.gets()["uuid"] == task
    assert anna.shown()["status"] == "awake"
    anna.completes(task)
    assert own_farm.job(job)["status"] == "completed"


def test_a_silent_worker_may_be_asked_to_sleep_instead(node: NodeInAThread, own_farm: Farm) -> None:
    anna = own_farm.worker("anna")
    node.look(int(time.time() * 1000) + 61_000)
    anna.asked_for("asleep").says(204)
    assert anna.ask().says(423).json() == {"status_requested": "asleep"}


def test_a_worker_that_only_waits_is_not_silent(node: NodeInAThread, own_farm: Farm) -> None:
    anna = own_farm.worker("anna")
    anna.becomes("asleep").says(204)
    now_ms = int(time.time() * 1000)
    (worker,) = node.farm.manager.roster.workers
    node.farm.manager.roster.see(worker, now_ms - 50_000)
    anna.call("GET", "/worker/state").says(204)
    node.look(now_ms + 50_000)
    assert anna.shown()["status"] == "asleep"


def test_a_task_nobody_hears_of_fails_as_if_its_worker_had_failed_it(
    node: NodeInAThread, own_farm: Farm
) -> None:
    anna, _ = own_farm.worker("anna"), own_farm.worker("berta")
    own_farm.made_to_measure({})
    task = anna.gets()["uuid"]
    later = int(time.time() * 1000) + 601_000
    for worker in node.farm.manager.roster.workers:
        node.farm.manager.roster.see(worker, later)
    node.look(later)
    shown = own_farm.task(task)
    assert shown["status"] == "soft-failed"
    assert [w["name"] for w in shown["failed_by_workers"]] == ["anna"]
    assert "10 minutes" in shown["activity"]
