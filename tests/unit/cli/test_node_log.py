"""What a node writes down, and what its terminal shows."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from flamenco_p2p.cli.node_log import FILE_BYTES, FILES, node_log

OURS = logging.getLogger("flamenco_p2p.manager.watch")
TASKS = logging.getLogger("flamenco_p2p.worker.loop")


def test_the_file_has_everything_down_to_the_level(tmp_path: Path) -> None:
    with node_log(tmp_path, "info", terminal=False) as path:
        OURS.debug("a detail")
        OURS.info("an event")
        OURS.warning("a worry")
    text = path.read_text(encoding="utf-8")
    assert "a detail" not in text
    assert "INFO    flamenco_p2p.manager.watch: an event" in text
    assert "WARNING flamenco_p2p.manager.watch: a worry" in text


def test_the_terminal_shows_tasks_and_worries_in_a_line_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with node_log(tmp_path, "debug", terminal=True) as path:
        OURS.info("an event")
        TASKS.info("task render-1")
        try:
            raise ValueError("deep inside")
        except ValueError:
            OURS.exception("it broke")
    shown = [line.split(" ", 1)[1] for line in capsys.readouterr().err.splitlines()]
    assert shown == ["task render-1", "it broke"]
    assert "deep inside" in path.read_text(encoding="utf-8")


def test_a_full_file_gives_way_to_a_new_one_and_only_so_many_are_kept(tmp_path: Path) -> None:
    line = "x" * 100_000
    with node_log(tmp_path, "info", terminal=False) as path:
        for _ in range((FILES + 1) * FILE_BYTES // len(line)):
            OURS.info(line)
    logs = list(path.parent.iterdir())
    assert len(logs) == FILES
    assert all(log.stat().st_size <= FILE_BYTES for log in logs)


def test_a_log_that_cannot_be_written_goes_to_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "logs").write_text("in the way", encoding="utf-8")
    with node_log(tmp_path, "info", terminal=False):
        OURS.info("an event")
    assert "an event" in capsys.readouterr().err


def test_afterwards_nothing_is_logged_any_more(tmp_path: Path) -> None:
    with node_log(tmp_path, "info", terminal=False) as path:
        pass
    OURS.warning("too late")
    assert "too late" not in path.read_text(encoding="utf-8")
