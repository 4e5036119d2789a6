"""Frames: what people may type, and how jobs are cut along it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flamenco_p2p.rules.frames import (
    MOST_FRAMES,
    BadChunkSize,
    BadFrames,
    chunks,
    count_frames,
    frames_of,
    ranges_text,
)

FRAMES = st.sets(st.integers(0, 400), min_size=1)


@pytest.mark.parametrize(
    ("text", "size", "expected"),
    [
        pytest.param("1-10", 3, ["1-3", "4-6", "7-9", "10"], id="C-01"),
        pytest.param(
            "1..10,20..25,40,3..8", 4, ["1-4", "5-8", "9,10,20,21", "22-25", "40"], id="C-02"
        ),
        pytest.param(
            " 1  .. 10,\t20..25\n,40   ", 4, ["1-4", "5-8", "9,10,20,21", "22-25", "40"], id="C-03"
        ),
        pytest.param("47", 4, ["47"], id="C-04"),
        pytest.param("1-3", 3, ["1-3"], id="C-05"),
        pytest.param("1-2", 10, ["1,2"], id="C-06"),
        pytest.param("1,2,4,5,7", 10, ["1,2,4,5,7"], id="C-07"),
        pytest.param("5,3,1,4,2", 10, ["1-5"], id="C-08"),
        pytest.param("1,1,1,2", 10, ["1,2"], id="C-09"),
        pytest.param("1-10,5-15", 100, ["1-15"], id="C-10"),
        pytest.param("007", 1, ["7"], id="C-11 zeros"),
        pytest.param("+5-+7", 9, ["5-7"], id="C-11 plus"),
        pytest.param("0", 1, ["0"], id="C-11 zero"),
        pytest.param("10-1,5", 4, ["5"], id="C-12"),
        pytest.param("1-10", 2, ["1,2", "3,4", "5,6", "7,8", "9,10"], id="C-16"),
        pytest.param("1\u00a0-\u00a03", 4, ["1-3"], id="no-break spaces"),
    ],
)
def test_a_job_is_cut_into_chunks(text: str, size: int, expected: list[str]) -> None:
    assert chunks(text, size) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("10-1", "empty range", id="C-13"),
        pytest.param("", 'invalid range "": empty range', id="C-14 empty"),
        pytest.param("   ", 'invalid range "": empty range', id="C-14 blank"),
    ],
)
def test_a_job_without_frames_is_refused(text: str, message: str) -> None:
    with pytest.raises(BadFrames, match=message):
        frames_of(text)
    with pytest.raises(BadFrames, match=message):
        chunks(text, 0)


@pytest.mark.parametrize("size", [0, -1], ids="C-15 {}".format)
def test_a_chunk_without_frames_is_refused(size: int) -> None:
    with pytest.raises(
        BadChunkSize, match=f"invalid chunk size, must be positive number: {size}"
    ) as refusal:
        chunks("1-10", size)
    assert refusal.value.remedy


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("-5", "-5"),
        ("-5..5", "-5..5"),
        ("-10--5", "-10--5"),
        ("1-2-3", "1-2-3"),
        ("1,,2", ""),
        ("1,2,", ""),
        ("7, 1-", "1-"),
        ("a", "a"),
        ("1.5", "1.5"),
        ("1:3", "1:3"),
        ("1_000", "1_000"),
        (" 1 10", "1 10"),
        ("1...3", "1...3"),
        ("1-10, a-b", "a-b"),
        ("9223372036854775808", "9223372036854775808"),
    ],
    ids="C-17 {}".format,
)
def test_a_wrong_part_is_named(text: str, part: str) -> None:
    with pytest.raises(BadFrames) as refusal:
        count_frames(text)
    assert f'"{part}"' in refusal.value.problem
    assert refusal.value.remedy


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("1 10", '"1-10" for a range'),
        ("-5", "cannot be negative"),
        ("9-1", "smaller number first"),
        ("1,,2", "comma too many"),
        ("a-b", "1-10, 20, 25..30"),
        ("", "Say which frames"),
    ],
)
def test_the_refusal_says_what_to_type_instead(text: str, remedy: str) -> None:
    with pytest.raises(BadFrames) as refusal:
        frames_of(text)
    assert remedy in refusal.value.remedy


@pytest.mark.parametrize(
    ("text", "count"),
    [("1..10,20..25,40,3..8", 17), ("9,10,20,21", 4), ("47", 1), ("10-1", 0)],
    ids="C-19 {}".format,
)
def test_frames_are_counted_once_each(text: str, count: int) -> None:
    assert count_frames(text) == count


def test_an_empty_text_cannot_be_counted() -> None:  # C-20
    with pytest.raises(BadFrames, match="empty range"):
        count_frames("")


@pytest.mark.parametrize(
    "text", ["0-1000000", "1-9223372036854775807", f"1-{MOST_FRAMES},2000001", "1-" + "9" * 10_000]
)
def test_absurdly_many_frames_are_refused_before_they_fill_the_memory(text: str) -> None:
    with pytest.raises(BadFrames) as refusal:
        frames_of(text)
    assert len(str(refusal.value)) < 500


def test_overlapping_ranges_count_once_towards_the_limit() -> None:
    assert count_frames(f"1-{MOST_FRAMES},1-{MOST_FRAMES}") == MOST_FRAMES


@pytest.mark.parametrize(
    ("frames", "text"),
    [([], ""), ([5], "5"), ([6, 5], "5,6"), ([5, 6, 7], "5-7"), ([1, 2, 4, 5, 6, 9], "1,2,4-6,9")],
)
def test_neighbouring_frames_are_written_as_ranges(frames: list[int], text: str) -> None:
    assert ranges_text(frames) == text


@given(FRAMES)
def test_written_frames_read_back_the_same(frames: set[int]) -> None:
    assert frames_of(ranges_text(frames)) == sorted(frames)
    assert count_frames(ranges_text(frames)) == len(frames)


@given(FRAMES, st.integers(1, 50))
def test_chunks_hold_every_frame_once_and_in_order(frames: set[int], size: int) -> None:
    cut = [frames_of(chunk) for chunk in chunks(ranges_text(frames), size)]
    assert [frame for chunk in cut for frame in chunk] == sorted(frames)
    assert all(len(chunk) == size for chunk in cut[:-1])
    assert 1 <= len(cut[-1]) <= size


@given(st.text(alphabet="0123456789+-., ax:\t_", max_size=12))
def test_any_text_is_either_read_or_refused(text: str) -> None:
    try:
        frames = frames_of(text)
    except BadFrames as refusal:
        assert refusal.remedy  # noqa: PT017 - either way is lawful, only the refusal has words
    else:
        assert frames == sorted(set(frames))
