"""What several tests of the worker need: a small scene, saved once per Blender."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flamenco_p2p.worker.programs import EMBEDDED_SCRIPT, BlenderProgram

_MAKE_SCENE = """
import bpy, sys
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.cycles.samples = 1
scene.cycles.use_denoising = False
scene.render.resolution_x, scene.render.resolution_y = 64, 36
scene.render.resolution_percentage = 100
scene.render.use_overwrite = False
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[-1])
"""


@pytest.fixture(scope="session")
def installed_blender() -> BlenderProgram:
    """The Blender in PATH."""
    path = shutil.which("blender")
    assert path is not None
    return BlenderProgram((3, 4, 1), "installed", (path,), path)


@pytest.fixture(scope="session")
def embedded_blender() -> BlenderProgram:
    """The Blender of the `bpy` wheel, with our command line."""
    return BlenderProgram((5, 0, 1), "embedded", (sys.executable, str(EMBEDDED_SCRIPT)), "bpy")


@pytest.fixture(scope="session")
def small_scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One frame takes milliseconds; overwriting is off. Saved by the installed Blender."""
    folder = tmp_path_factory.mktemp("scene")
    script = folder / "make.py"
    script.write_text(_MAKE_SCENE, encoding="utf-8")
    file = folder / "scene.blend"
    argv = ["blender", "-b", "--factory-startup", "--python", str(script), "--", str(file)]
    subprocess.run(argv, check=True, capture_output=True, timeout=60)
    return file
