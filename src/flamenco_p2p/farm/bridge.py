"""The bridge: the one way in which the farm changes.

Is: what manager and doors know of replication: propose a decision, get what became of it. Is not:
how it is made durable and agreed upon (cluster/replica).
"""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from flamenco_p2p.farm.decisions import AnyDecision
from flamenco_p2p.farm.ids import RequestId
from flamenco_p2p.farm.jobs import Assignment


class Applied(Struct, frozen=True):
    """A decision was carried out. `assignment` is set after an AssignTask."""

    index: int
    assignment: Assignment | None = None


class Bridge(Protocol):
    """Whoever makes decisions holds one of these."""

    async def propose(self, decision: AnyDecision, *, request: RequestId | None = None) -> Applied:
        """Return once the decision is durable and applied here.

        Raises `Refused` (a branch of it) if the farm's state does not allow it, on every node
        alike, and `NotYet` if it cannot be made durable now (disk full, no manager).
        A `request` that was answered before is answered the same way again and changes nothing.
        """
        ...
