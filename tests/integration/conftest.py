"""A node per test, as a process of its own.

Is: its start and its end. Is not: the nodes of the API's tests (api/conftest).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.terminal import Farm


@pytest.fixture
def stopped(tmp_path: Path) -> Iterator[Farm]:
    farm = Farm(tmp_path)
    yield farm
    if farm.node is not None:
        farm.stop()


@pytest.fixture
def farm(stopped: Farm) -> Farm:
    stopped.start()
    return stopped
