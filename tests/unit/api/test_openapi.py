"""The API's description of itself."""

from __future__ import annotations

import re
from typing import Any

import pytest
from msgspec import Raw, Struct, json
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from flamenco_p2p.api.openapi import document
from flamenco_p2p.api.operations import OPERATIONS, Operation
from flamenco_p2p.wire.job_files import render_last_rendered, render_task_log_info
from flamenco_p2p.wire.jobs import JobsQueryResult, render_job
from flamenco_p2p.wire.json import encode
from flamenco_p2p.wire.meta import AvailableJobTypes, Error
from flamenco_p2p.wire.tasks import JobTasksSummary, render_assigned_task, render_task
from flamenco_p2p.wire.workers import render_registered, render_worker, render_workers
from tests.unit.wire import examples as the

DOCUMENT: dict[str, Any] = json.decode(document("0.1.0"))

ANSWERS: list[Struct] = [
    JobsQueryResult(jobs=[render_job(the.PLAIN_JOB)]),
    render_task(the.PLAIN_TASK, None, [the.PLAIN_WORKER]),
    JobTasksSummary(tasks=[]),
    render_assigned_task(the.OUR_ASSIGNMENT, b"[]"),
    render_task_log_info(the.TASK_KEY, 47),
    render_last_rendered(the.JOB_ID),
    render_registered(the.PLAIN_WORKER),
    render_workers([the.OUR_WORKER], {the.WORKER_ID: the.NOON_MS}),
    render_worker(the.OUR_WORKER, the.NOON_MS, the.PLAIN_TASK),
    AvailableJobTypes(job_types=[Raw(b'{"name":"x","label":"X","etag":"1","settings":[]}')]),
    Error(code=404, message="There is no such job."),
]


def test_the_document_is_valid_openapi() -> None:
    validate(DOCUMENT)


def test_the_document_is_made_once() -> None:
    assert document("0.1.0") is document("0.1.0")


def test_no_two_operations_share_an_id_or_a_route() -> None:
    assert len({op.operation_id for op in OPERATIONS}) == len(OPERATIONS)
    assert len({(op.method, op.path) for op in OPERATIONS}) == len(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda op: op.operation_id)
def test_no_earlier_placeholder_takes_an_operations_path(operation: Operation) -> None:
    earlier = OPERATIONS[: OPERATIONS.index(operation)]
    assert not any(
        re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", other.path), operation.path)
        for other in earlier
        if other.method == operation.method
    )


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda op: op.operation_id)
def test_every_operation_is_described(operation: Operation) -> None:
    described = DOCUMENT["paths"][operation.path][operation.method.lower()]
    assert described["operationId"] == operation.operation_id
    assert described["tags"] == [operation.tag]
    assert described.get("security") == ([{"worker_auth": []}] if operation.worker_auth else None)
    assert ("requestBody" in described) == (operation.body is not None)
    assert {*described["responses"]} == {*map(str, operation.answers), "default"}
    assert operation.summary.endswith(".")


def test_only_workers_need_a_password() -> None:
    assert {op.operation_id for op in OPERATIONS if op.worker_auth} == {
        "signOn",
        "signOff",
        "workerState",
        "workerStateChanged",
        "scheduleTask",
        "taskUpdate",
        "mayWorkerRun",
        "taskOutputProduced",
    }


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: type(answer).__name__)
def test_answers_are_what_the_document_says(answer: Struct) -> None:
    schema = {"$ref": f"#/components/schemas/{type(answer).__name__}"}
    OAS31Validator({**schema, "components": DOCUMENT["components"]}).validate(
        json.decode(encode(answer))
    )


def test_statuses_are_those_that_flamencos_clients_know() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert {*schemas["WorkerStatus"]["enum"]} == {
        "starting", "awake", "asleep", "error", "testing", "offline", "restart",
    }  # fmt: skip
    assert {*schemas["TaskStatus"]["enum"]} == {
        "active", "canceled", "completed", "failed", "queued", "soft-failed", "paused",
    }  # fmt: skip


def test_nothing_in_the_document_speaks_of_our_code() -> None:
    descriptions = [schema["description"] for schema in DOCUMENT["components"]["schemas"].values()]
    assert all(descriptions)
    assert not any("rules/" in text for text in descriptions)
