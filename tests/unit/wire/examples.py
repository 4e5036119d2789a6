"""One of everything the farm knows, for the tests of how it is written."""

from __future__ import annotations

from flamenco_p2p.farm.ids import AttemptId, JobId, NodeId, TaskKey, WorkerId, new_job_id, timed_id
from flamenco_p2p.farm.jobs import Assignment, BlenderNeed, Job, JobSpec, Tally, Task
from flamenco_p2p.farm.statuses import Desired, JobStatus, TaskState, TaskStatus, WorkerStatus
from flamenco_p2p.farm.workers import InstalledBlender, StatusRequest, Worker

NOON_MS = 1_770_128_116_500
NOON = "2026-02-03T14:15:16.5Z"

JOB_ID: JobId = new_job_id(NOON_MS, bytes(10))
TASK_KEY = TaskKey(JOB_ID, 1)
WORKER_ID = WorkerId(timed_id(NOON_MS, b"w" * 10))
NODE_ID = NodeId(timed_id(NOON_MS, b"n" * 10))
ATTEMPT_ID = AttemptId(timed_id(NOON_MS, b"a" * 10))

JOB_TEXT = "019c23db-8b14-7000-8000-000000000000"
TASK_TEXT = "019c23db-8b14-7000-8000-000000000001"
WORKER_TEXT = "019c23db-8b14-7777-b777-777777777777"
NODE_TEXT = "019c23db-8b14-7e6e-ae6e-6e6e6e6e6e6e"
ATTEMPT_TEXT = "019c23db-8b14-7161-a161-616161616161"

PLAIN_SPEC = JobSpec(
    name="shot7",
    type="simple-blender-render",
    priority=50,
    settings=b'{"frames": "1-5", "fps": 24.0}',
    metadata={},
    submitter_platform="linux",
)
PLAIN_JOB = Job(
    id=JOB_ID,
    spec=PLAIN_SPEC,
    status=JobStatus.QUEUED,
    priority=60,
    desired=Desired.ACTIVE,
    tally=Tally(total=2, ready=1),
    created_ms=NOON_MS,
    updated_ms=NOON_MS + 500,
    activity="",
    steps_total=5,
    steps_done=2,
    epoch=0,
    requeued=0,
    complete=True,
)
PLAIN_TASK = Task(
    key=TASK_KEY,
    name="render-1-5",
    type="blender",
    priority=50,
    status=TaskStatus.QUEUED,
    state=TaskState.WAITING,
    epoch=0,
    steps_total=5,
    steps_done=0,
    activity="",
    created_ms=NOON_MS,
    updated_ms=NOON_MS,
)
PLAIN_WORKER = Worker(
    id=WORKER_ID,
    name="attic",
    secret_digest=b"never shown",
    platform="linux",
    address="192.168.1.7",
    software="3.9",
    task_types=("blender", "misc"),
    status=WorkerStatus.AWAKE,
    requested=None,
    can_restart=False,
    updated_ms=NOON_MS,
)
OUR_WORKER = Worker(
    id=WORKER_ID,
    name="attic",
    secret_digest=b"never shown",
    platform="linux",
    address="192.168.1.7",
    software="0.1.0",
    task_types=("blender",),
    status=WorkerStatus.AWAKE,
    requested=StatusRequest(status=WorkerStatus.ASLEEP, is_lazy=True),
    can_restart=True,
    updated_ms=NOON_MS,
    blenders=(InstalledBlender(major=4, minor=2, patch=1),),
    node=NODE_ID,
)
PLAIN_ASSIGNMENT = Assignment(
    task=TASK_KEY,
    attempt=ATTEMPT_ID,
    epoch=3,
    name="render-1-5",
    type="blender",
    priority=50,
    steps_total=5,
    commands=b"[]",
    job_priority=60,
    job_type="simple-blender-render",
)
OUR_ASSIGNMENT = Assignment(
    task=TASK_KEY,
    attempt=ATTEMPT_ID,
    epoch=3,
    name="render-1-5",
    type="blender",
    priority=50,
    steps_total=5,
    commands=b"[]",
    job_priority=60,
    job_type="simple-blender-render",
    blender=BlenderNeed(major=4, minor=2, newer_allowed=False),
    outputs_stale=("frame-0001.png",),
)
