"""Every operation: which statuses it answers with, and every key of what it says."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.api import shapes
from tests.integration.api.shapes import fits
from tests.integration.api.talk import V3, Farm, Worker, basic

NOBODY = "0d5c7f1a-0000-4000-8000-000000000001"
NO_UUIDS = ("nonsense", "1", NOBODY.replace("-", ""), "urn:uuid:" + NOBODY, NOBODY + "0")


@pytest.fixture
def worker(farm: Farm) -> Worker:
    """A worker that is awake."""
    return farm.worker()


# --- the farm as a whole


def test_the_version_is_told_to_everybody(farm: Farm) -> None:
    fits(farm.get("/version"), shapes.VERSION)


def test_the_farm_is_said_in_one_word(farm: Farm) -> None:
    fits(farm.get("/status"), shapes.FARM_STATUS)


def test_the_cluster_is_one_node_that_manages(farm: Farm) -> None:
    cluster = farm.ask("GET", "/api/p2p/v1/cluster").says(200).json()
    fits(cluster, shapes.CLUSTER)
    assert [node["role"] for node in cluster["nodes"]] == ["leader"]
    assert cluster["manager"]["id"] == cluster["nodes"][0]["id"]


@pytest.mark.parametrize("path", ["/api/p2p/v1/openapi", "/api/v3/openapi3.json"])
def test_the_api_describes_itself(farm: Farm, path: str) -> None:
    answer = farm.ask("GET", path)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.body.startswith(b'{"openapi":"3.1')


# --- job types


def test_job_types_are_sorted_and_say_no_more_than_their_scripts(farm: Farm) -> None:
    types = farm.get("/jobs/types")
    fits(types, {"job_types": [shapes.JOB_TYPE]})
    names = [job_type["name"] for job_type in types["job_types"]]
    assert names == sorted(names)
    assert {"echo-sleep-test", "simple-blender-render", "single-image-render"} <= {*names}
    (echo,) = [t for t in types["job_types"] if t["name"] == "echo-sleep-test"]
    assert all(None not in setting.values() for setting in echo["settings"])
    assert not any("editable" in setting for setting in echo["settings"])


def test_one_job_type_is_what_the_list_says(farm: Farm) -> None:
    (listed,) = [t for t in farm.get("/jobs/types")["job_types"] if t["name"] == "echo-sleep-test"]
    assert farm.get("/jobs/type/echo-sleep-test") == listed


def test_an_unknown_job_type_is_not_found(farm: Farm) -> None:
    farm.ask("GET", f"{V3}/jobs/type/nonsense").says(404)


# --- submitting


def test_a_submitted_job_is_answered_whole_and_waits_in_the_queue(farm: Farm) -> None:
    job = farm.submit(metadata={"project": "sprite"}, priority=61)
    fits(job, shapes.JOB)
    assert (job["status"], job["priority"], job["steps_total"]) == ("queued", 61, 3)
    assert job["metadata"] == {"project": "sprite"}
    assert "type_etag" not in job
    assert "initial_status" not in job


def test_what_is_set_of_a_job_is_shown(farm: Farm) -> None:
    job = farm.submit(
        storage={"shaman_checkout_id": "2026/shot"},
        blender={"version": "4.2", "newer_allowed": False},
        submitter="anna",
        owner="bert",
        comment="for Friday",
    )
    fits(job, shapes.JOB)
    assert job["storage"] == {"shaman_checkout_id": "2026/shot"}
    assert job["blender"] == {"version": "4.2", "newer_allowed": False}
    assert (job["submitter"], job["owner"], job["comment"]) == ("anna", "bert", "for Friday")


@pytest.mark.parametrize("priority", [None, "absent"])
def test_without_a_priority_a_job_gets_fifty(farm: Farm, priority: str | None) -> None:
    said: dict[str, Any] = {} if priority == "absent" else {"priority": None}
    assert farm.submit(**said)["priority"] == 50


def test_a_job_may_be_submitted_as_paused(farm: Farm) -> None:
    job = farm.submit(initial_status="paused")
    assert job["status"] == "paused"
    assert {*farm.statuses(job["id"])} == {"paused"}


def test_the_present_etag_is_taken_and_an_older_one_refused(farm: Farm) -> None:
    etag = farm.get("/jobs/type/echo-sleep-test")["etag"]
    farm.submit(type_etag=etag)
    farm.submit(type_etag="")
    old = farm.submission(type_etag="an-older-one")
    farm.ask("POST", f"{V3}/jobs", old).says(412)
    farm.ask("POST", f"{V3}/jobs/check", old).says(412)


@pytest.mark.parametrize("path", ["/jobs", "/jobs/check"])
@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "nonsense"},
        {"worker_tag": NOBODY},
        {"name": 5},
        {"name": None},
        {"settings": None},
        {"settings": []},
        {"metadata": {"frames": 5}},
        {"priority": "high"},
        {"priority": 1.5},
        {"initial_status": "sleeping"},
        {"blender": {"version": "four"}},
    ],
    ids=lambda wrong: str(wrong)[:40],
)
def test_a_wrong_submission_is_refused_in_words(farm: Farm, path: str, wrong: object) -> None:
    assert isinstance(wrong, dict)
    farm.ask("POST", V3 + path, farm.submission(**wrong)).says(400)


@pytest.mark.parametrize("missing", ["name", "type", "submitter_platform"])
def test_a_submission_without_what_it_needs_says_what_is_missing(farm: Farm, missing: str) -> None:
    body = farm.submission()
    del body[missing]
    assert missing in farm.ask("POST", f"{V3}/jobs", body).says(400).message


def test_checking_a_submission_takes_nothing_in(farm: Farm) -> None:
    before = len(farm.get("/jobs")["jobs"])
    farm.ask("POST", f"{V3}/jobs/check", farm.submission()).says(204)
    assert len(farm.get("/jobs")["jobs"]) == before


# --- looking at jobs and tasks


def test_jobs_are_listed_oldest_first_as_each_one_is_shown(farm: Farm) -> None:
    ids = [farm.submit(name=f"number {n}")["id"] for n in range(3)]
    jobs = farm.get("/jobs")
    fits(jobs, {"jobs": [shapes.JOB]})
    mine = [job for job in jobs["jobs"] if job["id"] in ids]
    assert [job["id"] for job in mine] == ids
    assert mine[0] == farm.job(ids[0])


def test_the_tasks_of_a_job_are_listed_in_their_order(farm: Farm) -> None:
    job = farm.submit()["id"]
    tasks = farm.get(f"/jobs/{job}/tasks")
    fits(tasks, {"tasks": [shapes.TASK_SUMMARY]})
    assert [task["name"] for task in tasks["tasks"]] == ["echo", "sleep", "sleep"]
    assert [task["index_in_job"] for task in tasks["tasks"]] == [1, 2, 3]
    assert tasks["tasks"][0]["worker"] == {"id": "", "name": "", "address": ""}


def test_an_unknown_job_has_no_tasks_and_no_picture(farm: Farm) -> None:
    assert farm.get(f"/jobs/{NOBODY}/tasks") == {"tasks": []}
    farm.ask("GET", f"{V3}/jobs/{NOBODY}/last-rendered").says(204)


def test_a_task_is_shown_with_its_commands(farm: Farm) -> None:
    task = farm.task(farm.tasks(farm.submit()["id"])[0]["id"])
    fits(task, shapes.TASK)
    assert task["commands"] == [
        {"name": "echo", "parameters": {"message": "hi"}, "total_step_count": 0}
    ]
    assert task["failed_by_workers"] == []
    assert "last_touched" not in task


def test_a_task_that_was_begun_shows_who_has_it_and_when_it_was_heard_of(
    farm: Farm, worker: Worker
) -> None:
    farm.submit()
    task = farm.task(worker.gets()["uuid"])
    fits(task, shapes.TASK)
    assert (task["worker"]["id"], task["worker"]["name"]) == (worker.id, "anna")
    assert "last_touched" in task


ABOUT_A_JOB: list[tuple[str, str, object]] = [
    ("GET", "", None),
    ("DELETE", "", None),
    ("POST", "/setstatus", {"status": "paused", "reason": "r"}),
    ("POST", "/setpriority", {"priority": 1}),
]


@pytest.mark.parametrize(("method", "path", "body"), ABOUT_A_JOB)
def test_an_unknown_job_is_not_found(farm: Farm, method: str, path: str, body: object) -> None:
    farm.ask(method, f"{V3}/jobs/{NOBODY}{path}", body).says(404)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [*ABOUT_A_JOB, ("GET", "/tasks", None), ("GET", "/last-rendered", None)],
)
@pytest.mark.parametrize("wrong", NO_UUIDS)
def test_a_job_id_that_is_no_uuid_is_refused(
    farm: Farm, method: str, path: str, body: object, wrong: str
) -> None:
    farm.ask(method, f"{V3}/jobs/{wrong}{path}", body).says(400)


@pytest.mark.parametrize("path", ["", "/log", "/logtail"])
def test_an_unknown_task_is_not_found_and_a_bad_id_refused(farm: Farm, path: str) -> None:
    farm.ask("GET", f"{V3}/tasks/{NOBODY}{path}").says(404)
    for wrong in NO_UUIDS:
        farm.ask("GET", f"{V3}/tasks/{wrong}{path}").says(400)


def test_setting_the_status_of_an_unknown_task_is_not_found_even_with_a_bad_id(farm: Farm) -> None:
    for task in (NOBODY, *NO_UUIDS):
        farm.set_task(task, "queued").says(404)


def test_ids_in_capitals_are_read(farm: Farm) -> None:
    job = farm.submit()["id"]
    assert farm.get(f"/jobs/{job.upper()}")["id"] == job


@pytest.mark.parametrize("priority", [-1, 101, 1 << 70, "high", None, 1.5, True])
def test_a_priority_outside_its_bounds_is_refused(farm: Farm, priority: object) -> None:
    job = farm.submit()["id"]
    farm.ask("POST", f"{V3}/jobs/{job}/setpriority", {"priority": priority}).says(400)
    assert farm.job(job)["priority"] == 50


@pytest.mark.parametrize("priority", [0, 100])
def test_a_priority_can_be_set_later(farm: Farm, priority: int) -> None:
    job = farm.submit()["id"]
    farm.ask("POST", f"{V3}/jobs/{job}/setpriority", {"priority": priority}).says(204)
    assert farm.job(job)["priority"] == priority


def test_a_body_is_looked_at_before_the_id(farm: Farm) -> None:
    farm.ask("POST", f"{V3}/jobs/{NOBODY}/setstatus", {"status": "sleeping"}).says(400)


# --- workers


def test_registering_tells_a_worker_who_it_is(farm: Farm) -> None:
    body = {
        "name": "anna",
        "secret": "x" * 64,
        "platform": "windows",
        "supported_task_types": ["blender", "misc"],
    }
    answer = farm.ask(
        "POST", f"{V3}/worker/register-worker", body, headers={"Authorization": "Basic Og=="}
    )
    registered = answer.says(200).json()
    fits(registered, shapes.REGISTERED)
    assert registered["supported_task_types"] == ["blender", "misc"]
    assert registered["platform"] == "windows"


def test_a_secret_is_at_most_72_bytes_long(farm: Farm) -> None:
    body = {"name": "a", "platform": "linux", "supported_task_types": []}
    where = f"{V3}/worker/register-worker"
    farm.ask("POST", where, body | {"secret": "ü" * 36}).says(200)
    farm.ask("POST", where, body | {"secret": "ü" * 36 + "x"}).says(400)


FOR_WORKERS: list[tuple[str, str, object]] = [
    ("POST", "/worker/sign-on", {}),
    ("POST", "/worker/sign-off", None),
    ("GET", "/worker/state", None),
    ("POST", "/worker/state-changed", {"status": "awake"}),
    ("POST", "/worker/task", None),
    ("POST", f"/worker/task/{NOBODY}", {}),
    ("GET", f"/worker/task/{NOBODY}/may-i-run", None),
    ("POST", f"/worker/task/{NOBODY}/output-produced", None),
]


@pytest.mark.parametrize(("method", "path", "body"), FOR_WORKERS)
@pytest.mark.parametrize(
    "proof",
    ["", "Basic", "Basic !!!", "Basic Og==", "Bearer x", basic(NOBODY, "x"), basic("ü", "ü"), "é"],
)
def test_whoever_is_no_worker_is_refused_with_403(
    farm: Farm, method: str, path: str, body: object, proof: str
) -> None:
    headers = {"Authorization": proof} if proof else {}
    answer = farm.ask(method, V3 + path, body, headers=headers).says(403)
    assert "WWW-Authenticate" not in answer.headers


def test_a_wrong_secret_is_refused_with_403(farm: Farm, worker: Worker) -> None:
    farm.ask(
        "GET", f"{V3}/worker/state", headers={"Authorization": basic(worker.id, "guessed")}
    ).says(403)


def test_signing_on_says_what_to_become(farm: Farm) -> None:
    worker = farm.registered()
    change = worker.sign_on().says(200).json()
    fits(change, shapes.STATE_CHANGE)
    assert change == {"status_requested": "awake"}
    assert worker.shown()["status"] == "starting"


@pytest.mark.parametrize("status", ["asleep", "offline", "restart"])
@pytest.mark.parametrize("lazy", [True, False])
def test_signing_on_says_what_people_asked_for(farm: Farm, status: str, *, lazy: bool) -> None:
    worker = farm.registered()
    worker.sign_on(can_restart=True).says(200)
    worker.asked_for(status, lazy=lazy).says(204)
    assert worker.sign_on(can_restart=True).json() == {"status_requested": status}


def test_signing_on_tells_people_about_the_worker(farm: Farm) -> None:
    worker = farm.registered("anna")
    node = str(uuid.uuid4())
    worker.sign_on(
        name="berta",
        supported_task_types=[" Blender ", "MISC"],
        software_version="4.0",
        can_restart=True,
        node=node,
        blenders=[{"version": "4.2.1", "kind": "embedded"}],
    ).says(200)
    shown = fits(worker.shown(), shapes.WORKER)
    assert (shown["name"], shown["version"], shown["can_restart"]) == ("berta", "4.0", True)
    assert shown["supported_task_types"] == ["blender", "misc"]
    assert shown["blenders"] == [{"version": "4.2.1", "kind": "embedded"}]
    assert shown["node"] == node


@pytest.mark.parametrize("wrong", [{"name": None}, {"supported_task_types": "misc"}, {"node": "x"}])
def test_a_wrong_sign_on_is_refused(farm: Farm, wrong: dict[str, object]) -> None:
    farm.registered().sign_on(**wrong).says(400)


def test_a_worker_hears_what_it_is_asked_to_become_until_it_is_so(worker: Worker) -> None:
    worker.call("GET", "/worker/state").says(204)
    worker.asked_for("asleep", lazy=True).says(204)
    asked = worker.call("GET", "/worker/state").says(200).json()
    assert fits(asked, shapes.STATE_CHANGE) == {"status_requested": "asleep"}
    worker.becomes("awake").says(204)
    worker.call("GET", "/worker/state").says(200)
    worker.becomes("asleep").says(204)
    worker.call("GET", "/worker/state").says(204)


def test_people_see_what_a_worker_is_asked_to_become(worker: Worker) -> None:
    assert "status_change" not in worker.shown()
    worker.asked_for("asleep", lazy=True).says(204)
    assert worker.shown()["status_change"] == {"status": "asleep", "is_lazy": True}
    worker.asked_for("awake").says(204)
    assert "status_change" not in worker.shown()


def test_a_worker_that_cannot_restart_is_not_asked_to(farm: Farm, worker: Worker) -> None:
    worker.asked_for("restart").says(412)
    able = farm.worker("berta", can_restart=True)
    able.asked_for("restart").says(204)


@pytest.mark.parametrize("status", ["", "sleepy", None, 5])
def test_a_worker_status_must_be_one_of_flamencos(worker: Worker, status: str) -> None:
    worker.asked_for(status).says(400)
    worker.becomes(status).says(400)


def test_workers_are_listed_and_shown_with_their_task(farm: Farm, worker: Worker) -> None:
    farm.submit()
    assert "task" not in fits(worker.shown(), shapes.WORKER)
    task = worker.gets()["uuid"]
    fits(farm.get("/worker-mgt/workers"), {"workers": [shapes.WORKER_SUMMARY]})
    shown = fits(worker.shown(), shapes.WORKER)
    assert shown["task"]["id"] == task
    assert shown["task"]["status"] == "active"
    assert shown["task"]["worker"]["id"] == worker.id
    worker.completes(task)
    assert worker.shown()["task"]["status"] == "completed"


def test_an_unknown_worker_is_not_found_and_a_bad_id_refused(farm: Farm) -> None:
    wish = {"status": "asleep", "is_lazy": False}
    asking: list[Callable[[str], object]] = [
        lambda who: farm.ask("GET", f"{V3}/worker-mgt/workers/{who}").says(
            404 if who == NOBODY else 400
        ),
        lambda who: farm.ask("POST", f"{V3}/worker-mgt/workers/{who}/setstatus", wish).says(
            404 if who == NOBODY else 400
        ),
    ]
    for ask in asking:
        for who in (NOBODY, *NO_UUIDS):
            ask(who)


# --- no such thing


@pytest.mark.parametrize(
    "path", ["/", "/api/v3", "/api/v3/", "/api/v3/version/", "/api/v3/Version", "/job-files/"]
)
def test_an_unknown_address_is_not_found_in_the_usual_words(farm: Farm, path: str) -> None:
    farm.ask("GET", path).says(404)


def test_a_wrong_method_is_refused_with_the_ones_that_are_taken(farm: Farm) -> None:
    answer = farm.ask("PUT", f"{V3}/version").says(405)
    assert answer.headers["Allow"] == "GET"
