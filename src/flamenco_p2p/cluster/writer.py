"""The one thread that writes this node's databases.

Is: proposals in, in order; batches out: made durable in the log (one fsync for all that wait), then
carried out, then answered. Is not: asyncio and not the bridge (replica). While one batch is being
written the next one gathers, so a slow disk means larger batches, not a longer queue.

A full disk refuses what is not yet in the log and holds what is, until there is room. Any other
fault poisons the writer: it never skips a decision, and what it said before stays true.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from flamenco_p2p.farm.decisions import AddTasks, AnyDecision, BeginJob, Envelope
from flamenco_p2p.farm.errors import Broken, FarmError, NotYet
from flamenco_p2p.farm.events import Event
from flamenco_p2p.farm.ids import NodeId
from flamenco_p2p.store.apply import FarmState, Outcome
from flamenco_p2p.store.database import is_damage, is_full, set_aside
from flamenco_p2p.store.decision_log import DamagedLog, DecisionLog, Entry
from flamenco_p2p.wire.decisions import encode_batch

log = logging.getLogger(__name__)

TERM = 1  # a farm of one voter never elects
MOST_IN_BATCH = 500
MOST_BATCH_BYTES = 256 * 1024
ENTRIES_PER_CHECKPOINT = 2000
BYTES_PER_CHECKPOINT = 4 * 1024 * 1024
ENTRIES_KEPT = 1000
PAUSE_WHEN_FULL_S = 1.0

T = TypeVar("T")


def disk_full() -> NotYet:
    """Return the error for proposals that cannot be kept for want of room."""
    return NotYet(
        "The disk that holds the farm's data is full, so nothing can be changed now.",
        remedy="Free some space on it; the farm goes on by itself, and nothing accepted is lost.",
    )


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a batch: an outcome or a failure for each proposal, and what to tell."""

    tickets: Sequence[int]
    outcomes: Sequence[Outcome | FarmError]
    events: Sequence[Event]


