"""Doors for artists: the tasks of a job, one task, its log.

Is: parse, ask once, render. Is not: the log's text itself (job_files).
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web
from msgspec import structs

from flamenco_p2p.api.doors import (
    FARM,
    Farm,
    answer,
    answer_list,
    job_in_path,
    known_task_in_path,
    nothing,
    read_json,
    request_id,
    task_in_path,
)
from flamenco_p2p.farm.errors import Unknown
from flamenco_p2p.farm.ids import JobId
from flamenco_p2p.farm.jobs import Task
from flamenco_p2p.farm.workers import Worker
from flamenco_p2p.wire import tasks as wire
from flamenco_p2p.wire.job_files import render_task_log_info
from flamenco_p2p.wire.json import encode

PAGE = 500


async def fetch_job_tasks(request: web.Request) -> web.StreamResponse:
    """GET /api/v3/jobs/{job_id}/tasks"""
    tasks = _all_tasks(request.app[FARM], job_in_path(request))
    return await answer_list(request, "tasks", tasks)


async def _all_tasks(farm: Farm, job: JobId) -> AsyncIterator[bytes]:
    last = 0
    while page := await farm.reads.tasks(job, last, PAGE):
        for task in page:
            yield encode(wire.render_task_summary(task, _worker(farm, task), _steps(farm, task)))
        last = page[-1].key.no


def _worker(farm: Farm, task: Task) -> Worker | None:
    return None if task.worker is None else farm.manager.roster.workers.get(task.worker)


def _steps(farm: Farm, task: Task) -> int | None:
    lease = farm.manager.roster.holder(task.worker, task.key)
    return None if lease is None else lease.steps_done


async def fetch_task(request: web.Request) -> web.Response:
    """GET /api/v3/tasks/{task_id}"""
    farm = request.app[FARM]
    found = await farm.reads.task(task_in_path(request))
    if found is None:
        raise Unknown("There is no such task.", remedy="Its job may have been deleted.")
    task, _, failed = found
    lease = farm.manager.roster.holder(task.worker, task.key)
    if lease is not None:
        task = structs.replace(task, activity=lease.activity, touched_ms=lease.touched_ms)
    failed_by = [w for id_ in failed if (w := farm.manager.roster.workers.get(id_)) is not None]
    return answer(wire.render_task(task, _worker(farm, task), failed_by, _steps(farm, task)))


async def set_task_status(request: web.Request) -> web.Response:
    """POST /api/v3/tasks/{task_id}/setstatus"""
    change = wire.parse_task_status_change(await read_json(request))
    await request.app[FARM].manager.steering.set_task_status(
        known_task_in_path(request), change.status, change.reason, request_id(request)
    )
    return nothing()


async def fetch_task_log_tail(request: web.Request) -> web.Response:
    """GET /api/v3/tasks/{task_id}/logtail"""
    farm = request.app[FARM]
    key = task_in_path(request)
    await farm.manager.steering.task(key)
    tail = await farm.logs.tail(key)
    if not tail:
        return nothing()
    return web.Response(body=tail, headers={"Content-Type": "text/plain; charset=UTF-8"})


async def fetch_task_log_info(request: web.Request) -> web.Response:
    """GET /api/v3/tasks/{task_id}/log"""
    farm = request.app[FARM]
    key = task_in_path(request)
    await farm.manager.steering.task(key)
    size = await farm.logs.size(key)
    return answer(render_task_log_info(key, size)) if size else nothing()
