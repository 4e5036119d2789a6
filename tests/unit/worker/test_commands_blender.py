"""What `blender-render` runs, and its verdict on what Blender did."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image

from flamenco_p2p.worker.commands import CommandFailed, run_command
from flamenco_p2p.worker.programs import BlenderProgram, BlenderWanted, Programs
from tests.unit.worker.recorder import Recorder


@pytest.fixture(params=["installed_blender", "embedded_blender"])
def machine(request: pytest.FixtureRequest) -> Recorder:
    """A worker with one Blender; a test with this fixture runs once per kind."""
    program: BlenderProgram = request.getfixturevalue(request.param)
    return Recorder(programs=Programs((program,)))


def fake_blender(folder: Path, script: str) -> str:
    path = folder / "fake-blender"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def render(file: Path, output: str, frames: str, *more: str) -> dict[str, Any]:
    """Parameters as the stock job type makes them."""
    return {
        "exe": "blender",
        "exeArgs": "-b -y --factory-startup",
        "argsBefore": [],
        "blendfile": str(file),
        "args": [*more, "--render-output", output, "-F", "PNG", "--render-frame", frames],
    }


async def failure(values: Mapping[str, Any], around: Recorder) -> str:
    with pytest.raises(CommandFailed) as failed:
        await run_command("blender-render", values, around)
    return str(failed.value)


@pytest.mark.parametrize(
    ("values", "argv"),
    [
        (
            {"exe": "/b", "argsBefore": ["--background"], "blendfile": "file.blend",
             "args": ["--render-output", "/frames"]},
            ["/b", "--background", "file.blend", "--render-output", "/frames"],
        ),
        (
            {"exe": "D:\\B\\blender.exe",
             "exeArgs": ' --factory-startup --python-expr "import bpy; print(\\"hello world\\")"',
             "argsBefore": ["-no-audio"], "blendfile": "file with spaces.blend",
             "args": ["--debug"]},
            ["D:\\B\\blender.exe", "--factory-startup", "--python-expr",
             'import bpy; print("hello world")', "-no-audio", "file with spaces.blend", "--debug"],
        ),
        (
            {"exe": "/b", "argsBefore": ["-x"], "blendfile": "", "args": [24.0]},
            ["/b", "-x", "24"],
        ),
    ],
    ids=["c80", "c81", "c82"],
)  # fmt: skip
async def test_the_command_line_is_put_together_in_order(
    values: dict[str, Any], argv: list[str]
) -> None:
    around = Recorder()
    await failure(values, around)  # none of these programs is here
    assert shlex.split(around.ran()) == argv


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({}, 'blender-render: mandatory parameter "exe" is missing: map[]'),
        ({"exe": ""}, 'mandatory parameter "exe" is missing'),
        ({"exe": "/b"}, 'parameter "blendfile" has invalid value <nil>: cannot convert to string'),
        ({"exe": "/b", "blendfile": None}, "cannot convert to string"),
        ({"exe": "/b", "argsBefore": 1, "blendfile": ""}, 'parameter "argsBefore" has invalid'),
        ({"exe": "/b", "blendfile": "", "exeArgs": "x'"}, 'parameter "exeArgs" has invalid value'),
    ],
)
async def test_c82_wrong_parameters_are_named(values: dict[str, Any], says: str) -> None:
    around = Recorder()
    assert says in await failure(values, around)
    assert not around.lines


async def test_any_other_program_is_used_as_it_is(tmp_path: Path) -> None:
    around = Recorder()
    exe = fake_blender(tmp_path, "echo $@")
    await run_command("blender-render", {"exe": exe, "blendfile": "f.blend"}, around)
    assert around.said() == ["f.blend"]


@pytest.mark.parametrize("exe", ["blender", "blender.exe"])
async def test_the_default_name_means_a_fitting_blender(tmp_path: Path, exe: str) -> None:
    path = fake_blender(tmp_path, "echo $@")
    program = BlenderProgram((4, 2, 0), "installed", (path, "first"), path)
    around = Recorder(programs=Programs((program,)), blender_wanted=BlenderWanted((4, 2), False))
    await run_command("blender-render", {"exe": exe, "blendfile": "f.blend"}, around)
    assert around.said() == ["first f.blend"]


async def test_a_file_is_kept_from_older_blenders_even_if_its_submitter_did_not_say_who_saved_it(
    tmp_path: Path,
) -> None:
    file = tmp_path / "future.blend"
    file.write_bytes(b"BLENDER17-01v0500" + bytes(100))
    program = BlenderProgram((3, 4, 1), "installed", ("/b",), "/b")
    around = Recorder(programs=Programs((program,)))
    with pytest.raises(CommandFailed, match=r"5\.0"):
        await run_command("blender-render", {"exe": "blender", "blendfile": str(file)}, around)
    assert around.lines == []


async def test_without_a_fitting_blender_the_reason_is_said() -> None:
    around = Recorder(blender_wanted=BlenderWanted((4, 2), True))
    assert "No Blender" in await failure({"exe": "blender", "blendfile": ""}, around)


@pytest.mark.parametrize(
    ("script", "text"),
    [
        (
            "exit 3",
            "Blender ended with an error. Its log may say which. "
            "(command exited abnormally with code 3)",
        ),
        (
            "kill -SEGV $$",
            "Blender crashed (signal 11: segmentation fault). "
            "(command exited abnormally with code -1)",
        ),
        (
            "kill -KILL $$",
            "Blender was ended from outside (signal 9: killed), most likely because the machine "
            "ran out of memory. (command exited abnormally with code -1)",
        ),
        (
            "echo \"Error: Cannot read file '/f': No such file\"; exit 1",
            "Blender cannot read /f: it is not there, or this machine may not open it. "
            "(command exited abnormally with code 1)",
        ),
    ],
)
async def test_c98_an_unhappy_end_is_explained(tmp_path: Path, script: str, text: str) -> None:
    values = {"exe": fake_blender(tmp_path, script), "blendfile": ""}
    assert await failure(values, Recorder()) == text


async def test_a_blender_that_goes_on_in_the_wrong_scene_is_ended(tmp_path: Path) -> None:
    script = "echo \"Can't find scene: 'X' in file: '/f'\"; exec sleep 1000"
    around = Recorder()
    values = {"exe": fake_blender(tmp_path, script), "blendfile": ""}
    assert 'no scene "X"' in await failure(values, around)
    assert around.ended == around.started
    assert around.said() == ["Can't find scene: 'X' in file: '/f'"]


async def test_a_missing_link_is_noted_and_no_failure(tmp_path: Path) -> None:
    around = Recorder()
    exe = fake_blender(tmp_path, "echo \"Warning: Unable to open '/lib.blend': No such file\"")
    await run_command("blender-render", {"exe": exe, "blendfile": ""}, around)
    assert any(line.startswith("note: A linked file is missing: /lib") for line in around.lines)


async def test_rendering_nothing_is_a_failure_unless_blender_was_told_to_be_quiet(
    tmp_path: Path,
) -> None:
    values = {"exe": fake_blender(tmp_path, "true"), "blendfile": "", "args": ["-f", "1"]}
    assert "rendered no frame" in await failure(values, Recorder())
    await run_command("blender-render", {**values, "argsBefore": ["-q"]}, Recorder())


async def test_a_file_that_was_never_written_is_a_failure(tmp_path: Path) -> None:
    exe = fake_blender(tmp_path, f"echo \"Saved: '{tmp_path}/1.png'\"")
    assert "no such file" in await failure({"exe": exe, "blendfile": ""}, Recorder())


async def test_frames_that_cannot_be_moved_aside_fail_the_task(tmp_path: Path) -> None:
    name = "x" * 245  # no room for a longer one
    (tmp_path / f"{name}1.png").touch()
    args = ["-o", f"{tmp_path}/{name}#", "-F", "PNG", "-f", "1"]
    values = {"exe": "/b", "blendfile": "", "args": args}
    assert "cannot be moved aside" in await failure(values, Recorder())


@pytest.mark.blender
async def test_frames_are_rendered_counted_and_handed_on(
    machine: Recorder, small_scene: Path, tmp_path: Path
) -> None:
    await run_command("blender-render", render(small_scene, f"{tmp_path}/f_###", "1..3"), machine)
    assert machine.steps == 3
    assert machine.files == [f"{tmp_path}/f_00{n}.png" for n in (1, 2, 3)]
    for path in machine.files:
        with Image.open(path) as image:
            assert image.size == (64, 36)
    assert any(line.startswith("Blender ") for line in machine.said())


@pytest.mark.blender
async def test_a_torn_frame_is_rendered_again_and_a_whole_one_is_skipped(
    machine: Recorder, small_scene: Path, tmp_path: Path
) -> None:
    values = render(small_scene, f"{tmp_path}/#", "1..2")
    await run_command("blender-render", values, machine)
    whole, torn = tmp_path / "1.png", tmp_path / "2.png"
    content = whole.read_bytes()
    torn.write_bytes(torn.read_bytes()[:-100])

    again = Recorder(programs=machine.programs)
    await run_command("blender-render", values, again)
    assert again.files == [str(torn)]
    assert again.kept_files == [str(whole)]
    assert again.steps == 2
    assert whole.read_bytes() == content
    assert (tmp_path / "2.png.unfinished").exists()

    afresh = Recorder(programs=machine.programs, stale_outputs=frozenset({str(whole)}))
    await run_command("blender-render", values, afresh)
    assert afresh.files == [str(whole)]
    assert (tmp_path / "1.png.old").read_bytes() == content


@pytest.mark.blender
@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--scene", "Nope"), 'no scene "Nope"'),
        (("--render-format", "WOBBLE"), "render format"),
        (("--render-frame", "abc"), "-f / --render-frame abc"),
        (("--render-frame", "5..2"), "-f / --render-frame 5..2"),
        (("--python-expr", "raise RuntimeError('hi')"), "RuntimeError: hi"),
        (("--python-expr", "so it is"), "SyntaxError: invalid syntax"),
        (("--python", "/none.py"), "/none.py"),
        (("--python-expr", "import bpy; bpy.context.scene.camera = None"), "no camera"),
        (("-o", "/proc/none/x", "--render-frame", "1"), "could not write /proc/none/x"),
    ],
)  # fmt: skip
async def test_what_blender_gets_wrong_fails_the_task_with_the_reason(
    machine: Recorder, small_scene: Path, tmp_path: Path, more: tuple[str, ...], says: str
) -> None:
    assert says in await failure(render(small_scene, f"{tmp_path}/#", "1", *more), machine)


@pytest.mark.blender
async def test_a_file_that_is_no_blend_file_is_named(machine: Recorder, tmp_path: Path) -> None:
    file = tmp_path / "text.blend"
    file.write_text("no blend file")
    text = await failure(render(file, f"{tmp_path}/#", "1"), machine)
    assert f"cannot read {file}" in text
    assert "command exited abnormally with code 1" in text


@pytest.mark.blender
async def test_cancelling_a_render_ends_blender(
    machine: Recorder, small_scene: Path, tmp_path: Path
) -> None:
    values = render(small_scene, f"{tmp_path}/#", "1..5000")
    running = asyncio.Task(run_command("blender-render", values, machine))
    await machine.first_file.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert machine.ended == machine.started
    assert not psutil.pid_exists(machine.started[0])
