"""How long things take, and how many fit into a second.

Is: one function per measurement, each returns its figures and leaves no worker and no
large job at work. Is not: the
order in which they are done (__main__).
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Iterable
from typing import Any

from tests.bench.callers import PretendedWorker, Submitter
from tests.bench.figures import Figure, from_times
from tests.bench.own_node import OwnNode

MEASURED = 100  # priority of the job that is measured
STORED = 1  # priority of jobs that only lie there
STORED_JOB = 100_000
LONGEST_RUN = 20_000  # tasks of the job that a run of many workers has at most
BETWEEN_S = 2 / 50  # two requests each time: about fifty in a second
PAUSE_S = 0.02


async def first_task(url: str, jobs: int) -> list[Figure]:
    """Submit → the idle worker has the task."""
    submitter, worker = Submitter(url), PretendedWorker(url, "bench-idle")
    await worker.arrive()
    times, submissions = [], []
    for _ in range(jobs):
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(worker.wait_for_task())
            await asyncio.sleep(PAUSE_S)  # until it certainly waits
            begin = time.perf_counter()
            await submitter.sleeps(0, priority=MEASURED)
            submissions.append(time.perf_counter() - begin)
            task = await waiting
            times.append(time.perf_counter() - begin)
        await worker.complete(task)
    await worker.leave()
    submitter.close()
    return [
        from_times(
            "submit → first task", times, goal="100 ms",
            how="one idle worker in a long poll (or asking again every 5 ms where the manager "
            "does not know those); from sending a job of one task to having that task",
        ),
        from_times("· the submission's answer", submissions),
    ]  # fmt: skip


async def next_task(url: str, gaps: int) -> list[Figure]:
    """Task done → the same worker has the next one."""
    submitter, worker = Submitter(url), PretendedWorker(url, "bench-busy")
    await worker.arrive()
    await submitter.sleeps(gaps + 1, priority=MEASURED)
    times = []
    task = await worker.wait_for_task()
    for _ in range(gaps):
        begin = time.perf_counter()
        await worker.complete(task)
        task = await worker.wait_for_task()
        times.append(time.perf_counter() - begin)
    await worker.complete(task)
    await worker.leave()
    submitter.close()
    return [
        from_times(
            "task done → next task", times, goal="50 ms",
            how="one worker: from sending “completed” to having the next task, both durable",
        )
    ]  # fmt: skip


async def store_tasks(submitter: Submitter, stored: int, wanted: int) -> int:
    """Submit jobs until so many tasks are stored; every second one is canceled; return how many."""
    while stored < wanted:
        count = min(STORED_JOB, wanted - stored)
        job = await submitter.sleeps(count - 1, priority=STORED)
        if (stored // STORED_JOB) % 2:
            await submitter.cancel(job)
        stored += count
    return stored


async def throughput(
    url: str, workers: int, stored: int, seconds: float, node: OwnNode | None
) -> list[Figure]:
    """Let so many workers take and complete tasks of one job as fast as they can."""
    submitter = Submitter(url)
    crew = [PretendedWorker(url, f"bench-{number}") for number in range(workers)]
    await asyncio.gather(*(worker.arrive() for worker in crew))
    job = await submitter.sleeps(min(stored, LONGEST_RUN), priority=MEASURED)
    await crew[0].complete(await crew[0].wait_for_task())  # the echo, which all others wait for
    cpu = node.cpu_s() if node else 0.0
    begin = time.perf_counter()
    times: dict[str, list[float]] = {"assign": [], "complete": []}
    async with asyncio.TaskGroup() as group:
        for worker in crew:
            group.create_task(_work(worker, job, begin + seconds, times))
    elapsed = time.perf_counter() - begin
    cpu = (node.cpu_s() if node else 0.0) - cpu
    await submitter.cancel(job)
    await asyncio.gather(*(worker.leave() for worker in crew))
    submitter.close()
    done = len(times["complete"])
    setting = f"{workers} worker{'s' * (workers > 1)}, {stored:,} tasks stored"
    how = (
        "each worker asks for a task and completes it, without pause; the stored tasks wait in "
        "jobs of less priority or are canceled"
    )
    figures = [
        Figure(
            what="assign + complete", setting=setting, unit="per s", value=done / elapsed,
            count=done, goal="1,000 per s" if workers >= 100 else "", how=how,
        ),
        from_times("· asking for a task", times["assign"], setting=setting),
        from_times("· reporting it done", times["complete"], setting=setting),
    ]  # fmt: skip
    if node:
        figures.append(
            Figure(
                what="· node's processor time each", setting=setting, unit="ms", count=done,
                value=1000 * cpu / max(done, 1),
            )
        )  # fmt: skip
    return figures


async def _work(
    worker: PretendedWorker, job: str, until: float, times: dict[str, list[float]]
) -> None:
    while (begin := time.perf_counter()) < until:
        task = await worker.next_task()
        if task is None:
            return
        given = time.perf_counter()
        await worker.complete(task)
        if task["job"] != job:
            return  # the measured job is used up
        times["assign"].append(given - begin)
        times["complete"].append(time.perf_counter() - given)


async def submission(url: str, tasks: int) -> list[Figure]:
    """Submit large jobs, delete one, and look how others fare meanwhile."""
    submitter = Submitter(url)
    jobs: list[str] = []

    async def submit(job: Awaitable[str]) -> None:
        jobs.append(await job)

    async def delete() -> None:
        await submitter.delete(jobs[0])
        while await submitter.is_there(jobs[0]):  # noqa: ASYNC110 -- seen over HTTP only
            await asyncio.sleep(PAUSE_S)

    figures = [
        *await _watched(
            url, "submit a large job", f"echo-sleep-test, {tasks:,} tasks",
            submit(submitter.sleeps(tasks - 1, priority=STORED)), SUBMITTED, "5 s",
        ),
        *await _watched(
            url, "submit a large job", f"simple-blender-render, {tasks:,} tasks",
            submit(submitter.frames(tasks - 1, priority=STORED)), SUBMITTED, "5 s",
        ),
    ]  # fmt: skip
    worker = PretendedWorker(url, "bench-first")
    await worker.arrive()
    first = await worker.wait_for_task()
    figures += await _watched(
        url, "complete a task many wait for", f"{tasks - 1:,} tasks", worker.complete(first),
        "the first task of the job of echo-sleep-test above: one report, until its answer", "",
    )  # fmt: skip
    await worker.leave()
    figures += await _watched(
        url, "delete a large job", f"{tasks:,} tasks", delete(),
        "from asking for it until the job is not known any more", "",
    )  # fmt: skip
    jobs.reverse()
    await delete()
    submitter.close()
    return figures


SUBMITTED = (
    "one request, until its answer: all tasks are stored and can be given out; below it the "
    "answers to two others, who ask about 50 times per second each meanwhile"
)


async def _watched(
    url: str, what: str, setting: str, work: Awaitable[None], how: str, goal: str
) -> list[Figure]:
    onlookers = Onlookers(url)
    await onlookers.arrive()
    begin = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(onlookers.watch())
        await work
        elapsed = time.perf_counter() - begin
        watching.cancel()
    await onlookers.leave()
    return [
        Figure(what=what, setting=setting, unit="s", value=elapsed, goal=goal, how=how),
        *onlookers.figures(f"{what}: {setting}"),
    ]


class Onlookers:
    """Others who want something of the manager while it is busy."""

    def __init__(self, url: str) -> None:
        self._submitter = Submitter(url)
        self._worker = PretendedWorker(url, "bench-onlooker")
        self._job = ""
        self._times: defaultdict[str, list[float]] = defaultdict(list)

    async def arrive(self) -> None:
        """Have a job of their own, and a worker."""
        await self._worker.arrive()
        self._job = await self._submitter.sleeps(5000, priority=MEASURED)
        await self._worker.complete(await self._worker.wait_for_task())

    async def watch(self) -> None:
        """Ask about fifty times a second, each kind of question on its own, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look())
            group.create_task(self._take_tasks())

    async def _look(self) -> None:
        while True:
            await self._timed("GET version", self._submitter.get("/api/v3/version"))
            await self._timed("GET job", self._submitter.get(f"/api/v3/jobs/{self._job}"))
            await asyncio.sleep(BETWEEN_S)

    async def _take_tasks(self) -> None:
        while True:
            task = await self._timed("POST worker/task", self._worker.next_task())
            if task is None:
                return
            await self._timed("POST worker/task/…", self._worker.complete(task))
            await asyncio.sleep(BETWEEN_S)

    async def _timed(self, what: str, request: Awaitable[Any]) -> Any:
        begin = time.perf_counter()
        answer = await request
        self._times[what].append(time.perf_counter() - begin)
        return answer

    async def leave(self) -> None:
        """Take everything away again."""
        await self._submitter.cancel(self._job)
        await self._worker.leave()
        self._submitter.close()

    def figures(self, setting: str) -> Iterable[Figure]:
        """Return how long they waited for their answers."""
        for what, times in self._times.items():
            yield from_times(f"· {what}", times, setting=setting, goal="p99 100 ms")


async def start_up(node: OwnNode, setting: str) -> list[Figure]:
    """Restart the node, and look at what it needs when nothing happens."""
    await node.stop()
    await node.start()
    submitter = Submitter(node.url)
    await submitter.get("/api/v3/version")
    submitter.close()
    return [
        Figure(
            what="start", setting=setting, unit="s", value=node.started_in_s,
            how="from starting Python to the first answer",
        ),
        *memory(node, setting),
    ]  # fmt: skip


def memory(node: OwnNode, setting: str) -> list[Figure]:
    """Look at the node's memory now."""
    return [
        Figure(
            what="memory", setting=setting, unit="MiB", value=node.memory_mib(),
            goal="120 MiB idle", how="resident memory of the node's process and its children",
        )
    ]  # fmt: skip
