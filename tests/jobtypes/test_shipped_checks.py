"""The numbered checks of compile results, C-67 to C-79, each under its number."""

from __future__ import annotations

from typing import Any

import pytest

from flamenco_p2p.compiler.engine import ScriptError
from flamenco_p2p.compiler.job_types import Script
from tests.jobtypes.in_this_process import Job, compile_here, shipped
from tests.jobtypes.test_golden import IMAGE, SAMPLE

FOLDER = "/shared/out/shot010/2006-01-02_150405"
OPTIX = Script(
    "optix.js",
    """
const JOB_TYPE = { label: "T", settings: [
  { key: "blender_args_before", type: "string" }, { key: "blender_args_after", type: "string" },
  { key: "experimental_gp3", type: "bool" }, { key: "experimental_new_anim", type: "bool" } ] };
function compileJob(job) {
  const task = author.Task("render", "blender");
  task.addCommand(author.Command("blender-render", {
    exe: "{blender}", blendfile: "/a.blend",
    argsBefore: shellSplit(job.settings.blender_args_before) }));
  job.addTask(task);
  for (const { key } of JOB_TYPE.settings) if (!job.settings[key]) delete job.settings[key];
}""",
)


def render(**changes: Any) -> Job:
    return compile_here(shipped("simple_blender_render.js"), SAMPLE | changes)


def image(**changes: Any) -> Job:
    return compile_here(shipped("single_image_render.js"), IMAGE | changes)


def argument(parameters: dict[str, Any], name: str) -> Any:
    return parameters["args"][parameters["args"].index(name) + 1]


def test_c67_the_sample_makes_four_renders_and_a_video() -> None:
    job = render()
    assert [(t.name, t.type, t.priority, t.steps, t.waits_for) for t in job.tasks] == [
        ("render-1-3", "blender", 50, 3, []),
        ("render-4-6", "blender", 50, 3, []),
        ("render-7-9", "blender", 50, 3, []),
        ("render-10", "blender", 50, 1, []),
        ("preview-video", "ffmpeg", 50, 1, [1, 2, 3, 4]),
    ]
    assert [t.commands[0]["total_step_count"] for t in job.tasks] == [3, 3, 3, 1, 0]
    assert job.settings["render_output_path"] == f"{FOLDER}/######"
    assert job.tasks[4].parameters()["outputFile"] == f"{FOLDER}/shot010-1-10.mp4"
    assert job.warnings == []


def test_c68_blender_gets_the_documented_arguments() -> None:
    arguments = render().tasks[0].parameters()["args"]
    assert arguments.pop(3).startswith("import bpy; r = bpy.context.scene.render; ")
    assert arguments == [
        *("--scene", "Scene", "--python-expr"),
        *(
            "--render-output",
            f"{FOLDER}/######",
            "--render-format",
            "PNG",
            "--render-frame",
            "1..3",
        ),
    ]


@pytest.mark.parametrize("scene", ["", None])
def test_c69_without_a_scene_blender_is_told_none(scene: str | None) -> None:
    arguments = render(scene=scene).tasks[0].parameters()["args"]
    assert (arguments[0], len(arguments), arguments[-1]) == ("--python-expr", 8, "1..3")


def test_c70_chunks_may_span_several_ranges() -> None:
    *renders, video = render(frames="0-12,34-56,78-90", chunk_size=20).tasks
    assert [argument(t.parameters(), "--render-frame") for t in renders] == [
        "0..12,34..40",
        "41..56,78..81",
        "82..90",
    ]
    assert [t.steps for t in renders] == [20, 20, 9]
    assert video.parameters()["outputFile"].endswith("-0-90.mp4")


def test_c71_exr_makes_a_video_only_of_its_previews() -> None:
    assert render(format="OPEN_EXR").tasks[-1].name == "render-10"
    video = render(format="OPEN_EXR", has_previews=True).tasks[-1]
    assert video.parameters()["inputGlob"].endswith("/*.jpg")


def test_c72_frame_rates_are_numbers() -> None:
    parameters = render().tasks[-1].parameters()
    rates = (parameters["fps"], argument(parameters, "-r"))
    assert rates == (24, 24)
    assert all(type(rate) is int for rate in rates)


def test_c73_every_timestamp_is_replaced_and_other_variables_stay() -> None:
    path = "/r/{timestamp}/{foo}/{timestamp}/f_######.png"
    stored = render(render_output_path=path).settings["render_output_path"]
    assert stored == "/r/2006-01-02_150405/{foo}/2006-01-02_150405/f_######.png"


def test_c74_windows_paths_reach_blender_with_slashes() -> None:
    job = render(render_output_path=r"R:\x\######", blendfile=r"R:\a.blend")
    parameters = job.tasks[0].parameters()
    assert argument(parameters, "--render-output") == "R:/x/######"
    assert parameters["blendfile"] == r"R:\a.blend"
    assert job.settings["render_output_path"] == r"R:\x\######"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": "FFMPEG"}, 'This job type only renders images, and not "FFMPEG"'),
        ({"render_output_path": ""}, "no render_output_path setting!"),
        ({"chunk_size": None}, "invalid chunk size, must be positive number: 0"),
    ],
    ids=["C-75", "no-output", "no-chunk-size"],
)
def test_c75_what_cannot_be_rendered_is_said(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ScriptError) as caught:
        render(**changes)
    assert caught.value.problem.startswith(words)


def test_c76_the_sleeps_wait_for_the_echo() -> None:
    def tasks(**settings: Any) -> list[tuple[str, list[int]]]:
        job = compile_here(shipped("echo_sleep_test.js"), {"message": "hi", **settings})
        return [(task.name, task.waits_for) for task in job.tasks]

    assert tasks(sleep_repeats=2) == [("echo", []), ("sleep", [1]), ("sleep", [1])]
    assert tasks() == [("echo", [])]


def test_c77_empty_arguments_are_no_arguments_and_may_be_deleted() -> None:
    empty = {"blender_args_before": "", "blender_args_after": ""}
    flags = {"experimental_gp3": False, "experimental_new_anim": False}
    job = compile_here(OPTIX, empty | flags)
    assert job.tasks[0].parameters()["argsBefore"] == []
    assert job.settings == {}


def test_c78_an_image_is_cut_into_tiles_and_merged() -> None:
    *tiles, merge = image().tasks
    root = "/r/2006-01-02_150405"
    assert [(t.name, argument(t.parameters(), "--render-output")) for t in tiles] == [
        ("render-0-0", f"{root}/tiles/0-0-64-64"),
        ("render-64-0", f"{root}/tiles/64-0-100-64"),
        ("render-0-64", f"{root}/tiles/0-64-64-80"),
        ("render-64-64", f"{root}/tiles/64-64-100-80"),
    ]
    assert (merge.name, merge.waits_for) == ("merge", [1, 2, 3, 4])
    assert argument(merge.parameters(), "--render-output") == f"{root}/merged"


@pytest.mark.parametrize(
    "changes",
    [{"resolution_scale": 50}, {"tile_size_x": 0}, {"tile_size_x": 1, "resolution_x": 20000}],
    ids=["C-79", "no-tiles", "too-many-tiles"],
)
def test_c79_an_image_that_cannot_be_cut_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ScriptError, match=r"scale|at least 1|use larger ones"):
        image(**changes)
