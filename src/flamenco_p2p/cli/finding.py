"""Which node, job or task a person means.

Is: from what was typed (or not) to one address, one id. Is not: a search: what fits two things is
refused with both named.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from flamenco_p2p.cli.output import short_id
from flamenco_p2p.client.errors import FarmUnreachable, StrangeAnswer
from flamenco_p2p.client.farm_client import FarmClient
from flamenco_p2p.data_folder import address_in, default_folder
from flamenco_p2p.farm.errors import Refused

USUAL_URL: Final = "http://127.0.0.1:8080"
_META: Final = "flamenco_p2p."
_UP_TO_THE_NUMBER: Final = 30  # characters of a task's id are its job's
_CANDIDATES_SHOWN: Final = 8

AnyJson = dict[str, Any]
Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Where:
    """Which node is meant: the one a person named, else the one on this machine."""

    data_dir: Path
    manager: str | None = None

    def url(self) -> str:
        """Its address now: a node that starts again may have another port. Blocks a little."""
        return self.manager or address_in(self.data_dir) or USUAL_URL

    @asynccontextmanager
    async def farm(self) -> AsyncIterator[FarmClient]:
        """A client of that node, whether or not it answers."""
        async with FarmClient(await asyncio.to_thread(self.url)) as farm:
            yield farm


def data_dir_option(*, envvar: str | None = None) -> Callable[[Command], Command]:
    """`--data-dir`; given twice, the later one counts."""
    return click.option(
        "--data-dir",
        type=click.Path(file_okay=False, path_type=Path),
        envvar=envvar,
        expose_value=False,
        callback=_remember,
        is_eager=True,
        help="Folder in which this machine's node keeps everything.",
    )


def manager_option(*, envvar: str | None = None) -> Callable[[Command], Command]:
    """`--manager`; given twice, the later one counts."""
    return click.option(
        "--manager",
        metavar="URL",
        envvar=envvar,
        expose_value=False,
        callback=_remember,
        is_eager=True,
        help="Address of the node to ask; without it, this machine's node.",
    )


def asks_the_farm(command: Command) -> Command:
    """Give a command the options that say which node to ask."""
    return manager_option()(data_dir_option()(command))


def where() -> Where:
    """Which node the running command should ask."""
    return where_in(click.get_current_context())


def where_in(context: click.Context) -> Where:
    """Which node the options so far mean."""
    folder = context.meta.get(f"{_META}data_dir")
    return Where(folder or default_folder(), context.meta.get(f"{_META}manager"))


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value is not None:
        kept = value.absolute() if isinstance(value, Path) else value
        context.meta[f"{_META}{parameter.name}"] = kept


@asynccontextmanager
async def reached(place: Where) -> AsyncIterator[FarmClient]:
    """Talk to the node. Raises `Refused` with what to do if there is none."""
    async with place.farm() as farm:
        try:
            await farm.version()
        except (FarmUnreachable, StrangeAnswer):
            if place.manager is not None:
                raise
            raise Refused(
                "No node is running here.",
                remedy="Start one with `flamenco-p2p`, or name another machine's: --manager URL.",
            ) from None
        yield farm


async def find_job(farm: FarmClient, text: str) -> AnyJson:
    """The job that `text` means: `last`, the beginning of an id, or a name. Raises `Refused`."""
    jobs = await farm.jobs()
    if text == "last" and jobs:
        return jobs[-1]
    return _the_one(text, "job", jobs)


async def find_task(farm: FarmClient, text: str) -> tuple[AnyJson, AnyJson]:
    """The task that `text` means, and its job. Raises `Refused`.

    It is the beginning of its id, or JOB/TASK where TASK is a number or a name, or the name of a
    task of the newest job.
    """
    job_text, slash, task_text = text.rpartition("/")
    if not slash and len(text) > _UP_TO_THE_NUMBER:
        job_text, task_text = text[:_UP_TO_THE_NUMBER], text
    job = await find_job(farm, job_text or "last")
    tasks = await farm.job_tasks(job["id"])
    if slash and task_text.isdigit():
        tasks = [task for task in tasks if task["index_in_job"] == int(task_text)]
        task_text = tasks[0]["id"] if tasks else task_text
    return _the_one(task_text, "task", tasks), job


def _the_one(text: str, noun: str, things: Sequence[AnyJson]) -> AnyJson:
    found = [thing for thing in things if thing["id"].startswith(text.lower())] if text else []
    if exact := [thing for thing in things if text in (thing["id"], thing["name"])]:
        found = exact
    if len(found) == 1:
        return found[0]
    if not found:
        raise NothingFits(noun, text)
    shown = ", ".join(f"{one['id']} ({one['name']})" for one in found[:_CANDIDATES_SHOWN])
    more = ", …" if len(found) > _CANDIDATES_SHOWN else ""
    raise Refused(f"“{text}” could be {len(found)} {noun}s: {shown}{more}.", remedy="Give the id.")


class NothingFits(Refused):
    """No thing has this id or name."""

    def __init__(self, noun: str, text: str) -> None:
        command = "flamenco-p2p jobs" if noun == "job" else "flamenco-p2p tasks JOB"
        super().__init__(f"There is no {noun} “{text}”.", remedy=f"List them with `{command}`.")


def label(job: AnyJson) -> str:
    """A job's name with its id, for a line of text."""
    return f"{job['name']} ({short_id(job['id'])})"
