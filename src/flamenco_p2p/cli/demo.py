"""`flamenco-p2p demo`: a whole farm for a minute.

Is: a node in a temporary folder, the shipped scene, a look at what came out. Is not: special in any
way: the job takes the same way as any other. Only the frames and the video stay.
"""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import click
from PIL import Image

from flamenco_p2p import clock
from flamenco_p2p.cli import submission
from flamenco_p2p.cli.finding import Where, reached
from flamenco_p2p.cli.live import display
from flamenco_p2p.cli.needed_programs import programs_for
from flamenco_p2p.cli.node_log import node_log
from flamenco_p2p.cli.output import duration, print_json, remark, say
from flamenco_p2p.cli.progress import JobProgress
from flamenco_p2p.cli.watch import follow
from flamenco_p2p.client.answers import Job
from flamenco_p2p.config import Config
from flamenco_p2p.data_folder import DataFolder
from flamenco_p2p.farm.errors import Broken
from flamenco_p2p.node import running_node
from flamenco_p2p.rules.frames import count_frames
from flamenco_p2p.shipped import shipped_folder
from flamenco_p2p.worker.programs import Programs

USUAL_FOLDER: Final = "flamenco-demo"
USUAL_FRAMES: Final = "1-16"
_TYPE: Final = "simple-blender-render"


@dataclass(frozen=True, slots=True)
class Result:
    """What the demo made; paths are absolute."""

    status: str
    blender: str
    folder: str
    frames: list[str]
    video: str | None
    seconds: float


@click.command()
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(USUAL_FOLDER),
    show_default=True,
    help="Folder in which frames and video stay.",
)
@click.option("--frames", default=USUAL_FRAMES, show_default=True, help="Which of its 16 frames.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def demo(*, keep: Path, frames: str, as_json: bool) -> None:
    """Render a shipped scene on a farm of its own.

    The farm lives for a minute in a temporary folder; only frames and video stay.
    """
    wish = submission.Wish(
        file=shipped_folder("examples") / "orrery.blend",
        job_type=_TYPE,
        settings={"frames": frames, "render_output_root": str(keep.absolute())},
    )
    scene = submission.check(wish)
    if scene is None:
        raise Broken("The example scene is not there.", remedy="Install flamenco-p2p again.")
    started_s = clock.steady_s()
    programs, blender = asyncio.run(programs_for(scene))
    remark(f"Blender: {blender}")
    with tempfile.TemporaryDirectory(prefix="flamenco-p2p-demo-") as temporary:
        data_dir = Path(temporary)
        with node_log(data_dir, "info", terminal=False):
            job, ended = asyncio.run(_render(data_dir, wish, scene, programs, quiet=as_json))
    result = _look(job, ended, blender, clock.steady_s() - started_s)
    if as_json:
        print_json(asdict(result))
    if ended.status != "completed":
        remark(f"The demo's job is {ended.status}.")
        click.get_current_context().exit(1)
    if lacking := _what_is_lacking(result, count_frames(frames)):
        raise Broken(f"The job is completed, but {lacking}.", remedy=f"Look at {result.folder}.")
    if not as_json:
        say(f"Done in {duration(result.seconds)}. The farm is gone; this stays:")
        say(f"  {len(result.frames)} frames  {result.folder}")
        say(f"  video      {result.video}")
        say("Start a node with `flamenco-p2p`, then submit your own scene:")
        say("  flamenco-p2p submit FILE.blend --wait")


async def _render(
    data_dir: Path,
    wish: submission.Wish,
    scene: submission.Scene,
    programs: Programs,
    *,
    quiet: bool,
) -> tuple[Job, JobProgress]:
    """Run a node for the time of one job."""
    config = Config(name="demo", farm="Demo", host="127.0.0.1", port=0)
    folder = await asyncio.to_thread(DataFolder, data_dir)
    try:
        async with running_node(config, folder) as node:
            place = Where(data_dir, node.url)
            remark(f"A farm for this demo: {node.url}/api/v3/jobs")
            async with reached(place) as farm:
                job_type = await submission.job_type_of(farm, wish.job_type)
                job = await submission.prepare(wish, scene, job_type, lambda: _ready(programs))
                submitted = await submission.hand_in(farm, job, remark)
            remark(f"Frames and video go to {submission.output_folder(submitted.settings)}")
            with display(quiet=quiet) as shown:
                ended = await follow(place, submitted.id, submitted.name, shown)
    finally:
        await asyncio.to_thread(folder.release)
    return submitted, ended


async def _ready(programs: Programs) -> Programs:
    return programs


def _look(job: Job, ended: JobProgress, blender: str, seconds: float) -> Result:
    folder = Path(submission.output_folder(job.settings) or ".")
    frames = sorted(str(path) for path in folder.glob("*.png") if _opens(path))
    videos = [path for path in folder.glob("*.mp4") if path.stat().st_size > 0]
    video = str(videos[0]) if videos else None
    return Result(ended.status, blender, str(folder), frames, video, round(seconds, 1))


def _opens(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            image.load()
    except (OSError, SyntaxError):  # the latter for a PNG that is torn in certain places
        return False
    return True


def _what_is_lacking(result: Result, wanted: int) -> str:
    if len(result.frames) != wanted:
        return f"{len(result.frames)} of {wanted} frames are whole"
    return "" if result.video else "there is no video"
