"""A whole node, killed again and again under pretended workers and submitters.

Is: what people see over HTTP: no acknowledged job or completion is lost, nothing is stuck, every
task ends completed and is never given out again once its completion was acknowledged. Is not: the
files.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from tests.bench.callers import PretendedWorker, Submitter
from tests.bench.http import Failed as BadAnswer
from tests.bench.own_node import OwnNode

WORKERS = 8
TASKS_PER_JOB = 40
AWAY_S = 0.02  # between two tries to reach a node that restarts
END_WITHIN_S = 60.0
LONG_POLL_S = 1

T = TypeVar("T")


class Failed(Exception):
    """The node has lost something, or something is stuck."""


class Memory:
    """What callers were told."""

    def __init__(self) -> None:
        self.jobs: dict[str, int] = {}  # acknowledged ones: number of tasks
        self.completed: Counter[str] = Counter()  # acknowledged completions by task
        self.given_again: list[str] = []
        self.submitting = True

    @property
    def wanted(self) -> int:
        """How many tasks there are to complete."""
        return sum(self.jobs.values())


async def kill_daemon(folder: Path, luck: Random, count: int) -> str:
    """Kill a node so often, let the work end, compare; return what was seen. Raises `Failed`."""
    node = OwnNode(folder)
    await node.start()
    memory = Memory()
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_work(node.url, memory, n)) for n in range(WORKERS)]
            submitting = group.create_task(_submit(node.url, memory))
            for _ in range(count):
                await asyncio.sleep(luck.uniform(0.1, 0.6))
                await node.kill()
                await node.start()
            memory.submitting = False
            await submitting
            await _end(memory)
            for task in tasks:
                task.cancel()
        await _compare(node.url, memory)
    finally:
        await node.stop()
    return (
        f"{count} restarts of the node: {len(memory.jobs)} jobs with {memory.wanted:,} tasks, "
        "every one present and completed, none given out again."
    )


async def _end(memory: Memory) -> None:
    """Wait until everything is completed."""
    try:
        async with asyncio.timeout(END_WITHIN_S):
            while len(memory.completed) < memory.wanted:  # noqa: ASYNC110 -- told over HTTP
                await asyncio.sleep(AWAY_S)
    except TimeoutError:
        done = len(memory.completed)
        raise Failed(f"stuck: {done} of {memory.wanted} tasks are completed") from None


async def _persist(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until there is an answer, as workers and add-ons do."""
    while True:
        try:
            return await ask()
        except (OSError, TimeoutError):
            await asyncio.sleep(AWAY_S)


async def _submit(url: str, memory: Memory) -> None:
    """Submit job after job; one whose answer was lost is submitted again under the same key."""
    submitter = Submitter(url)
    while memory.submitting:
        key = str(uuid.uuid4())
        job = await _persist(partial(submitter.sleeps, TASKS_PER_JOB - 1, key=key))
        memory.jobs[job] = TASKS_PER_JOB
        await asyncio.sleep(AWAY_S)
    submitter.close()


async def _work(url: str, memory: Memory, number: int) -> None:
    worker = PretendedWorker(url, f"worker-{number}")
    await _persist(worker.arrive)
    while True:
        task = await _persist(partial(worker.next_task, LONG_POLL_S))
        if task is not None:
            if memory.completed[task["uuid"]]:
                memory.given_again.append(task["uuid"])
            await _persist(partial(worker.complete, task))
            memory.completed[task["uuid"]] += 1


async def _compare(url: str, memory: Memory) -> None:
    submitter = Submitter(url)
    if memory.given_again:
        raise Failed(f"given out although completed: {memory.given_again}")
    twice = [task for task, times in memory.completed.items() if times > 1]
    if twice:
        raise Failed(f"completed more than once: {twice}")
    for job, count in memory.jobs.items():
        tasks: list[dict[str, Any]]
        try:
            shown = await submitter.get(f"/api/v3/jobs/{job}")
            tasks = (await submitter.get(f"/api/v3/jobs/{job}/tasks"))["tasks"]
        except BadAnswer as answer:
            raise Failed(f"job {job} is lost: {answer}") from None
        statuses = Counter(task["status"] for task in tasks)
        if shown["status"] != "completed" or statuses != {"completed": count}:
            raise Failed(f"job {job} is {shown['status']}, its tasks are {dict(statuses)}")
        if shown["steps_completed"] != shown["steps_total"]:
            raise Failed(f"job {job} has done {shown['steps_completed']} of its steps")
    submitter.close()
