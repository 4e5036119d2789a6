"""Compiling through a child process."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import msgspec
import pytest

from flamenco_p2p.compiler.compile import JobCompiler, ScriptFailed, UnknownJobType
from flamenco_p2p.farm.errors import Outdated
from tests.jobtypes.in_this_process import SHIPPED, request
from tests.jobtypes.test_golden import SAMPLE
from tests.unit.compiler.conftest import SMALL, SOUND, names_of_tasks, tasks_of


async def test_the_shipped_job_types_are_sound_and_sorted(compiler: JobCompiler) -> None:
    types = await compiler.job_types()
    assert [t.name for t in types] == [
        "echo-sleep-test",
        "simple-blender-render",
        "single-image-render",
    ]
    for job_type in types:
        wire = msgspec.json.decode(job_type.raw)
        assert (wire["name"], wire["label"], wire["etag"]) == (
            job_type.name,
            job_type.label,
            job_type.etag,
        )
        assert await compiler.job_type(job_type.name) == job_type


async def test_a_job_is_compiled_with_its_header_first(compiler: JobCompiler) -> None:
    asked = request(SAMPLE, type="simple-blender-render", priority=70, metadata={"project": "x"})
    async with compiler.compile(asked) as job:
        assert (job.name, job.priority, job.metadata) == ("shot010", 70, {"project": "x"})
        assert (job.task_count, job.steps_total, job.warnings) == (5, 11, ())
        assert msgspec.json.decode(job.settings)["render_output_path"].endswith("150405/######")
        assert len(await tasks_of(job)) == 5


async def test_an_unknown_job_type_is_unknown(compiler: JobCompiler) -> None:
    with pytest.raises(UnknownJobType):
        await compiler.job_type("nonsense")
    with pytest.raises(UnknownJobType):
        await names_of_tasks(compiler, "nonsense")


async def test_c60_another_etag_is_refused_but_none_is_fine(
    compiler: JobCompiler, tmp_path: Path
) -> None:
    (tmp_path / "sound.js").write_text(SOUND)
    etag = (await compiler.job_type("sound")).etag
    for accepted in ("", etag):
        assert await names_of_tasks(compiler, "sound", type_etag=accepted) == ["a"]
    with pytest.raises(Outdated):
        await names_of_tasks(compiler, "sound", type_etag="0" * 40)


async def test_c62_a_script_that_cannot_be_parsed_gives_way_to_the_shipped_one(
    compiler: JobCompiler, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "echo_sleep_test.js").write_text("\n\nconst JOB_TYPE = ;\n")
    for _ in range(2):
        assert (await compiler.job_type("echo-sleep-test")).label == "Echo Sleep Test"
    (message,) = [record.message for record in caplog.records]
    assert "SyntaxError" in message
    assert "(echo_sleep_test.js, line 3)" in message
    async with compiler.compile(request({"message": "x"}, type="echo-sleep-test")) as job:
        assert job.task_count == 1
        assert "is used instead" in job.warnings[0]


async def test_c64_what_the_script_throws_is_the_refusal(
    compiler: JobCompiler, tmp_path: Path
) -> None:
    (tmp_path / "thrower.js").write_text(SOUND + 'compileJob = () => { throw "boom"; };')
    with pytest.raises(ScriptFailed) as caught:
        await names_of_tasks(compiler, "thrower")
    assert caught.value.problem == "boom (thrower.js)"
    assert caught.value.status == 400


async def test_an_edited_script_counts_at_once(compiler: JobCompiler, tmp_path: Path) -> None:
    script = tmp_path / "sound.js"
    script.write_text(SOUND)
    before = await compiler.job_type("sound")
    script.write_text(SOUND.replace("Sound", "Louder"))
    after = await compiler.job_type("sound")
    assert (before.label, after.label) == ("Sound", "Louder")
    assert before.etag != after.etag
    script.unlink()
    with pytest.raises(UnknownJobType):
        await compiler.job_type("sound")


async def test_what_a_script_prints_is_in_the_log(
    compiler: JobCompiler, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    body = 'print("frames", {a: 1}, undefined); alert("careful");'
    (tmp_path / "talker.js").write_text(SOUND + f"compileJob = () => {{ {body} }};")
    assert await names_of_tasks(compiler, "talker") == []
    assert [(r.levelname, r.message) for r in caplog.records] == [
        ("INFO", 'Job type talker says: frames {"a":1} undefined'),
        ("WARNING", "Job type talker says: careful"),
    ]


async def test_a_reader_may_leave_early(compiler: JobCompiler, tmp_path: Path) -> None:
    loop = 'for (let i = 0; i < 1200; i++) job.addTask(author.Task("t" + i, "misc"));'
    (tmp_path / "many.js").write_text(SOUND + f"compileJob = (job) => {{ {loop} }};")
    async with compiler.compile(request({}, type="many")) as job:
        first = await anext(job.slices)
        assert (first.count, job.task_count) == (500, 1200)
    assert [piece async for piece in job.slices] == []
    assert len(await names_of_tasks(compiler, "many")) == 1200


async def test_a_reader_that_fails_does_not_harm_the_next(compiler: JobCompiler) -> None:
    asked = request({"message": "x"}, type="echo-sleep-test")
    with pytest.raises(ZeroDivisionError):
        async with compiler.compile(asked):
            raise ZeroDivisionError
    async with compiler.compile(asked) as job:
        assert len(await tasks_of(job)) == 1


async def test_a_cancelled_compilation_leaves_the_compiler_usable(
    compiler: JobCompiler, tmp_path: Path
) -> None:
    (tmp_path / "slow.js").write_text(SOUND + "compileJob = () => { for (;;); };")
    (tmp_path / "sound.js").write_text(SOUND)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await names_of_tasks(compiler, "slow")
    assert await names_of_tasks(compiler, "sound") == ["a"]


async def test_a_long_compilation_does_not_hold_up_a_short_one(
    compiler: JobCompiler, tmp_path: Path
) -> None:
    (tmp_path / "slow.js").write_text(SOUND + "compileJob = () => { for (;;); };")
    ended: list[str] = []

    async def long() -> None:
        with pytest.raises(ScriptFailed):
            await names_of_tasks(compiler, "slow")
        ended.append("long")

    async def short() -> None:
        async with compiler.compile(request({"message": "x"}, type="echo-sleep-test")) as job:
            await tasks_of(job)
        ended.append("short")

    async with asyncio.TaskGroup() as group:
        group.create_task(long())
        group.create_task(short())
    assert ended == ["short", "long"]


async def test_a_large_job_arrives_in_small_slices(compiler: JobCompiler) -> None:
    settings = SAMPLE | {"frames": "1-3000", "chunk_size": 1}
    async with compiler.compile(request(settings, type="simple-blender-render")) as job:
        slices = [piece async for piece in job.slices]
    assert sum(piece.count for piece in slices) == job.task_count == 3001
    assert all(piece.count <= 500 and len(piece.payload) <= 256 * 1024 for piece in slices)
    _, dependencies = msgspec.msgpack.decode(slices[-1].payload)
    assert dependencies == [[3001, [[1, 3000]]]]


async def test_a_compiler_without_folders_has_no_job_types(tmp_path: Path) -> None:
    compiler = JobCompiler([tmp_path / "missing"], limits=SMALL)
    assert await compiler.job_types() == []
    await compiler.close()


async def test_the_first_folder_wins(tmp_path: Path) -> None:
    (tmp_path / "echo_sleep_test.js").write_text(SOUND)
    compiler = JobCompiler([tmp_path, SHIPPED], limits=SMALL)
    assert (await compiler.job_type("echo-sleep-test")).label == "Sound"
    await compiler.close()
