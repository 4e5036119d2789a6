"""What a script meets inside the sandbox, beyond the numbered checks."""

# ruff: noqa: E501 - a table of scripts and results reads best with one case per line

from __future__ import annotations

from typing import Any

import pytest

from flamenco_p2p.compiler.engine import ScriptError
from tests.jobtypes.in_this_process import JOB_ID, compile_here, run, script, value


def problem(body: str, settings: dict[str, Any] | None = None) -> str:
    with pytest.raises(ScriptError) as caught:
        run(body, settings)
    return caught.value.problem


def test_the_job_shows_what_was_submitted() -> None:
    job = run(
        """
        job.settings.seen = [job.jobID, job.workerTagUUID, job.name, job.jobType, job.priority, job.status,
          job.storage.shamanCheckoutID, job.metadata.a, job.tasks.length, job.created instanceof Date,
          formatTimestampLocal(job.created), job.created.unix(), job.created.month(), Object.keys(job)];
        """,
        type="x",
        worker_tag="tag",
        shaman_checkout_id="checkout",
        metadata={"a": "b"},
    )
    assert job.settings["seen"] == [
        *(JOB_ID, "tag", "shot010", "test", 50, "under-construction", "checkout", "b", 0, True),
        *("2006-01-02_150405", 1136210645, 1),
        [
            "jobID",
            "workerTagUUID",
            "name",
            "jobType",
            "priority",
            "status",
            "created",
            "settings",
            "metadata",
            "storage",
            "tasks",
            "addTask",
        ],
    ]


def test_name_priority_metadata_and_settings_may_be_changed() -> None:
    job = run("job.name = 5; job.priority = '78'; job.metadata.n = 5; job.settings = {a: [1]};")
    assert (job.name, job.priority, job.metadata, job.settings) == ("5", 78, {"n": "5"}, {"a": [1]})


@pytest.mark.parametrize("change", ["job.jobID = 1", "delete job.name", "job.tasks = []"])
def test_the_rest_of_the_job_may_not(change: str) -> None:
    assert problem(change).startswith("TypeError: ")


def test_settings_keep_their_order() -> None:
    assert list(run("job.settings.b = 1; job.settings.a = 2;", {"z": 1, "y": 2}).settings) == list(
        "zyba"
    )


@pytest.mark.parametrize(
    ("expression", "stored"),
    [
        ("undefined", None),
        ("[1, undefined, null]", [1, None, None]),
        ("new Set([1, 'a'])", [1, "a"]),
        ("new Map([['k', 1]])", [["k", 1]]),
        ("new Date(2006, 0, 2, 15, 4, 5)", "2006-01-02T15:04:05+01:00"),
        ("new Date(2006, 6, 2, 15, 4, 5, 120)", "2006-07-02T15:04:05.12+02:00"),
        ("Symbol('s')", "s"),
        ("[/x/, new Error('x'), new String('x')]", [{}, {}, {}]),
        ("{a: {b: [{c: undefined}]}}", {"a": {"b": [{"c": None}]}}),
        ("1e21", 1e21),
        ("'a\\ud800b'", "a\ufffdb"),
        (r"'\\ud800'", r"\ud800"),
        ("'\U0001f600'", "\U0001f600"),
        ("'a\\0b'", "a\0b"),
    ],
)
def test_values_are_stored_as_in_flamenco(expression: str, stored: Any) -> None:
    assert value(f"({expression})") == stored


@pytest.mark.parametrize(
    ("argument", "parameters"),
    [
        ("", {}),
        ("null", {}),
        ("['a', 'b']", {"0": "a", "1": "b"}),
        ("new Map([['k', 1]])", {"k": 1}),
    ],
)
def test_parameters_may_be_any_kind_of_map(argument: str, parameters: dict[str, Any]) -> None:
    body = (
        "const t = author.Task('a', 'b'); t.addCommand(author.Command('echo', %s)); job.addTask(t);"
    )
    assert run(body % argument).tasks[0].parameters() == parameters


def test_plain_objects_are_taken_as_tasks_and_commands() -> None:
    job = run(
        """job.addTask({name: "n", type: "t", commands: [{name: "echo", parameters: {message: 1}}]});"""
    )
    (task,) = job.tasks
    assert (task.name, task.type, task.priority, task.steps) == ("n", "t", 0, 1)
    assert task.parameters() == {"message": 1}


def test_a_task_in_the_job_can_be_edited_through_the_job() -> None:
    job = run("""
        const t = author.Task("a", "b"); t.addCommand(author.Command("echo", {message: 1})); job.addTask(t);
        job.tasks[0].name = "renamed"; job.tasks[0].addCommand(author.Command("echo", {message: 2}));
        t.name = "lost"; t.addCommand(author.Command("echo", {message: 3}));
    """)
    (task,) = job.tasks
    assert task.name == "renamed"
    assert [command["parameters"]["message"] for command in task.commands] == [1, 2]


def test_a_tasks_steps_are_the_sum_of_its_commands() -> None:
    counts = "[0, -3, 1, 10].forEach((n) => t.addCommand(author.Command('echo', {message: 1}, n)))"
    job = run(f"const t = author.Task('a', 'b'); {counts}; job.addTask(t);")
    assert job.tasks[0].steps == 1 + 1 + 1 + 10


def test_dependencies_count_in_whichever_order_the_tasks_are_added() -> None:
    job = run("""
        const [a, b, c] = ["a", "b", "c"].map((n) => author.Task(n, "t"));
        a.addDependency(c); a.addDependency(b); [a, b, c].forEach(job.addTask);
    """)
    assert [task.waits_for for task in job.tasks] == [[2, 3], [], []]


