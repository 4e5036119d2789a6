"""The durable log of decisions.

Is: append (one batch, one transaction, one fsync), read again, cut. Is not: consensus, and not what
the decisions mean. A row whose checksum is wrong is never skipped and never cut off.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from flamenco_p2p.farm.ids import NodeId
from flamenco_p2p.store.database import open_database, queries

SQL = queries("log")


class DamagedLog(Exception):
    """An entry is not what was written: the disk or another program changed it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One batch of decisions at its place in history."""

    index: int
    term: int
    node: NodeId
    payload: bytes


def _checksum(entry: Entry) -> int:
    # Signed, since a damaged number may be negative, and must be found out, not raise.
    numbers = (entry.index, entry.term)
    head = b"".join(number.to_bytes(8, "big", signed=True) for number in numbers) + entry.node
    return zlib.crc32(entry.payload, zlib.crc32(head))


class DecisionLog:
    """The log of one node; used by one thread."""

    def __init__(self, path: Path) -> None:
        self._db = open_database(path, "log", durable=True)
        (self.last_index,) = self._db.execute(SQL["last_index"]).fetchone()

    def append(self, entry: Entry) -> None:
        """Make the entry durable; when this returns it survives loss of power."""
        self._db.execute(
            SQL["append"],
            (entry.index, entry.term, entry.node, entry.payload, _checksum(entry)),
        )
        self.last_index = entry.index

    def after(self, index: int) -> Iterator[Entry]:
        """Yield the entries that follow `index`, in order. Raises `DamagedLog`."""
        expected = index + 1
        for idx, term, node, payload, checksum in self._db.execute(SQL["after"], (index,)):
            entry = Entry(idx, term, NodeId(node), payload)
            if idx != expected or _checksum(entry) != checksum:
                raise DamagedLog(f"entry {expected} of the log is missing or damaged")
            expected += 1
            yield entry

    def cut(self, before: int) -> None:
        """Forget entries below `before`, whose effect is durable elsewhere.

        The newest entry stays: from it the log knows after a restart where it has got to.
        """
        self._db.execute(SQL["cut"], (before,))
        self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        """Close the file; the log is whole whether or not this is called."""
        with suppress(sqlite3.Error):  # a tidy-up that the next start repeats
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()
