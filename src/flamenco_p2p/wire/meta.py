"""What the API says about the farm as a whole, and how it says no.

Is: small shapes that belong to no other noun. Is not: which error gets which status (api/).
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Raw, Struct

from flamenco_p2p.farm.statuses import FarmStatus


class FlamencoVersion(Struct, frozen=True, kw_only=True):
    """Who answers. Stock add-ons want `shortversion` to be exactly their own."""

    version: str
    shortversion: str
    name: str
    git: str


class FarmStatusReport(Struct, frozen=True, kw_only=True):
    """The farm in one word."""

    status: FarmStatus


class Error(Struct, frozen=True, kw_only=True):
    """What went wrong and what to do about it; `code` repeats the HTTP status."""

    code: int
    message: str


JobType = Annotated[Raw, Meta(extra_json_schema={"$ref": "#/components/schemas/AvailableJobType"})]


class AvailableJobTypes(Struct, frozen=True, kw_only=True):
    """All job types, each as its script describes it."""

    job_types: list[JobType]


class ManagerNode(Struct, frozen=True, kw_only=True):
    """The node that manages the farm now."""

    id: str
    name: str
    url: str


class ClusterNode(Struct, frozen=True, kw_only=True):
    """A node as the answering one sees it.

    `applied`: the last log entry it has carried out; `lag`: how many more the manager has.
    """

    id: str
    name: str
    url: str
    role: str
    online: bool
    applied: int
    lag: int


class Cluster(Struct, frozen=True, kw_only=True):
    """The farm by name and generation, and its nodes.

    Without a `manager`, one is being elected or out of reach.
    """

    farm: str
    generation: str
    term: int
    manager: ManagerNode | None
    nodes: tuple[ClusterNode, ...]
