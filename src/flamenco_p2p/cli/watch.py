"""Following a job to its end, whatever happens to the node meanwhile.

Is: looking at the job every few seconds, and at once when an event says that something is new. What
is looked at is true, events only make it prompt: so nothing is missed when a stream breaks, a node
is killed, or comes back at another address. Is not: drawing (live).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final

from flamenco_p2p import clock
from flamenco_p2p.cli.finding import Where
from flamenco_p2p.cli.live import Display, Trouble
from flamenco_p2p.cli.progress import JobProgress, Task
from flamenco_p2p.cli.waiting import why_waiting
from flamenco_p2p.client.errors import FarmSaid
from flamenco_p2p.client.farm_client import FarmClient
from flamenco_p2p.farm.errors import FarmError

LOG_LINES_SHOWN: Final = 12
AWAY: Final = "No node answers; waiting for the farm to come back. The job goes on where it was."

_TICK_S: Final = 0.25
_LOOK_EVERY_S: Final = 2.0
_LOOKS_COST_AT_MOST: Final = 0.05  # of the time: a large job is looked at less often
_PATIENCE_S: Final = 5.0  # before anybody is told why a job does not begin: mostly it just does
_RETRY_S: Final = 0.5
_TROUBLES_TOLD: Final = 3  # at a time: what comes after the first is mostly the same

Event = tuple[str, dict[str, Any]]


@asynccontextmanager
async def news(place: Where, topics: Sequence[str]) -> AsyncIterator[asyncio.Queue[Event]]:
    """Events of `topics` in a queue, through every restart of the node; some may be missing."""
    queue: asyncio.Queue[Event] = asyncio.Queue()
    async with asyncio.TaskGroup() as group:
        listener = group.create_task(_listen(place, topics, queue))
        try:
            yield queue
        finally:
            listener.cancel()


async def _listen(place: Where, topics: Sequence[str], queue: asyncio.Queue[Event]) -> None:
    while True:
        try:
            async with place.farm() as farm, aclosing(farm.events(topics)) as events:
                async for event in events:
                    queue.put_nowait(event)
        except FarmError:
            pass  # whoever looks at the job notices it, too
        await asyncio.sleep(_RETRY_S)


async def follow(place: Where, job_id: str, name: str, display: Display) -> JobProgress:
    """Show a job until it is over; return how it ended."""
    watcher = _Watcher(place, JobProgress(job_id, name), display)
    async with news(place, ["/jobs", f"/jobs/{job_id}"]) as queue:
        while not await watcher.look():
            await watcher.hear(queue)
    return watcher.job


class _Watcher:
    """What `follow` remembers between two looks."""

    def __init__(self, place: Where, job: JobProgress, display: Display) -> None:
        self.job = job
        self._place = place
        self._display = display
        self._started_s = self._look_again_s = clock.steady_s()
        self._told: dict[str, str] = {}  # tasks in trouble: the status that was told

    async def look(self) -> bool:
        """Ask the farm for all of the job; return whether it is over."""
        before_s = clock.steady_s()
        try:
            async with self._place.farm() as farm:
                job = await farm.job(self.job.id)
                tasks = await farm.job_tasks(self.job.id)
                self.job.see_status(job.status)
                self.job.see_tasks(tasks, clock.steady_s())
                await self._tell_trouble(farm)
                late = before_s - self._started_s > _PATIENCE_S
                waits = job.status == "queued" and late
                self._display.notice(await why_waiting(farm, job.blender) if waits else "")
        except FarmSaid as error:
            if error.answered == 404:
                self.job.see_status("deleted")
            else:
                self._display.notice(str(error))
        except FarmError:
            self._display.notice(AWAY)
        now_s = clock.steady_s()
        pause_s = max(_LOOK_EVERY_S, (now_s - before_s) / _LOOKS_COST_AT_MOST)
        self._look_again_s = now_s + pause_s
        self._show()
        return self.job.over

    async def hear(self, queue: asyncio.Queue[Event]) -> None:
        """Take events in and redraw, until it is time for a look."""
        while clock.steady_s() < self._look_again_s:
            try:
                async with asyncio.timeout(_TICK_S):
                    event: Event | None = await queue.get()
            except TimeoutError:
                event = None
            while event is not None:
                if self._take(*event):
                    return
                event = None if queue.empty() else queue.get_nowait()
            self._show()

    def _take(self, name: str, data: dict[str, Any]) -> bool:
        """Note an event; return whether it calls for a look at once."""
        if name == "task":
            self.job.see_task(data, clock.steady_s())
            return data["status"] in ("failed", "soft-failed")
        if name == "jobs" and data["id"] == self.job.id:
            changed = data["status"] != self.job.status
            return changed or data["refresh_tasks"] or "was_deleted" in data
        return False

    def _show(self) -> None:
        now_s = clock.steady_s()
        self._display.show(self.job, now_s - self._started_s, now_s)

    async def _tell_trouble(self, farm: FarmClient) -> None:
        troubled = {task.id: task for task in self.job.in_trouble()}
        for task in troubled.values():
            new = self._told.get(task.id) != task.status
            if new and (task.id in self._told or len(self._told) < _TROUBLES_TOLD):
                self._display.trouble(await _trouble(farm, task))
                self._told[task.id] = task.status
        self._told = {id_: status for id_, status in self._told.items() if id_ in troubled}


async def _trouble(farm: FarmClient, task: Task) -> Trouble:
    whole = await farm.task(task.id)
    lines = (await farm.task_log_tail(task.id)).splitlines()
    return Trouble(
        task=task.name,
        worker=whole["worker"]["name"],
        why=whole["activity"].removeprefix("Failed: "),
        final=task.status == "failed",
        log=lines[-LOG_LINES_SHOWN:],
    )
