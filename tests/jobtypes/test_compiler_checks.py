"""The numbered checks of the job-type API, C-01 to C-66, each under its number."""

# ruff: noqa: E501 - a table of scripts and results reads best with one case per line

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from flamenco_p2p.compiler.engine import Engine, ScriptError
from flamenco_p2p.compiler.job_types import Script, find_scripts
from tests.jobtypes.in_this_process import JOB_ID, LIMITS, compile_here, run, script, value

VALUES: list[tuple[str, str, Any]] = [
    ("C-01", 'frameChunker("1-10", 3)', ["1-3", "4-6", "7-9", "10"]),
    ("C-02", 'frameChunker("1..10,20..25,40,3..8", 4)', ["1-4", "5-8", "9,10,20,21", "22-25", "40"]),
    ("C-03", 'frameChunker(" 1  .. 10,\\t20..25\\n,40   ", 4)', ["1-4", "5-8", "9,10,20,21", "22-25", "40"]),
    ("C-04a", 'frameChunker("47", 4)', ["47"]),
    ("C-04b", "frameChunker(47, 1)", ["47"]),
    ("C-05", 'frameChunker("1-3", 3)', ["1-3"]),
    ("C-06", 'frameChunker("1-2", 10)', ["1,2"]),
    ("C-07", 'frameChunker("1,2,4,5,7", 10)', ["1,2,4,5,7"]),
    ("C-08", 'frameChunker("5,3,1,4,2", 10)', ["1-5"]),
    ("C-09", 'frameChunker("1,1,1,2", 10)', ["1,2"]),
    ("C-10", 'frameChunker("1-10,5-15", 100)', ["1-15"]),
    ("C-11a", 'frameChunker("007", 1)', ["7"]),
    ("C-11b", 'frameChunker("+5-+7", 9)', ["5-7"]),
    ("C-11c", 'frameChunker("0", 1)', ["0"]),
    ("C-12", 'frameChunker("10-1,5", 4)', ["5"]),
    ("C-16a", 'frameChunker("1-10", 2.9)', ["1,2", "3,4", "5,6", "7,8", "9,10"]),
    ("C-16b", 'frameChunker("1-10", "4")', ["1-4", "5-8", "9,10"]),
    ("C-18", '(c => [Array.isArray(c), c.map(x => x.length), c.slice(-1)[0], [...c].length])(frameChunker("1-4", 3))',
     [True, [3, 1], "4", 2]),
    ("C-19a", 'frameCount("1..10,20..25,40,3..8")', 17),
    ("C-19b", 'frameCount("9,10,20,21")', 4),
    ("C-19c", "frameCount(47)", 1),
    ("C-19d", 'frameCount("10-1")', 0),
    ("C-21", "shellSplit(\"--python-expr 'print(1 + 1)'\")", ["--python-expr", "print(1 + 1)"]),
    ("C-22a", 'shellSplit("")', []),
    ("C-22b", "shellSplit()", []),
    ("C-22c", "shellSplit(null)", []),
    ("C-22d", 'shellSplit("   ")', []),
    ("C-23a", "shellSplit(\"''\")", [""]),
    ("C-23b", "shellSplit(\"'' \\\"\\\" x\")", ["", "", "x"]),
    ("C-24", "shellSplit('a\"b c\"d')", ["ab cd"]),
    ("C-25", 'shellSplit("a#b #c d\\ne")', ["a#b", "e"]),
    ("C-26", 'shellSplit("C:\\\\path\\\\to x")', ["C:pathto", "x"]),
    ("C-27", "shellSplit('\"C:\\\\path\\\\n\" x')", ["C:pathn", "x"]),
    ("C-28", "shellSplit('\"a\\\\\"b\" x')", ['a"b', "x"]),
    ("C-29a", 'shellSplit("a\\\\ b")', ["a b"]),
    ("C-29b", 'shellSplit("a\\\\\\nb")', ["a\nb"]),
    ("C-30", "shellSplit(\"'a\\\\'\")", ["a\\"]),
    ("C-33", "shellSplit(47)", ["47"]),
    ("C-34", '[path.basename(""), path.basename(undefined)]', [".", "."]),
    ("C-35", '[path.basename("/a/b/"), path.basename("/"), path.basename("C:\\\\ü\\\\x.tar.gz")]', ["b", "/", "x.tar.gz"]),
    ("C-36", '["", "a", "/", "/f"].map((p) => path.dirname(p))', [".", ".", "/", "/"]),
    ("C-37", '["C:\\\\f", "C:\\\\ü\\\\is\\\\x.gz", "\\\\\\\\SRV\\\\s\\\\f"].map((p) => path.dirname(p))', ["C:", "C:/ü/is", "//SRV/s"]),
    ("C-38", '["/a/b/", "/a//b", "/Mixed path\\\\with/slash.txt"].map((p) => path.dirname(p))', ["/a/b", "/a/", "/Mixed path/with"]),
    ("C-39", '[path.join(), path.join(""), path.join("", "a", "", "b", "")]', ["", "", "a/b"]),
    ("C-40", '[path.join("/a", "..", "b"), path.join("a/", "/b"), path.join("a", undefined, "b"), path.join("a", 47)]',
     ["/b", "a/b", "a/b", "a/47"]),
    ("C-41", '[path.join("C:\\\\x", "is\\\\y"), path.join("\\\\\\\\SRV", "m"), path.join("//SRV", "m")]', ["C:/x/is/y", "//SRV/m", "/SRV/m"]),
    ("C-42", '["", "stem.tar.gz", ".bashrc", "/x/y.d/", "C:\\\\p\\\\to/f.txt"].map((p) => path.stem(p))', ["", "stem.tar", "", "y", "f"]),
    ("C-43", "formatTimestampLocal(new Date(2006, 0, 2, 15, 4, 5))", "2006-01-02_150405"),
    ("C-46", '(t => [t.name, t.type, t.priority, t.commands.length])(author.Task(" a ", "\\tb "))', ["a", "b", 50, 0]),
    ("C-65", "print({a: 1}, undefined) === undefined", True),
    ("C-66", '["1-3,5-7".replaceAll("-", ".."), [1, 2].at(-1), Object.hasOwn({a: 1}, "a"), [1, 2, 3].findLast(x => x < 3)]',
     ["1..3,5..7", 2, True, 2]),
]  # fmt: skip

