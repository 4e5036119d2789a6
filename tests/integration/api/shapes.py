"""What answers look like, in the tests' own words.

Is: a second, independent description of what Flamenco's clients need: which keys an object always
has, which only when there is something to say, and of which kind each is. Is not: made from the
code it checks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
JOB_STATUSES = {
    "active", "canceled", "completed", "failed", "paused", "pause-requested", "queued",
    "cancel-requested", "requeueing", "under-construction",
}  # fmt: skip
TASK_STATUSES = {
    "active", "canceled", "completed", "failed", "queued", "soft-failed", "paused",
}  # fmt: skip
WORKER_STATUSES = {"starting", "awake", "asleep", "error", "testing", "offline", "restart"}
FARM_STATUSES = {"active", "idle", "waiting", "asleep", "inoperative", "unknown", "starting"}

Shape = Mapping[str, Any]
"""Key -> kind; a "?" at a key's end: only if set. A kind is a type, a pattern, a set of values,
another shape, or a list of one kind."""

VERSION: Shape = {"version": str, "shortversion": str, "name": str, "git": str}
FARM_STATUS: Shape = {"status": FARM_STATUSES}
JOB_TYPE: Shape = {"name": str, "label": str, "etag": str, "settings": list, "description?": str}
TALLY: Shape = dict.fromkeys(("total", "ready", "active", "done", "failed", "canceled"), int)
BLENDER_NEED: Shape = {"version": str, "newer_allowed": bool}
JOB: Shape = {
    "id": UUID, "name": str, "type": str, "priority": int, "submitter_platform": {""},
    "settings": dict, "metadata": dict, "created": INSTANT, "updated": INSTANT,
    "status": JOB_STATUSES, "activity": str, "steps_completed": int, "steps_total": int,
    "tally": TALLY, "storage?": {"shaman_checkout_id": str}, "worker_tag?": UUID,
    "delete_requested_at?": INSTANT, "blender?": BLENDER_NEED, "submitter?": str, "owner?": str,
    "comment?": str,
}  # fmt: skip
TASK_WORKER: Shape = {"id": str, "name": str, "address": str}
TASK_SUMMARY: Shape = {
    "id": UUID, "name": str, "status": TASK_STATUSES, "index_in_job": int, "priority": int,
    "task_type": str, "updated": INSTANT, "steps_completed": int, "steps_total": int,
    "worker": TASK_WORKER,
}  # fmt: skip
COMMAND: Shape = {"name": str, "parameters": dict, "total_step_count": int}
TASK: Shape = {
    **TASK_SUMMARY, "job_id": UUID, "activity": str, "created": INSTANT, "commands": [COMMAND],
    "failed_by_workers": [TASK_WORKER], "last_touched?": INSTANT,
}  # fmt: skip
LOG_INFO: Shape = {"task_id": UUID, "job_id": UUID, "url": str, "size": int}
LAST_RENDERED: Shape = {"base": str, "suffixes": [str]}
REGISTERED: Shape = {
    "uuid": UUID, "name": str, "address": str, "status": {"offline"}, "platform": str,
    "software": str, "supported_task_types": [str],
}  # fmt: skip
STATE_CHANGE: Shape = {"status_requested": WORKER_STATUSES}
ASSIGNED: Shape = {
    "uuid": UUID, "job": UUID, "name": str, "status": {"active"}, "priority": int,
    "job_priority": int, "job_type": str, "task_type": str, "commands": [COMMAND],
    "steps_completed": int, "steps_total": int, "attempt": UUID, "epoch": int,
    "blender?": BLENDER_NEED, "stale_outputs?": [str],
}  # fmt: skip
MAY_RUN: Shape = {"mayKeepRunning": bool, "reason": str, "statusChangeRequested": bool}
STATUS_CHANGE: Shape = {"status": WORKER_STATUSES, "is_lazy": bool}
WORKER_SUMMARY: Shape = {
    "id": UUID, "name": str, "status": WORKER_STATUSES, "version": str, "can_restart": bool,
    "last_seen?": INSTANT, "status_change?": STATUS_CHANGE,
}  # fmt: skip
WORKER: Shape = {
    **WORKER_SUMMARY, "ip_address": str, "platform": str, "supported_task_types": [str],
    "task?": {**TASK_SUMMARY, "job_id": UUID}, "blenders?": [{"version": str, "kind": str}],
    "node?": UUID,
}  # fmt: skip
NODE: Shape = {
    "id": UUID, "name": str, "url": str, "role": str, "online": bool, "applied": int, "lag": int,
}  # fmt: skip
CLUSTER: Shape = {
    "farm": str, "generation": UUID, "term": int,
    "manager": {"id": UUID, "name": str, "url": str}, "nodes": [NODE],
}  # fmt: skip
EVENT_JOB: Shape = {
    "id": UUID, "name": str, "updated": INSTANT, "status": JOB_STATUSES, "type": str,
    "priority": int, "refresh_tasks": bool, "steps_completed": int, "steps_total": int,
    "previous_status?": JOB_STATUSES, "delete_requested_at?": INSTANT,
}  # fmt: skip
EVENT_JOB_REMOVED: Shape = {
    "id": UUID, "was_deleted": {True}, "updated": {"0001-01-01T00:00:00Z"}, "status": {""},
    "type": {""}, "priority": {0}, "refresh_tasks": {False}, "steps_completed": {0},
    "steps_total": {0},
}  # fmt: skip
EVENT_TASK: Shape = {
    "id": UUID, "job_id": UUID, "name": str, "updated": INSTANT, "status": TASK_STATUSES,
    "activity": str, "steps_completed": int, "steps_total": int,
    "previous_status?": TASK_STATUSES, "worker?": {"name": str, "uuid": UUID},
}  # fmt: skip
EVENT_LOG: Shape = {"task_id": UUID, "log": str}
EVENT_RENDERED: Shape = {"job_id": UUID, "thumbnail": LAST_RENDERED}
EVENT_WORKER: Shape = {
    "id": UUID, "name": str, "updated": INSTANT, "status": WORKER_STATUSES, "version": str,
    "can_restart": bool, "previous_status?": WORKER_STATUSES, "status_change?": STATUS_CHANGE,
    "deleted_at?": INSTANT,
}  # fmt: skip


def fits(value: Any, kind: Any, place: str = "the answer") -> Any:
    """Fail unless a JSON value is of a kind; return it."""
    assert value is not None, f"{place} is null"
    match kind:
        case type():
            assert type(value) is kind, f"{place} is {value!r}"
        case re.Pattern():
            assert isinstance(value, str), f"{place} is {value!r}"
            assert kind.fullmatch(value), f"{place} is {value!r}"
        case set():
            assert value in kind, f"{place} is {value!r}"
        case list():
            assert isinstance(value, list), f"{place} is {value!r}"
            for number, item in enumerate(value):
                fits(item, kind[0], f"{place}[{number}]")
        case _:
            _fits_shape(value, kind, place)
    return value


def _fits_shape(value: Any, shape: Shape, place: str) -> None:
    assert isinstance(value, dict), f"{place} is {value!r}"
    always = {key for key in shape if not key.endswith("?")}
    known = {key.removesuffix("?"): kind for key, kind in shape.items()}
    assert always <= {*value}, f"{place} lacks {always - {*value}}"
    assert {*value} <= {*known}, f"{place} has unexpected { ({*value} - {*known}) }"
    for key, item in value.items():
        fits(item, known[key], f"{place}.{key}")
