"""The worker's undelivered updates, and the files its run in hand has finished.

Is: two small tables on this machine's disk; used by one thread. Is not: delivery (worker/outbox).

What is added survives loss of power. What is removed may come back after it: whoever delivers has
to bear saying something twice anyway.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flamenco_p2p.store.database import is_damage, open_database, queries, set_aside

log = logging.getLogger(__name__)

SQL = queries("outbox")

_CHANGES_BEFORE_CHECKPOINT: Final = 500


@dataclass(frozen=True, slots=True)
class Update:
    """One report about a task. `body` is JSON; `final`: it says how the run ended."""

    task: str
    body: bytes
    final: bool


@dataclass(frozen=True, slots=True)
class KeptUpdate:
    """An update on disk. `may_have_arrived`: it was sent before, and no answer came."""

    id: int
    update: Update
    may_have_arrived: bool


class OutboxStore:
    """The file. A damaged one is set aside: an old report less is better than a worker less."""

    def __init__(self, path: Path) -> None:
        try:
            self._db = self._open(path)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            log.error("%s is damaged and was set aside to %s (%s)", path, set_aside(path), error)
            self._db = self._open(path)
        self._changes = 0

    def _open(self, path: Path) -> sqlite3.Connection:
        db = open_database(path, "outbox", durable=True)
        try:
            # Nobody knows how far the previous life came with them.
            db.execute(SQL["all_may_have_arrived"])
        except BaseException:
            db.close()
            raise
        return db

    def keep(self, update: Update, *, may_have_arrived: bool) -> int:
        """Make it durable, behind all others; return its id."""
        row = (update.task, update.body, update.final, may_have_arrived)
        added = self._db.execute(SQL["append"], row).lastrowid
        self._changed()
        return added or 0

    def first(self) -> KeptUpdate | None:
        """Return what must be delivered next."""
        row = self._db.execute(SQL["first"]).fetchone()
        if row is None:
            return None
        kept_id, task, body, final, may_have_arrived = row
        return KeptUpdate(kept_id, Update(task, body, bool(final)), bool(may_have_arrived))

    def count(self) -> int:
        """Return how many wait."""
        (number,) = self._db.execute(SQL["count"]).fetchone()
        return int(number)

    def forget(self, kept_id: int) -> None:
        """It has arrived, or never will."""
        with self._without_waiting_for_the_disk():
            self._db.execute(SQL["forget"], (kept_id,))

    def put_last(self, kept_id: int) -> None:
        """Let the others go first."""
        self._db.execute(SQL["put_last"], (kept_id,))

    def add_finished_file(self, run: str, path: str) -> None:
        """Remember that this run has finished this file."""
        with self._without_waiting_for_the_disk():
            self._db.execute(SQL["add_finished_file"], (run, path))

    def begin_run(self, run: str) -> list[str]:
        """Return what this run had finished before, and forget about all other runs."""
        with self._without_waiting_for_the_disk():
            self._db.execute(SQL["forget_other_runs"], (run,))
        return [path for (path,) in self._db.execute(SQL["finished_files"], (run,))]

    def close(self) -> None:
        """Close the file; it is whole whether or not this is called."""
        with suppress(sqlite3.Error):  # a tidy-up that the next start repeats
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()

    @contextmanager
    def _without_waiting_for_the_disk(self) -> Iterator[None]:
        self._db.execute("PRAGMA synchronous = NORMAL")
        try:
            yield
        finally:
            self._db.execute("PRAGMA synchronous = FULL")
        self._changed()

    def _changed(self) -> None:
        self._changes += 1
        if self._changes >= _CHANGES_BEFORE_CHECKPOINT:
            self._changes = 0
            self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")
