"""Scripts that want too much end with words, and the next compilation works."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest

from flamenco_p2p.compiler.compile import JobCompiler, ScriptFailed
from tests.jobtypes.in_this_process import request
from tests.unit.compiler.conftest import SOUND, names_of_tasks

SLOW = "ran longer than"
# The engine does not look at its clock while it does this: only killing the child helps.
ENDLESS_INSIDE = "[].concat({ length: 2 ** 52, [Symbol.isConcatSpreadable]: true })"
BIG = "needed more than 64 MB"
DEEP = "Maximum call stack size exceeded"

GREEDY = {
    "an endless loop": ("while (true) {}", SLOW),
    "an endless loop that catches": ("while (true) { try { while (true) {} } catch {} }", SLOW),
    "a regular expression without end": ('/^(a+)+$/.test("a".repeat(40) + "b")', SLOW),
    "an endless chain of promises": ("const p = () => { Promise.resolve().then(p); }; p()", SLOW),
    "an endless loop inside the engine": (
        ENDLESS_INSIDE,
        SLOW,
    ),
    "a memory bomb of strings": (
        'const a = []; while (true) a.push("x".repeat(1e6) + a.length)',
        BIG,
    ),
    "a memory bomb of objects": ("const a = []; while (true) a.push({ n: a.length })", BIG),
    "a huge buffer": ("new ArrayBuffer(1e9)", BIG),
    "a string that doubles": (
        'let s = "ab"; while (true) s += s',
        "string too long (greedy.js, line 5)",
    ),
    "endless recursion": ("const f = () => f() + 1; f()", DEEP),
    "deeply nested JSON": ('JSON.parse("[".repeat(1e6))', DEEP),
    "a parameter that contains itself": (
        'const o = {}; o.o = o; author.Command("x", o)',
        "is nested too deeply, or contains itself",
    ),
    "ten million frames": (
        'frameChunker("1-10000000", 1)',
        "10000000 frames are more than the 1000000",
    ),
    "too many chunks": ('frameChunker("1-300000", 1)', "300000 chunks are more than the 200000"),
    "too many tasks": (
        'for (;;) job.addTask({ name: "n", type: "t" })',
        "a job may have at most 200000 tasks|needed more than|ran longer",
    ),
    "a task that is too large": (
        'const t = author.Task("whale", "t"); job.addTask(t);'
        ' job.tasks[0].addCommand(author.Command("echo", { message: "é".repeat(150000) }))',
        'task "whale" is too large: its commands need 300',
    ),
}


@pytest.mark.parametrize("what", GREEDY)
async def test_a_greedy_script_ends_with_words(
    what: str, compiler: JobCompiler, tmp_path: Path
) -> None:
    body, words = GREEDY[what]
    (tmp_path / "greedy.js").write_text(SOUND + f"compileJob = (job) => {{\n{body};\n}};")
    (tmp_path / "sound.js").write_text(SOUND)
    with pytest.raises(ScriptFailed, match=words.replace("(", r"\(").replace(")", r"\)")):
        await names_of_tasks(compiler, "greedy")
    assert await names_of_tasks(compiler, "sound") == ["a"]


@pytest.mark.parametrize(
    "body",
    ["while (true) {}", ENDLESS_INSIDE],
    ids=["in the script", "inside the engine"],
)
async def test_an_endless_script_does_not_hide_the_other_job_types(
    body: str, compiler: JobCompiler, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "endless.js").write_text(body)
    for _ in range(2):
        names = [job_type.name for job_type in await compiler.job_types()]
        assert names == ["echo-sleep-test", "simple-blender-render", "single-image-render"]
    (message,) = [record.message for record in caplog.records]
    assert message.startswith("Job type endless is left out: The script ran longer than")


async def test_a_child_that_dies_is_replaced(compiler: JobCompiler, tmp_path: Path) -> None:
    (tmp_path / "endless.js").write_text(SOUND + "compileJob = () => { while (true) {} };")
    (tmp_path / "sound.js").write_text(SOUND)
    await compiler.job_type("sound")
    (child,) = [
        process
        for process in psutil.Process().children()
        if "flamenco_p2p.compiler.child" in process.cmdline()
    ]

    async def kill() -> None:
        child.kill()

    async with asyncio.TaskGroup() as group:
        failing = group.create_task(_problem_of(compiler, "endless"))
        group.create_task(kill())
    assert "ended the program that ran it" in failing.result()
    assert await names_of_tasks(compiler, "sound") == ["a"]


async def _problem_of(compiler: JobCompiler, job_type: str) -> str:
    with pytest.raises(ScriptFailed) as caught:
        async with compiler.compile(request({}, type=job_type)):
            pass
    return caught.value.problem
