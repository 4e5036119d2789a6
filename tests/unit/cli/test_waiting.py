"""What is said of a job that does not begin."""

from __future__ import annotations

from typing import Any

from flamenco_p2p.cli.waiting import why_nobody
from flamenco_p2p.wire.blenders import BlenderNeed

FIVE = BlenderNeed(version="5.0")


def worker(*versions: str, status: str = "awake") -> dict[str, Any]:
    return {
        "status": status,
        "supported_task_types": ["blender", "misc"],
        "blenders": [{"version": version} for version in versions],
    }


def test_a_job_that_some_worker_may_begin_needs_no_words() -> None:
    assert why_nobody(FIVE, [worker("3.4.1"), worker("3.4.1", "5.1.0")]) == ""
    assert why_nobody(None, [worker("3.4.1")]) == ""
    assert why_nobody(FIVE, [worker()]) == ""  # a stock worker does not say


def test_without_anybody_awake_a_job_waits_for_somebody() -> None:
    for workers in ([], [worker("5.0.1", status="asleep")]):
        assert "no worker is awake" in why_nobody(FIVE, workers)


def test_a_worker_that_does_not_render_at_all_does_not_count() -> None:
    without = worker() | {"supported_task_types": ["misc"]}
    assert "has Blender 5.0 or newer" in why_nobody(FIVE, [without])


def test_a_job_for_whose_blender_nobody_is_there_names_it() -> None:
    asleep = worker("5.0.1", status="asleep")
    assert "has Blender 5.0 or newer" in why_nobody(FIVE, [worker("3.4.1"), asleep])
    this_one = BlenderNeed(version="4.2", newer_allowed=False)
    assert "has Blender 4.2. " in why_nobody(this_one, [worker("5.0.1")])
