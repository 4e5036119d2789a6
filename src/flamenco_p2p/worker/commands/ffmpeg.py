"""The command `frames-to-video`.

Is: FFmpeg's argv for a folder of frames. Is not: finding FFmpeg (worker/programs).
"""

from __future__ import annotations

import asyncio
import glob
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from flamenco_p2p.worker.commands.parameters import Parameters, plain_number
from flamenco_p2p.worker.commands.running import abnormal_exit, run_logged
from flamenco_p2p.worker.commands.surroundings import CommandFailed, Surroundings
from flamenco_p2p.worker.programs import NO_FFMPEG

# FFmpeg for Windows is built without glob patterns: there it gets a list of the files.
WITHOUT_GLOB: Final = sys.platform == "win32"
INDEX_NAME: Final = "ffmpeg-file-index.txt"


async def frames_to_video(values: Mapping[str, Any], around: Surroundings) -> None:
    """Make a video of the frames that a glob pattern finds, in the order of their names."""
    parameters = Parameters("frames-to-video", values)
    exe = parameters.text("exe")
    if not values.get("fps"):
        raise parameters.missing("fps")
    fps = parameters.number("fps")
    pattern = parameters.text("inputGlob")
    output = parameters.text("outputFile")
    before, after = parameters.texts("argsBefore"), parameters.texts("args")
    own_args = parameters.words("exeArgs")
    if exe in ("ffmpeg", "ffmpeg.exe"):
        if around.programs.ffmpeg is None:
            raise CommandFailed(NO_FFMPEG)
        exe = around.programs.ffmpeg.path

    last_words = ""

    async def understand(line: str) -> None:
        nonlocal last_words
        last_words = line.strip() or last_words

    async with _input(pattern, fps) as frames:
        rate = plain_number(fps)
        argv = [exe, *own_args, *before, *frames, *after, "-r", rate, output]
        status = await run_logged(argv, around, understand=understand)
    if status != 0:
        found = await asyncio.to_thread(glob.glob, pattern)
        why = f"Its last words: {last_words}" if found else f"There are no frames at {pattern}."
        raise CommandFailed(f"FFmpeg made no video. {why} ({abnormal_exit(status)})")


@asynccontextmanager
async def _input(pattern: str, fps: float) -> AsyncIterator[list[str]]:
    """The arguments that name the frames, valid inside the context."""
    if not WITHOUT_GLOB:
        # Without a rate before the input FFmpeg assumes 25 and drops frames.
        rate = plain_number(fps)
        yield ["-r", rate, "-pattern_type", "glob", "-i", pattern.replace("\\", "/")]
        return
    index = Path(pattern).parent / INDEX_NAME
    try:
        await asyncio.to_thread(_write_index, index, pattern, fps)
    except OSError as error:
        raise CommandFailed(f"creating input for FFmpeg: {error}") from error
    try:
        yield ["-f", "concat", "-safe", "0", "-i", str(index)]
    finally:
        await asyncio.to_thread(index.unlink, missing_ok=True)


def _write_index(index: Path, pattern: str, fps: float) -> None:
    files = sorted(glob.glob(pattern))  # noqa: PTH207 - the pattern may be absolute
    if not files:
        raise CommandFailed(f"creating input for FFmpeg: no files found at {pattern}")
    lines = []
    for file in files:
        # Inside FFmpeg's quotes nothing is escaped: the quote is left and taken up again.
        path = Path(file).absolute().as_posix().replace("'", r"'\''")
        lines.append(f"file '{path}'\nduration {1 / fps:.6f}\n")
    index.write_text("".join(lines), encoding="utf-8")
