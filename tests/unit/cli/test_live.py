"""What a watcher of a job gets to see."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from flamenco_p2p.cli.live import Lines, Strip, Trouble
from flamenco_p2p.cli.output import ago, duration
from flamenco_p2p.cli.progress import JobProgress
from tests.unit.cli.test_progress import task, watched

TROUBLE = Trouble("render-2", "anna", "There is no camera.", final=False, log=["a line"])


def under_way() -> JobProgress:
    job = watched(task(1, "completed"), task(2, "active"), task(3, "failed"), task(4, "queued"))
    job.see_status("active")
    return job


def on_a_terminal(*, width: int = 60) -> tuple[Strip, io.StringIO]:
    screen = io.StringIO()
    return Strip(Console(file=screen, force_terminal=True, width=width, color_system=None)), screen


def test_the_strip_shows_each_frame_and_who_works_on_what() -> None:
    strip, screen = on_a_terminal()
    with strip:
        strip.show(under_way(), 65, 65)
    assert "orrery  active  1 of 4 tasks · 1:05" in screen.getvalue()
    assert "█▓X░" in screen.getvalue()
    assert "render-2 on anna" in screen.getvalue()


def test_a_terminal_without_unicode_gets_plain_signs() -> None:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii", errors="replace")
    strip = Strip(Console(file=file, force_terminal=True, width=60, color_system=None))
    with strip:
        strip.show(under_way(), 65, 65)
    file.flush()
    assert b"#>X." in raw.getvalue()


def test_a_notice_stands_below_the_strip_until_all_is_well() -> None:
    strip, screen = on_a_terminal(width=100)
    with strip:
        strip.notice("waiting for the farm")
        strip.show(under_way(), 1, 1)
        assert "waiting for the farm" in screen.getvalue()
        screen.truncate(0)
        strip.notice("")
        strip.show(under_way(), 1, 1)
    assert "waiting" not in screen.getvalue()


def test_trouble_is_told_in_a_sentence_with_the_end_of_the_log() -> None:
    strip, screen = on_a_terminal(width=100)
    with strip:
        strip.trouble(TROUBLE)
    assert "render-2 failed on anna: There is no camera. It will be tried again." in (
        screen.getvalue()
    )
    assert "  a line" in screen.getvalue()


def test_in_a_file_there_is_a_line_per_change_and_none_without(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = Lines()
    with lines:
        lines.show(under_way(), 1, 1)
        lines.show(under_way(), 5, 5)
        lines.notice("waiting")
        lines.notice("waiting")
    assert capsys.readouterr().err.splitlines() == [
        "orrery: active, 1 of 4 tasks · 0:01",
        "waiting",
    ]


def test_the_end_is_told_however_soon_it_comes(capsys: pytest.CaptureFixture[str]) -> None:
    lines, job = Lines(), under_way()
    lines.show(job, 1, 1)
    job.see_status("failed")
    lines.show(job, 1, 1)
    assert "failed" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (7.4, "0:07"), (750, "12:30"), (3723, "1:02:03")]
)
def test_durations_are_written_as_on_a_clock(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize("instant", ["", "soon"])
def test_an_instant_that_is_none_is_left_empty(instant: str) -> None:
    assert ago(instant) == ""
