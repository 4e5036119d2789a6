"""A farm on paper for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.store.farm_on_paper import FarmOnPaper


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[FarmOnPaper]:
    """A farm without jobs and workers."""
    farm = FarmOnPaper(tmp_path / "farm.db")
    yield farm
    farm.close()