class Writer:
    """Owns `raft.db` and `farm.db` in a folder. `report` is called in the writing thread."""

    def __init__(self, folder: Path, node: NodeId, report: Callable[[Written], None]) -> None:
        self._folder = folder
        self._node = node
        self._report = report
        self._waiting: deque[tuple[int, Envelope]] = deque()
        self._wake = threading.Condition()
        self._stopping = False
        self._since_checkpoint = [0, 0]
        self._thread = threading.Thread(target=self._run, name="farm-writer")
        self._poisoned = False
        self._files = ExitStack()
        self._log: DecisionLog
        self._state: FarmState

    # --- called from the event loop's thread

    def open(self) -> tuple[int, tuple[list[tuple[bytes, str]], list[tuple[NodeId, str, bytes]]]]:
        """Open both databases and catch up; return the last stamp and who this farm is.

        Blocks; call it in a thread. A damaged file is set aside, and the node goes on with what the
        other one holds: the tables without the log's newest entries, or what the log, from its
        first entry on, makes of new tables. If the log was shortened, new tables cannot be made:
        the farm begins anew. Raises `NotYet` if the disk is full, `Broken` if it does not work.
        """
        try:
            self._state = self._open_file("farm.db", FarmState)
            self._files.callback(lambda: self._state.close())
            self._log = self._open_file("raft.db", DecisionLog)
            self._files.callback(lambda: self._log.close())
            self._catch_up()
            # Lives that end before they get round to it would else leave more and more behind.
            self._tidy(BYTES_PER_CHECKPOINT)
            return self._state.last_hlc, self._state.identity()
        except sqlite3.Error as error:
            if is_full(error):
                raise disk_full() from error
            raise Broken(
                f"This node cannot open its data in {self._folder}: {error}.",
                remedy="See that the disk works, has room and may be written to; nothing is lost.",
            ) from error

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many proposals are queued."""
        return len(self._waiting)

    def submit(self, ticket: int, envelope: Envelope) -> None:
        """Queue a proposal; its outcome is reported under the ticket."""
        with self._wake:
            self._waiting.append((ticket, envelope))
            self._wake.notify()

    def stop(self) -> None:
        """Write what is queued, then close whatever is open. Blocks; call it in a thread."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join()
        self._files.close()

    # --- opening

    def _open_file(self, name: str, kind: Callable[[Path], T]) -> T:
        try:
            return kind(self._folder / name)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            self._set_aside(name, error)
            return kind(self._folder / name)

    def _set_aside(self, name: str, error: Exception) -> None:
        aside = set_aside(self._folder / name)
        log.error("%s is damaged (%s); it is kept as %s", name, error, aside)

    def _catch_up(self) -> None:
        """Carry out, one by one, what is in the log but was not yet durable in the state."""
        rebuilt = False
        entries = self._log.after(self._state.applied_index)
        while (entry := self._next_entry(entries)) is not None:
            try:
                self._state.apply([entry])
            except sqlite3.DatabaseError as error:
                if rebuilt or not is_damage(error):
                    raise
                rebuilt = True
                self._state.close()
                self._set_aside("farm.db", error)
                self._state = FarmState(self._folder / "farm.db")
                entries = self._log.after(0)
        self._log.last_index = max(self._log.last_index, self._state.applied_index)

    def _next_entry(self, entries: Iterator[Entry]) -> Entry | None:
        try:
            return next(entries, None)
        except (sqlite3.DatabaseError, DamagedLog) as error:
            if isinstance(error, sqlite3.DatabaseError) and not is_damage(error):
                raise
            self._log.close()
            self._set_aside("raft.db", error)
            self._log = DecisionLog(self._folder / "raft.db")
            if self._state.applied_index == 0:
                log.critical("neither file tells of the farm that was here: it begins anew")
            return None

    # --- the thread

    def _run(self) -> None:
        while True:
            batch = self._next_batch()
            if not batch:
                return
            tickets = [ticket for ticket, _ in batch]
            try:
                outcomes, events = self._write([envelope for _, envelope in batch])
            except FarmError as error:
                self._report(Written(tickets, [error] * len(tickets), ()))
            except Exception as error:  # whatever it is, those who wait must hear of it
                self._report(Written(tickets, [self._poison(error)] * len(tickets), ()))
            else:
                self._report(Written(tickets, outcomes, events))

    def _next_batch(self) -> list[tuple[int, Envelope]]:
        with self._wake:
            while not self._waiting and not self._stopping:
                self._wake.wait()
            batch: list[tuple[int, Envelope]] = []
            size = 0
            while self._waiting and len(batch) < MOST_IN_BATCH and size < MOST_BATCH_BYTES:
                batch.append(self._waiting.popleft())
                decision = batch[-1][1].decision
                size += _size(decision)
            return batch

    def _write(self, batch: list[Envelope]) -> tuple[Sequence[Outcome], Sequence[Event]]:
        if self._poisoned:
            raise _broken()
        payload = encode_batch(batch)
        entry = Entry(self._log.last_index + 1, TERM, self._node, payload)
        try:
            self._log.append(entry)
        except sqlite3.Error as error:
            if is_full(error):
                raise disk_full() from error
            raise self._poison(error) from error
        try:
            outcomes, events = self._apply(entry)
            self._tidy(len(payload))
        except Exception as error:
            raise self._poison(error) from error
        return outcomes, events

    def _apply(self, entry: Entry) -> tuple[Sequence[Outcome], Sequence[Event]]:
        while True:
            try:
                return self._state.apply([entry])
            except sqlite3.Error as error:
                if not is_full(error):
                    raise
                log.warning("the disk is full; waiting for room")
            with self._wake:
                self._wake.wait(PAUSE_WHEN_FULL_S)
                if self._stopping:
                    raise disk_full()

    def _tidy(self, size: int) -> None:
        self._since_checkpoint[0] += 1
        self._since_checkpoint[1] += size
        if (
            self._since_checkpoint[0] < ENTRIES_PER_CHECKPOINT
            and self._since_checkpoint[1] < BYTES_PER_CHECKPOINT
        ):
            return
        self._since_checkpoint = [0, 0]
        try:
            if durable := self._state.checkpoint():
                self._log.cut(durable - ENTRIES_KEPT)
        except sqlite3.Error as error:
            if not is_full(error):
                raise
            log.warning("the disk is full; the log is not shortened now")

    def _poison(self, error: Exception) -> Broken:
        log.critical("a decision could not be carried out; writing has ended", exc_info=error)
        self._poisoned = True
        return _broken()


def _size(decision: AnyDecision) -> int:
    """Return about how many bytes the decision takes in the log."""
    match decision:
        case AddTasks(payload=payload):
            return len(payload)
        case BeginJob(spec=spec):
            return len(spec.settings) + 500
        case _:
            return 200


def _broken() -> Broken:
    return Broken(
        "This node can no longer write its data.",
        remedy="See its log file for the cause, then restart it; nothing accepted is lost.",
    )
