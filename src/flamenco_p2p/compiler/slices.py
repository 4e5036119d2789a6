"""The compiled tasks in pieces that fit through the daemon.

Is: the repacking of the engine's batches into msgpack slices. Is not: a reader of commands; they
are JSON text from the engine on, and pass as bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from flamenco_p2p.compiler.messages import Limits

Head = tuple[int, str, str, int, int]  # no, name, type, priority, steps_total
Ranges = list[tuple[int, int]]

_heads = msgspec.json.Decoder(list[Head])
_dependencies = msgspec.json.Decoder(list[tuple[int, Ranges]])
_RANGE_BYTES = 11  # in msgpack: an array's head and two numbers, at most
_ROW_BYTES = 40  # in msgpack: the numbers and heads of a task or of a dependency entry, at most
_RANGES_PER_ENTRY = 4000


class _Slice:
    """A slice being filled."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._bytes = _ROW_BYTES
        self.tasks: list[tuple[int, str, str, int, int, bytes]] = []
        self.dependencies: list[tuple[int, Ranges]] = []

    def has_room(self, size: int) -> bool:
        """Count `size` bytes more if they fit."""
        if self._bytes + size > self._limits.slice_bytes:
            return False
        self._bytes += size
        return True

    def packed(self) -> tuple[int, bytes]:
        return len(self.tasks), msgspec.msgpack.encode((self.tasks, self.dependencies))


def pack_slices(batches: Iterator[str], limits: Limits) -> Iterator[tuple[int, bytes]]:
    """Yield (number of tasks, msgpack of [tasks, dependencies]) within the limits' size.

    A task's dependencies stand in its slice or in later ones, possibly in several entries.
    """
    current = _Slice(limits)
    for batch in batches:
        heads, dependencies, *commands = batch.encode().split(b"\n")
        for head, command in zip(_heads.decode(heads), commands, strict=True):
            size = len(command) + 4 * (len(head[1]) + len(head[2])) + _ROW_BYTES
            if len(current.tasks) == limits.slice_tasks or not current.has_room(size):
                yield current.packed()
                current = _Slice(limits)
                current.has_room(size)
            current.tasks.append((*head, command))
        for entry in _entries(_dependencies.decode(dependencies)):
            size = len(entry[1]) * _RANGE_BYTES + _ROW_BYTES
            if not current.has_room(size):
                yield current.packed()
                current = _Slice(limits)
                current.has_room(size)
            current.dependencies.append(entry)
    if current.tasks or current.dependencies:
        yield current.packed()


def _entries(dependencies: list[tuple[int, Ranges]]) -> Iterator[tuple[int, Ranges]]:
    for no, ranges in dependencies:
        for start in range(0, len(ranges), _RANGES_PER_ENTRY):
            yield no, ranges[start : start + _RANGES_PER_ENTRY]
