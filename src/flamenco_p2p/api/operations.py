"""Everything that can be asked of the API: one row per operation.

Is: the table that the routes and the API's description are both made from, so that they cannot
disagree. Is not: the answers (one handler per row, in the other modules of this room).
Ids, tags, methods and paths below /api/v3 are Flamenco's: clients derive their names from them.
Paths without a placeholder come first, so that they win.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from msgspec import Struct

from flamenco_p2p.wire.job_files import JobLastRenderedImageInfo, TaskLogInfo
from flamenco_p2p.wire.job_types import AvailableJobType
from flamenco_p2p.wire.jobs import (
    Job,
    JobPriorityChange,
    JobsQueryResult,
    JobStatusChange,
    SubmittedJob,
)
from flamenco_p2p.wire.meta import (
    AvailableJobTypes,
    Cluster,
    Error,
    FarmStatusReport,
    FlamencoVersion,
)
from flamenco_p2p.wire.tasks import (
    AssignedTask,
    JobTasksSummary,
    MayKeepRunning,
    Task,
    TaskStatusChange,
    TaskUpdate,
)
from flamenco_p2p.wire.workers import (
    RegisteredWorker,
    Worker,
    WorkerList,
    WorkerRegistration,
    WorkerSignOn,
    WorkerStateChange,
    WorkerStateChanged,
    WorkerStatusChangeRequest,
)


class Media(NamedTuple):
    """A body that is not a JSON record, by its content types."""

    types: tuple[str, ...]


Body = type[Struct] | Media


class Operation(NamedTuple):
    """One thing that can be asked. `answers`: what comes with which status; None: nothing.

    Every other status comes with an `Error`. `worker_auth`: only for workers, with id and secret.
    """

    operation_id: str
    tag: str
    method: str
    path: str
    summary: str
    answers: Mapping[int, Body | None]
    body: Body | None = None
    worker_auth: bool = False


TEXT: Final = Media(("text/plain",))
PICTURE: Final = Media(("image/jpeg", "image/png"))
EVENTS: Final = Media(("text/event-stream",))
ANY_JSON: Final = Media(("application/json",))

# fmt: off
OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation("getVersion", "meta", "GET", "/api/v3/version",
              "Say who answers.",
              {200: FlamencoVersion}),
    Operation("getFarmStatus", "meta", "GET", "/api/v3/status",
              "Say in one word what the farm does.",
              {200: FarmStatusReport}),
    Operation("getJobTypes", "jobs", "GET", "/api/v3/jobs/types",
              "List the kinds of jobs that can be submitted.",
              {200: AvailableJobTypes}),
    Operation("getJobType", "jobs", "GET", "/api/v3/jobs/type/{typeName}",
              "Describe one kind of job.",
              {200: AvailableJobType}),
    Operation("submitJob", "jobs", "POST", "/api/v3/jobs",
              "Give the farm a job.",
              {200: Job, 412: Error}, body=SubmittedJob),
    Operation("submitJobCheck", "jobs", "POST", "/api/v3/jobs/check",
              "Say whether the farm would take a job, without taking it.",
              {204: None, 412: Error}, body=SubmittedJob),
    Operation("fetchJobs", "jobs", "GET", "/api/v3/jobs",
              "List all jobs.",
              {200: JobsQueryResult}),
    Operation("fetchGlobalLastRenderedInfo", "jobs", "GET", "/api/v3/jobs/last-rendered",
              "Say where the farm's newest picture is; nothing if there is none.",
              {200: JobLastRenderedImageInfo, 204: None}),
    Operation("fetchJob", "jobs", "GET", "/api/v3/jobs/{job_id}",
              "Show a job.",
              {200: Job, 404: Error}),
    Operation("deleteJob", "jobs", "DELETE", "/api/v3/jobs/{job_id}",
              "Ask for a job to be deleted; it goes a little later.",
              {204: None, 404: Error}),
    Operation("fetchJobTasks", "jobs", "GET", "/api/v3/jobs/{job_id}/tasks",
              "List a job's tasks; none for an unknown job.",
              {200: JobTasksSummary}),
    Operation("setJobStatus", "jobs", "POST", "/api/v3/jobs/{job_id}/setstatus",
              "Cancel, pause, resume, fail or requeue a job.",
              {204: None, 404: Error, 422: Error}, body=JobStatusChange),
    Operation("setJobPriority", "jobs", "POST", "/api/v3/jobs/{job_id}/setpriority",
              "Move a job ahead of others or behind them.",
              {204: None, 404: Error}, body=JobPriorityChange),
    Operation("fetchJobLastRenderedInfo", "jobs", "GET", "/api/v3/jobs/{job_id}/last-rendered",
              "Say where a job's newest picture is; nothing if there is none.",
              {200: JobLastRenderedImageInfo, 204: None}),
    Operation("fetchTask", "jobs", "GET", "/api/v3/tasks/{task_id}",
              "Show a task, with its commands as the job type wrote them.",
              {200: Task, 404: Error}),
    Operation("setTaskStatus", "jobs", "POST", "/api/v3/tasks/{task_id}/setstatus",
              "Requeue or end a single task.",
              {204: None, 404: Error, 409: Error, 422: Error}, body=TaskStatusChange),
    Operation("fetchTaskLogInfo", "jobs", "GET", "/api/v3/tasks/{task_id}/log",
              "Say where a task's log is; nothing if there is none.",
              {200: TaskLogInfo, 204: None, 404: Error}),
    Operation("fetchTaskLogTail", "jobs", "GET", "/api/v3/tasks/{task_id}/logtail",
              "Show the last lines of a task's log; nothing if there is none.",
              {200: TEXT, 204: None, 404: Error}),
    Operation("registerWorker", "worker", "POST", "/api/v3/worker/register-worker",
              "Become known to the farm.",
              {200: RegisteredWorker}, body=WorkerRegistration),
    Operation("signOn", "worker", "POST", "/api/v3/worker/sign-on",
              "Be here; hear what to become.",
              {200: WorkerStateChange}, body=WorkerSignOn, worker_auth=True),
    Operation("signOff", "worker", "POST", "/api/v3/worker/sign-off",
              "Leave; tasks go back to the queue.",
              {204: None}, worker_auth=True),
    Operation("workerState", "worker", "GET", "/api/v3/worker/state",
              "Hear what to become; nothing if all may stay as it is.",
              {200: WorkerStateChange, 204: None}, worker_auth=True),
    Operation("workerStateChanged", "worker", "POST", "/api/v3/worker/state-changed",
              "Say what the worker has become.",
              {204: None}, body=WorkerStateChanged, worker_auth=True),
    Operation("scheduleTask", "worker", "POST", "/api/v3/worker/task",
              "Get a task; nothing if none is to be done. 423: become something else first.",
              {200: AssignedTask, 204: None, 409: Error, 423: WorkerStateChange}, worker_auth=True),
    Operation("taskUpdate", "worker", "POST", "/api/v3/worker/task/{task_id}",
              "Report on a task. 409: it is somebody else's now.",
              {204: None, 404: Error, 409: Error}, body=TaskUpdate, worker_auth=True),
    Operation("mayWorkerRun", "worker", "GET", "/api/v3/worker/task/{task_id}/may-i-run",
              "Ask whether to go on with a task.",
              {200: MayKeepRunning}, worker_auth=True),
    Operation("taskOutputProduced", "worker", "POST",
              "/api/v3/worker/task/{task_id}/output-produced",
              "Hand in a picture for the preview.",
              {202: None, 404: Error, 413: Error, 429: Error}, body=PICTURE, worker_auth=True),
    Operation("fetchWorkers", "worker-mgt", "GET", "/api/v3/worker-mgt/workers",
              "List all workers.",
              {200: WorkerList}),
    Operation("fetchWorker", "worker-mgt", "GET", "/api/v3/worker-mgt/workers/{worker_id}",
              "Show a worker, with the task it has or had last.",
              {200: Worker, 404: Error}),
    Operation("requestWorkerStatusChange", "worker-mgt", "POST",
              "/api/v3/worker-mgt/workers/{worker_id}/setstatus",
              "Ask a worker to wake, sleep, restart or go.",
              {204: None, 404: Error, 412: Error}, body=WorkerStatusChangeRequest),
    Operation("cluster", "p2p", "GET", "/api/p2p/v1/cluster",
              "Show the farm's nodes.",
              {200: Cluster}),
    Operation("events", "p2p", "GET", "/api/p2p/v1/events",
              "Follow what happens.",
              {200: EVENTS}),
    Operation("openapi", "p2p", "GET", "/api/p2p/v1/openapi",
              "Show this description.",
              {200: ANY_JSON}),
)
# fmt: on
