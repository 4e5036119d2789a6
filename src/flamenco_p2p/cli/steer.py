"""Changing jobs: `pause`, `resume`, `cancel`, `requeue`, `delete`, `priority`.

Is: one wish for one or several jobs, and a line for each that says what became of it. Is not: the
rules of what may be wished (the farm says so).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import click

from flamenco_p2p.cli.farm import as_json_option, ask, complete_job
from flamenco_p2p.cli.finding import AnyJson, asks_the_farm, find_job, find_task, label
from flamenco_p2p.cli.output import print_json, say
from flamenco_p2p.client.farm_client import FarmClient
from flamenco_p2p.farm.errors import Refused

_REASON: Final = "asked for in a terminal"

jobs_argument = click.argument("jobs", nargs=-1, metavar="JOB…", shell_complete=complete_job)
tasks_option = click.option(
    "--task",
    "tasks",
    multiple=True,
    metavar="TASK",
    help="A single task instead: JOB/NUMBER, JOB/NAME or an id.",
)
Change = Callable[[FarmClient, AnyJson], Awaitable[None]]


@click.command()
@jobs_argument
@as_json_option
@asks_the_farm
def pause(*, jobs: tuple[str, ...], as_json: bool) -> None:
    """Let no further task of JOB begin; `resume` lets it go on."""
    _set_jobs(jobs, "pause-requested", as_json=as_json)


@click.command()
@jobs_argument
@as_json_option
@asks_the_farm
def resume(*, jobs: tuple[str, ...], as_json: bool) -> None:
    """Let a paused JOB go on."""
    _set_jobs(jobs, "queued", as_json=as_json)


@click.command()
@jobs_argument
@tasks_option
@as_json_option
@asks_the_farm
def cancel(*, jobs: tuple[str, ...], tasks: tuple[str, ...], as_json: bool) -> None:
    """End JOB at once; what is rendered stays."""
    if tasks:
        _set_tasks(tasks, "canceled", as_json=as_json)
    if jobs or not tasks:
        _set_jobs(jobs, "cancel-requested", as_json=as_json)


@click.command()
@jobs_argument
@tasks_option
@as_json_option
@asks_the_farm
def requeue(*, jobs: tuple[str, ...], tasks: tuple[str, ...], as_json: bool) -> None:
    """Let JOB be done again.

    Of a failed or canceled job the missing tasks are done, of a completed one all.
    """
    if tasks:
        _set_tasks(tasks, "queued", as_json=as_json)
    if jobs or not tasks:
        _set_jobs(jobs, "requeueing", as_json=as_json)


@click.command()
@jobs_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json_option
@asks_the_farm
def delete(*, jobs: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Remove JOB from the farm; rendered frames stay.

    Its tasks and their logs go with it.
    """
    found = ask(lambda farm: _find_jobs(farm, jobs))
    if not yes:
        listed = ", ".join(label(job) for job in found)
        click.confirm(f"Delete {listed}?", abort=True, err=True)

    async def change(farm: FarmClient, job: AnyJson) -> None:
        await farm.delete_job(job["id"])

    _change_jobs(tuple(job["id"] for job in found), change, as_json=as_json)


@click.command()
@click.argument("job", shell_complete=complete_job)
@click.argument("number", type=click.IntRange(0, 100), metavar="N")
@as_json_option
@asks_the_farm
def priority(*, job: str, number: int, as_json: bool) -> None:
    """Give JOB the priority N, 0 to 100.

    The job with the higher one goes first.
    """

    async def change(farm: FarmClient, found: AnyJson) -> None:
        await farm.set_job_priority(found["id"], number)

    _change_jobs((job,), change, as_json=as_json)


def _set_jobs(jobs: tuple[str, ...], status: str, *, as_json: bool) -> None:
    async def change(farm: FarmClient, job: AnyJson) -> None:
        await farm.set_job_status(job["id"], status, _REASON)

    _change_jobs(jobs, change, as_json=as_json)


def _change_jobs(jobs: tuple[str, ...], change: Change, *, as_json: bool) -> None:
    async def question(farm: FarmClient) -> list[tuple[AnyJson, AnyJson | None]]:
        before = await _find_jobs(farm, jobs)
        for job in before:
            await change(farm, job)
        after = {job["id"]: job for job in await farm.jobs()}
        return [(job, after.get(job["id"])) for job in before]

    changed = ask(question)
    if as_json:
        print_json(
            {"jobs": [now or {"id": was["id"], "was_deleted": True} for was, now in changed]}
        )
        return
    for was, now in changed:
        say(_what_happened(was, now))


def _what_happened(was: AnyJson, now: AnyJson | None) -> str:
    if now is None:
        return f"{label(was)} is deleted."
    if "delete_requested_at" in now:
        return f"{label(now)} is being deleted."
    if now["priority"] != was["priority"]:
        return f"{label(now)} has priority {now['priority']} (was {was['priority']})."
    if now["status"] == was["status"]:
        return f"{label(now)} is {now['status']}, as it was."
    return f"{label(now)} is {now['status']} (was {was['status']})."


def _set_tasks(tasks: tuple[str, ...], status: str, *, as_json: bool) -> None:
    async def question(farm: FarmClient) -> list[AnyJson]:
        found = [(await find_task(farm, text))[0] for text in tasks]
        for task in found:
            await farm.set_task_status(task["id"], status, _REASON)
        return [await farm.task(task["id"]) for task in found]

    changed = ask(question)
    if as_json:
        print_json({"tasks": changed})
        return
    for task in changed:
        say(f"{task['name']} is {task['status']}.")


async def _find_jobs(farm: FarmClient, jobs: tuple[str, ...]) -> list[AnyJson]:
    if not jobs:
        raise Refused("Which job?", remedy='Give its id, its name, or "last".')
    return [await find_job(farm, text) for text in jobs]
