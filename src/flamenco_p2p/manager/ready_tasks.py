"""The scheduler's index: which ready task comes next, without a read per question.

Is: per job and task type a window on the first ready tasks in order, filled from the database a
thousand at a time and kept by events. So it starts at once with a million tasks in the database,
and its size does not grow with them. Is not: truth: a task taken from here is verified when it is
assigned; `put_back` returns one that is still to be had.
"""

from __future__ import annotations

import heapq
from bisect import insort
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from flamenco_p2p.farm.events import Event, JobChanged, JobRemoved, TaskChanged, TasksReady
from flamenco_p2p.farm.ids import JobId, TaskKey, WorkerId
from flamenco_p2p.farm.jobs import Job
from flamenco_p2p.farm.statuses import TaskStatus
from flamenco_p2p.farm.workers import Worker
from flamenco_p2p.rules.scheduling import fitting_types, is_schedulable, job_order
from flamenco_p2p.store.farm_reads import FarmReads, WhyNot

WINDOW = 1000

Place = tuple[int, int]  # (-priority, number): the smallest is given out first


class Chosen(NamedTuple):
    """A task that was taken out of the index, and where it stood there."""

    job: JobId
    type: str
    place: Place

    @property
    def task(self) -> TaskKey:
        """Return the task."""
        return TaskKey(self.job, self.place[1])


class Window:
    """The next ready tasks of one type in one job."""

    def __init__(self) -> None:
        self._heap: list[Place] = []
        self._members: set[int] = set()
        self._loaded_to: Place | None = None
        self._came_meanwhile: list[Place] | None = None
        self.whole = False

    def push(self, place: Place) -> None:
        """Take a task in, if the window reaches as far as its place."""
        if self._came_meanwhile is not None:
            self._came_meanwhile.append(place)  # how far the window will reach is being found out
        elif self.whole or (self._loaded_to is not None and place <= self._loaded_to):
            self.keep(place)

    def keep(self, place: Place) -> None:
        """Take a task in."""
        if place[1] not in self._members:
            self._members.add(place[1])
            heapq.heappush(self._heap, place)

    def pop(self) -> Place | None:
        """Take the first task out."""
        if not self._heap:
            return None
        place = heapq.heappop(self._heap)
        self._members.discard(place[1])
        return place

    async def refill(self, reads: FarmReads, job: JobId, task_type: str) -> None:
        """Read on from where the window ended."""
        last = self._loaded_to
        after = None if last is None else (-last[0], last[1])
        self._came_meanwhile = []
        try:
            page = await reads.ready(job, task_type, after, WINDOW)
            for priority, no in page:
                self.keep((-priority, no))
            if len(page) < WINDOW:
                self.whole = True
            else:
                priority, no = page[-1]
                self._loaded_to = (-priority, no)
        finally:
            came, self._came_meanwhile = self._came_meanwhile, None
            for place in came:
                self.push(place)