def test_a_long_cycle_is_named() -> None:
    text = problem("""
        const all = [0, 1, 2, 3].map((n) => author.Task("t" + n, "x"));
        all.forEach((t, i) => t.addDependency(all[(i + 1) % 4])); all.forEach(job.addTask);
    """)
    assert text.startswith('these tasks wait for each other: "t0" → "t1" → "t2" → "t3" → "t0"')


def test_commands_that_few_workers_know_are_only_warned_about() -> None:
    job = run("""
        const t = author.Task("a", "b"); job.addTask(t);
        job.tasks[0].addCommand(author.Command("teleport", {}));
        job.tasks[0].addCommand(author.Command("echo", {}));
    """)
    assert job.warnings == [
        'task "a": command teleport is not a command that every worker knows',
        'task "a": command echo has no parameter "message"',
    ]


CHECKED = """{ label: "x", settings: [
    { key: "text", type: "string", required: true }, { key: "n", type: "int32" }, { key: "f", type: "float" },
    { key: "yes", type: "bool" }, { key: "pick", type: "string", choices: ["a", "b"] },
    { key: "blendfile", type: "string", required: true } ] }"""


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, 'the setting "text" is required, but was not given'),
        ({"text": None}, 'the setting "text" is required, but was not given'),
        ({"text": ["a"]}, 'the setting "text" must be of type string, but ["a"] was given'),
        ({"text": "", "n": "5"}, 'the setting "n" must be of type int32, but 5 was given'),
        ({"text": "", "n": 1.5}, 'the setting "n" must be of type int32, but 1.5 was given'),
        ({"text": "", "f": "1"}, 'the setting "f" must be of type float, but 1 was given'),
        ({"text": "", "yes": 1}, 'the setting "yes" must be of type bool, but 1 was given'),
        ({"text": "", "pick": "c"}, 'the setting "pick" must be one of a, b, but c was given'),
    ],
)
def test_settings_that_do_not_fit_the_job_type_are_named(
    settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ScriptError) as caught:
        compile_here(script("function compileJob() {}", job_type=CHECKED), settings)
    assert caught.value.problem.startswith(words)


@pytest.mark.parametrize(
    "settings",
    [
        {"text": ""},
        {"text": 47, "n": 5.0, "f": 5, "yes": False, "pick": "", "unknown": [1]},
        {"text": "x", "n": None, "f": None, "yes": None, "pick": "{shared}/a", "blendfile": ""},
    ],
)
def test_settings_that_fit_are_taken_as_they_are(settings: dict[str, Any]) -> None:
    assert (
        compile_here(script("function compileJob() {}", job_type=CHECKED), settings).settings
        == settings
    )


MODULES = {
    "lib/x.js": "exports.where = 'x'; undeclared = 1; exports.y = require('./deep/y').where; exports.n = 0;",
    "lib/deep/y.js": "module.exports = { where: require('../z.json').where };",
    "lib/z.json": '{"where": "z"}',
    "lib/folder/index.js": "exports.where = 'index';",
    "lib/package/package.json": '{"main": "src/main"}',
    "lib/package/src/main.js": "exports.where = 'main'; exports.chunks = frameChunker('1-2', 1);",
    "node_modules/shared/index.js": "exports.where = 'shared';",
    "lib/user.js": "exports.where = require('shared').where;",
    "lib/broken.js": "\n\nthrow new Error('in the module');",
    "lib/out.js": "require('../../secret');",
}


@pytest.mark.parametrize(
    ("name", "where"),
    [
        *(("./lib/x.js", "x"), ("./lib/x", "x"), ("./lib/../lib/x", "x"), ("./lib/z", "z")),
        *(("./lib/folder", "index"), ("./lib/package", "main"), ("shared", "shared")),
        ("./lib/user", "shared"),
    ],
)
def test_modules_are_found_as_in_node(name: str, where: str) -> None:
    text = f"const m = require('{name}'); function compileJob(job) {{ job.name = m.where; }}"
    assert compile_here(script(text), modules=MODULES).name == where


def test_a_module_is_run_once() -> None:
    text = "function compileJob(job) { require('./lib/x').n++; job.name = require('./lib/x').y + require('./lib/x').n; }"
    assert compile_here(script(text), modules=MODULES).name == "z1"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("./lib/broken", "Error: in the module (lib/broken.js, line 3)"),
        (
            "./lib/out",
            'require("../../secret") leads out of the scripts folder (lib/out.js, line 1)',
        ),
        (
            "./lib/none",
            'Invalid module: "./lib/none" is not in the scripts folder (test.js, line 2)',
        ),
        ("C:\\\\x", "leads out of the scripts folder"),
        ("node:path", "Invalid module"),
    ],
)
def test_a_module_that_cannot_be_loaded_is_named_with_its_line(name: str, words: str) -> None:
    with pytest.raises(ScriptError) as caught:
        compile_here(script(f"require('{name}');"), modules=MODULES)
    assert words in caught.value.problem


def test_scripts_have_no_way_out() -> None:
    names = ["console", "fetch", "setTimeout", "std", "os", "module", "exports", "scriptArgs"]
    assert value(f"{names}.filter((name) => name in globalThis)") == []
    assert value("Object.keys(process).join()") == "platform,cwd"
    assert value("Object.keys(globalThis).filter((name) => name.includes('flamenco'))") == []


def test_warnings_and_prints_of_a_failed_script_are_kept_short() -> None:
    job = run("for (let i = 0; i < 5000; i++) print('x'.repeat(5000));")
    assert (len(job.printed), len(job.printed[0][1])) == (1000, 2000)
