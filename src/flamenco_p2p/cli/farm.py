"""Looking at the farm: `status`, `jobs`, `tasks`, `workers`, `job-types`.

Is: lists for people, and the API's own JSON for programs. Is not: any change (steer).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click
import msgspec
from rich.text import Text

from flamenco_p2p.cli.finding import AnyJson, asks_the_farm, find_job, reached, where, where_in
from flamenco_p2p.cli.output import ago, coloured, print_json, print_table, say, short_id
from flamenco_p2p.cli.submission import job_type_of
from flamenco_p2p.cli.waiting import why_waiting
from flamenco_p2p.client.farm_client import FarmClient
from flamenco_p2p.shipped import shipped_folder
from flamenco_p2p.wire.blenders import BlenderNeed

T = TypeVar("T")

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print the API's JSON.")


def ask(question: Callable[[FarmClient], Awaitable[T]]) -> T:
    """Put one question to the node."""
    place = where()

    async def asked() -> T:
        async with reached(place) as farm:
            return await question(farm)

    return asyncio.run(asked())


def complete_job_type(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    """Names of job types for the shell: the farm's, or without a farm the shipped ones."""
    place = where_in(context)

    async def names() -> list[str]:
        async with place.farm() as farm:
            return [job_type["name"] for job_type in await farm.job_types()]

    try:
        known = asyncio.run(names())
    except Exception:  # whatever it is, a half-typed line is no place to say it
        scripts = shipped_folder("jobtypes").glob("*.js")
        known = [script.stem.replace("_", "-") for script in scripts]
    return sorted(name for name in known if name.startswith(incomplete))


