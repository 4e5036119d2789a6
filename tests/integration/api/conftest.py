"""A farm to talk to: one that all tests share, or a node of a test's own.

With `FLAMENCO_TEST_URL` the shared farm is the one at that address (nobody else should use it
meanwhile), and tests that need a node of their own are left out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import leaving_nothing_behind
from tests.integration.api.node_in_a_thread import NodeInAThread
from tests.integration.api.talk import Farm

ELSEWHERE = os.environ.get("FLAMENCO_TEST_URL", "")
HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs a node, and so a folder, of its own, if the farm is somewhere else."""
    if not ELSEWHERE:
        return
    needing = [item for item in items if "tmp_path" in getattr(item, "fixturenames", ())]
    out = [item for item in needing if HERE in item.path.parents]
    config.hook.pytest_deselected(items=out)
    items[:] = [item for item in items if item not in out]


@pytest.fixture(scope="package", autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Check once for all tests: the shared node's threads come when they are first needed."""
    with leaving_nothing_behind():
        yield


@pytest.fixture(scope="package")
def farm_url(nothing_left_behind: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the farm that tests share."""
    if ELSEWHERE:
        yield ELSEWHERE.rstrip("/")
        return
    with NodeInAThread(tmp_path_factory.mktemp("shared-farm")) as node:
        yield node.url


@pytest.fixture
def farm(farm_url: str) -> Iterator[Farm]:
    """The shared farm; what the test did is taken back afterwards."""
    farm = Farm(farm_url)
    yield farm
    farm.close()


@pytest.fixture
def node(nothing_left_behind: None, tmp_path: Path) -> Iterator[NodeInAThread]:
    """A node of the test's own, alone in its farm."""
    with NodeInAThread(tmp_path / "node") as node:
        yield node


@pytest.fixture
def own_farm(node: NodeInAThread) -> Iterator[Farm]:
    """The farm of the test's own node."""
    farm = Farm(node.url)
    yield farm
    farm.close()
