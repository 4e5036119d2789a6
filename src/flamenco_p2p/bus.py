"""Farm events to listeners in this process.

Is: a fan-out on the event loop: prompt listeners are called at once, in order; streams get a
bounded queue. Is not: durable. A stream that is too slow is closed and its reader starts afresh.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flamenco_p2p.farm.events import Event

if TYPE_CHECKING:
    from collections.abc import Iterator

STREAM_LIMIT = 10_000


class Stream:
    """Events for one slow listener, for instance a browser."""

    def __init__(self, limit: int) -> None:
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue(limit)
        self.overrun = False

    def offer(self, event: Event) -> None:
        """Take an event; a full queue ends the stream, never the farm's pace."""
        if self.overrun:
            return
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self.overrun = True

    def close(self) -> None:
        """End the stream after what is queued."""
        self.overrun = self.overrun or self._queue.full()
        if not self.overrun:
            self._queue.put_nowait(None)

    async def next(self) -> Event | None:
        """Return the next event; None when the stream has ended."""
        if self.overrun and self._queue.empty():
            return None
        return await self._queue.get()

    def waiting(self) -> list[Event]:
        """Return what has queued up meanwhile; the stream's end stays in the queue."""
        events: list[Event] = []
        while not self._queue.empty():
            event = self._queue.get_nowait()
            if event is None:
                self._queue.put_nowait(None)
                break
            events.append(event)
        return events


class Bus:
    """Where everything that happened is told, once, on the event loop."""

    def __init__(self) -> None:
        self._prompt: list[Callable[[Event], None]] = []
        self._streams: set[Stream] = set()

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Call `listener` for each event, at once; it must be quick and must not fail."""
        self._prompt.append(listener)

    @contextmanager
    def stream(self, limit: int = STREAM_LIMIT) -> Iterator[Stream]:
        """Give a queue of all events from now on."""
        stream = Stream(limit)
        self._streams.add(stream)
        try:
            yield stream
        finally:
            self._streams.discard(stream)

    def tell(self, events: Iterable[Event]) -> None:
        """Tell everybody what happened."""
        for event in events:
            for listener in self._prompt:
                listener(event)
            for stream in self._streams:
                stream.offer(event)

    def close(self) -> None:
        """End all streams: the node stops."""
        for stream in list(self._streams):
            stream.close()
