"""Workers come and go: register, sign on, report what they are, sign off.

Is: these decisions, and checking a worker's password. Is not: giving them tasks (dispatch).
"""

from __future__ import annotations

import hashlib
import hmac

from flamenco_p2p import clock
from flamenco_p2p.farm.bridge import Bridge
from flamenco_p2p.farm.decisions import (
    RegisterWorker,
    SetWorkerStatus,
    SignOffWorker,
    SignOnWorker,
)
from flamenco_p2p.farm.errors import NotAllowed
from flamenco_p2p.farm.ids import NodeId, WorkerId, read_id
from flamenco_p2p.farm.statuses import WorkerStatus
from flamenco_p2p.farm.workers import InstalledBlender, StatusRequest, Worker
from flamenco_p2p.manager.bell import Bells
from flamenco_p2p.manager.roster import Roster
from flamenco_p2p.rules.workers import resumes


def secret_digest(worker: WorkerId, secret: str) -> bytes:
    """Return what is kept of a worker's password.

    Workers make their passwords from 32 random bytes, so a plain salted hash is as good as a slow
    one, and it is checked with every request.
    """
    return hashlib.sha256(worker + secret.encode("utf-8", "surrogateescape")).digest()


class Attendance:
    """Keeps the workers' comings and goings."""

    def __init__(self, bridge: Bridge, roster: Roster, bells: Bells) -> None:
        self._bridge = bridge
        self._roster = roster
        self._bells = bells

    def check(self, name: str, password: str) -> WorkerId:
        """Return the worker that these credentials belong to. Raises `NotAllowed`."""
        raw = read_id(name)
        worker = self._roster.workers.get(WorkerId(raw)) if raw is not None else None
        known = worker.secret_digest if worker is not None else bytes(32)
        given = secret_digest(WorkerId(raw or bytes(16)), password)
        if worker is None or not hmac.compare_digest(known, given):
            raise NotAllowed(
                "The worker's id or password is wrong.",
                remedy="Restart the worker; it registers again.",
            )
        return worker.id

    async def register(
        self, *, name: str, secret: str, platform: str, address: str, task_types: tuple[str, ...]
    ) -> Worker:
        """Make a worker known."""
        worker = clock.fresh_worker_id()
        await self._bridge.propose(
            RegisterWorker(
                worker=worker, name=name, secret_digest=secret_digest(worker, secret),
                platform=platform, address=address, task_types=task_types,
            )
        )  # fmt: skip
        self._roster.see(worker, clock.now_ms())
        return self._roster.worker(worker)

    async def sign_on(
        self,
        worker: WorkerId,
        *,
        name: str,
        address: str,
        software: str,
        task_types: tuple[str, ...],
        can_restart: bool,
        blenders: tuple[InstalledBlender, ...],
        node: NodeId | None,
    ) -> WorkerStatus:
        """Let a worker in; return what it is to become."""
        await self._bridge.propose(
            SignOnWorker(
                worker=worker, name=name, address=address, software=software,
                task_types=task_types, can_restart=can_restart, blenders=blenders, node=node,
            )
        )  # fmt: skip
        self._roster.see(worker, clock.now_ms())
        return resumes(self._roster.worker(worker).requested)

    async def report(self, worker: WorkerId, status: WorkerStatus) -> None:
        """Take over what a worker says it is."""
        self._roster.see(worker, clock.now_ms())
        await self._bridge.propose(
            SetWorkerStatus(worker=worker, status=status, activity=f"Its worker went to “{status}”")
        )

    async def sign_off(self, worker: WorkerId) -> None:
        """Let a worker go."""
        self._roster.see(worker, clock.now_ms())
        await self._bridge.propose(SignOffWorker(worker=worker, activity="Its worker signed off"))

    async def requested(self, worker: WorkerId, wait_s: float) -> StatusRequest | None:
        """Return what the worker is asked to become, waiting for it so long."""
        deadline = clock.steady_s() + wait_s
        with self._bells.listen((worker,)) as bell:
            while True:
                self._roster.see(worker, clock.now_ms())
                if (asked := self._roster.worker(worker).requested) is not None:
                    return asked
                left = deadline - clock.steady_s()
                if left <= 0 or not await bell.wait(left):
                    return None
