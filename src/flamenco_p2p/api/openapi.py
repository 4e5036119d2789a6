"""The API's description of itself, as an OpenAPI document.

Is: the table of operations and the wire records, in the words of OpenAPI 3.1. Is not: a second
place to write any of it down.
"""

from __future__ import annotations

import functools
import inspect
import re
from http import HTTPStatus
from typing import Any, Final

import msgspec
from msgspec import Struct

from flamenco_p2p.api.operations import OPERATIONS, Body, Media, Operation
from flamenco_p2p.wire import events
from flamenco_p2p.wire.job_types import AvailableJobType
from flamenco_p2p.wire.json import encode
from flamenco_p2p.wire.meta import Error
from flamenco_p2p.wire.tasks import Command

_ABOUT: Final = (
    "The API of a flamenco-p2p farm. What is below /api/v3 works as in Flamenco 3; "
    "what is below /api/p2p is this program's own."
)
_TAGS: Final = {
    "meta": "The farm as a whole.",
    "jobs": "Jobs and their tasks, for those who want something rendered.",
    "worker": "What workers ask and report.",
    "worker-mgt": "Workers, for those who look after them.",
    "p2p": "What only this program has.",
}
# Not the body of any request or answer: pieces of raw JSON, and what comes as events.
_OTHER_SHAPES: Final[tuple[type[Struct], ...]] = (
    AvailableJobType,
    Command,
    events.EventFarmStatus,
    events.EventJobRemoved,
    events.EventJobUpdate,
    events.EventLastRenderedUpdate,
    events.EventLifeCycle,
    events.EventTaskLogUpdate,
    events.EventTaskUpdate,
    events.EventWorkerUpdate,
)
_SCHEMA_AT: Final = "#/components/schemas/{name}"


@functools.cache
def document(version: str) -> bytes:
    """Return the document as JSON; `version` is the program's."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation)
    return encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "flamenco-p2p", "version": version, "description": _ABOUT},
            "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
            "paths": paths,
            "components": {
                "schemas": _schemas(),
                "securitySchemes": {"worker_auth": {"type": "http", "scheme": "basic"}},
            },
        }
    )


def _described(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.operation_id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "responses": {
            **{
                str(status): {"description": HTTPStatus(status).phrase, **_content(answer)}
                for status, answer in operation.answers.items()
            },
            "default": {"description": "It could not be done.", **_content(Error)},
        },
    }
    if names := re.findall(r"\{(\w+)\}", operation.path):
        described["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in names
        ]
    if operation.body is not None:
        described["requestBody"] = {"required": True, **_content(operation.body)}
    if operation.worker_auth:
        described["security"] = [{"worker_auth": []}]
    return described


def _content(body: Body | None) -> dict[str, Any]:
    if body is None:
        return {}
    if isinstance(body, Media):
        return {"content": {kind: {} for kind in body.types}}
    schema = {"$ref": _SCHEMA_AT.format(name=body.__name__)}
    return {"content": {"application/json": {"schema": schema}}}


def _schemas() -> dict[str, Any]:
    """Return every wire record that is mentioned, by its name."""
    bodies = [body for op in OPERATIONS for body in (*op.answers.values(), op.body)]
    records = {body for body in bodies if body is not None and not isinstance(body, Media)}
    _, schemas = msgspec.json.schema_components(
        sorted({*records, *_OTHER_SHAPES}, key=lambda record: record.__name__),
        ref_template=_SCHEMA_AT,
    )
    for schema in schemas.values():
        text = inspect.cleandoc(schema.pop("description", ""))
        # What else is said of the farm's own words is for those who read the code.
        schema["description"] = text.partition(". ")[0] if "enum" in schema else text
    # The empty status of a worker that never signed on is never shown, and nobody can ask for it.
    schemas["WorkerStatus"]["enum"].remove("")
    return dict(sorted(schemas.items()))
