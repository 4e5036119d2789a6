"""Settings from a person and from a scene, with a real Blender where one is needed."""

from __future__ import annotations

import filecmp
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flamenco_p2p import worker
from flamenco_p2p.farm.errors import Refused
from flamenco_p2p.shipped import shipped_folder
from flamenco_p2p.submit.scene_values import default_output_root, evaluate_settings, parse_setting

LINKED = {"showLinkButton": True, "description": "from the scene"}
RENDER: dict[str, Any] = {
    "name": "render",
    "settings": [
        {
            "key": "frames",
            "type": "string",
            "required": True,
            "eval": "f'{C.scene.frame_start}-{C.scene.frame_end}'",
            "evalInfo": LINKED,
        },
        {"key": "chunk_size", "type": "int32", "default": 1, "visible": "submission"},
        {"key": "render_output_root", "type": "string", "subtype": "dir_path"},
        {
            "key": "add_path_components",
            "type": "int32",
            "default": 0,
            "propargs": {"min": 0, "max": 32},
        },
        {
            "key": "render_output_path",
            "type": "string",
            "editable": False,
            "eval": "str(Path(abspath(settings.render_output_root), "
            "last_n_dir_parts(settings.add_path_components), jobname, '{timestamp}', '######'))",
        },
        {"key": "blendfile", "type": "string", "visible": "web"},
        {
            "key": "fps",
            "type": "float",
            "visible": "hidden",
            "eval": "C.scene.render.fps / C.scene.render.fps_base",
        },
        {
            "key": "image_file_extension",
            "type": "string",
            "visible": "hidden",
            "eval": "C.scene.render.file_extension",
        },
        {
            "key": "has_previews",
            "type": "bool",
            "visible": "hidden",
            "eval": "C.scene.render.image_settings.use_preview",
        },
        {"key": "engine", "type": "string", "choices": ["CYCLES", "EEVEE"], "default": "CYCLES"},
        {"key": "threshold", "type": "float", "default": 0.5, "propargs": {"max": 1}},
        {"key": "scene", "type": "string", "visible": "web", "eval": "C.scene.name"},
    ],
}
ORRERY = shipped_folder("examples") / "orrery.blend"
BLENDER = (shutil.which("blender") or "blender",)
EMBEDDED = (sys.executable, str(Path(worker.__file__).with_name("embedded_blender.py")))
both_blenders = pytest.mark.parametrize(
    "blender", [BLENDER, EMBEDDED], ids=["installed", "embedded"]
)


class TestSettingsAsText:
    @pytest.mark.parametrize(
        ("key", "text", "value"),
        [
            ("frames", "1-10, 20", "1-10, 20"),
            ("chunk_size", " 4 ", 4),
            ("fps", "23.976", 23.976),
            ("fps", "24", 24.0),
            ("has_previews", "Yes", True),
            ("has_previews", "off", False),
            ("engine", "EEVEE", "EEVEE"),
            ("add_path_components", "32", 32),
        ],
    )
    def test_text_becomes_the_type_of_the_setting(
        self, key: str, text: str, value: str | float | bool
    ) -> None:
        parsed = parse_setting(RENDER, key, text)
        assert (parsed, type(parsed)) == (value, type(value))

    @pytest.mark.parametrize(
        ("key", "text", "remedy"),
        [
            ("chunk_size", "two", "Write a whole number."),
            ("chunk_size", "1.5", "Write a whole number."),
            ("chunk_size", "2147483648", "Write a number of 32 bits."),
            ("fps", "fast", "Write a number."),
            ("fps", "nan", "Write a finite number."),
            ("has_previews", "maybe", "Write true or false."),
            ("engine", "LUX", "Choose one of: CYCLES, EEVEE."),
            ("add_path_components", "-1", "It must be at least 0."),
            ("add_path_components", "33", "It must be at most 32."),
            ("threshold", "1.01", "It must be at most 1."),
        ],
    )
    def test_what_does_not_fit_is_refused_with_what_would(
        self, key: str, text: str, remedy: str
    ) -> None:
        with pytest.raises(Refused) as refusal:
            parse_setting(RENDER, key, text)
        assert key in refusal.value.problem
        assert refusal.value.remedy == remedy

    def test_an_unknown_key_is_answered_with_the_known_ones(self) -> None:
        with pytest.raises(Refused, match=r'no setting "frame"\. It has: frames, chunk_size'):
            parse_setting(RENDER, "frame", "1")

    def test_a_type_that_nobody_knows_is_the_job_types_mistake(self) -> None:
        job_type = {"name": "odd", "settings": [{"key": "where", "type": "vector"}]}
        with pytest.raises(Refused, match="a type nobody knows: vector"):
            parse_setting(job_type, "where", "1")


