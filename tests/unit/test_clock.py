"""Time and luck."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from flamenco_p2p import clock
from flamenco_p2p.farm.ids import text_of


def test_stamps_grow_even_if_the_wall_clock_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    stamps = clock.HybridClock()
    times = iter([1000, 1000, 400, 400, 1001])
    monkeypatch.setattr(clock, "now_ms", lambda: next(times))
    made = [stamps.stamp() for _ in range(5)]
    assert made == sorted(set(made))
    assert [stamp >> 16 for stamp in made] == [1000, 1000, 1000, 1000, 1001]


def test_stamps_go_on_from_an_earlier_life() -> None:
    later = (clock.now_ms() + 1_000_000) << 16
    stamps = clock.HybridClock(later)
    assert stamps.stamp() == later + 1
    stamps.seen(later + 50)
    stamps.seen(later)
    assert stamps.stamp() == later + 51


def test_more_stamps_than_a_millisecond_holds_borrow_from_the_next() -> None:
    stamps = clock.HybridClock()
    made = [stamps.stamp() for _ in range(70_000)]
    assert len({*made}) == 70_000
    assert made == sorted(made)


def test_instants_are_aware() -> None:
    assert clock.instant(1_700_000_000_123) == datetime(2023, 11, 14, 22, 13, 20, 123_000, UTC)
    assert clock.local_now().tzinfo is not None


@pytest.mark.parametrize(
    "mint", [clock.fresh_job_id, clock.fresh_worker_id, clock.fresh_attempt_id]
)
def test_fresh_ids_are_different_and_say_when_they_were_made(mint: type[bytes]) -> None:
    before = clock.now_ms()
    ids = [mint() for _ in range(100)]
    assert len({*ids}) == 100
    for each in ids:
        assert uuid.UUID(text_of(each)).version == 7
        assert before <= int.from_bytes(each[:6], "big") <= clock.now_ms()


def test_steady_time_does_not_go_back() -> None:
    assert clock.steady_s() <= clock.steady_s()


def test_requests_get_different_ids() -> None:
    assert clock.fresh_request_id() != clock.fresh_request_id()
