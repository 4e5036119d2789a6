"""What decisions about workers do to the rows.

Is: one function per decision. Is not: the table of worker statuses (rules/workers).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flamenco_p2p.farm import decisions as d
from flamenco_p2p.farm.errors import Unfitting
from flamenco_p2p.farm.statuses import WorkerStatus
from flamenco_p2p.farm.workers import StatusRequest
from flamenco_p2p.rules import workers as rules
from flamenco_p2p.store.apply_tasks import give_back
from flamenco_p2p.store.database import queries
from flamenco_p2p.store.rows import WorkerRow
from flamenco_p2p.store.working_set import WorkingSet

WORKERS = queries("workers")


def register_worker(work: WorkingSet, decision: d.RegisterWorker) -> None:
    """Make a worker known; it has no status until it signs on."""
    if WorkerRow.load(work.db, decision.worker) is not None:
        return
    work.db.execute(
        WORKERS["insert"],
        (
            decision.worker, work.mod, decision.secret_digest, decision.platform, decision.name,
            decision.address, ",".join(decision.task_types), b"[]", decision.node, work.stamp,
            work.now_ms,
        ),
    )  # fmt: skip
    work.save_worker(work.worker(decision.worker))


def sign_on_worker(work: WorkingSet, decision: d.SignOnWorker) -> None:
    """Note that a worker is here, and what it can do."""
    worker = work.worker(decision.worker)
    before = worker.status
    worker.name, worker.address = decision.name, decision.address
    worker.software, worker.task_types = decision.software, decision.task_types
    worker.can_restart, worker.blenders = decision.can_restart, decision.blenders
    worker.node, worker.stamp = decision.node, work.stamp
    worker.status, worker.status_stamp = WorkerStatus.STARTING, work.stamp
    work.save_worker(worker, before)


def set_worker_status(work: WorkingSet, decision: d.SetWorkerStatus) -> None:
    """Take over what a worker reports of itself, or that it has fallen silent."""
    worker = work.worker(decision.worker)
    before = worker.status
    worker.status, worker.status_stamp = decision.status, work.stamp
    if decision.status is WorkerStatus.ERROR:
        worker.requested = None
    else:
        worker.requested = rules.after_report(decision.status, worker.requested)
    worker.requested_stamp = work.stamp
    if rules.hands_back(decision.status):
        give_back(work, worker.id, decision.activity)
    work.save_worker(worker, before)


def sign_off_worker(work: WorkingSet, decision: d.SignOffWorker) -> None:
    """Note that a worker leaves, and how it is to come back."""
    worker = work.worker(decision.worker)
    before = worker.status
    worker.requested = rules.after_sign_off(before, worker.requested)
    worker.status = WorkerStatus.OFFLINE
    worker.status_stamp = worker.requested_stamp = work.stamp
    give_back(work, worker.id, decision.activity)
    work.save_worker(worker, before)


def request_worker_status(work: WorkingSet, decision: d.RequestWorkerStatus) -> None:
    """Note what people want a worker to become."""
    worker = work.worker(decision.worker)
    if decision.status is WorkerStatus.RESTART and not worker.can_restart:
        raise Unfitting(
            "This worker cannot restart by itself.",
            remedy="Start it under a service manager, with a restart exit code.",
        )
    wish = StatusRequest(status=decision.status, is_lazy=decision.is_lazy)
    worker.requested = rules.after_wish(worker.status, wish)
    worker.requested_stamp = work.stamp
    work.save_worker(worker)


def remove_worker(work: WorkingSet, decision: d.RemoveWorker) -> None:
    """Forget a worker; the row stays as its tombstone."""
    worker = work.worker(decision.worker)
    give_back(work, worker.id, "Its worker was deleted")
    worker.deleted_ms = work.now_ms
    work.save_worker(worker)


HANDLERS: dict[type, Callable[[WorkingSet, Any], None]] = {
    d.RegisterWorker: register_worker,
    d.SignOnWorker: sign_on_worker,
    d.SetWorkerStatus: set_worker_status,
    d.SignOffWorker: sign_off_worker,
    d.RequestWorkerStatus: request_worker_status,
    d.RemoveWorker: remove_worker,
}
