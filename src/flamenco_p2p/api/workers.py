"""Doors for people: workers, and what they are asked to become.

Is: parse, ask once, render. Is not: what workers themselves call (duty).
"""

from __future__ import annotations

from aiohttp import web

from flamenco_p2p.api.doors import FARM, answer, nothing, read_json, request_id
from flamenco_p2p.farm.errors import Refused, Unknown
from flamenco_p2p.farm.ids import WorkerId, read_id
from flamenco_p2p.farm.workers import StatusRequest
from flamenco_p2p.wire import workers as wire


async def fetch_workers(request: web.Request) -> web.Response:
    """GET /api/v3/worker-mgt/workers"""
    roster = request.app[FARM].manager.roster
    workers = sorted(roster.workers.values(), key=lambda worker: worker.id)
    return answer(wire.render_workers(workers, roster.seen_ms))


async def fetch_worker(request: web.Request) -> web.Response:
    """GET /api/v3/worker-mgt/workers/{worker_id}"""
    farm = request.app[FARM]
    worker = farm.manager.roster.workers.get(_worker_in_path(request))
    if worker is None:
        raise Unknown("There is no such worker.", remedy="Look at the list of workers.")
    last = await farm.reads.last_task(worker.id)
    seen_ms = farm.manager.roster.seen_ms.get(worker.id)
    return answer(wire.render_worker(worker, seen_ms, None if last is None else last[0]))


async def request_worker_status_change(request: web.Request) -> web.Response:
    """POST /api/v3/worker-mgt/workers/{worker_id}/setstatus"""
    wish = wire.parse_status_change_request(await read_json(request))
    await request.app[FARM].manager.steering.request_worker_status(
        _worker_in_path(request),
        StatusRequest(status=wish.status, is_lazy=wish.is_lazy),
        request_id(request),
    )
    return nothing()


def _worker_in_path(request: web.Request) -> WorkerId:
    raw = read_id(request.match_info["worker_id"])
    if raw is None:
        raise Refused("The worker's id is not a UUID.", remedy="Copy it from the list.")
    return WorkerId(raw)
