"""What becomes of tasks, workers and jobs when workers fail: exact counts, over HTTP."""

from __future__ import annotations

from typing import Any

from tests.integration.api.talk import Farm, Worker


def workers_of(farm: Farm, *names: str) -> list[Worker]:
    """Return workers that are awake."""
    return [farm.worker(name) for name in names]


def failed_by(farm: Farm, task: str) -> set[str]:
    """Return who failed a task."""
    return {worker["name"] for worker in farm.task(task)["failed_by_workers"]}


MANY: list[dict[str, Any]] = [{}] * 30  # so that a failed one is far from ten percent


def test_three_workers_try_a_task_before_it_is_given_up(own_farm: Farm) -> None:
    anna, berta, carl, dora = workers_of(own_farm, "anna", "berta", "carl", "dora")
    job = own_farm.made_to_measure({"priority": 90}, *MANY)
    task = own_farm.tasks(job)[0]["id"]
    for tried, worker in enumerate((anna, berta), start=1):
        assert worker.gets()["uuid"] == task
        worker.fails(task)
        assert own_farm.task(task)["status"] == "soft-failed"
        assert len(failed_by(own_farm, task)) == tried
    assert carl.gets()["uuid"] == task
    carl.fails(task)
    assert own_farm.task(task)["status"] == "failed"
    assert failed_by(own_farm, task) == {"anna", "berta", "carl"}
    assert dora.gets()["uuid"] != task
    assert own_farm.job(job)["status"] == "active"


def test_a_worker_does_not_get_a_task_again_that_it_failed(own_farm: Farm) -> None:
    anna, berta = workers_of(own_farm, "anna", "berta")
    own_farm.made_to_measure({"priority": 90}, *MANY)
    first = anna.gets()["uuid"]
    anna.fails(first)
    second = anna.gets()["uuid"]
    assert second != first
    assert berta.gets()["uuid"] == first


def test_a_worker_is_blocked_at_its_third_failed_task_of_a_type(own_farm: Farm) -> None:
    anna, berta = workers_of(own_farm, "anna", "berta")
    job = own_farm.made_to_measure(*MANY)
    tasks = [task["id"] for task in own_farm.tasks(job)[:3]]
    for task in tasks:
        assert anna.gets()["uuid"] == task
        anna.fails(task)
    anna.ask().says(204)
    other = own_farm.made_to_measure({})
    assert anna.gets()["job"] == other
    assert berta.gets()["uuid"] == tasks[0]


def test_what_a_blocked_worker_failed_for_good_is_tried_by_others(own_farm: Farm) -> None:
    anna, berta, carl, dora = workers_of(own_farm, "anna", "berta", "carl", "dora")
    job = own_farm.made_to_measure({"priority": 90}, *MANY)
    first = own_farm.tasks(job)[0]["id"]
    for worker in (berta, carl, anna):
        assert worker.gets()["uuid"] == first
        worker.fails(first)
    assert own_farm.task(first)["status"] == "failed"
    for _ in range(2):  # it turns out to be anna's fault
        anna.fails(anna.gets()["uuid"])
    assert own_farm.task(first)["status"] == "queued"
    assert failed_by(own_farm, first) == set()
    assert dora.gets()["uuid"] == first


def test_the_last_worker_that_could_do_it_fails_the_job(own_farm: Farm) -> None:
    (anna,) = workers_of(own_farm, "anna")
    own_farm.worker("zoe", "blender")
    job = own_farm.made_to_measure(*MANY)
    task = anna.gets()["uuid"]
    anna.fails(task)
    shown = own_farm.job(job)
    assert shown["status"] == "failed"
    assert "Nobody is left" in shown["activity"]
    assert own_farm.task(task)["status"] == "failed"
    assert {*own_farm.statuses(job)[1:]} == {"canceled"}


def test_with_two_workers_each_gets_its_try(own_farm: Farm) -> None:
    anna, berta = workers_of(own_farm, "anna", "berta")
    job = own_farm.made_to_measure(*MANY)
    task = anna.gets()["uuid"]
    anna.fails(task)
    assert own_farm.task(task)["status"] == "soft-failed"
    assert berta.gets()["uuid"] == task
    berta.fails(task)
    assert own_farm.job(job)["status"] == "failed"


def test_a_job_fails_when_ten_percent_of_its_tasks_have(own_farm: Farm) -> None:
    job = own_farm.made_to_measure(*[{}] * 20)
    own_farm.worker()
    first, second, *_ = (task["id"] for task in own_farm.tasks(job))
    own_farm.set_task(first, "failed").says(204)
    assert own_farm.job(job)["status"] in ("queued", "active")
    own_farm.set_task(second, "failed").says(204)
    assert own_farm.job(job)["status"] == "failed"


def test_requeueing_forgives_workers_and_tasks(own_farm: Farm) -> None:
    anna, _ = workers_of(own_farm, "anna", "berta")
    job = own_farm.made_to_measure(*MANY)
    for _ in range(3):
        anna.fails(anna.gets()["uuid"])
    anna.ask().says(204)
    own_farm.set_job(job, "requeueing").says(204)
    first = own_farm.tasks(job)[0]["id"]
    assert failed_by(own_farm, first) == set()
    assert anna.gets()["uuid"] == first


def test_requeueing_a_task_lets_everybody_try_it_again(own_farm: Farm) -> None:
    anna, _ = workers_of(own_farm, "anna", "berta")
    own_farm.made_to_measure(*MANY)
    task = anna.gets()["uuid"]
    anna.fails(task)
    own_farm.set_task(task, "queued").says(204)
    assert failed_by(own_farm, task) == set()
    assert anna.gets()["uuid"] == task


def test_failures_are_explained_in_the_log(own_farm: Farm) -> None:
    anna, _ = workers_of(own_farm, "anna", "berta")
    own_farm.made_to_measure(*MANY)
    task = anna.gets()["uuid"]
    anna.fails(task)
    tail = own_farm.ask("GET", f"/api/v3/tasks/{task}/logtail").says(200).body.decode()
    assert "1 more worker(s) may try this task" in tail
    assert "assigned to worker anna" in tail
    assert "active → soft-failed" in tail
