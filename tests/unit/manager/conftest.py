"""A farm for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.manager.small_farm import SmallFarm, small_farm


@pytest.fixture
async def farm(tmp_path: Path) -> AsyncIterator[SmallFarm]:
    """A manager with nothing to do yet."""
    async with small_farm(tmp_path) as farm:
        yield farm


@pytest.fixture(params=[2, 7, 1000])
def window(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many tasks the scheduler reads at a time: fewer than there are, or more."""
    monkeypatch.setattr("flamenco_p2p.manager.ready_tasks.WINDOW", request.param)
    return int(request.param)