def complete_job(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names and ids of jobs for the shell."""
    place = where_in(context)

    async def jobs() -> list[AnyJson]:
        async with place.farm() as farm:
            return await farm.jobs()

    try:
        known = asyncio.run(jobs())
    except Exception:  # as above
        return []
    names = Counter(job["name"] for job in known)
    words = ["last", *(name for name, count in names.items() if count == 1)]
    words += [job["id"] for job in known] if incomplete else []
    return [word for word in words if word.startswith(incomplete)]


@click.command()
@as_json_option
@asks_the_farm
def status(*, as_json: bool) -> None:
    """Show the farm and its nodes."""

    async def question(farm: FarmClient) -> AnyJson:
        return {
            "version": await farm.version(),
            "status": await farm.farm_status(),
            "cluster": await farm.cluster(),
            "jobs": dict(Counter(job["status"] for job in await farm.jobs())),
            "workers": dict(Counter(worker["status"] for worker in await farm.workers())),
        }

    answer = ask(question)
    if as_json:
        print_json(answer)
        return
    cluster = answer["cluster"]
    say(f"{cluster['farm']} is {answer['status']}.")
    for noun in ("jobs", "workers"):
        counted = ", ".join(f"{number} {word}" for word, number in sorted(answer[noun].items()))
        say(f"{noun.capitalize()}: {counted or 'none'}.")
    manager = (cluster.get("manager") or {}).get("id")
    rows = [
        (
            node["name"],
            node["url"],
            "manages the farm" if node["id"] == manager else node["role"],
            coloured("online" if node["online"] else "offline"),
        )
        for node in cluster["nodes"]
    ]
    print_table(("node", "address", "role", "status"), rows, "It has no nodes.")


@click.command()
@as_json_option
@asks_the_farm
def jobs(*, as_json: bool) -> None:
    """List all jobs, newest last."""
    found = ask(lambda farm: farm.jobs())
    if as_json:
        print_json({"jobs": found})
        return
    rows = [
        (
            short_id(job["id"]),
            job["name"],
            coloured(job["status"]),
            _done(job),
            str(job["priority"]),
            job["type"],
            ago(job["updated"]),
        )
        for job in found
    ]
    columns = ("job", "name", "status", "tasks", "priority", "type", "changed")
    print_table(columns, rows, "There are no jobs. Submit one: flamenco-p2p submit FILE.blend")


def _done(job: AnyJson) -> str:
    tally = job.get("tally")
    if tally is None:
        return f"{job['steps_completed']}/{job['steps_total']}"
    return f"{tally['done']}/{tally['total']}"


@click.command()
@click.argument("job", shell_complete=complete_job)
@as_json_option
@asks_the_farm
def tasks(*, job: str, as_json: bool) -> None:
    """List the tasks of JOB.

    JOB is an id or the beginning of it, a name, or "last" for the newest one.
    """

    async def question(farm: FarmClient) -> tuple[AnyJson, list[AnyJson], str]:
        found = await find_job(farm, job)
        need = msgspec.convert(found.get("blender"), BlenderNeed | None)
        waits = found["status"] == "queued" and not as_json
        why = await why_waiting(farm, need) if waits else ""
        return found, await farm.job_tasks(found["id"]), why or found["activity"]

    found, its_tasks, more = ask(question)
    if as_json:
        print_json({"tasks": its_tasks})
        return
    say(f"{found['name']}, {found['status']}. {more}".rstrip())
    rows = [
        (
            str(task["index_in_job"]),
            task["name"],
            coloured(task["status"]),
            f"{task['steps_completed']}/{task['steps_total']}",
            task["worker"]["name"],
            ago(task["updated"]),
        )
        for task in its_tasks
    ]
    columns = ("no", "task", "status", "steps", "worker", "changed")
    print_table(columns, rows, "It has no tasks.")


@click.command()
@as_json_option
@asks_the_farm
def workers(*, as_json: bool) -> None:
    """List all workers and their Blenders."""

    async def question(farm: FarmClient) -> list[AnyJson]:
        return [await farm.worker(worker["id"]) for worker in await farm.workers()]

    found = ask(question)
    if as_json:
        print_json({"workers": found})
        return
    rows = [
        (
            short_id(worker["id"]),
            worker["name"],
            _wanted(worker),
            worker["task"]["name"] if (worker.get("task") or {}).get("status") == "active" else "",
            ", ".join(f"{one['version']} {one['kind']}" for one in worker.get("blenders", ())),
            ago(worker.get("last_seen", "")),
        )
        for worker in found
    ]
    columns = ("worker", "name", "status", "task", "Blenders", "seen")
    print_table(columns, rows, "No worker has ever been here.")


def _wanted(worker: AnyJson) -> Text:
    shown = coloured(worker["status"])
    if change := worker.get("status_change"):
        shown = Text.assemble(shown, f" → {change['status']}")
    return shown


@click.command("job-types")
@click.argument("name", required=False, shell_complete=complete_job_type)
@as_json_option
@asks_the_farm
def job_types(*, name: str | None, as_json: bool) -> None:
    """List the kinds of jobs, or the settings of NAME."""
    if name is None:
        found = ask(lambda farm: farm.job_types())
        if as_json:
            print_json({"job_types": found})
            return
        rows = [(one["name"], one["label"], one.get("description", "")) for one in found]
        print_table(("name", "label", "what it does"), rows, "The farm knows none.")
        return
    wanted = name
    job_type = ask(lambda farm: job_type_of(farm, wanted))
    if as_json:
        print_json(job_type)
        return
    say(f"{job_type['label']}. {job_type.get('description', '')}".rstrip())
    settings = [_setting(one) for one in job_type.get("settings") or ()]
    print_table(("setting", "type", "without it", "what it is"), settings, "It has no settings.")


def _setting(setting: AnyJson) -> tuple[str, str, str, str]:
    kind = " | ".join(setting["choices"]) if setting.get("choices") else setting["type"]
    return setting["key"], kind, _without(setting), setting.get("description", "")


def _without(setting: AnyJson) -> str:
    if setting.get("eval"):
        return "from the scene"
    default: Any = setting.get("default")
    if default is not None:
        return str(default).lower() if isinstance(default, bool) else str(default)
    return "required" if setting.get("required") else ""
