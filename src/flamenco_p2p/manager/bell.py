"""Waking whoever waits for something to change.

Is: named bells on the event loop. Is not: carrying what changed: who wakes looks for itself.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Hashable, Iterable


class Bells:
    """Wait for one of several names to be rung."""

    def __init__(self) -> None:
        self._waiting: defaultdict[Hashable, set[asyncio.Event]] = defaultdict(set)
        self.over = False

    def ring(self, name: Hashable) -> None:
        """Wake all that wait for this name."""
        for event in self._waiting.get(name, ()):
            event.set()

    def ring_all(self) -> None:
        """Wake everybody, and let nobody wait any more: the node stops."""
        self.over = True
        for events in self._waiting.values():
            for event in events:
                event.set()

    def listen(self, names: Iterable[Hashable]) -> Listener:
        """Begin to listen; what is rung from now on is not missed."""
        return Listener(self, self._waiting, tuple(names))


class Listener:
    """One who waits; a context manager."""

    def __init__(
        self,
        bells: Bells,
        waiting: defaultdict[Hashable, set[asyncio.Event]],
        names: tuple[Hashable, ...],
    ) -> None:
        self._bells = bells
        self._waiting = waiting
        self._names = names
        self._event = asyncio.Event()

    def __enter__(self) -> Listener:
        for name in self._names:
            self._waiting[name].add(self._event)
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._names:
            self._waiting[name].discard(self._event)
            if not self._waiting[name]:
                del self._waiting[name]

    async def wait(self, seconds: float) -> bool:
        """Return True when rung, False after so many seconds; ready to wait again.

        False at once when the node stops.
        """
        if self._bells.over:
            return False
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return not self._bells.over