class Queue:
    """The ready tasks of one job, and who cannot have them."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._windows: dict[str, Window] = {}
        self._failed: set[tuple[int, WorkerId]] = set()
        self._blocked: set[tuple[str, WorkerId]] = set()

    def window(self, task_type: str) -> Window:
        """Return the window of a type."""
        if (window := self._windows.get(task_type)) is None:
            window = self._windows[task_type] = Window()
        return window

    def refuse(self, no: int, task_type: str, worker: WorkerId, why: WhyNot) -> None:
        """Remember that a worker cannot have a task, or tasks of its type."""
        if why is WhyNot.FAILED:
            self._failed.add((no, worker))
        else:
            self._blocked.add((task_type, worker))

    def forgive(self, no: int | None = None) -> None:
        """Forget who could not have a task, or any task: things have changed."""
        if no is None:
            self._failed.clear()
            self._blocked.clear()
        elif self._failed:
            self._failed = {entry for entry in self._failed if entry[0] != no}

    async def take(self, reads: FarmReads, worker: WorkerId, types: Sequence[str]) -> Chosen | None:
        """Take out the first task that this worker can have."""
        firsts: list[tuple[Place, str]] = []
        try:
            for task_type in types:
                if (task_type, worker) not in self._blocked:
                    place = await self._first(reads, worker, task_type)
                    if place is not None:
                        firsts.append((place, task_type))
            if not firsts:
                return None
            place, task_type = firsts.pop(firsts.index(min(firsts)))
            return Chosen(self.job.id, task_type, place)
        finally:
            for place, task_type in firsts:
                self.window(task_type).keep(place)

    async def _first(self, reads: FarmReads, worker: WorkerId, task_type: str) -> Place | None:
        window = self.window(task_type)
        unfit: list[Place] = []
        try:
            while True:
                place = window.pop()
                if place is None:
                    if window.whole:
                        return None
                    await window.refill(reads, self.job.id, task_type)
                elif (place[1], worker) in self._failed:
                    unfit.append(place)
                else:
                    return place
        finally:
            for place in unfit:
                window.keep(place)


class ReadyTasks:
    """All schedulable jobs with their ready tasks, in the order in which they are served."""

    def __init__(self, reads: FarmReads) -> None:
        self._reads = reads
        self._queues: dict[JobId, Queue] = {}
        self._order: list[tuple[int, int, JobId]] = []

    def load(self, jobs: Sequence[Job]) -> None:
        """Start with the jobs there are."""
        for job in jobs:
            self._follow(job)

    async def take(self, worker: Worker) -> Chosen | None:
        """Take out the task that this worker gets next."""
        for queue in self._in_order():
            if queue.job.tally.ready == 0 or not (types := fitting_types(queue.job, worker)):
                continue
            if (chosen := await queue.take(self._reads, worker.id, types)) is not None:
                return chosen
        return None

    def _in_order(self) -> Iterator[Queue]:
        for *_, job_id in list(self._order):
            if (queue := self._queues.get(job_id)) is not None:
                yield queue

    def put_back(self, chosen: Chosen) -> None:
        """Return a task that was taken but not given out."""
        if (queue := self._queues.get(chosen.job)) is not None:
            queue.window(chosen.type).keep(chosen.place)

    def refuse(self, chosen: Chosen, worker: WorkerId, why: WhyNot) -> None:
        """Remember that a worker cannot have this task (`FAILED`), or its type (`BLOCKED`)."""
        if (queue := self._queues.get(chosen.job)) is not None:
            queue.refuse(chosen.place[1], chosen.type, worker, why)

    # --- events

    def hear(self, event: Event) -> None:
        """Follow what happened."""
        match event:
            case JobChanged(job=job, refresh_tasks=refresh):
                self._follow(job)
                if refresh and (queue := self._queues.get(job.id)) is not None:
                    queue.forgive()
            case JobRemoved(job=job_id):
                self._drop(job_id)
            case TaskChanged(key=key, status=TaskStatus.QUEUED):
                if (queue := self._queues.get(key.job)) is not None:
                    queue.forgive(key.no)  # a soft-failed task that is requeued was ready before
            case TasksReady(job=job_id, tasks=tasks):
                if (queue := self._queues.get(job_id)) is not None:
                    for task_type, priority, no in tasks:
                        queue.forgive(no)
                        queue.window(task_type).push((-priority, no))
            case _:
                pass

    def _follow(self, job: Job) -> None:
        queue = self._queues.get(job.id)
        if not is_schedulable(job):
            self._drop(job.id)
        elif queue is None:
            self._queues[job.id] = Queue(job)
            insort(self._order, job_order(job))
        else:
            before, queue.job = job_order(queue.job), job
            if before != (after := job_order(job)):
                self._order.remove(before)
                insort(self._order, after)

    def _drop(self, job_id: JobId) -> None:
        if (queue := self._queues.pop(job_id, None)) is not None:
            self._order.remove(job_order(queue.job))
