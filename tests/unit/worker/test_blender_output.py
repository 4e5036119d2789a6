"""Blender's words and what they mean. Most lines are recorded from 3.4.1, 4.2.23 and 5.0.1."""

from __future__ import annotations

import pytest

from flamenco_p2p.worker.blender_output import BlenderOutput, Meaning

READ = 'Read blend: "/p/a.blend"'


def heard(*lines: str) -> BlenderOutput:
    output = BlenderOutput()
    for line in lines:
        output.hear(line)
    return output


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("Saved: '/p/f.exr'", "/p/f.exr"),
        ("00:00.327  render           | Saved: '/p/f.exr'", "/p/f.exr"),
        ("Saved: '/it's here/f.png'", "/it's here/f.png"),
        ("Saved: 'rel/x0001.png'", "rel/x0001.png"),
    ],
)
def test_c86_a_saved_file_is_recognised(line: str, path: str) -> None:
    assert BlenderOutput().hear(line) == Meaning(saved=path)


@pytest.mark.parametrize(
    "line",
    [
        "Time: 00:01.06",
        " Time: 00:00.35 (Saving: 00:00.28)",
        "00:01.2  render           | Time: 00:01.06 (Saving: 00:00.02)",
    ],
)
def test_c87_a_frame_done_is_one_step(line: str) -> None:
    assert BlenderOutput().hear(line) == Meaning(step=True)


@pytest.mark.parametrize(
    "line",
    [
        'Skipping existing frame "/x"',
        'skipping existing frame "/x"',
        '00:01.2  render           | Skipping existing frame "/x"',
    ],
)
def test_c87_a_frame_that_is_there_is_one_step_and_named(line: str) -> None:
    assert BlenderOutput().hear(line) == Meaning(kept="/x", step=True)


@pytest.mark.parametrize(
    "line",
    [
        "Fra:1 Mem:9M | Time:00:00.12 | x",
        "Saved: /p/f.png",
        "foo Skipping existing frame",
        "Fra:1 Mem:9M | Scene, ViewLayer | Synchronizing object | Out of memory Time: 0",
        'Info: Saved "a.blend"',
        "",
    ],
)
def test_c88_other_lines_mean_nothing(line: str) -> None:
    output = BlenderOutput()
    assert output.hear(line) == Meaning()
    assert not output.rendered_any


def test_a_frame_both_saved_and_timed_is_one_step() -> None:
    output = BlenderOutput()
    lines = ("Saved: '/p/1.png'", " Time: 00:00.19 (Saving: 00:00.14)", "")
    assert [output.hear(line).step for line in lines] == [False, True, False]


@pytest.mark.parametrize(
    "line",
    [
        "Saved: '/p/f.png'",
        " Time: 00:00.35",
        "Append frame 1",
        "00:00.375  render           | Video append frame 1",
        "Info: No frames rendered, skipped to not overwrite",
    ],
)
def test_signs_of_rendering_are_remembered(line: str) -> None:
    assert heard(line).rendered_any


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("Can't find scene: 'Nope' in file: '/p/a.blend'", 'no scene "Nope"'),
        ("Error: Can't find scene: 'Nope' in file: '/p/a.blend'", 'no scene "Nope"'),
        (
            "Error: Format from '-F / --render-format' not known or not compiled in this release.",
            "render format",
        ),
        ("Error: not a number '-f / --render-frame 1-x'.", "-f / --render-frame 1-x"),
        (
            "Error: exceeds range '-f / --render-frame 5..99999999999'.",
            "cannot render frame 5..99999999999: its last one is 1048574",
        ),
        ("Error: incorrect comma use '-f / --render-frame 1,,2'.", "1,,2"),
        ("Warning: negative range ignored '-f / --render-frame 5..2'.", "5..2"),
        ("Error: frame number must follow '-f / --render-frame'.", "missing after -f"),
        ("Error: no blend loaded. cannot use '-a'.", "no blend file"),
        (
            'Error: Python: OSError: Python file "/p/x.py" could not be opened: No such file',
            'Python file "/p/x.py" could not be opened',
        ),
    ],
)
def test_after_these_complaints_blender_need_not_go_on(line: str, says: str) -> None:
    trouble = BlenderOutput().hear(line).trouble
    assert trouble is not None
    assert trouble.hopeless
    assert says in trouble.sentence


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("Error: Cannot render, no camera", "no camera"),
        ("Error: engine not found 'NOPE'", '"NOPE"'),
        (
            "Error: Render error (Invalid argument) cannot save: '/proc/none/x0001.png'",
            "could not write /proc/none/x0001.png",
        ),
        ("System is out of GPU memory", "out of memory"),
        ("Malloc returns null: len=800000 in x, total 1", "out of memory"),
    ],
)
def test_these_complaints_fail_the_task_whatever_the_exit_status(line: str, says: str) -> None:
    assert says in (heard(line).why_failed() or "")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("Warning: Unable to open '/p/lib.blend': No such file or directory", "/p/lib.blend"),
        (
            "Found no Cycles device of the specified type, falling back to CPU...",
            "renders with the processor",
        ),
        ("Error: Failed to read blend file '/p/a.blend', not a blend file", "newer Blender"),
        ("Error: Cannot read file '/p/a.blend': No such file or directory", "is not there"),
        ('Error: Cannot read file "/p/a.blend": No such file or directory', "is not there"),
        ('Error: File format is not supported in file "/p/make.py"', "cannot read /p/make.py"),
    ],
)
def test_these_complaints_only_explain_a_failure(line: str, says: str) -> None:
    output = heard(line)
    assert output.why_failed() is None
    assert says in (output.likely_reason() or "")


def test_a_failed_script_is_told_by_its_exception() -> None:
    output = BlenderOutput()
    for line in ("Error: Python: Traceback (most recent call last):", '  File "<string>", line 1'):
        assert output.hear(line) == Meaning()
    trouble = output.hear("RuntimeError: hi").trouble
    assert trouble is not None
    assert trouble.hopeless
    assert "RuntimeError: hi" in trouble.sentence


def test_a_script_that_is_no_python_is_told_too() -> None:
    output = heard('Error: Python:   File "<string>", line 1', "    so it is", "SyntaxError: no")
    assert "SyntaxError: no" in (output.why_failed() or "")


TRACEBACK = ("Traceback (most recent call last):", '  File "x.py", line 1, in f', "KeyError: 'a'")


def test_an_exception_while_rendering_fails_the_task_but_does_not_end_blender() -> None:
    output = heard(READ, *TRACEBACK)
    assert "KeyError: 'a'" in (output.why_failed() or "")
    assert not any(trouble.hopeless for trouble in output._troubles)


def test_an_addon_that_fails_at_the_start_is_no_matter_of_the_task() -> None:
    assert heard(*TRACEBACK, READ, "Saved: '/p/1.png'").likely_reason() is None


def test_a_driver_that_fails_is_only_noted() -> None:
    output = heard(
        READ, "Error in Driver: The following Python expression failed:", "\t'x'", "", *TRACEBACK
    )
    assert output.why_failed() is None
    assert "driver" in (output.likely_reason() or "")


def test_the_same_complaint_is_told_once() -> None:
    assert (heard(*["Error: Cannot render, no camera"] * 2).why_failed() or "").count("camera") == 1
