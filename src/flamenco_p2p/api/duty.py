"""Doors for workers: sign on, next task, may I go on, here is how it went.

Is: parse, ask once, render; and filling in variables for the worker's platform, the last thing
that happens to a task before it leaves. Is not: choosing tasks or judging failures.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from flamenco_p2p import clock
from flamenco_p2p.api.doors import (
    FARM,
    Farm,
    answer,
    has_gone,
    known_task_in_path,
    nothing,
    read_json,
    task_in_path,
    wait_wanted,
)
from flamenco_p2p.farm.errors import NotAllowed, NotYet, Refused, TooLarge
from flamenco_p2p.farm.ids import WorkerId
from flamenco_p2p.farm.jobs import Assignment
from flamenco_p2p.farm.workers import StatusRequest
from flamenco_p2p.files.previews import MOST_BYTES
from flamenco_p2p.manager.progress import Report
from flamenco_p2p.wire import tasks as wire
from flamenco_p2p.wire import workers as wire_workers

Duty = Callable[[web.Request, Farm, WorkerId], Awaitable[web.StreamResponse]]

PICTURES = frozenset({"image/jpeg", "image/png"})
SIGN_ON_AGAIN_S = 0.5
LONGEST_SECRET = 72  # bytes; what Flamenco's manager takes


def for_workers(duty: Duty) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return a handler that lets only workers in, by their id and password."""

    async def handler(request: web.Request) -> web.StreamResponse:
        farm = request.app[FARM]
        name, password = _credentials(request.headers.get("Authorization", ""))
        worker = farm.manager.attendance.check(name, password)
        return await duty(request, farm, worker)

    return handler


def _credentials(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    try:
        text = base64.b64decode(encoded, validate=True).decode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError):
        text = ""
    name, colon, password = text.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise NotAllowed("This is for workers, which prove themselves with id and password.")
    return name, password


async def register_worker(request: web.Request) -> web.Response:
    """POST /api/v3/worker/register-worker"""
    registration = wire_workers.parse_registration(await read_json(request))
    if len(registration.secret.encode()) > LONGEST_SECRET:
        raise Refused(
            f"The worker's secret is longer than {LONGEST_SECRET} bytes.",
            remedy="Use 64 random hexadecimal digits.",
        )
    worker = await request.app[FARM].manager.attendance.register(
        name=registration.name,
        secret=registration.secret,
        platform=registration.platform,
        address=request.remote or "",
        task_types=registration.supported_task_types,
    )
    return answer(wire_workers.render_registered(worker))


async def sign_on(request: web.Request, farm: Farm, worker: WorkerId) -> web.Response:
    """POST /api/v3/worker/sign-on: held until it works, since workers take any no for good."""
    who = wire_workers.parse_sign_on(await read_json(request))
    while True:
        try:
            status = await farm.manager.attendance.sign_on(
                worker,
                name=who.name,
                address=request.remote or "",
                software=who.software_version,
                task_types=who.supported_task_types,
                can_restart=who.can_restart,
                blenders=who.installed,
                node=who.node_id,
            )
        except NotYet:
            if has_gone(request):
                raise  # it has gone; the next try is another request
            await asyncio.sleep(SIGN_ON_AGAIN_S)
            continue
        return answer(wire_workers.WorkerStateChange(status_requested=status))


async def sign_off(_: web.Request, farm: Farm, worker: WorkerId) -> web.Response:
    """POST /api/v3/worker/sign-off"""
    await farm.manager.attendance.sign_off(worker)
    return nothing()


async def worker_state(request: web.Request, farm: Farm, worker: WorkerId) -> web.Response:
    """GET /api/v3/worker/state"""
    wait_s = wait_wanted(request)
    asked = await farm.manager.attendance.requested(worker, wait_s)
    return _held(nothing() if asked is None else _wanted(asked), wait_s)


def _wanted(asked: StatusRequest, status: int = 200) -> web.Response:
    return answer(wire_workers.WorkerStateChange(status_requested=asked.status), status=status)


