"""The embedded Blender understands Blender's command line and speaks like Blender."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from flamenco_p2p.worker.programs import BlenderProgram

pytestmark = pytest.mark.blender


@pytest.fixture
def blender(embedded_blender: BlenderProgram, tmp_path: Path) -> Blender:
    return Blender(embedded_blender.argv, tmp_path)


class Blender:
    """Runs the program in a folder of its own; keeps what it said."""

    def __init__(self, argv: tuple[str, ...], folder: Path) -> None:
        self._argv = argv
        self._folder = folder
        self.said: list[str] = []

    def run(self, *args: object) -> int:
        done = subprocess.run(
            [*self._argv, *map(str, args)],
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.said = (done.stdout + done.stderr).splitlines()
        return done.returncode

    def files(self) -> list[str]:
        return sorted(path.name for path in self._folder.iterdir())


def test_it_tells_its_version_as_blender_does(blender: Blender) -> None:
    assert blender.run("--version") == 0
    assert any(line.startswith("Blender ") for line in blender.said)


def test_arguments_are_obeyed_in_their_order(blender: Blender, small_scene: Path) -> None:
    status = blender.run(
        *("-b", "-y", small_scene, "-S", "Scene", "-o", "//../never", "-o", "f_##", "-F", "PNG"),
        *("-t", "1", "-s", "1", "-e", "5", "-j", "2", "-a", "-F", "JPEG", "-f", "+1,4..5,-0"),
        *("-o", "exr#", "-F", "OPEN_EXR_MULTILAYER", "-x", "0", "-f", "7", "-noaudio"),
    )
    assert status == 0
    assert blender.files() == [
        *("exr7", "f_01.png", "f_02.jpg", "f_03.png", "f_04.jpg", "f_05.jpg", "f_05.png"),
    ]
    assert blender.said[-1] == "Blender quit"


def test_every_frame_is_said_to_be_saved_and_timed(blender: Blender, small_scene: Path) -> None:
    assert blender.run("-b", small_scene, "-o", "#", "-f", "1..2", "--factory-startup") == 0
    assert sum("Saved: '" in line for line in blender.said) == 2
    assert sum(line.startswith(" Time: ") for line in blender.said) == 2


def test_frames_that_are_there_are_skipped_aloud(blender: Blender, small_scene: Path) -> None:
    assert blender.run("-b", small_scene, "-o", "#", "-f", "2") == 0
    assert blender.run("-b", small_scene, "-o", "#", "-f", "1..3") == 0
    assert sum(line.startswith("skipping existing frame") for line in blender.said) == 1
    assert sum("Saved: '" in line for line in blender.said) == 2


def test_scripts_run_as_main_and_see_the_arguments_after_two_dashes(
    blender: Blender, small_scene: Path, tmp_path: Path
) -> None:
    (tmp_path / "script.py").write_text("import sys; print(__name__, __file__, sys.argv[-1])")
    expression = "import bpy; print(bpy.data.filepath)"
    args = ("-b", small_scene, "-P", "script.py", "--python-expr", expression, "--", "-f")
    assert blender.run(*args) == 0
    assert f"__main__ {tmp_path / 'script.py'} -f" in blender.said
    assert str(small_scene) in blender.said


@pytest.mark.parametrize(
    ("args", "status"),
    [
        (("--python-expr", "1/0"), 1),
        (("--python-exit-code", "7", "--python-expr", "1/0"), 7),
        (("--python-expr", "raise SystemExit(3)"), 3),
        (("--python-expr", "import sys; sys.exit()"), 0),
        (("--python-text", "none"), 1),
        (("--engine", "NOPE"), 1),
        (("--frame-start", "x"), 1),
        (("--nonsense",), 1),
        (("-o",), 1),
        (("-f", "1,,2"), 1),
    ],
)
def test_the_exit_status_is_honest(
    blender: Blender, small_scene: Path, args: tuple[str, ...], status: int
) -> None:
    assert blender.run("-b", small_scene, *args) == status
    if status == 1:
        assert any(line.startswith("Error: ") for line in blender.said)


def test_rendering_without_a_file_is_refused(blender: Blender) -> None:
    assert blender.run("-b", "-f", "1") == 1
    assert "Error: no blend loaded. cannot use '-f / --render-frame'." in blender.said


def test_a_movie_is_written(blender: Blender, small_scene: Path) -> None:
    assert blender.run("-b", small_scene, "-o", "m_", "-F", "FFMPEG", "-s", 1, "-e", 2, "-a") == 0
    (movie,) = blender.files()
    assert movie.startswith("m_0001-0002")