def test_frames_go_beside_the_file_when_nobody_says_where() -> None:
    assert default_output_root(Path("/film/shot.blend")) == str(Path("/film/render"))


async def ask(blendfile: Path, *, blender: tuple[str, ...] = BLENDER, **given: Any) -> Any:
    return await evaluate_settings(
        blender_argv=blender,
        blendfile=blendfile,
        job_type=RENDER,
        given=given,
        job_name="shot v3",
    )


@pytest.mark.blender
@both_blenders
async def test_a_scene_fills_in_what_was_not_given(
    tmp_path: Path, blender: tuple[str, ...]
) -> None:
    film = tmp_path / "film" / "sc01"
    film.mkdir(parents=True)
    blendfile = Path(shutil.copy(ORRERY, film / "ein Würfel's.blend"))

    answer = await ask(
        blendfile,
        blender=blender,
        chunk_size=3,
        render_output_root="//../out",
        add_path_components=2,
    )

    assert answer.values == {
        "frames": "1-16",
        "chunk_size": 3,
        "render_output_root": "//../out",
        "add_path_components": 2,
        "render_output_path": str(
            tmp_path / "film/out/film/sc01" / "shot v3" / "{timestamp}" / "######"
        ),
        "blendfile": str(blendfile),
        "fps": 12.0,
        "image_file_extension": ".png",
        "has_previews": False,
        "engine": "CYCLES",
        "threshold": 0.5,
        "scene": "Scene",
    }
    scene = answer.scene
    assert (scene.frame_start, scene.frame_end, scene.fps) == (1, 16, 12.0)
    assert (scene.engine, scene.format, scene.resolution) == ("CYCLES", "PNG", (448, 252))
    assert scene.camera
    assert scene.missing_files == ()
    assert filecmp.cmp(ORRERY, blendfile, shallow=False)


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file without camera, with a script that wants to run, and with textures that are gone."""
    folder = tmp_path_factory.mktemp("troubled")
    (folder / "here.1001.png").touch()
    make = f"""
import bpy
scene = bpy.context.scene
scene.camera = None
text = bpy.data.texts.new("virus.py")
text.use_module = True
text.write("open({str(folder / "it ran")!r}, 'w').close()")
bpy.ops.wm.save_as_mainfile(filepath={str(folder / "troubled.blend")!r})
for name in ("gone.png", "here.<UDIM>.png", "gone.<UDIM>.png"):
    image = bpy.data.images.new(name, 1, 1)
    image.source = "TILED" if "UDIM" in name else "FILE"
    image.filepath = "//" + name
    image.use_fake_user = True
