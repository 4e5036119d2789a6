"""Whatever happens to the farm, in whatever order, these laws hold."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from flamenco_p2p.farm.ids import RequestId
from flamenco_p2p.store.apply import FarmState
from tests.unit.store.any_history import MOVES, AnyHistory, Move
from tests.unit.store.farm_on_paper import FarmOnPaper
from tests.unit.store.recount import compare, look_at

SOME = settings(max_examples=60, deadline=None)
FEW = settings(max_examples=25, deadline=None)


@contextmanager
def farm_with_a_past() -> Iterator[tuple[FarmOnPaper, AnyHistory]]:
    """Yield a farm of its own folder with some workers and a job."""
    with tempfile.TemporaryDirectory() as folder:
        farm = FarmOnPaper(Path(folder) / "farm.db")
        try:
            history = AnyHistory(farm)
            history.begin()
            yield farm, history
        finally:
            farm.close()


def live_through(farm: FarmOnPaper, history: AnyHistory, moves: list[Move]) -> None:
    """Let it all happen, decision by decision; every third one answers a request."""
    for move in moves:
        for decision in history.decisions(move):
            number = len(farm.log)
            request = RequestId(number.to_bytes(16, "big")) if number % 3 == 0 else None
            farm.attempt_at(decision, request=request)


@SOME
@given(moves=MOVES)
def test_every_derived_column_and_every_event_agrees_with_a_recount(moves: list[Move]) -> None:
    with farm_with_a_past() as (farm, history):
        before = look_at(farm.path)
        for move in moves:
            for decision in history.decisions(move):
                farm.attempt_at(decision)
                after = look_at(farm.path)
                compare(before, farm.told, after)
                before = after


@SOME
@given(moves=MOVES)
def test_a_refused_decision_has_changed_nothing_and_told_nothing(moves: list[Move]) -> None:
    with farm_with_a_past() as (farm, history):
        for move in moves:
            for decision in history.decisions(move):
                before = farm.dump(without=("meta",))
                if farm.attempt_at(decision).refusal is not None:
                    assert farm.dump(without=("meta",)) == before
                    assert farm.told == []


@FEW
@given(moves=MOVES, sizes=st.lists(st.integers(1, 9), min_size=1), restarts=st.booleans())
def test_entries_applied_together_or_one_by_one_give_the_same_rows(
    moves: list[Move], sizes: list[int], restarts: bool
) -> None:
    with farm_with_a_past() as (farm, history):
        live_through(farm, history, moves)
        other_path = farm.path.with_name("other.db")
        other = FarmState(other_path)
        start, turn = 0, 0
        while start < len(farm.log):
            end = start + sizes[turn % len(sizes)]
            other.apply(farm.log[start:end])
            start, turn = end, turn + 1
            if restarts:
                other.close()
                other = FarmState(other_path)
        other.close()
        mine = farm.dump()
        farm.path = other_path
        assert farm.dump() == mine


@FEW
@given(moves=MOVES)
def test_replaying_the_log_changes_nothing(moves: list[Move]) -> None:
    with farm_with_a_past() as (farm, history):
        live_through(farm, history, moves)
        before = farm.dump()
        for entry in farm.log:
            assert farm.state.apply([entry]) == ([], [])
        assert farm.state.apply(farm.log) == ([], [])
        assert farm.dump() == before


@FEW
@given(moves=MOVES)
def test_a_restart_at_any_moment_is_not_noticed(moves: list[Move]) -> None:
    with farm_with_a_past() as (farm, history):
        for move in moves:
            for decision in history.decisions(move):
                farm.attempt_at(decision)
            rows = farm.dump()
            index, hlc = farm.state.applied_index, farm.state.last_hlc
            farm.reopen()
            assert (farm.state.applied_index, farm.state.last_hlc) == (index, hlc)
            assert farm.dump() == rows


@FEW
@given(moves=MOVES)
def test_a_request_that_is_retried_changes_nothing_twice(moves: list[Move]) -> None:
    with farm_with_a_past() as (farm, history):
        for move in moves:
            for decision in history.decisions(move):
                request = RequestId(len(farm.log).to_bytes(16, "big"))
                first = farm.attempt_at(decision, request=request)
                if move[0] == "forget":
                    continue
                before = farm.dump(without=("meta",))
                again = farm.attempt_at(decision, request=request)
                assert farm.dump(without=("meta",)) == before
                assert farm.told == []
                assert repr(again.refusal) == repr(first.refusal)
                assert again.assignment == first.assignment
