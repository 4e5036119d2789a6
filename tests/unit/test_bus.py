"""Events to everybody who listens, and the end of those who are too slow."""

from __future__ import annotations

from flamenco_p2p.bus import Bus
from flamenco_p2p.farm.events import Event, LifeCycle, TaskLogged
from flamenco_p2p.farm.ids import JobId, TaskKey

TASK = TaskKey(JobId(bytes(16)), 1)
STARTS = LifeCycle(starting=True)


def line(number: int) -> TaskLogged:
    return TaskLogged(key=TASK, text=str(number))


async def test_everybody_hears_everything_in_order() -> None:
    bus = Bus()
    prompt: list[Event] = []
    bus.listen(prompt.append)
    with bus.stream() as one, bus.stream() as other:
        bus.tell([line(1), line(2)])
        bus.tell([line(3)])
        for stream in (one, other):
            assert [await stream.next(), *stream.waiting()] == [line(1), line(2), line(3)]
    assert prompt == [line(1), line(2), line(3)]


async def test_listeners_are_called_in_the_order_in_which_they_came() -> None:
    bus = Bus()
    calls: list[int] = []
    for number in range(3):
        bus.listen(lambda _, number=number: calls.append(number))  # type: ignore[misc]
    bus.tell([STARTS])
    assert calls == [0, 1, 2]


async def test_what_was_told_before_is_not_heard() -> None:
    bus = Bus()
    bus.tell([line(1)])
    with bus.stream() as stream:
        bus.tell([line(2)])
        assert await stream.next() == line(2)


async def test_a_stream_that_is_too_slow_gets_what_it_has_and_then_its_end() -> None:
    bus = Bus()
    with bus.stream(limit=2) as slow, bus.stream(limit=10) as quick:
        bus.tell([line(1), line(2), line(3), line(4)])
        assert slow.overrun
        assert [await slow.next(), await slow.next(), await slow.next()] == [line(1), line(2), None]
        bus.tell([line(5)])
        assert await slow.next() is None
        assert [await quick.next(), *quick.waiting()] == [line(n) for n in (1, 2, 3, 4, 5)]


async def test_when_the_node_stops_streams_end_after_what_is_queued() -> None:
    bus = Bus()
    with bus.stream() as stream:
        bus.tell([line(1)])
        bus.close()
        assert await stream.next() == line(1)
        assert stream.waiting() == []
        assert await stream.next() is None


async def test_a_full_stream_ends_too_when_the_node_stops() -> None:
    bus = Bus()
    with bus.stream(limit=1) as stream:
        bus.tell([line(1)])
        bus.close()
        assert [await stream.next(), await stream.next()] == [line(1), None]


async def test_a_stream_that_nobody_reads_any_more_costs_nothing() -> None:
    bus = Bus()
    with bus.stream() as stream:
        pass
    bus.tell([line(1)])
    assert stream.waiting() == []