ERRORS: list[tuple[str, str, str]] = [
    ("C-13", 'frameChunker("10-1", 4)', "empty range"),
    ("C-14a", 'frameChunker("", 4)', 'invalid range "": empty range'),
    ("C-14b", 'frameChunker("   ", 4)', 'invalid range "": empty range'),
    ("C-14c", "frameChunker()", 'invalid range "": empty range'),
    ("C-14d", "frameChunker(null, 1)", 'invalid range "": empty range'),
    *(
        (f"C-15-{size}", f'frameChunker("1-3", {size})', "invalid chunk size, must be positive number: ")
        for size in ("0", "-1", "undefined", "null", "NaN", '"abc"')
    ),
    *(
        (f"C-17-{text}", f'frameChunker("{text}", 1)', f'"{part}" is neither a frame')
        for text, part in [
            ("-5", "-5"), ("-5..5", "-5-5"), ("-10--5", "-10--5"), ("1-2-3", "1-2-3"), ("1,,2", ""), ("1,2,", ""),
            ("1-", "1-"), ("a", "a"), ("1.5", "1.5"), ("1:3", "1:3"), ("1_000", "1_000"), (" 1 10", "1 10"), ("1...3", "1-.3"),
        ]
    ),
    ("C-20", 'frameCount("")', 'invalid range "": empty range'),
    ("C-31a", "shellSplit(\"x'\")", "EOF found when expecting closing quote"),
    ("C-31b", "shellSplit('\"a')", "EOF found when expecting closing quote"),
    ("C-32", 'shellSplit("a\\\\")', "EOF found after escape character"),
    ("C-47a", 'author.Task("", "x")', "author.Task(name, type): name is required"),
    ("C-47b", 'author.Task("a")', "author.Task(name, type): type is required"),
    ("C-56", "(undeclared = 1)", "ReferenceError"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "expected"), [pytest.param(*row[1:], id=row[0]) for row in VALUES]
)
def test_a_script_gets_the_documented_value(expression: str, expected: Any) -> None:
    assert value(expression) == expected


