"""A manager on a real replica in a temporary folder, without doors around it.

Is: real decisions, real rows, real events; and short words for what tests want to happen. Is not:
HTTP, and no compiler runs: jobs are made task by task.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from flamenco_p2p import clock
from flamenco_p2p.bus import Bus
from flamenco_p2p.cluster.replica import Replica
from flamenco_p2p.compiler.compile import JobCompiler
from flamenco_p2p.farm import decisions as d
from flamenco_p2p.farm.events import Event
from flamenco_p2p.farm.ids import JobId, NodeId, TaskKey, WorkerId
from flamenco_p2p.farm.jobs import Assignment, Job, JobSpec
from flamenco_p2p.farm.statuses import TaskStatus, WorkerStatus
from flamenco_p2p.farm.workers import InstalledBlender
from flamenco_p2p.files.layout import JobFiles
from flamenco_p2p.files.task_logs import TaskLogs
from flamenco_p2p.manager.manager import Manager
from flamenco_p2p.manager.progress import Report
from flamenco_p2p.manager.watch import Patience
from flamenco_p2p.rules.failures import Thresholds
from flamenco_p2p.store.farm_reads import FarmReads

HERE = NodeId(b"node-of-the-test")


@dataclass(frozen=True)
class Task:
    """A task to make: what it is, how urgent, and which tasks (from 1) come before it."""

    type: str = "blender"
    priority: int = 50
    after: Sequence[int] = ()
    steps: int = 1


class SmallFarm:
    """See the module's head."""

    def __init__(
        self, replica: Replica, reads: FarmReads, manager: Manager, logs: TaskLogs, bus: Bus
    ) -> None:
        self.replica = replica
        self.reads = reads
        self.manager = manager
        self.logs = logs
        self.told: list[Event] = []
        bus.listen(self.told.append)

    async def job(self, *tasks: Task, **spec: Any) -> JobId:
        """Make a job of these tasks; return its id."""
        job = await self.begun_job(*tasks, **spec)
        await self.replica.propose(d.CompleteJob(job=job, task_count=len(tasks)))
        return job

    async def begun_job(self, *tasks: Task, **spec: Any) -> JobId:
        """Make a job that has not arrived completely."""
        usual: dict[str, Any] = {
            "name": "a job", "type": "made-up", "priority": 50, "settings": b"{}", "metadata": {},
            "submitter_platform": "linux",
        }  # fmt: skip
        job = clock.fresh_job_id()
        await self.replica.propose(d.BeginJob(job=job, spec=JobSpec(**(usual | spec))))
        for number, first in enumerate(range(0, len(tasks), 500), start=1):
            rows, before = [], []
            for no, task in enumerate(tasks[first : first + 500], start=first + 1):
                rows.append((no, f"task {no}", task.type, task.priority, task.steps, b"[]"))
                if task.after:
                    before.append((no, [(other, other) for other in task.after]))
            payload = msgspec.msgpack.encode((rows, before))
            await self.replica.propose(d.AddTasks(job=job, slice=number, payload=payload))
        return job

    async def worker(
        self,
        name: str = "anna",
        types: tuple[str, ...] = ("blender",),
        blenders: tuple[InstalledBlender, ...] = (),
    ) -> WorkerId:
        """Return a worker that is awake."""
        attendance = self.manager.attendance
        known = await attendance.register(
            name=name, secret=name, platform="linux", address="127.0.0.1", task_types=types
        )
        await attendance.sign_on(
            known.id, name=name, address="127.0.0.1", software="1", task_types=types,
            can_restart=False, blenders=blenders, node=None,
        )  # fmt: skip
        await attendance.report(known.id, WorkerStatus.AWAKE)
        return known.id

    async def gets(self, worker: WorkerId) -> TaskKey | None:
        """Let a worker ask; return the task it gets."""
        answer = await self.manager.dispatch.next_task(worker)
        assert answer is None or isinstance(answer, Assignment)
        return None if answer is None else answer.task

    async def completes(self, worker: WorkerId, task: TaskKey) -> None:
        """Let a worker report that a task is done."""
        await self.manager.progress.take(worker, task, Report(status=TaskStatus.COMPLETED))

    async def fails(self, worker: WorkerId, task: TaskKey) -> None:
        """Let a worker report that a task could not be done."""
        report = Report(status=TaskStatus.FAILED, activity="it broke")
        await self.manager.progress.take(worker, task, report)

    async def does_all(self, worker: WorkerId) -> list[TaskKey]:
        """Let a worker do everything there is; return the tasks in the order it got them."""
        done = []
        while (task := await self.gets(worker)) is not None:
            done.append(task)
            await self.completes(worker, task)
        return done

    async def shown(self, job: JobId) -> Job:
        """Return a job."""
        found = await self.reads.job(job)
        assert found is not None
        return found


@asynccontextmanager
async def small_farm(
    folder: Path, *, patience: Patience | None = None, reads_type: type[FarmReads] = FarmReads
) -> AsyncIterator[SmallFarm]:
    """Open the farm in a folder, new or not, while the context lasts."""
    bus = Bus()
    replica = Replica(folder, HERE, bus)
    await replica.start(farm_name="Paper", node_name="here", public_key=b"key")
    reads = reads_type(folder / "farm.db")
    logs = TaskLogs(JobFiles(folder / "job-files"), bus)
    compiler = JobCompiler([])
    manager = Manager(
        bridge=replica, reads=reads, bus=bus, logs=logs, compiler=compiler,
        thresholds=Thresholds(), patience=patience or Patience(),
    )  # fmt: skip
    try:
        await manager.load()
        yield SmallFarm(replica, reads, manager, logs, bus)
    finally:
        await compiler.close()
        await logs.close()
        await reads.close()
        await replica.stop()


async def all_at_once(*work: Any) -> list[Any]:
    """Let coroutines run together; return what they returned."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each) for each in work]
    return [task.result() for task in tasks]
