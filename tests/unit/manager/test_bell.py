"""Waking those who wait."""

from __future__ import annotations

from flamenco_p2p.manager.bell import Bells
from tests.unit.manager.small_farm import all_at_once

LONG_S = 30.0


async def test_whoever_listens_hears_a_bell_that_rang_before_it_waited() -> None:
    bells = Bells()
    with bells.listen(("work", "anna")) as bell:
        bells.ring("anna")
        assert await bell.wait(LONG_S)
        assert not await bell.wait(0.001)


async def test_other_bells_wake_nobody() -> None:
    bells = Bells()
    with bells.listen(("work",)) as bell:
        bells.ring("anna")
        assert not await bell.wait(0.001)


async def test_one_bell_wakes_all_who_listen_for_it() -> None:
    bells = Bells()
    with bells.listen(("work",)) as first, bells.listen(("work", "anna")) as second:
        bells.ring("work")
        assert await all_at_once(first.wait(LONG_S), second.wait(LONG_S)) == [True, True]


async def test_when_the_node_stops_nobody_waits_any_more() -> None:
    bells = Bells()
    with bells.listen(("work",)) as bell:
        bells.ring_all()
        assert not await bell.wait(LONG_S)
    with bells.listen(("later",)) as late:
        assert not await late.wait(LONG_S)
