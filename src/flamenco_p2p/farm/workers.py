"""Workers as the farm knows them.

Is: frozen records. Is not: what a worker does (worker/).
"""

from __future__ import annotations

from msgspec import Struct

from flamenco_p2p.farm.ids import NodeId, WorkerId
from flamenco_p2p.farm.statuses import WorkerStatus


class InstalledBlender(Struct, frozen=True, kw_only=True):
    """One Blender on a worker's machine. `kind`: installed, embedded or configured."""

    major: int
    minor: int
    patch: int = 0
    kind: str = "installed"


class StatusRequest(Struct, frozen=True, kw_only=True):
    """What people asked a worker to become; lazy: after its present task."""

    status: WorkerStatus
    is_lazy: bool = False


class Worker(Struct, frozen=True, kw_only=True):
    """A worker as it is now. `secret_digest` is what its password is checked against."""

    id: WorkerId
    name: str
    secret_digest: bytes
    platform: str
    address: str
    software: str
    task_types: tuple[str, ...]
    status: WorkerStatus
    requested: StatusRequest | None
    can_restart: bool
    updated_ms: int
    blenders: tuple[InstalledBlender, ...] = ()
    node: NodeId | None = None
    deleted_ms: int | None = None
