"""The command `blender-render`.

Is: Blender's argv, and an honest verdict on what it did. Is not: the meaning of its words
(worker/blender_output) or of its files (worker/frames_on_disk).
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from flamenco_p2p.files.blend_file import read_blender_version
from flamenco_p2p.worker import frames_on_disk
from flamenco_p2p.worker.blender_output import BlenderOutput
from flamenco_p2p.worker.commands.parameters import Parameters
from flamenco_p2p.worker.commands.running import abnormal_exit, run_logged
from flamenco_p2p.worker.commands.surroundings import CommandFailed, Surroundings
from flamenco_p2p.worker.programs import BlenderWanted, NoBlender

_DEFAULT_NAMES: Final = ("blender", "blender.exe")
_QUIET: Final = frozenset(("-q", "--quiet"))
_FROM_OUTSIDE: Final = (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM))
_FIRST_CRASH_STATUS: Final = 0xC0000000  # of Windows


async def blender_render(values: Mapping[str, Any], around: Surroundings) -> None:
    """Run Blender; fail if it crashed, complained, rendered nothing, or saved less than it said."""
    parameters = Parameters("blender-render", values)
    exe = parameters.text("exe")
    before = parameters.texts("argsBefore")
    blendfile = parameters.text_or_empty("blendfile")
    args = parameters.texts("args")
    own_args = parameters.words("exeArgs")
    program = await _program(exe, blendfile, around)
    if not blendfile:
        before, args = [], [*before, *args]

    await _clear_the_way(args, blendfile, around)
    output = BlenderOutput()
    file = [blendfile] if blendfile else []
    argv = [*program, *own_args, *before, *file, *args]
    status = await _run(argv, output, around)

    if status != 0:
        raise CommandFailed(_unhappy_end(status, output))
    if why := output.why_failed():
        raise CommandFailed(why)
    if not output.rendered_any and frames_on_disk.asks_for_frames(args) and _QUIET.isdisjoint(argv):
        reason = output.likely_reason() or "Its log may say why."
        raise CommandFailed(f"Blender rendered no frame although it was asked to. {reason}")
    if wrong := await asyncio.to_thread(frames_on_disk.what_is_wrong_with, output.saved):
        raise CommandFailed(wrong)


def _absolute(path: str) -> str:
    """Blender runs in our folder: a relative path means the same for both."""
    return str(Path(path).absolute())


async def _program(exe: str, blendfile: str, around: Surroundings) -> Sequence[str]:
    """What to start: the default name means whichever Blender here fits the job."""
    if exe not in _DEFAULT_NAMES:
        return (exe,)
    wanted = around.blender_wanted or await asyncio.to_thread(_asked_for_by, blendfile)
    choice = around.programs.choose_blender(wanted)
    if isinstance(choice, NoBlender):
        raise CommandFailed(choice.reason)
    return choice.argv


def _asked_for_by(blendfile: str) -> BlenderWanted | None:
    """What the file itself says, when its submitter (Flamenco's add-on, a script) did not."""
    try:
        version = read_blender_version(Path(blendfile)) if blendfile else None
    except (OSError, ValueError):
        return None  # Blender will say what is wrong with it
    return None if version is None else BlenderWanted(version, newer_allowed=True)


async def _clear_the_way(args: Sequence[str], blendfile: str, around: Surroundings) -> None:
    def clear() -> list[str]:
        return frames_on_disk.clear_the_way(
            frames_on_disk.expected_files(args, blendfile),
            known=around.known_outputs,
            stale=around.stale_outputs,
        )

    try:
        lines = await asyncio.to_thread(clear)
    except OSError as error:
        raise CommandFailed(
            f"An unfinished frame of an earlier attempt cannot be moved aside: {error}"
        ) from error
    for line in lines:
        await around.log(line)


async def _run(argv: Sequence[str], output: BlenderOutput, around: Surroundings) -> int:
    async def understand(line: str) -> None:
        meaning = output.hear(line)
        if meaning.saved is not None:
            await around.saved(await asyncio.to_thread(_absolute, meaning.saved))
        if meaning.kept is not None:
            around.kept(await asyncio.to_thread(_absolute, meaning.kept))
        if meaning.step:
            await around.step()
        if meaning.trouble is not None:
            if meaning.trouble.hopeless:
                raise CommandFailed(meaning.trouble.sentence)
            await around.log(f"note: {meaning.trouble.sentence}")

    return await run_logged(argv, around, understand=understand)


def _unhappy_end(status: int, output: BlenderOutput) -> str:
    what = []
    if status < 0:
        number = -status
        name = (signal.strsignal(number) or "unknown").lower()
        if number in _FROM_OUTSIDE:
            what.append(
                f"Blender was ended from outside (signal {number}: {name}), "
                "most likely because the machine ran out of memory."
            )
        else:
            what.append(f"Blender crashed (signal {number}: {name}).")
    elif status >= _FIRST_CRASH_STATUS:
        what.append(f"Blender crashed ({status:#x}).")
    if reason := output.likely_reason():
        what.append(reason)
    what = what or ["Blender ended with an error. Its log may say which."]
    return f"{' '.join(what)} ({abnormal_exit(status)})"
