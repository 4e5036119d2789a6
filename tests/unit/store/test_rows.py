"""Values that are written in another form than they are used in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flamenco_p2p.farm.jobs import BlenderNeed
from flamenco_p2p.store.rows import blender_text, read_blender


@pytest.mark.parametrize(
    ("need", "text"),
    [
        (None, ""),
        (BlenderNeed(major=3, minor=4), "3.4+"),
        (BlenderNeed(major=5, minor=0, newer_allowed=False), "5.0"),
        (BlenderNeed(major=2, minor=79, newer_allowed=False), "2.79"),
    ],
)
def test_a_need_for_a_blender_is_stored_as_people_would_write_it(
    need: BlenderNeed | None, text: str
) -> None:
    assert blender_text(need) == text
    assert read_blender(text) == need


@given(st.builds(BlenderNeed, major=st.integers(0), minor=st.integers(0)) | st.none())
def test_a_need_for_a_blender_comes_back_as_it_was_stored(need: BlenderNeed | None) -> None:
    assert read_blender(blender_text(need)) == need
