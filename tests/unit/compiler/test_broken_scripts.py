"""Broken scripts: left out of the list, and their mistake named to whoever uses them."""

from __future__ import annotations

from pathlib import Path

import pytest

from flamenco_p2p.compiler.compile import JobCompiler, ScriptFailed
from tests.unit.compiler.conftest import SOUND, names_of_tasks

BROKEN: dict[str, tuple[str, str]] = {
    "syntax": ("const JOB_TYPE = {;\n", "SyntaxError: "),
    "module syntax": ("import x from 'y';\n", "SyntaxError: "),
    "throws while loading": ("\nthrow new Error('early');", "Error: early (broken.js, line 2)"),
    "throws text while loading": ("throw 'early words';", "early words (broken.js)"),
    "undeclared variable": ("JOB_TYPO = { label: 'x' };", "ReferenceError: "),
    "module.exports": ("module.exports = {};", "ReferenceError: "),
    "no JOB_TYPE": ("const x = 1;", "script (broken.js) does not define a JOB_TYPE object"),
    "undefined": ("let JOB_TYPE;", "script (broken.js) does not define a JOB_TYPE object"),
    "null": ("const JOB_TYPE = null;", "does not define a proper JOB_TYPE object: it is null"),
    "text": ("const JOB_TYPE = 'x';", "does not define a proper JOB_TYPE object: it is x"),
    "array": ("const JOB_TYPE = [];", "does not define a proper JOB_TYPE object: it is []"),
    "function": (
        "function JOB_TYPE() {}",
        "does not define a proper JOB_TYPE object: it is function",
    ),
    "no label": ("const JOB_TYPE = { settings: [] };", "JOB_TYPE object: it has no label"),
    "no settings": (
        "const JOB_TYPE = { label: 'x' };",
        "JOB_TYPE object: its settings are not an array",
    ),
    "settings object": (
        "const JOB_TYPE = { label: 'x', settings: {} };",
        "its settings are not an array",
    ),
    "setting text": ("const JOB_TYPE = { label: 'x', settings: ['a'] };", "a setting is a"),
    "choices": (
        "const JOB_TYPE = { label: 'x', settings: [{ key: 'k', choices: 'a' }] };",
        'setting "k": choices is not an array',
    ),
    "propargs": (
        "const JOB_TYPE = { label: 'x', settings: [{ key: 'k', propargs: 3 }] };",
        'setting "k": propargs is not an object',
    ),
    "default": (
        "const JOB_TYPE = { label: 'x', settings: [{ key: 'k', default: NaN }] };",
        'setting "k": default is NaN, which cannot be stored',
    ),
    "getter": ("const JOB_TYPE = { get label() { throw 'no label today'; } };", "no label today"),
}