@pytest.mark.parametrize(
    ("expression", "words"), [pytest.param(*row[1:], id=row[0]) for row in ERRORS]
)
def test_a_script_gets_the_documented_error(expression: str, words: str) -> None:
    with pytest.raises(ScriptError) as caught:
        value(expression)
    assert words in caught.value.problem
    assert caught.value.problem.endswith("(test.js, line 2)")


@pytest.mark.parametrize("zone", ["America/New_York"], ids=["C-44"])
def test_local_times_are_the_submitters(zone: str) -> None:
    assert (
        value('formatTimestampLocal(new Date("2006-07-02T22:30:00Z"))', time_zone=zone)
        == "2006-07-02_183000"
    )


@pytest.mark.parametrize("platform", ["windows"], ids=["C-45"])
def test_windows_is_called_windows(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    assert value("process.platform") == platform


def parameters_of(text: str) -> Any:
    job = run(f'const t = author.Task("a", "b"); {text}; t.addCommand(c); job.addTask(t);')
    return job.tasks[0].parameters()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('const c = author.Command("x", {a: undefined, b: null})', {"a": None, "b": None}, id="C-48"),
        pytest.param('const c = author.Command("x", {a: 24.0, b: 23.976})', {"a": 24, "b": 23.976}, id="C-49"),
        pytest.param('const o = {a: [1]}; const c = author.Command("x", o); o.a.push(2); o.b = 3', {"a": [1]}, id="C-50"),
    ],
)  # fmt: skip
def test_parameters_are_stored_as_documented(text: str, expected: Any) -> None:
    assert parameters_of(text) == expected


@pytest.mark.parametrize("_", [0], ids=["C-51"])
def test_a_command_added_to_a_task_that_is_in_the_job_is_lost(_: int) -> None:
    job = run(
        'const t = author.Task("a", "b"); job.addTask(t); t.addCommand(author.Command("late", {}));'
    )
    assert job.tasks[0].commands == []


@pytest.mark.parametrize("_", [0], ids=["C-52"])
def test_a_priority_counts_if_it_is_set_before_the_task_is_added(_: int) -> None:
    job = run("""
        const early = author.Task("early", "b"); early.priority = 70; job.addTask(early);
        const late = author.Task("late", "b"); job.addTask(late); late.priority = 70;
    """)
    assert [task.priority for task in job.tasks] == [70, 50]


@pytest.mark.parametrize("_", [0], ids=["C-53"])
def test_what_is_left_in_the_settings_is_stored(_: int) -> None:
    assert run("job.settings.x = 1; delete job.settings.y;", {"y": 2, "z": 3}).settings == {
        "z": 3,
        "x": 1,
    }


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        pytest.param("job.addTask(a); job.addTask(a)", 'task "a" was added to the job twice', id="C-54a"),
        pytest.param("a.addDependency(b); a.addDependency(b); job.addTask(a); job.addTask(b)",
                     'task "a" depends on "b" twice', id="C-54b"),
        pytest.param("a.addDependency(b); job.addTask(a)",
                     'task "a" depends on "b", which was not added to the job', id="C-54c"),
        pytest.param("a.addDependency(a)", 'task "a" cannot depend on itself', id="C-54d"),
        pytest.param("a.addDependency(b); b.addDependency(a); job.addTask(a); job.addTask(b)",
                     'these tasks wait for each other: "a" → "b" → "a"', id="C-54e"),
    ],
)  # fmt: skip
def test_tasks_that_could_never_be_stored_are_refused(body: str, problem: str) -> None:
    with pytest.raises(ScriptError) as caught:
        run(f'const a = author.Task("a", "t"), b = author.Task("b", "t"); {body};')
    assert caught.value.problem.startswith(problem)


