"""Where a task's images end up. The expected names are those that Blender 3.4.1 and 5.0.1 use."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flamenco_p2p.rules.output_paths import expected_stems, frame_path


@pytest.mark.parametrize(
    ("pattern", "path", "stem"),
    [
        ("a/######", "a/000012", "a/000012"),
        ("b#/c", "b#/c0012", "b#/c0012"),
        ("d#/e##f###g", "d#/e##f012g", "d#/e##f012g"),
        ("h", "h0012", "h0012"),
        ("i.png", "i.png0012", "i.png0012"),
        ("j_####.jpg", "j_0012.jpg", "j_0012"),
        ("k/", "k/0012", "k/0012"),
        ("l##.v01", "l12.v01", "l12.v01"),
        ("m#", "m12", "m12"),
        ("n.####.exr", "n.0012.exr", "n.0012"),
        ("p##.PNG", "p12.PNG", "p12"),
        ("q#.png.####", "q#.png.0012", "q#.png.0012"),
        ("u##.mp4", "u12.mp4", "u12.mp4"),
        ("R:\\x#\\y", "R:\\x#\\y0012", "R:\\x#\\y0012"),
        ("R:\\x#\\y_###", "R:\\x#\\y_012", "R:\\x#\\y_012"),
    ],
)
def test_a_frame_is_written_where_blender_puts_it(pattern: str, path: str, stem: str) -> None:
    assert frame_path(pattern, 12) == path
    assert expected_stems(pattern, [12]) == {12: stem}


def test_a_frame_may_need_more_digits_than_there_are_hashes() -> None:
    assert frame_path("out/##", 123456) == "out/123456"
    assert frame_path("out/neg##", -3) == "out/neg-3"


@given(st.text(alphabet="ab#/\\."), st.sets(st.integers(0, 2_000_000)))
def test_no_two_frames_share_a_file(pattern: str, frames: set[int]) -> None:
    stems = expected_stems(pattern, frames)
    assert stems.keys() == frames
    assert len(set(stems.values())) == len(frames)
