"""What all doors share: the parts behind them, reading a request, writing an answer.

Is: the few lines every handler needs. Is not: a route.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from flamenco_p2p import clock
from flamenco_p2p.bus import Bus
from flamenco_p2p.compiler.compile import JobCompiler
from flamenco_p2p.farm.errors import Refused, TooLarge, Unknown
from flamenco_p2p.farm.ids import FarmId, JobId, NodeId, RequestId, TaskKey, read_id, read_task
from flamenco_p2p.files.layout import JobFiles
from flamenco_p2p.files.previews import Previews
from flamenco_p2p.files.task_logs import TaskLogs
from flamenco_p2p.manager.manager import Manager
from flamenco_p2p.rules.variables import VariableTable
from flamenco_p2p.store.farm_reads import FarmReads
from flamenco_p2p.wire.json import encode

MOST_JSON_BYTES = 256 * 1024
PIECE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Farm:
    """What is behind the doors."""

    manager: Manager
    reads: FarmReads
    compiler: JobCompiler
    bus: Bus
    files: JobFiles
    logs: TaskLogs
    previews: Previews
    variables: VariableTable
    farm_id: FarmId
    farm_name: str
    node_id: NodeId
    node_name: str
    version: str
    short_version: str
    platform: str
    own_names: frozenset[str]
    longest_wait_s: float
    applied_index: Callable[[], int]


FARM: web.AppKey[Farm] = web.AppKey("farm", Farm)


def answer(body: Any, *, status: int = 200) -> web.Response:
    """Answer with JSON."""
    return web.Response(body=encode(body), status=status, content_type="application/json")


async def answer_list(
    request: web.Request, key: str, items: AsyncIterator[bytes]
) -> web.StreamResponse:
    """Answer with `{key: [...]}`, sent piece by piece: no list is ever held or written whole."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    piece = bytearray(b'{"%s":[' % key.encode())
    first = True
    async for item in items:
        piece += item if first else b"," + item
        first = False
        if len(piece) > PIECE_BYTES:
            await response.write(bytes(piece))
            piece.clear()
    await response.write(bytes(piece) + b"]}\n")
    return response


def nothing(status: int = 204) -> web.Response:
    """Answer without a body; Flamenco's worker takes a content type here for a broken answer."""
    return web.Response(status=status)


async def read_json(request: web.Request) -> bytes:
    """Return a JSON body. Raises `Refused` for another content type and `TooLarge`."""
    if request.content_type != "application/json":
        raise Refused(
            f"The request's body is “{request.content_type}”, not JSON.",
            remedy="Send it with the header `Content-Type: application/json`.",
        )
    if (request.content_length or 0) > MOST_JSON_BYTES:
        raise _too_large()
    body = bytearray()
    async for chunk in request.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > MOST_JSON_BYTES:
            raise _too_large()
    return bytes(body)


def _too_large() -> TooLarge:
    return TooLarge(
        f"The request is larger than {MOST_JSON_BYTES // 1024} KiB.",
        remedy="Keep long lists in a file that the job's tasks read.",
    )


def job_in_path(request: web.Request) -> JobId:
    """Return the job a path names. Raises `Refused` if it is no UUID."""
    raw = read_id(request.match_info["job_id"])
    if raw is None:
        raise Refused("The job's id is not a UUID.", remedy="Copy it from the list of jobs.")
    return JobId(raw)


def task_in_path(request: web.Request) -> TaskKey:
    """Return the task a path names. Raises `Refused` if it is no UUID."""
    task = read_task(request.match_info["task_id"])
    if task is None:
        raise Refused("The task's id is not a UUID.", remedy="Copy it from the list of tasks.")
    return task


def known_task_in_path(request: web.Request) -> TaskKey:
    """Return the task a path names; what is no UUID is unknown here, as in Flamenco."""
    task = read_task(request.match_info["task_id"])
    if task is None:
        raise Unknown("There is no such task.")
    return task


def idempotency_key(request: web.Request) -> bytes | None:
    """Return the caller's own id of this write, if it gave one. Raises `Refused` if no UUID."""
    text = request.headers.get("Idempotency-Key", "")
    key = read_id(text)
    if text and key is None:
        raise Refused("The Idempotency-Key is not a UUID.", remedy="Make a fresh one per request.")
    return key


def request_id(request: web.Request) -> RequestId:
    """Return the id of a write: the caller's, or a fresh one."""
    key = idempotency_key(request)
    return clock.fresh_request_id() if key is None else RequestId(key)


def has_gone(request: web.Request) -> bool:
    """Say whether nobody is there any more to hear the answer."""
    return request.transport is None or request.transport.is_closing()


def wait_wanted(request: web.Request) -> float:
    """Return how many seconds the caller would wait for an answer (`Prefer: wait=…`, RFC 7240)."""
    for preference in request.headers.get("Prefer", "").split(","):
        name, _, value = preference.strip().partition("=")
        if name.strip().lower() == "wait" and value.strip().isdecimal():
            return min(float(value), request.app[FARM].longest_wait_s)
    return 0.0
