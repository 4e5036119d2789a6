"""From a .blend and a few words to a job in the farm.

Is: the values of the settings (asked of Blender), and handing the job in exactly once. Is not: the
command line (submit) or what becomes of the job (watch).
"""

from __future__ import annotations

import asyncio
import getpass
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from flamenco_p2p import clock
from flamenco_p2p.client.answers import Job
from flamenco_p2p.client.errors import FarmSaid, FarmUnreachable
from flamenco_p2p.client.farm_client import FarmClient
from flamenco_p2p.farm.errors import FarmError, Refused
from flamenco_p2p.farm.ids import text_of
from flamenco_p2p.files.blend_file import recognised
from flamenco_p2p.node import os_name
from flamenco_p2p.rules.frames import frames_of
from flamenco_p2p.submit.scene_values import default_output_root, evaluate_settings, parse_setting
from flamenco_p2p.worker.programs import BlenderWanted, NoBlender, Programs

LAST_FRAME: Final = 1_048_574  # asked for a later one, Blender renders this one
_TRIES_AFTER_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person wants rendered. `settings` are texts by key, as they were typed."""

    file: Path | None
    job_type: str
    name: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    priority: int = 50
    paused: bool = False
    comment: str = ""
    same_blender_only: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """The .blend to render: absolute path, and the Blender that saved it."""

    path: Path
    saved_by: tuple[int, int]


def check(wish: Wish) -> Scene | None:
    """Find what is wrong with a wish before anybody is asked. Raises `Refused`. Blocks."""
    if (frames := wish.settings.get("frames")) is not None and frames_of(frames)[-1] > LAST_FRAME:
        raise Refused(f"Blender's last frame is {LAST_FRAME}.", remedy="Check the frames.")
    return None if wish.file is None else Scene(*recognised(wish.file))


async def job_type_of(farm: FarmClient, name: str) -> dict[str, Any]:
    """The job type with this name. Raises `Refused` with the names there are."""
    try:
        return await farm.job_type(name)
    except FarmSaid as error:
        if error.answered != 404:
            raise
        known = ", ".join(job_type["name"] for job_type in await farm.job_types())
        raise Refused(
            f"The farm has no job type “{name}”.", remedy=f"It has: {known or 'none'}."
        ) from None


async def prepare(
    wish: Wish,
    scene: Scene | None,
    job_type: Mapping[str, Any],
    programs: Callable[[], Awaitable[Programs]],
) -> dict[str, Any]:
    """Return the job as the API takes it. Raises `Refused`.

    `programs` returns an awaitable of this machine's `Programs`; it is only asked for a scene.
    """
    job = await asyncio.to_thread(_without_blender, wish, scene, job_type)
    if scene is None:
        return job

    wanted = BlenderWanted(scene.saved_by, newer_allowed=not wish.same_blender_only)
    blender = (await programs()).choose_blender(wanted)
    if isinstance(blender, NoBlender):
        raise Refused(f"Nobody here can read the scene's values. {blender.reason}")
    answer = await evaluate_settings(
        blender_argv=blender.argv,
        blendfile=scene.path,
        job_type=job_type,
        given=job["settings"],
        job_name=job["name"],
    )
    job["metadata"]["project"] = scene.path.parent.name
    version = ".".join(map(str, scene.saved_by))
    job["blender"] = {"version": version, "newer_allowed": wanted.newer_allowed}
    return {**job, "settings": answer.values}


def _without_blender(
    wish: Wish, scene: Scene | None, job_type: Mapping[str, Any]
) -> dict[str, Any]:
    """All of the job that is known before Blender is asked. Raises `Refused`. Blocks."""
    user = _user()
    job: dict[str, Any] = {
        "name": wish.name or (job_type["name"] if scene is None else scene.path.stem),
        "type": job_type["name"],
        "type_etag": job_type.get("etag", ""),
        "priority": wish.priority,
        "submitter_platform": os_name(),
        "submitter": f"{user}@{socket.gethostname()}",
        "comment": wish.comment,
        "time_zone": local_time_zone(),
        "metadata": {"user.name": user},
        "settings": _given(wish, scene, job_type),
    }
    if wish.paused:
        job["initial_status"] = "paused"
    return job


def _given(wish: Wish, scene: Scene | None, job_type: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed, as values, and where the frames go. Raises `Refused`."""
    keys = {setting["key"] for setting in job_type.get("settings") or ()}
    # With a scene, Blender's side fills in what a job type says of unset settings.
    given: dict[str, Any] = {} if scene is not None else _defaults(job_type)
    given |= {key: parse_setting(job_type, key, text) for key, text in wish.settings.items()}
    if scene is None and "blendfile" in keys:
        raise Refused(
            f"A job of the type “{job_type['name']}” needs a .blend.",
            remedy="Say which: flamenco-p2p submit FILE.blend.",
        )
    for key in ("render_output_root", "render_output_path"):
        if path := given.get(key):
            given[key] = os.path.abspath(path)  # noqa: PTH100 - as for the file
    if not given.get("render_output_root") and scene is not None and "render_output_root" in keys:
        given["render_output_root"] = default_output_root(scene.path)
    return given


def _defaults(job_type: Mapping[str, Any]) -> dict[str, Any]:
    settings = job_type.get("settings") or ()
    return {one["key"]: one["default"] for one in settings if one.get("default") is not None}


async def hand_in(farm: FarmClient, job: Mapping[str, Any], on_retry: Callable[[str], None]) -> Job:
    """Submit a job. A lost answer is asked for again, and makes no second job."""
    key = text_of(clock.fresh_job_id())
    told = ""
    for pause_s in (*_TRIES_AFTER_S, None):
        try:
            return await farm.submit_job(job, idempotency_key=key)
        except FarmError as error:
            passing = isinstance(error, FarmUnreachable) or (
                isinstance(error, FarmSaid) and error.answered == 503
            )
            if not passing or pause_s is None:
                raise
            if error.problem != told:
                on_retry(f"{error.problem} Trying again.")
            told = error.problem
            await asyncio.sleep(pause_s)
    raise AssertionError("the last try returns or raises")


def output_folder(settings: Mapping[str, Any]) -> str | None:
    """The folder into which a job's frames go, if its type says so."""
    path = settings.get("render_output_path")
    return str(Path(path).parent) if isinstance(path, str) and path else None


def local_time_zone() -> str:
    """The IANA name of this machine's time zone; empty if it has none."""
    if name := os.environ.get("TZ", "").lstrip(":"):
        return name if "/" in name and not name.startswith("/") else ""
    path = os.path.realpath("/etc/localtime")
    return path.partition("/zoneinfo/")[2]


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user id without a name, as in some containers
        return "somebody"
