"""Carrying out agreed decisions: same rows, same events, same refusals on every node.

Is: batches into one transaction each, with the applied index; requests answered once; statuses
derived after each decision. Is not: deciding (manager/) and not what each decision does to the
rows (apply_jobs, apply_tasks, apply_workers). Reads no clock and throws no dice: a decision's
instant is the stamp in its envelope. Refusing is an outcome: it still moves the index.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from flamenco_p2p.farm import errors
from flamenco_p2p.farm.decisions import AnyDecision, AssignTask, Envelope
from flamenco_p2p.farm.errors import Refused
from flamenco_p2p.farm.events import Event
from flamenco_p2p.farm.ids import NodeId, RequestId
from flamenco_p2p.farm.jobs import Assignment
from flamenco_p2p.store import apply_jobs, apply_tasks, apply_workers
from flamenco_p2p.store.database import open_database, queries
from flamenco_p2p.store.decision_log import Entry
from flamenco_p2p.store.working_set import WorkingSet
from flamenco_p2p.wire.decisions import decode_batch

FARM = queries("farm")

HANDLERS: dict[type, Callable[[WorkingSet, Any], Assignment | None]] = {
    **apply_jobs.HANDLERS,
    **apply_tasks.HANDLERS,
    **apply_workers.HANDLERS,
}


class Outcome(Struct, frozen=True):
    """What became of one decision."""

    index: int
    assignment: Assignment | None = None
    refusal: Refused | None = None


class FarmState:
    """The replicated state of one node; used by one thread.

    Raises `sqlite3.DatabaseError` when opened on a damaged file.
    """

    def __init__(self, path: Path) -> None:
        self._db = open_database(path, "farm", durable=False)
        row = self._db.execute(FARM["get_meta"], ("applied_index",)).fetchone()
        self.applied_index: int = row[0] if row else 0
        row = self._db.execute(FARM["get_meta"], ("last_hlc",)).fetchone()
        self.last_hlc: int = row[0] if row else 0
        self._work = WorkingSet(self._db)

    def apply(self, entries: Sequence[Entry]) -> tuple[list[Outcome], list[Event]]:
        """Carry out the entries in one transaction; outcomes in the order of their decisions.

        If it raises (no room on the disk, a fault of ours), nothing of it has happened.
        """
        outcomes: list[Outcome] = []
        self._db.execute("BEGIN IMMEDIATE")
        try:
            last, hlc = self.applied_index, self.last_hlc
            for entry in entries:
                if entry.index <= last:
                    continue  # replayed after a restart
                last = entry.index
                for envelope in decode_batch(entry.payload):
                    outcomes.append(self._carry_out(entry, envelope))
                    hlc = max(hlc, envelope.hlc)
            self._work.flush()
            self._db.execute(FARM["set_meta"], ("applied_index", last))
            self._db.execute(FARM["set_meta"], ("last_hlc", hlc))
            self._db.execute("COMMIT")
        except BaseException:
            self._work = WorkingSet(self._db)  # what is in hand never happened
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        self.applied_index, self.last_hlc = last, hlc
        return outcomes, self._work.take_events()

    def _carry_out(self, entry: Entry, envelope: Envelope) -> Outcome:
        if envelope.request is not None:
            answered = self._db.execute(FARM["get_request"], (envelope.request,)).fetchone()
            if answered is not None:
                return self._answer_again(entry, envelope.decision, _as_refusal(*answered))
        self._work.begin(entry.index, entry.node, envelope.hlc)
        assignment, refusal = None, None
        try:
            assignment = self._decide(envelope.decision)
        except Refused as refused:
            refusal = refused
        self._work.settle()
        if envelope.request is not None:
            self._remember(entry, envelope.request, envelope.hlc, refusal)
        return Outcome(entry.index, assignment, refusal)

    def _answer_again(
        self, entry: Entry, decision: AnyDecision, refusal: Refused | None
    ) -> Outcome:
        assignment = None
        if refusal is None and isinstance(decision, AssignTask):
            # Whatever was chosen this time: the worker is told what it was given the first time.
            assignment = apply_tasks.assignment_of(self._work, decision.worker)
        return Outcome(entry.index, assignment, refusal)

    def _decide(self, decision: AnyDecision) -> Assignment | None:
        return HANDLERS[type(decision)](self._work, decision)

    def _remember(
        self, entry: Entry, request: RequestId, hlc: int, refusal: Refused | None
    ) -> None:
        words = (type(refusal).__name__, refusal.problem, refusal.remedy) if refusal else ("",) * 3
        self._db.execute(FARM["insert_request"], (request, entry.index, hlc, *words))

    def identity(self) -> tuple[list[tuple[bytes, str]], list[tuple[NodeId, str, bytes]]]:
        """Return the farm's ids with names, and its nodes (id, name, public key)."""
        farms = self._db.execute(FARM["farms"]).fetchall()
        nodes = self._db.execute(FARM["nodes"]).fetchall()
        return farms, nodes

    def checkpoint(self) -> int:
        """Make what was applied durable in the main file; return the index that is so from now on.

        0 if a reader kept it from finishing; the next one will.
        """
        busy, pages, done = self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        return self.applied_index if not busy and pages == done else 0

    def close(self) -> None:
        """Close the file; it is whole whether or not this is called."""
        self._db.close()


def _as_refusal(name: str, problem: str, remedy: str) -> Refused | None:
    if not name:
        return None
    kind = getattr(errors, name, Refused)
    refusal: Refused = kind(problem, remedy=remedy)
    return refusal
