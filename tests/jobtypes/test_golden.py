"""Shipped job types: settings in, tasks out, one JSON pair per case in golden/.

`python -m tests.jobtypes.test_golden` writes what the scripts make today; review the difference.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from flamenco_p2p.compiler.job_types import Script
from tests.jobtypes.in_this_process import SHIPPED, compile_here, shipped

FOLDER = Path(__file__).parent / "golden"
SAMPLE = {
    "blendfile": "/shared/jobs/sc01/shot010.flamenco.blend",
    "chunk_size": 3,
    "format": "PNG",
    "fps": 24.0,
    "frames": "1-10",
    "image_file_extension": ".png",
    "scene": "Scene",
    "render_output_path": "/shared/out/shot010/{timestamp}/######",
}
IMAGE = {
    "blendfile": "/shared/a.blend",
    "format": "PNG",
    "frame": 7,
    "render_output_path": "/r/{timestamp}/######",
    "resolution_x": 100,
    "resolution_y": 80,
    "resolution_scale": 100,
    "scene": "Scene",
    "tile_size_x": 64,
    "tile_size_y": 64,
}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "render_sample": ("simple_blender_render.js", SAMPLE),
    "render_one_frame": ("simple_blender_render.js", SAMPLE | {"frames": 47}),
    "render_two_frames": ("simple_blender_render.js", SAMPLE | {"frames": "1-2", "chunk_size": 5}),
    "render_mixed_ranges": (
        "simple_blender_render.js",
        SAMPLE | {"frames": "3, 5-10, 47-50", "chunk_size": 20},
    ),
    "render_windows_paths": (
        "simple_blender_render.js",
        SAMPLE | {"render_output_path": r"R:\x\y\######", "blendfile": r"R:\jobs\a.blend"},
    ),
    "render_exr_with_previews": (
        "simple_blender_render.js",
        SAMPLE | {"format": "OPEN_EXR", "image_file_extension": ".exr", "has_previews": True},
    ),
    "render_without_blendfile": (
        "simple_blender_render.js",
        {key: value for key, value in SAMPLE.items() if key != "blendfile"},
    ),
    "echo_and_two_sleeps": (
        "echo_sleep_test.js",
        {"message": "hi", "sleep_duration_seconds": 3, "sleep_repeats": 2},
    ),
    "echo_alone": ("echo_sleep_test.js", {"message": "hi"}),
    "image_in_four_tiles": ("single_image_render.js", IMAGE),
}


def compiled(name: str) -> dict[str, Any]:
    file, settings = CASES[name]
    job = compile_here(shipped(file), settings)
    result = {
        "script": file,
        "settings": settings,
        "settings_after": job.settings,
        "tasks": job.tasks,
    }
    return dict(msgspec.json.decode(msgspec.json.encode(result)))


@pytest.mark.parametrize("name", CASES)
def test_a_shipped_job_type_makes_the_tasks_it_made_before(name: str) -> None:
    assert compiled(name) == msgspec.json.decode((FOLDER / f"{name}.json").read_bytes())


def test_the_example_in_the_readme_works() -> None:
    readme = (SHIPPED / "README.md").read_text("utf-8")
    text = readme.split("```js\n")[1].split("```")[0]
    settings = {"frames": "1-4", "chunk_size": 3, "blendfile": "/a.blend"}
    job = compile_here(Script("my_job.js", text), settings)
    assert [(task.name, task.steps) for task in job.tasks] == [("render-1-3", 3), ("render-4", 1)]


if __name__ == "__main__":
    for case in CASES:
        text = msgspec.json.format(msgspec.json.encode(compiled(case)), indent=2)
        (FOLDER / f"{case}.json").write_bytes(text + b"\n")
