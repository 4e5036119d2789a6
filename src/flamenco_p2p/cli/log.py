"""`flamenco-p2p log`: what a task's programs said.

Is: the whole log, and on request what is added to it until the task ends. Is not: the node's own
log (logs/node.log in its data folder).
"""

from __future__ import annotations

import asyncio
import codecs
from typing import Final

import click

from flamenco_p2p import clock
from flamenco_p2p.cli.farm import as_json_option, ask, complete_job
from flamenco_p2p.cli.finding import (
    AnyJson,
    NothingFits,
    Where,
    asks_the_farm,
    find_job,
    find_task,
    reached,
    where,
)
from flamenco_p2p.cli.output import print_json, remark
from flamenco_p2p.cli.watch import AWAY, news
from flamenco_p2p.client.errors import FarmSaid
from flamenco_p2p.client.farm_client import FarmClient
from flamenco_p2p.farm.errors import FarmError, Refused

_MOST_TELLING_FIRST: Final = ("failed", "soft-failed", "active", "completed", "canceled")
_GOES_ON: Final = frozenset({"active", "queued", "soft-failed", "paused"})
_LOOK_EVERY_S: Final = 1.0
_LOOKS_COST_AT_MOST: Final = 0.05  # of the time: a long log is fetched less often


@click.command()
@click.argument("task", shell_complete=complete_job)
@click.option("--follow", is_flag=True, help="Go on until the task ends.")
@as_json_option
@asks_the_farm
def log(*, task: str, follow: bool, as_json: bool) -> None:
    """Show the log of a task.

    TASK is JOB/NUMBER or JOB/NAME, the beginning of an id, or a job: then it is the failed task,
    else the active one, else the last.
    """
    found = ask(lambda farm: _find(farm, task, follow=follow))
    if not as_json:
        remark(f"{found['name']}, {found['status']}:")
    if as_json:
        text = ask(lambda farm: _whole(farm, found["id"]))
        print_json({"task_id": found["id"], "status": found["status"], "log": text})
    else:
        asyncio.run(_show(where(), found["id"], follow=follow))


async def _find(farm: FarmClient, text: str, *, follow: bool) -> AnyJson:
    try:
        job = await find_job(farm, text)
    except NothingFits:
        return (await find_task(farm, text))[0]
    tasks = await farm.job_tasks(job["id"])
    for status in _MOST_TELLING_FIRST:
        if fitting := [task for task in tasks if task["status"] == status]:
            return max(fitting, key=lambda task: str(task["updated"]))
    if follow and tasks:
        return tasks[0]
    raise Refused(f"No task of {job['name']} has begun.", remedy="Wait until a worker takes one.")


async def _whole(farm: FarmClient, task_id: str) -> str:
    info = await farm.task_log(task_id)
    if info is None:
        return ""
    return b"".join([chunk async for chunk in farm.download(info.url)]).decode("utf-8", "replace")


async def _show(place: Where, task_id: str, *, follow: bool) -> None:
    tail = _Tail(task_id)
    async with reached(place) as farm:
        goes_on = await tail.show_more(farm)
    if not follow or not goes_on:
        return
    async with news(place, [f"/tasklog/{task_id}"]) as queue:
        while goes_on:
            started_s = clock.steady_s()
            try:
                async with place.farm() as farm:
                    goes_on = await tail.show_more(farm)
            except FarmSaid:
                raise
            except FarmError:
                remark(AWAY)
            cost_s = clock.steady_s() - started_s
            await asyncio.sleep(max(_LOOK_EVERY_S, cost_s / _LOOKS_COST_AT_MOST))
            while not queue.empty():
                queue.get_nowait()


class _Tail:
    """A log, shown up to some byte."""

    def __init__(self, task_id: str) -> None:
        self._task = task_id
        self._shown = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    async def show_more(self, farm: FarmClient) -> bool:
        """Show what is new; return whether more may come."""
        status = (await farm.task(self._task))["status"]
        info = await farm.task_log(self._task)
        if info is not None and info.size < self._shown:
            self._shown = 0  # it was begun anew
        if info is not None and info.size > self._shown:
            await self._show_from(farm, info.url)
        return status in _GOES_ON

    async def _show_from(self, farm: FarmClient, url: str) -> None:
        at = 0
        async for chunk in farm.download(url):
            fresh = chunk[max(0, self._shown - at) :]
            at += len(chunk)
            click.echo(self._decoder.decode(fresh), nl=False)
        self._shown = max(self._shown, at)
