"""The benchmark measures what it promises; what comes out is nobody's business here."""

from __future__ import annotations

import json
from pathlib import Path

from tests.integration.running import run_module

TINY = ("--tasks", "40,80", "--workers", "1,3", "--seconds", "0.3", "--large-job", "600")


def test_the_benchmark_measures_everything_it_names(tmp_path: Path) -> None:
    target = tmp_path / "figures.json"
    run_module("tests.bench", "--quick", *TINY, "--json", str(target))
    figures = json.loads(target.read_text())
    assert {figure["what"] for figure in figures if not figure["what"].startswith("·")} == {
        "start", "memory", "submit → first task", "task done → next task", "submit a large job",
        "complete a task many wait for", "delete a large job", "assign + complete",
    }  # fmt: skip
    assert all(figure["value"] > 0 and figure["count"] > 0 for figure in figures)
    runs = [figure["setting"] for figure in figures if figure["what"] == "assign + complete"]
    assert runs == [
        "1 worker, 40 tasks stored", "3 workers, 40 tasks stored",
        "1 worker, 80 tasks stored", "3 workers, 80 tasks stored",
    ]  # fmt: skip