@pytest.mark.parametrize("_", [0], ids=["C-55"])
def test_constants_and_arrow_functions_are_found(_: int) -> None:
    job = compile_here(script('let compileJob = (job) => { job.name = "found"; };'))
    assert job.name == "found"


@pytest.mark.parametrize("_", [0], ids=["C-57"])
def test_a_script_may_shadow_what_is_global(_: int) -> None:
    text = """
        const path = require("path"); let author = require("author"); function print() { return 7; }
        function compileJob(job) { job.name = path.join("a", "b") + print(); }
    """
    assert compile_here(script(text)).name == "a/b7"


@pytest.mark.parametrize("_", [0], ids=["C-58"])
def test_defaults_are_not_filled_in(_: int) -> None:
    job_type = '{label: "T", settings: [{key: "n", type: "int32", default: 5}]}'
    text = "function compileJob(job) { job.name = String(job.settings.n); }"
    assert compile_here(script(text, job_type=job_type)).name == "undefined"


@pytest.mark.parametrize("_", [0], ids=["C-59"])
def test_an_asynchronous_script_is_waited_for(_: int) -> None:
    text = 'async function compileJob(job) { await null; await 1; job.addTask(author.Task("a", "b")); }'
    assert [task.name for task in compile_here(script(text)).tasks] == ["a"]


@pytest.mark.parametrize(
    ("file", "text", "etag"),
    [
        pytest.param("min.js", 'const JOB_TYPE = { label: "Min", settings: [] };',
                     "bc59a1dcd70aa32ee46da62c1cf884b1f8e2aa45", id="C-61a"),
        pytest.param("etag_vector.js", """var JOB_TYPE = {
            label: "Tom & <Jerry>", description: "é", name: "x", etag: "y", junk: 1, settings: [
            {key:"a", type:"string", required:true, choices:["p","q"], default:"p", visible:"web", editable:false},
            {key:"b", type:"float", default:1.5, propargs:{max:2,min:0.25}, eval:"1 > 0", evalInfo:{showLinkButton:true}},
            {key:"c", type:"int32", default:0, label:"C", subtype:null, description:undefined}]}""",
                     "28daa497fb03a9c564005dca4cb6d4614a830acb", id="C-61b"),
    ],
)  # fmt: skip
def test_etags_are_flamencos(file: str, text: str, etag: str) -> None:
    described = Engine(Script(file, text), {}, LIMITS).describe()
    assert described.etag == etag
    assert msgspec.json.decode(described.raw)["etag"] == etag


@pytest.mark.parametrize("_", [0], ids=["C-63"])
def test_tiny_files_other_suffixes_and_subfolders_are_no_job_types(_: int, tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    for name, size in {"seven.js": 7, "X.JS": 100, "lib/deep.js": 100, "eight_bytes.js": 8}.items():
        (tmp_path / name).write_text("/" * size)
    assert list(find_scripts([tmp_path])) == ["eight-bytes"]


@pytest.mark.parametrize(
    ("thrown", "words"),
    [
        pytest.param('"boom"', "boom (test.js)", id="C-64a"),
        pytest.param('new Error("text")', "Error: text (test.js, line 2)", id="C-64b"),
        pytest.param('{toString() { return "custom"; }}', "custom (test.js)", id="C-64c"),
        pytest.param("47", "47 (test.js)", id="C-64d"),
        pytest.param("null", "null (test.js)", id="C-64e"),
    ],
)
def test_the_thrown_words_come_first(thrown: str, words: str) -> None:
    with pytest.raises(ScriptError) as caught:
        run(f"throw {thrown};")
    assert caught.value.problem == words


def test_tasks_are_numbered_in_their_uuids() -> None:
    job = run('job.addTask(author.Task("a", "b")); job.name = author.Task("c", "d").uUID;')
    assert job.name == JOB_ID[:-6] + "000002"
