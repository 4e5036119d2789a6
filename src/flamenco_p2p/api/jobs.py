"""Doors for artists: job types, submit, list, status, priority, delete, pictures.

Is: parse, ask once, render. Is not: what a wish means or what a script may do.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
from aiohttp import web
from msgspec import UNSET, Raw

from flamenco_p2p import clock
from flamenco_p2p.api.doors import (
    FARM,
    Farm,
    answer,
    answer_list,
    idempotency_key,
    job_in_path,
    nothing,
    read_json,
    request_id,
)
from flamenco_p2p.compiler.compile import UnknownJobType
from flamenco_p2p.farm.errors import Refused
from flamenco_p2p.farm.ids import JobId
from flamenco_p2p.farm.jobs import Job, JobSpec
from flamenco_p2p.farm.statuses import Desired, JobStatus
from flamenco_p2p.manager.intake import Submission
from flamenco_p2p.wire import jobs as wire
from flamenco_p2p.wire.job_files import render_last_rendered
from flamenco_p2p.wire.json import encode
from flamenco_p2p.wire.meta import AvailableJobTypes

PAGE = 100
INITIAL = {
    JobStatus.PAUSED: Desired.PAUSED,
    JobStatus.PAUSE_REQUESTED: Desired.PAUSED,
    JobStatus.CANCELED: Desired.CANCELED,
    JobStatus.CANCEL_REQUESTED: Desired.CANCELED,
}


async def get_job_types(request: web.Request) -> web.Response:
    """GET /api/v3/jobs/types"""
    types = await request.app[FARM].compiler.job_types()
    return answer(AvailableJobTypes(job_types=[Raw(job_type.raw) for job_type in types]))


async def get_job_type(request: web.Request) -> web.Response:
    """GET /api/v3/jobs/type/{typeName}"""
    return answer(Raw((await request.app[FARM].compiler.job_type(_name(request))).raw))


def _name(request: web.Request) -> str:
    return request.match_info["typeName"]


async def submit_job(request: web.Request) -> web.Response:
    """POST /api/v3/jobs"""
    farm = request.app[FARM]
    submission = await _submission(request)
    try:
        job = await farm.manager.intake.submit(submission)
    except UnknownJobType as error:
        raise Refused(error.problem, remedy=error.remedy) from None
    return answer(wire.render_job(job))


async def submit_job_check(request: web.Request) -> web.Response:
    """POST /api/v3/jobs/check"""
    farm = request.app[FARM]
    try:
        await farm.manager.intake.check(await _submission(request))
    except UnknownJobType as error:
        raise Refused(error.problem, remedy=error.remedy) from None
    return nothing()


async def _submission(request: web.Request) -> Submission:
    farm = request.app[FARM]
    submitted = wire.parse_submitted_job(await read_json(request))
    if submitted.worker_tag:
        raise Refused(
            "There is no worker tag with this id.", remedy="Submit the job without a worker tag."
        )
    platform = submitted.submitter_platform
    if platform == "manager":
        platform = farm.platform
    settings = msgspec.json.decode(submitted.settings_text, type=dict[str, object])
    recognised = {
        key: farm.variables.recognise(value, platform=platform) if isinstance(value, str) else value
        for key, value in settings.items()
    }
    spec = JobSpec(
        name=submitted.name,
        type=submitted.type,
        priority=submitted.wanted_priority,
        settings=msgspec.json.encode(recognised),
        metadata={
            key: farm.variables.recognise(value, platform=platform)
            for key, value in submitted.metadata.items()
        },
        submitter_platform=platform,
        submitter=submitted.submitter,
        owner=submitted.owner,
        comment=submitted.comment,
        time_zone=submitted.time_zone,
        shaman_checkout_id=submitted.storage.shaman_checkout_id,
        blender=submitted.blender_need,
        desired=(
            Desired.ACTIVE
            if submitted.initial_status is UNSET
            else INITIAL.get(submitted.initial_status, Desired.ACTIVE)
        ),
    )
    return Submission(job=_job_id(request), spec=spec, type_etag=submitted.type_etag)


def _job_id(request: web.Request) -> JobId:
    """Return the id of the job that this request makes: a retried request makes no second one."""
    if (key := idempotency_key(request)) is None:
        return clock.fresh_job_id()
    return JobId(key[:13] + b"\0\0\0")


async def fetch_jobs(request: web.Request) -> web.StreamResponse:
    """GET /api/v3/jobs"""
    return await answer_list(request, "jobs", _all_jobs(request.app[FARM]))


async def _all_jobs(farm: Farm) -> AsyncIterator[bytes]:
    last: JobId | None = None
    while page := await farm.reads.jobs(last, PAGE):
        for job in page:
            yield encode(_render(farm, job))
        last = page[-1].id


def _render(farm: Farm, job: Job) -> wire.Job:
    return wire.render_job(farm.manager.roster.with_steps_under_way(job))


async def fetch_job(request: web.Request) -> web.Response:
    """GET /api/v3/jobs/{job_id}"""
    farm = request.app[FARM]
    return answer(_render(farm, await farm.manager.steering.job(job_in_path(request))))


async def delete_job(request: web.Request) -> web.Response:
    """DELETE /api/v3/jobs/{job_id}"""
    await request.app[FARM].manager.steering.delete(job_in_path(request), request_id(request))
    return nothing()


async def set_job_status(request: web.Request) -> web.Response:
    """POST /api/v3/jobs/{job_id}/setstatus"""
    change = wire.parse_job_status_change(await read_json(request))
    await request.app[FARM].manager.steering.set_job_status(
        job_in_path(request), change.status, change.reason, request_id(request)
    )
    return nothing()


async def set_job_priority(request: web.Request) -> web.Response:
    """POST /api/v3/jobs/{job_id}/setpriority"""
    change = wire.parse_job_priority_change(await read_json(request))
    await request.app[FARM].manager.steering.set_priority(
        job_in_path(request), change.priority, request_id(request)
    )
    return nothing()


async def fetch_job_last_rendered(request: web.Request) -> web.Response:
    """GET /api/v3/jobs/{job_id}/last-rendered"""
    return await _last_rendered(request.app[FARM], job_in_path(request))


async def fetch_global_last_rendered(request: web.Request) -> web.Response:
    """GET /api/v3/jobs/last-rendered"""
    farm = request.app[FARM]
    job = farm.previews.last_job
    return nothing() if job is None else await _last_rendered(farm, job)


async def _last_rendered(farm: Farm, job: JobId) -> web.Response:
    return answer(render_last_rendered(job)) if await farm.previews.has(job) else nothing()
