"""What the demo does on a machine that cannot render yet."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from flamenco_p2p.cli import needed_programs
from flamenco_p2p.cli.submission import Scene
from flamenco_p2p.farm.errors import Refused
from flamenco_p2p.worker.programs import (
    LIBRARIES_DEBIAN,
    BlenderProgram,
    FfmpegProgram,
    Programs,
)

SCENE = Scene(Path("/orrery.blend"), (3, 4))
FFMPEG = FfmpegProgram("embedded", "/ffmpeg")
EMBEDDED = BlenderProgram((5, 0, 1), "embedded", ("python",), "embedded in this program")
COMPLETE = Programs(blenders=(EMBEDDED,), ffmpeg=FFMPEG)
LIBRARIES_MISSING = Programs(
    ffmpeg=FFMPEG, missing=("libX.so is missing.",), libraries_missing=True
)


def machine(monkeypatch: pytest.MonkeyPatch, *found: Programs, root: bool) -> None:
    """Let the demo find these programs, one set after the other."""
    answers = iter(found)

    async def find_programs() -> Programs:
        return next(answers)

    monkeypatch.setattr(needed_programs, "find_programs", find_programs)
    monkeypatch.setattr("os.geteuid", lambda: 0 if root else 1000)


@pytest.fixture
def apt_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for `apt-get` that writes down how it is called."""
    calls = tmp_path / "calls"
    program = tmp_path / "apt-get"
    program.write_text(f'#!/bin/sh\necho "$@" >> {calls}\necho E: no such package\nexit $APT\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("APT", "0")
    return calls


def test_as_root_missing_libraries_are_named_installed_and_used(
    apt_calls: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine(monkeypatch, LIBRARIES_MISSING, COMPLETE, root=True)
    programs, blender = asyncio.run(needed_programs.programs_for(SCENE))
    assert programs is COMPLETE
    assert blender == "5.0.1 (embedded), embedded in this program"
    assert apt_calls.read_text().splitlines() == ["update", f"install -y {LIBRARIES_DEBIAN}"]
    assert f"apt-get install -y {LIBRARIES_DEBIAN}" in capsys.readouterr().err


def test_libraries_that_cannot_be_installed_are_named_with_the_reason(
    apt_calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APT", "100")
    machine(monkeypatch, LIBRARIES_MISSING, root=True)
    with pytest.raises(Refused, match="no such package"):
        asyncio.run(needed_programs.programs_for(SCENE))


def test_nothing_is_installed_for_whoever_is_not_root(
    apt_calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(monkeypatch, LIBRARIES_MISSING, root=False)
    with pytest.raises(Refused, match=r"libX\.so is missing"):
        asyncio.run(needed_programs.programs_for(SCENE))
    assert not apt_calls.exists()


def test_without_any_blender_one_is_told_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine(monkeypatch, Programs(ffmpeg=FFMPEG), root=True)
    with pytest.raises(Refused, match=r"pip install 'flamenco-p2p\[embedded\]'"):
        asyncio.run(needed_programs.programs_for(SCENE))


def test_without_ffmpeg_one_is_told_before_anything_is_rendered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine(monkeypatch, Programs(blenders=(EMBEDDED,)), root=True)
    with pytest.raises(Refused, match="FFmpeg"):
        asyncio.run(needed_programs.programs_for(SCENE))
