"""`flamenco-p2p submit`: a scene goes to the farm.

Is: the command line of it, and what is said on the way. Is not: the making of the job (submission).
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
import msgspec

from flamenco_p2p import clock
from flamenco_p2p.cli import submission
from flamenco_p2p.cli.failures import INTERRUPTED
from flamenco_p2p.cli.farm import complete_job_type
from flamenco_p2p.cli.finding import Where, asks_the_farm, reached, where
from flamenco_p2p.cli.live import Display, display
from flamenco_p2p.cli.output import duration, print_json, remark, say, short_id
from flamenco_p2p.cli.progress import JobProgress
from flamenco_p2p.cli.waiting import why_waiting
from flamenco_p2p.cli.watch import follow
from flamenco_p2p.client.answers import Job
from flamenco_p2p.config import read_settings
from flamenco_p2p.farm.errors import Refused
from flamenco_p2p.worker.programs import Programs, find_programs

USUAL_TYPE = "simple-blender-render"


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--type",
    "job_type",
    default=USUAL_TYPE,
    show_default=True,
    shell_complete=complete_job_type,
    help="Kind of job; `flamenco-p2p job-types` lists them.",
)
@click.option("--name", default="", help="Name of the job; without it, the file's.")
@click.option("--frames", help='Such as "1-10, 20, 25-30"; without it, the scene\'s range.')
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help='Folder for the frames; without it, "render" beside the file.',
)
@click.option(
    "--priority",
    type=click.IntRange(0, 100),
    default=50,
    show_default=True,
    help="The job with the higher one goes first.",
)
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Any other setting.")
@click.option("--paused", is_flag=True, help="Let the job wait until it is resumed.")
@click.option("--comment", default="", help="A word to whoever looks at the job.")
@click.option(
    "--same-blender-only", is_flag=True, help="Render with the series that saved the file only."
)
@click.option("--wait", is_flag=True, help="Show progress until the job ends; status 1: it failed.")
@click.option("--json", "as_json", is_flag=True, help="Print the job as JSON.")
@asks_the_farm
def submit(
    *,
    file: Path | None,
    job_type: str,
    name: str,
    frames: str | None,
    output: Path | None,
    priority: int,
    assignments: tuple[str, ...],
    paused: bool,
    comment: str,
    same_blender_only: bool,
    wait: bool,
    as_json: bool,
) -> None:
    """Submit FILE, a .blend, to the farm.

    Settings that are not given are asked of Blender, as a Blender user would get them. FILE may be
    left out for job types that render nothing.
    """
    settings = _settings(assignments)
    if frames is not None:
        settings["frames"] = frames
    if output is not None:
        settings["render_output_root"] = str(output)
    wish = submission.Wish(
        file=file,
        job_type=job_type,
        name=name,
        settings=settings,
        priority=priority,
        paused=paused,
        comment=comment,
        same_blender_only=same_blender_only,
    )
    scene = submission.check(wish)
    place = where()
    job = asyncio.run(_submit(place, wish, scene))
    if not as_json:
        _say_submitted(job)
        if not wait and (why := asyncio.run(_why_waiting(place, job))):
            remark(why)
    status = _wait_for(place, job, quiet=as_json) if wait else None
    if as_json:
        print_json(asyncio.run(_as_it_is(place, job)) if wait else job)
    if status not in (None, "completed"):
        click.get_current_context().exit(1)


def _settings(assignments: tuple[str, ...]) -> dict[str, str]:
    settings = {}
    for text in assignments:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise Refused(f"“{text}” sets nothing.", remedy="Write --set KEY=VALUE.")
        settings[key.strip()] = value
    return settings


async def _submit(place: Where, wish: submission.Wish, scene: submission.Scene | None) -> Job:
    async def programs() -> Programs:
        settings = await asyncio.to_thread(read_settings, place.data_dir, {}, {})
        return await find_programs(settings.config.blenders)

    async with reached(place) as farm:
        job_type = await submission.job_type_of(farm, wish.job_type)
        job = await submission.prepare(wish, scene, job_type, programs)
        return await submission.hand_in(farm, job, remark)


def _say_submitted(job: Job) -> None:
    remark(f"{job.name} is submitted: job {job.id}.")
    if folder := submission.output_folder(job.settings):
        remark(f"Frames go to {folder}")


async def _why_waiting(place: Where, job: Job) -> str:
    async with reached(place) as farm:
        return await why_waiting(farm, job.blender) if job.status == "queued" else ""


def _wait_for(place: Where, job: Job, *, quiet: bool) -> str:
    started_s = clock.steady_s()
    try:
        with display(quiet=quiet) as shown:
            ended = asyncio.run(_follow(place, job, shown))
    except KeyboardInterrupt:
        remark(
            f"The job goes on without you. Cancel it with `flamenco-p2p cancel {short_id(job.id)}`."
        )
        click.get_current_context().exit(INTERRUPTED)
    if not quiet:
        say(_how_it_ended(ended, job, clock.steady_s() - started_s))
    return ended.status


async def _follow(place: Where, job: Job, shown: Display) -> JobProgress:
    return await follow(place, job.id, job.name, shown)


def _how_it_ended(ended: JobProgress, job: Job, took_s: float) -> str:
    if ended.status == "completed":
        folder = submission.output_folder(job.settings)
        result = f" The result is in {folder}" if folder else ""
        return f"{job.name} is completed after {duration(took_s)}.{result}"
    what = f"{job.name} is {ended.status} after {duration(took_s)}."
    if ended.status == "failed":
        name = short_id(job.id)
        return f"{what} See `flamenco-p2p log {name}`; try again: `flamenco-p2p requeue {name}`."
    return what


async def _as_it_is(place: Where, job: Job) -> object:
    async with reached(place) as farm:
        jobs = [one for one in await farm.jobs() if one["id"] == job.id]
    return jobs[0] if jobs else msgspec.to_builtins(job)
