"""The first bytes of a .blend say which Blender can open it."""

from __future__ import annotations

import gzip
from typing import Final

import pytest
import zstandard

from flamenco_p2p.rules.blend_header import HEAD_BYTES, blender_version_of, compression_of

# Taken from files that Blender 3.4.1 and 5.0.1 saved.
SAVED_BY_34: Final = bytes.fromhex("424c454e4445522d7633303452454e444800")
SAVED_BY_50: Final = bytes.fromhex("424c454e44455231372d3031763035303052454e4400")
PACKED_BY_34: Final = bytes.fromhex("28b52ffda0f4040100d53200563cec4d")
PACKED_BY_50: Final = bytes.fromhex("28b52ffd6019055d0700f40b424c454e")


@pytest.mark.parametrize(
    ("head", "version"),
    [
        (SAVED_BY_34, (3, 4)),
        (SAVED_BY_50, (5, 0)),
        (b"BLENDER_V279", (2, 79)),
        (b"BLENDER-v293", (2, 93)),
        (b"BLENDER-v300", (3, 0)),
        (b"BLENDER-v405REND", (4, 5)),
        (b"BLENDER17-01v0405", (4, 5)),
        (b"BLENDER17-01v1012", (10, 12)),
    ],
)
def test_a_blend_file_tells_its_blender(head: bytes, version: tuple[int, int]) -> None:
    assert blender_version_of(head[:HEAD_BYTES]) == version
    assert compression_of(head) == "none"


@pytest.mark.parametrize(
    "head", [b"", b"BLENDER", b"BLENDER-v3", b"BLENDER-vxyz", b"\x89PNG", b" BLENDER-v304"]
)
def test_other_files_are_no_blend_files(head: bytes) -> None:
    assert blender_version_of(head) is None
    assert compression_of(head) is None


@pytest.mark.parametrize("head", [PACKED_BY_34, PACKED_BY_50, zstandard.compress(SAVED_BY_50)])
def test_a_file_packed_by_a_recent_blender_must_be_unpacked_first(head: bytes) -> None:
    assert compression_of(head) == "zstd"
    assert blender_version_of(head) is None


def test_a_file_packed_by_an_old_blender_must_be_unpacked_first() -> None:
    packed = gzip.compress(b"BLENDER_v279REND")
    assert compression_of(packed) == "gzip"
    assert blender_version_of(gzip.decompress(packed)) == (2, 79)
