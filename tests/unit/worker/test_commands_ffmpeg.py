"""What `frames-to-video` runs, and that a video comes of it."""

from __future__ import annotations

import asyncio
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from flamenco_p2p.worker import programs
from flamenco_p2p.worker.commands import CommandFailed, ffmpeg, run_command
from flamenco_p2p.worker.programs import FfmpegProgram, Programs
from tests.unit.worker.recorder import Recorder

VALUES: dict[str, Any] = {
    "exe": "/f",
    "exeArgs": "-v quiet",
    "argsBefore": ["-report"],
    "inputGlob": "path/to/renders/*.png",
    "fps": 10.0,
    "args": ["-c:v", "hevc"],
    "outputFile": "path/to/renders/preview.mkv",
}


async def failure(values: dict[str, Any], around: Recorder) -> str:
    with pytest.raises(CommandFailed) as failed:
        await run_command("frames-to-video", values, around)
    return str(failed.value)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # FFmpeg's -report writes into the working directory


def make_frames(folder: Path) -> None:
    folder.mkdir()
    for number in range(1, 9):
        Image.new("RGB", (64, 36), (number * 30, 0, 0)).save(folder / f"{number:04d}.png")


async def test_c83_the_command_line_is_put_together_in_order() -> None:
    around = Recorder()
    await failure(VALUES, around)
    assert around.ran() == (
        "/f -v quiet -report -r 10 -pattern_type glob -i 'path/to/renders/*.png' "
        "-c:v hevc -r 10 path/to/renders/preview.mkv"
    )


@pytest.mark.parametrize(
    ("fps", "text"), [(24, "24"), (29.97, "29.97"), (23.976023976023978, "23.976023976023978")]
)
async def test_the_frame_rate_is_written_in_its_shortest_form(fps: float, text: str) -> None:
    around = Recorder()
    await failure({**VALUES, "fps": fps}, around)
    assert f" -r {text} path" in around.ran()


async def test_c84_without_glob_patterns_ffmpeg_gets_a_list_of_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ffmpeg, "WITHOUT_GLOB", True)
    folder = tmp_path / "it's here"
    make_frames(folder)
    around = Recorder()
    values = {
        "exe": shutil.which("ffmpeg"),
        "fps": 4,
        "inputGlob": str(folder / "*.png"),
        "outputFile": str(tmp_path / "out.mkv"),
        "args": ["-y"],
    }
    await run_command("frames-to-video", values, around)
    index = folder / "ffmpeg-file-index.txt"
    argv = shlex.split(around.ran())
    assert argv[1:] == [
        *("-f", "concat", "-safe", "0", "-i", str(index)),
        *("-y", "-r", "4", str(tmp_path / "out.mkv")),
    ]
    assert not index.exists()
    assert (tmp_path / "out.mkv").stat().st_size > 0


async def test_c84_no_frames_at_all_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ffmpeg, "WITHOUT_GLOB", True)
    pattern = str(tmp_path / "*.png")
    text = await failure({**VALUES, "inputGlob": pattern}, Recorder())
    assert text == f"creating input for FFmpeg: no files found at {pattern}"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"exe": ""}, 'mandatory parameter "exe" is missing'),
        ({"fps": 0}, 'mandatory parameter "fps" is missing'),
        ({"fps": "24"}, 'parameter "fps" has invalid value 24: bad type'),
        ({"inputGlob": ""}, 'mandatory parameter "inputGlob" is missing'),
        ({"outputFile": 3}, 'mandatory parameter "outputFile" is missing'),
        ({"args": "-y"}, "cannot convert to list of strings"),
        ({"exe": "ffmpeg"}, "No FFmpeg was found: this machine makes no videos. Install it "),
    ],
)
async def test_wrong_parameters_are_named(change: dict[str, Any], says: str) -> None:
    around = Recorder()
    assert says in await failure({**VALUES, **change}, around)
    assert not around.lines


@pytest.mark.parametrize("kind", ["installed", "embedded"])
async def test_a_video_is_made_by_either_ffmpeg(tmp_path: Path, kind: str) -> None:
    installed = shutil.which("ffmpeg")
    (embedded,) = await asyncio.to_thread(programs._embedded_ffmpegs)
    assert installed is not None
    program = (
        FfmpegProgram("installed", installed)
        if kind == "installed"
        else FfmpegProgram("embedded", embedded)
    )
    make_frames(tmp_path / "frames")
    video = tmp_path / "out.mp4"
    around = Recorder(programs=Programs(ffmpeg=program))
    values = {
        "exe": "ffmpeg",
        "fps": 24.0,
        "inputGlob": str(tmp_path / "frames" / "*.png"),
        "outputFile": str(video),
        "args": ["-c:v", "h264", "-crf", "20", "-pix_fmt", "yuv420p", "-y"],
    }
    await run_command("frames-to-video", values, around)
    assert video.read_bytes()[4:8] == b"ftyp"
    assert any("frame=    8" in line for line in around.said())
    assert around.steps == 0


async def test_an_ffmpeg_that_fails_fails_the_task_and_says_why(tmp_path: Path) -> None:
    frames = tmp_path / "frames"
    pattern = f"{frames}/*.png"
    values = {**VALUES, "exe": shutil.which("ffmpeg"), "inputGlob": pattern}
    values |= {"exeArgs": "", "argsBefore": []}
    text = await failure(values, Recorder())
    assert f"There are no frames at {pattern}. (command exited abnormally with code 1)" in text
    make_frames(frames)
    text = await failure({**values, "args": ["-c:v", "nosuch"]}, Recorder())
    assert "Its last words: Unknown encoder 'nosuch' (command exited abnormally" in text
