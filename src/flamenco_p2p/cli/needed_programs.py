"""The programs without which the demo makes no sense.

Is: finding them, and getting what they lack where nobody need be asked (as root, with apt-get).
Is not: used by nodes: those start without any program and say what is missing.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from typing import Final

from flamenco_p2p.cli.output import remark
from flamenco_p2p.cli.submission import Scene
from flamenco_p2p.farm.errors import Refused
from flamenco_p2p.worker.programs import (
    LIBRARIES_DEBIAN,
    BlenderWanted,
    NoBlender,
    Programs,
    find_programs,
)

_HOW_TO_GET_BLENDER: Final = (
    "Or take the one that comes as a Python package: `pip install 'flamenco-p2p[embedded]'` "
    "(for Python 3.11 and 3.13)."
)


async def programs_for(scene: Scene) -> tuple[Programs, str]:
    """Return this machine's programs, and in words the Blender that fits the scene.

    Raises `Refused` with what to do if one is missing.
    """
    wanted = BlenderWanted(scene.saved_by, newer_allowed=True)
    programs = await find_programs()
    choice = programs.choose_blender(wanted)
    if (
        isinstance(choice, NoBlender)
        and programs.libraries_missing
        and await asyncio.to_thread(_may_install)
    ):
        await _install_libraries()
        programs = await find_programs()
        choice = programs.choose_blender(wanted)
    if isinstance(choice, NoBlender):
        raise Refused(
            choice.reason, remedy="" if programs.libraries_missing else _HOW_TO_GET_BLENDER
        )
    if programs.ffmpeg is None:
        raise Refused(
            "No FFmpeg was found, so there would be no video.",
            remedy="Install it, or `pip install 'flamenco-p2p[embedded]'`.",
        )
    return programs, f"{'.'.join(map(str, choice.version))} ({choice.kind}), {choice.path}"


def _may_install() -> bool:
    root = sys.platform != "win32" and os.geteuid() == 0
    return root and shutil.which("apt-get") is not None


async def _install_libraries() -> None:
    """Install what the embedded Blender lacks. Raises `Refused` if that fails."""
    line = f"apt-get install -y {LIBRARIES_DEBIAN}"
    remark(f"The embedded Blender lacks libraries of the system. Installing them: {line}")
    await _apt_get("update")  # where that fails, what is known already may do
    status, said = await _apt_get(*line.split()[1:])
    if status != 0:
        raise Refused(
            f"They could not be installed: {said}",
            remedy=f"Run `apt-get update && {line}` yourself, then the demo again.",
        )


async def _apt_get(*arguments: str) -> tuple[int | None, str]:
    """Run it; return its status and its last line."""
    process = await asyncio.create_subprocess_exec(
        "apt-get",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )
    lines = (await process.communicate())[0].decode("utf-8", "replace").split("\n")
    return process.returncode, next((line for line in reversed(lines) if line.strip()), "nothing")