FAILING: dict[str, tuple[str, str]] = {
    "no compileJob": ("", "script (broken.js) does not define a compileJob(job) function"),
    "compileJob is text": ("const compileJob = 'x';", "does not define a compileJob(job) function"),
    "compileJob is a class": ("class compileJob {}", "TypeError: "),
    "rejected promise": (
        "async function compileJob() {\n  await null;\n  throw new Error('late');\n}",
        "Error: late (broken.js, line 4)",
    ),
    "promise that never settles": (
        "function compileJob() { return new Promise(() => {}); }",
        "compileJob waits for something that never happens",
    ),
    "mistake": ("function compileJob(job) {\n  job.missing.x = 1;\n}", "TypeError: "),
    "unknown property": (
        "function compileJob(job) { job.foo = 1; }",
        "TypeError: Cannot assign to property foo of a job (broken.js, line 2)",
    ),
    "NaN parameter": (
        "function compileJob(job) { author.Command('x', { a: { b: [1, 0 / 0] } }); }",
        "command x: parameter a.b.1 is NaN, which cannot be stored",
    ),
    "function parameter": (
        "function compileJob(job) { author.Command('x', { a() {} }); }",
        "command x: parameter a is a function, which cannot be stored",
    ),
    "infinite parameter, added later": (
        "function compileJob(job) { const t = author.Task('t', 'x'), c = author.Command('x', {});"
        " t.addCommand(c); c.parameters.late = Infinity; job.addTask(t); }",
        'task "t": command x: parameter late is Infinity, which cannot be stored',
    ),
    "NaN setting": (
        "function compileJob(job) { job.settings.n = NaN; }",
        "setting n is NaN, which cannot be stored",
    ),
    "no task": (
        "function compileJob(job) { job.addTask(null); }",
        "TypeError: addTask: null is not a task",
    ),
    "text as task": (
        "function compileJob(job) { job.addTask('x'); }",
        "TypeError: addTask: x is not a task",
    ),
    "no command": (
        "function compileJob(job) { author.Task('a', 'b').addCommand('x'); }",
        "TypeError: addCommand: x is not a command",
    ),
    "no dependency": (
        "function compileJob(job) { author.Task('a', 'b').addDependency({ name: 'b' }); }",
        'TypeError: addDependency: {"name":"b"} is not a task made by author.Task',
    ),
    "stranger among the tasks": (
        "function compileJob(job) { job.tasks.push({ name: 'x' }); }",
        'job.tasks holds {"name":"x"}, which is not a task',
    ),
    "native module": ("require('fs');", 'Invalid module: "fs" is not in the scripts folder'),
    "path out of the folder": ("require('../secret');", 'require("../secret") leads out of'),
    "absolute path": ("require('/etc/hosts');", 'require("/etc/hosts") leads out of'),
    "invalid date": (
        "function compileJob() { formatTimestampLocal(new Date('x')); }",
        "RangeError: formatTimestampLocal: this date is invalid",
    ),
    "number as date": (
        "function compileJob() { formatTimestampLocal(5); }",
        "TypeError: formatTimestampLocal: 5 is not a date",
    ),
}


@pytest.mark.parametrize("mistake", BROKEN)
async def test_a_broken_job_type_is_left_out_and_its_mistake_named(
    mistake: str, compiler: JobCompiler, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text, words = BROKEN[mistake]
    (tmp_path / "broken.js").write_text(text)
    for _ in range(2):
        assert "broken" not in [job_type.name for job_type in await compiler.job_types()]
    assert len(caplog.records) == 1
    assert words in caplog.text
    with pytest.raises(ScriptFailed) as described:
        await compiler.job_type("broken")
    with pytest.raises(ScriptFailed) as compiled:
        await names_of_tasks(compiler, "broken")
    assert words in described.value.problem
    assert described.value.problem == compiled.value.problem


@pytest.mark.parametrize("mistake", FAILING)
async def test_a_script_that_fails_says_why(
    mistake: str, compiler: JobCompiler, tmp_path: Path
) -> None:
    text, words = FAILING[mistake]
    (tmp_path / "broken.js").write_text(f'const JOB_TYPE = {{ label: "x", settings: [] }};\n{text}')
    with pytest.raises(ScriptFailed) as caught:
        await names_of_tasks(compiler, "broken")
    assert caught.value.problem.startswith(words) or words in caught.value.problem
    assert "(broken.js" in caught.value.problem


async def test_a_script_that_is_not_utf8_is_broken(compiler: JobCompiler, tmp_path: Path) -> None:
    (tmp_path / "latin.js").write_bytes(b'const JOB_TYPE = { label: "\xe9", settings: [] };')
    with pytest.raises(ScriptFailed, match="not UTF-8"):
        await compiler.job_type("latin")


async def test_byte_order_marks_hash_bangs_and_dos_lines_are_fine(
    compiler: JobCompiler, tmp_path: Path
) -> None:
    text = "#!/usr/bin/env node\r\n" + SOUND.replace("\n", "\r\n")
    (tmp_path / "dos.js").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert await names_of_tasks(compiler, "dos") == ["a"]
