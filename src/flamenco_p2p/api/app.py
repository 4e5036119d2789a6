"""The web application of a node: routes, middlewares, nothing else.

Is: the binding of each operation's id to its handler; an operation without a handler, or a handler
without an operation, keeps the node from starting. Is not: a handler.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web

from flamenco_p2p.api import documents, duty, jobs, meta, stream, tasks, workers
from flamenco_p2p.api.callers import Networks, callers_middleware
from flamenco_p2p.api.doors import FARM, Farm
from flamenco_p2p.api.failures import failures
from flamenco_p2p.api.job_files import job_file
from flamenco_p2p.api.operations import OPERATIONS
from flamenco_p2p.wire.job_files import URL_PREFIX

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HANDLERS: dict[str, Handler] = {
    "getVersion": meta.get_version,
    "getFarmStatus": meta.get_farm_status,
    "getJobTypes": jobs.get_job_types,
    "getJobType": jobs.get_job_type,
    "submitJob": jobs.submit_job,
    "submitJobCheck": jobs.submit_job_check,
    "fetchJobs": jobs.fetch_jobs,
    "fetchJob": jobs.fetch_job,
    "deleteJob": jobs.delete_job,
    "fetchJobTasks": tasks.fetch_job_tasks,
    "setJobStatus": jobs.set_job_status,
    "setJobPriority": jobs.set_job_priority,
    "fetchJobLastRenderedInfo": jobs.fetch_job_last_rendered,
    "fetchGlobalLastRenderedInfo": jobs.fetch_global_last_rendered,
    "fetchTask": tasks.fetch_task,
    "setTaskStatus": tasks.set_task_status,
    "fetchTaskLogTail": tasks.fetch_task_log_tail,
    "fetchTaskLogInfo": tasks.fetch_task_log_info,
    "registerWorker": duty.register_worker,
    "signOn": duty.for_workers(duty.sign_on),
    "signOff": duty.for_workers(duty.sign_off),
    "workerState": duty.for_workers(duty.worker_state),
    "workerStateChanged": duty.for_workers(duty.worker_state_changed),
    "scheduleTask": duty.for_workers(duty.schedule_task),
    "taskUpdate": duty.for_workers(duty.task_update),
    "mayWorkerRun": duty.for_workers(duty.may_worker_run),
    "taskOutputProduced": duty.for_workers(duty.task_output_produced),
    "fetchWorkers": workers.fetch_workers,
    "fetchWorker": workers.fetch_worker,
    "requestWorkerStatusChange": workers.request_worker_status_change,
    "cluster": meta.get_cluster,
    "events": stream.events,
    "openapi": meta.get_openapi,
}


def make_app(farm: Farm) -> web.Application:
    """Return the application. Raises `ValueError` if table and handlers disagree."""
    ids = {operation.operation_id for operation in OPERATIONS}
    if ids != set(HANDLERS):
        raise ValueError(f"operations and handlers differ: {ids ^ set(HANDLERS)}")
    app = web.Application(
        middlewares=[failures, callers_middleware(Networks(), farm.own_names)],
        handler_args={"access_log": None, "auto_decompress": False},
    )
    app[FARM] = farm
    for operation in OPERATIONS:
        app.router.add_route(
            operation.method,
            operation.path,
            HANDLERS[operation.operation_id],
            name=operation.operation_id,
        )
    app.router.add_get("/api/v3/openapi3.json", meta.get_openapi)
    app.router.add_get("/docs", documents.list_documents)
    app.router.add_get("/docs/{name}", documents.document)
    app.router.add_get(URL_PREFIX + "/{path:.+}", job_file)
    app.on_response_prepare.append(_bare)
    return app


async def _bare(_: web.Request, response: web.StreamResponse) -> None:
    """Take the content type off answers that have no content."""
    if response.status in (202, 204):
        response.headers.popall(hdrs.CONTENT_TYPE, None)
