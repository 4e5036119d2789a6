"""Unfinished and superseded frames give way; whole ones stay."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from PIL import Image

from flamenco_p2p.worker.frames_on_disk import (
    asks_for_frames,
    clear_the_way,
    expected_files,
    what_is_wrong_with,
)
from flamenco_p2p.worker.whole_image import Health, health_of


def picture(path: Path) -> Path:
    Image.effect_noise((64, 36), 50).save(path)
    return path


def exr(path: Path, *, rows: int = 4, finished: bool = True) -> Path:
    """An uncompressed OpenEXR file with empty rows, as its library leaves it."""
    header = b"\x76\x2f\x31\x01" + struct.pack("<I", 2)
    box = struct.pack("<4i", 0, 0, 0, rows - 1)
    for name, kind, value in ((b"compression", b"c", b"\0"), (b"dataWindow", b"box2i", box)):
        header += name + b"\0" + kind + b"\0" + struct.pack("<I", len(value)) + value
    header += b"\0"
    first = len(header) + 8 * rows
    table = [first + 12 * row if finished else 0 for row in range(rows)]
    body = b"".join(struct.pack("<iI", row, 4) + b"data" for row in range(rows))
    path.write_bytes(header + struct.pack(f"<{rows}Q", *table) + body)
    return path


@pytest.mark.parametrize(
    ("args", "files"),
    [
        (["-o", "/d/######", "-F", "PNG", "-f", "1..2"], ["/d/000001.png", "/d/000002.png"]),
        (["--render-output", "/d/x", "--render-format", "OPEN_EXR", "--render-frame", "7"],
         ["/d/x0007.exr"]),
        (["-o", "/d/a##b###", "-F", "JPEG", "-f", "3"], ["/d/a##b003.jpg", "/d/a##b003.jpeg"]),
        (["-o", "/d/", "-F", "PNG", "-f", "3"], ["/d/0003.png"]),
        (["-o", "/d/b##.png", "-F", "TGA", "-f", "7"], ["/d/b07.tga"]),
        (["-o", "/d/#", "-f", "1"], ["/d/1.*"]),
        (["-o", "//r/#", "-F", "PNG", "-f", "1"], ["/job/r/1.png"]),
        (["-o", "/d/#", "-x", "0", "-f", "1"], ["/d/1"]),
        (["-o", "/d/#", "-F", "PNG", "-s", "1", "-e", "5", "-j", "2", "-a"],
         ["/d/1.png", "/d/3.png", "/d/5.png"]),
        (["-o", "/d/[a]#", "-F", "PNG", "-f", "1"], ["/d/[[]a]1.png"]),
        (["-f", "1", "-o", "/d/#"], []),
        (["-o", "/d/#", "-F", "PNG", "-a"], []),
        (["-o", "/d/#", "-F", "FFMPEG", "-f", "1"], []),
        (["-o", "/d/#", "-F", "PNG", "-f", "+1"], []),
        (["-o", "/d/#", "-F", "PNG", "-f", "abc"], []),
        (["-o", "/d/#", "--", "-f", "1"], []),
    ],
)  # fmt: skip
def test_the_files_of_a_command_line_are_known(args: list[str], files: list[str]) -> None:
    assert expected_files(args, "/job/file.blend") == files


@pytest.mark.parametrize(
    ("args", "asked"),
    [(["-f", "1"], True), (["--render-anim"], True), (["-o", "/x"], False), (["--", "-a"], False)],
)
def test_a_command_line_that_renders_is_recognised(args: list[str], asked: bool) -> None:
    assert asks_for_frames(args) is asked


def test_a_whole_frame_stays_and_a_torn_one_gives_way(tmp_path: Path) -> None:
    whole = picture(tmp_path / "0001.png")
    torn = picture(tmp_path / "0002.png")
    torn.write_bytes(torn.read_bytes()[:-500])
    (tmp_path / "0003.png").touch()
    lines = clear_the_way([str(tmp_path / f"000{n}.png") for n in (1, 2, 3, 4)], known=(), stale=())
    assert whole.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "0001.png",
        "0002.png.unfinished",
        "0003.png.unfinished",
    ]
    assert len(lines) == 2
    assert "0002.png.unfinished" in lines[0]


def test_what_gives_way_never_replaces_what_gave_way_before(tmp_path: Path) -> None:
    for _ in range(3):
        (tmp_path / "0001.png").touch()
        clear_the_way([str(tmp_path / "0001.png")], known=(), stale=())
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "0001.png.unfinished",
        "0001.png.unfinished2",
        "0001.png.unfinished3",
    ]


def test_frames_from_before_a_restart_give_way_though_they_are_whole(tmp_path: Path) -> None:
    old = picture(tmp_path / "0001.png")
    lines = clear_the_way([], known=(), stale=[str(old), str(tmp_path / "gone.png")])
    assert [path.name for path in tmp_path.iterdir()] == ["0001.png.old"]
    assert len(lines) == 1


def test_a_frame_that_was_verified_before_is_not_looked_at(tmp_path: Path) -> None:
    strange = tmp_path / "0001.dpx"
    strange.write_bytes(b"of a kind nobody here can read")
    pattern = str(tmp_path / "0001.dpx")
    assert clear_the_way([pattern], known={str(strange)}, stale=()) == []
    assert len(clear_the_way([pattern], known=(), stale=())) == 1


def test_of_an_unknown_extension_only_images_are_looked_at(tmp_path: Path) -> None:
    for name in ("0001.png", "0001.txt", "0001.png.old"):
        (tmp_path / name).touch()
    clear_the_way([str(tmp_path / "0001.*")], known=(), stale=())
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "0001.png.old",
        "0001.png.unfinished",
        "0001.txt",
    ]


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.tif", "x.webp", "x.bmp", "x.tga"])
def test_images_are_whole_until_something_is_cut_off(tmp_path: Path, name: str) -> None:
    path = picture(tmp_path / name)
    assert health_of(path) is Health.WHOLE
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert health_of(path) is Health.BROKEN


def test_an_exr_is_whole_until_something_is_cut_off(tmp_path: Path) -> None:
    path = exr(tmp_path / "x.exr")
    data = path.read_bytes()
    assert health_of(path) is Health.WHOLE
    for size in (len(data) - 1, len(data) // 2, 60, 9, 4):
        path.write_bytes(data[:size])
        assert health_of(path) is Health.BROKEN


def test_an_exr_whose_writer_was_interrupted_is_broken(tmp_path: Path) -> None:
    assert health_of(exr(tmp_path / "x.exr", finished=False)) is Health.BROKEN


def test_what_blender_claims_to_have_saved_is_checked(tmp_path: Path) -> None:
    good = picture(tmp_path / "1.png")
    empty = tmp_path / "2.png"
    empty.touch()
    assert what_is_wrong_with([str(good)]) is None
    wrong = what_is_wrong_with([str(good), str(empty), str(tmp_path / "3.png")]) or ""
    assert "2.png, but the file is incomplete" in wrong
    assert "3.png, but there is no such file" in wrong
