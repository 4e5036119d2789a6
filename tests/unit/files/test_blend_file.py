"""The version of Blender that saved a file, read from its first bytes."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import zstandard

from flamenco_p2p.files.blend_file import read_blender_version
from flamenco_p2p.shipped import shipped_folder

OLD = b"BLENDER-v293REND" + bytes(2000)
NEW = b"BLENDER17-01v0500REND" + bytes(2000)


@pytest.mark.parametrize(
    ("content", "version"),
    [
        (OLD, (2, 93)),
        (NEW, (5, 0)),
        (gzip.compress(OLD), (2, 93)),
        (zstandard.compress(NEW), (5, 0)),
        (b"", None),
        (b"GIF89a" + bytes(100), None),
        (zstandard.compress(b"a compressed letter"), None),
        (gzip.compress(b"a compressed letter"), None),
        (gzip.compress(OLD)[:12], None),
        (zstandard.compress(NEW)[:6], None),
        (b"\x28\xb5\x2f\xfd" + b"\xff" * 40, None),
        (b"\x1f\x8b" + b"\xff" * 40, None),
    ],
)
def test_the_version_is_found_however_the_file_is_packed(
    tmp_path: Path, content: bytes, version: tuple[int, int] | None
) -> None:
    path = tmp_path / "shot.blend"
    path.write_bytes(content)
    assert read_blender_version(path) == version


def test_a_file_that_is_not_there_is_no_silent_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_blender_version(tmp_path / "missing.blend")


def test_the_demo_scene_opens_in_every_series_from_3_4_on() -> None:
    assert read_blender_version(shipped_folder("examples") / "orrery.blend") == (3, 4)
