"""Acknowledged means present, after `kill -9` at any instant: a slice of tests/restarts."""

from __future__ import annotations

import re

from tests.integration.running import run_module


def test_everything_acknowledged_is_there_after_each_of_forty_kills() -> None:
    said = run_module("tests.restarts", "--count", "40", "--seed", "1")
    assert re.search(r"40 lives .* acknowledgements, every one present", said)


def test_what_a_power_cut_takes_from_the_state_comes_back_from_the_log() -> None:
    said = run_module("tests.restarts", "--count", "12", "--seed", "2", "--power-cuts", "1")
    assert "12 of all with a power cut" in said


def test_a_node_killed_while_workers_work_loses_nothing_and_leaves_nothing_stuck() -> None:
    said = run_module("tests.restarts", "--daemon", "--count", "4", "--seed", "1")
    assert "every one present and completed, none given out again" in said