bpy.ops.wm.save_mainfile()
"""
    script = folder / "make.py"
    script.write_text(make)
    argv = [*BLENDER, "-b", "--factory-startup", "--python-exit-code", "1", "--python", str(script)]
    subprocess.run(argv, check=True, capture_output=True, timeout=60)
    return folder


@pytest.mark.blender
@both_blenders
async def test_what_would_spoil_a_render_is_seen_and_no_script_runs(
    troubled: Path, blender: tuple[str, ...]
) -> None:
    answer = await ask(troubled / "troubled.blend", blender=(*blender, "-y"))
    assert not answer.scene.camera
    missing = {str(troubled / name) for name in ("gone.png", "gone.<UDIM>.png")}
    assert set(answer.scene.missing_files) == missing
    assert not (troubled / "it ran").exists()


@pytest.mark.blender
async def test_a_bad_expression_is_refused_with_its_setting_and_pythons_words() -> None:
    job_type = {"name": "bad", "settings": [{"key": "n", "type": "int32", "eval": "C.scene.nix"}]}
    with pytest.raises(Refused, match=r'"n": AttributeError: .*nix'):
        await evaluate_settings(
            blender_argv=BLENDER, blendfile=ORRERY, job_type=job_type, given={}, job_name="x"
        )


@pytest.mark.blender
@both_blenders
async def test_a_file_that_blender_cannot_open_names_the_blender_that_saved_it(
    tmp_path: Path, blender: tuple[str, ...]
) -> None:
    newer = tmp_path / "newer.blend"
    newer.write_bytes(b"BLENDER17-01v0999REND" + bytes(100))
    with pytest.raises(Refused, match=r"Open it in Blender 9\.99"):
        await ask(newer, blender=blender)


@pytest.fixture
def two_scenes(tmp_path: Path) -> Path:
    """A file whose other scene differs in all that a job wants to know."""
    file = tmp_path / "two scenes.blend"
    code = (
        "import bpy, sys; other = bpy.data.scenes.new('Zweite Szene'); other.frame_start = 5; "
        "other.frame_end = 6; other.render.fps = 30; "
        "other.render.image_settings.file_format = 'JPEG'; "
        "bpy.ops.wm.save_as_mainfile(filepath=sys.argv[-1])"
    )
    say = [*BLENDER, "-b", "--factory-startup", "--python-expr", code, "--", str(file)]
    subprocess.run(say, check=True, capture_output=True)
    return file


@pytest.mark.blender
@both_blenders
async def test_the_scene_that_was_chosen_is_asked(
    two_scenes: Path, blender: tuple[str, ...]
) -> None:
    answer = await ask(two_scenes, blender=blender, scene="Zweite Szene")
    assert answer.scene.name == answer.values["scene"] == "Zweite Szene"
    values = [answer.values[key] for key in ("frames", "fps", "image_file_extension")]
    assert values == ["5-6", 30.0, ".jpg"]


@pytest.mark.blender
@both_blenders
async def test_a_scene_that_is_not_there_is_refused_with_those_that_are(
    two_scenes: Path, blender: tuple[str, ...]
) -> None:
    with pytest.raises(Refused, match=r'no scene "Nope". It has: Scene, Zweite Szene\.'):
        await ask(two_scenes, blender=blender, scene="Nope")


class TestBeforeAnyBlenderStarts:
    async def test_a_missing_file_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(Refused, match="There is no file"):
            await ask(tmp_path / "missing.blend")

    async def test_another_kind_of_file_is_refused(self, tmp_path: Path) -> None:
        letter = tmp_path / "letter.blend"
        letter.write_text("Dear Blender")
        with pytest.raises(Refused, match="is not a Blender file"):
            await ask(letter)

    async def test_a_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(Refused, match="cannot be read"):
            await ask(tmp_path)

    async def test_a_setting_that_the_job_type_lacks_is_refused(self) -> None:
        with pytest.raises(Refused, match='no setting "colour"'):
            await ask(ORRERY, colour="blue")

    async def test_a_machine_without_blender_is_told_so(self) -> None:
        with pytest.raises(Refused, match="could not be started"):
            await ask(ORRERY, blender=("/nowhere/blender",))


class TestABlenderThatMisbehaves:
    async def test_a_crash_is_told_with_its_last_words(self) -> None:
        crash = "import os; print('Error: out of memory', flush=True); os.abort()"
        with pytest.raises(Refused, match=r"crashed \(signal 6\).*Error: out of memory"):
            await ask(ORRERY, blender=(sys.executable, "-c", crash))

    async def test_silence_ends_with_the_patience(self) -> None:
        with pytest.raises(Refused, match=r"within 0\.3 seconds"):
            await evaluate_settings(
                blender_argv=(sys.executable, "-c", "import threading; threading.Event().wait()"),
                blendfile=ORRERY,
                job_type=RENDER,
                given={},
                job_name="x",
                timeout_s=0.3,
            )
