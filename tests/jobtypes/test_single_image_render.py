"""Single Image Render in a real Blender: the merged tiles are the image."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from tests.jobtypes.in_this_process import compile_here, shipped
from tests.jobtypes.test_golden import IMAGE

BLENDER = shutil.which("blender")
SCENE = """
import bpy
r = bpy.context.scene.render
r.engine, r.resolution_x, r.resolution_y = 'CYCLES', 100, 80
bpy.context.scene.cycles.samples = 2
bpy.context.scene.cycles.use_denoising = False
bpy.ops.wm.save_as_mainfile(filepath=%r)
"""


def blender(*arguments: str) -> str:
    assert BLENDER is not None
    command = [BLENDER, "-b", "-y", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.blender
def test_merged_tiles_look_like_the_whole_image(tmp_path: Path) -> None:
    blendfile = str(tmp_path / "scene.blend")
    blender("--python-expr", SCENE % blendfile)
    changes = {"blendfile": blendfile, "render_output_path": str(tmp_path / "######"), "frame": 1}
    job = compile_here(shipped("single_image_render.js"), IMAGE | changes)
    said = [blender(blendfile, *task.parameters()["args"]) for task in job.tasks]
    whole = (
        "--render-output",
        str(tmp_path / "whole"),
        "--render-format",
        "PNG",
        "--render-frame",
        "1",
    )
    blender(blendfile, *whole)

    merged = tmp_path / "merged.png"
    assert f"Saved: '{merged}'" in said[-1]
    with Image.open(merged) as ours, Image.open(tmp_path / "whole0001.png") as theirs:
        difference = ImageChops.difference(ours.convert("RGB"), theirs.convert("RGB"))
    assert max(difference.tobytes()) <= 4  # Blender dithers