def _held(response: web.Response, wait_s: float) -> web.Response:
    if wait_s:
        response.headers["Preference-Applied"] = "wait"
    return response


async def worker_state_changed(request: web.Request, farm: Farm, worker: WorkerId) -> web.Response:
    """POST /api/v3/worker/state-changed"""
    changed = wire_workers.parse_state_changed(await read_json(request))
    await farm.manager.attendance.report(worker, changed.status)
    return nothing()


async def schedule_task(request: web.Request, farm: Farm, worker: WorkerId) -> web.Response:
    """POST /api/v3/worker/task"""
    farm.manager.roster.see(worker, clock.now_ms())
    wait_s = wait_wanted(request)
    found = await farm.manager.dispatch.next_task(worker, wait_s, lambda: not has_gone(request))
    match found:
        case Assignment() as assignment:
            commands = _expand(farm, worker, assignment.commands)
            lease = farm.manager.roster.holder(worker, assignment.task)
            steps = 0 if lease is None else lease.steps_done
            return answer(wire.render_assigned_task(assignment, commands, steps))
        case StatusRequest() as asked:
            return _wanted(asked, 423)
        case None:
            return _held(nothing(), wait_s)


def _expand(farm: Farm, worker: WorkerId, commands: bytes) -> bytes:
    if b"{" not in commands.replace(b'{"', b""):
        return commands  # no variable in it; most parts of a JSON text start with {"
    platform = farm.manager.roster.worker(worker).platform
    parsed = msgspec.json.decode(commands, type=list[dict[str, object]])
    for command in parsed:
        parameters = command["parameters"]
        if isinstance(parameters, dict):
            command["parameters"] = farm.variables.expand_parameters(parameters, platform=platform)
    return msgspec.json.encode(parsed)


async def task_update(request: web.Request, farm: Farm, worker: WorkerId) -> web.Response:
    """POST /api/v3/worker/task/{task_id}"""
    task = task_in_path(request)
    update = wire.parse_task_update(await read_json(request))
    report = Report(
        status=update.task_status or None,
        activity=None if update.activity is msgspec.UNSET else update.activity,
        log=update.log or None,
        steps_done=None if update.steps_completed is msgspec.UNSET else update.steps_completed,
        attempt=update.attempt_id,
        outputs=update.outputs,
        redelivered=update.redelivered,
    )
    await farm.manager.progress.take(worker, task, report)
    return nothing()


async def may_worker_run(request: web.Request, farm: Farm, worker: WorkerId) -> web.Response:
    """GET /api/v3/worker/task/{task_id}/may-i-run"""
    wait_s = wait_wanted(request)
    permission = await farm.manager.dispatch.may_run(worker, task_in_path(request), wait_s)
    return _held(
        answer(
            wire.MayKeepRunning(
                may_keep_running=permission.allowed,
                reason=permission.reason,
                status_change_requested=permission.status_change,
            )
        ),
        wait_s,
    )


async def task_output_produced(request: web.Request, farm: Farm, worker: WorkerId) -> web.Response:
    """POST /api/v3/worker/task/{task_id}/output-produced"""
    farm.manager.roster.see(worker, clock.now_ms())
    if request.content_type not in PICTURES:
        raise Refused("Only JPEG and PNG pictures are taken.", remedy="Convert it first.")
    if (request.content_length or 0) > MOST_BYTES:
        raise TooLarge(f"The picture is larger than {MOST_BYTES} bytes.", remedy="Make it smaller.")
    task, _ = await farm.manager.steering.task(known_task_in_path(request))
    farm.previews.expect()  # before its megabytes are in memory
    picture = bytearray()
    async for chunk in request.content.iter_chunked(256 * 1024):
        picture += chunk
        if len(picture) > MOST_BYTES:
            raise TooLarge(f"The picture is larger than {MOST_BYTES} bytes.")
    if not picture:
        raise Refused("The picture is empty.")
    farm.previews.take(task.key.job, bytes(picture))
    return nothing(202)
