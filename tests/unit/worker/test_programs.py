"""The fitting Blender is chosen; what is missing is said."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from flamenco_p2p.worker import programs
from flamenco_p2p.worker.programs import (
    BlenderKind,
    BlenderProgram,
    BlenderWanted,
    FfmpegProgram,
    NoBlender,
    Programs,
    find_programs,
)


def blender(version: tuple[int, int, int], kind: BlenderKind = "installed") -> BlenderProgram:
    return BlenderProgram(version, kind, (f"/{kind}/{version}",), f"/{kind}/{version}")


OLD, MIDDLE, NEW = blender((3, 4, 1)), blender((4, 2, 3)), blender((5, 1, 0))
EMBEDDED = blender((5, 0, 1), "embedded")
EMBEDDED_MIDDLE = blender((4, 2, 9), "embedded")
CONFIGURED = blender((4, 2, 0), "configured")


@pytest.mark.parametrize(
    ("here", "version", "newer", "chosen"),
    [
        ((OLD, MIDDLE, NEW), (4, 2), False, MIDDLE),
        ((OLD, MIDDLE, NEW), (4, 2), True, MIDDLE),
        ((OLD, MIDDLE, NEW), (4, 0), True, MIDDLE),
        ((MIDDLE, NEW, EMBEDDED), (5, 0), True, EMBEDDED),
        ((NEW, EMBEDDED), (4, 5), True, EMBEDDED),
        ((EMBEDDED_MIDDLE, MIDDLE), (4, 2), False, MIDDLE),
        ((EMBEDDED_MIDDLE, MIDDLE, CONFIGURED), (4, 2), False, CONFIGURED),
        ((MIDDLE, blender((4, 2, 7))), (4, 2), False, blender((4, 2, 7))),
        ((OLD, MIDDLE, EMBEDDED), None, False, MIDDLE),
        ((EMBEDDED,), None, False, EMBEDDED),
    ],
)
def test_the_nearest_fitting_blender_is_chosen(
    here: tuple[BlenderProgram, ...],
    version: tuple[int, int] | None,
    newer: bool,
    chosen: BlenderProgram,
) -> None:
    for order in (here, here[::-1]):
        assert Programs(order).choose_blender(BlenderWanted(version, newer)) == chosen


def test_without_a_wish_an_installed_blender_is_chosen() -> None:
    assert Programs((EMBEDDED, OLD, MIDDLE)).choose_blender(None) == MIDDLE


@pytest.mark.parametrize(
    ("here", "version", "newer", "says"),
    [
        ((OLD, MIDDLE), (4, 5), True, "needs Blender 4.5 or newer; this machine has 3.4.1, 4.2.3."),
        ((NEW,), (4, 2), False, "needs Blender 4.2; this machine has 5.1.0."),
        ((), (4, 2), True, "No Blender was found"),
    ],
)
def test_never_an_older_one_and_the_reason_is_said(
    here: tuple[BlenderProgram, ...], version: tuple[int, int], newer: bool, says: str
) -> None:
    choice = Programs(here).choose_blender(BlenderWanted(version, newer))
    assert isinstance(choice, NoBlender)
    assert says in choice.reason


def test_a_machine_takes_no_tasks_that_it_lacks_the_program_for() -> None:
    kinds = ("blender", "ffmpeg", "misc", "ours")
    assert Programs().able(kinds) == ("misc", "ours")
    assert Programs((OLD,), FfmpegProgram("installed", "/f")).able(kinds) == kinds


def test_a_machine_with_nothing_says_how_to_get_it() -> None:
    text = " ".join(Programs().sentences())
    assert "blender.org" in text
    assert "apt-get install -y ffmpeg" in text


def test_a_missing_system_library_comes_with_the_line_that_installs_it() -> None:
    said = ["ImportError: libXi.so.6: cannot open shared object file: No such file or directory"]
    sentence = programs._what_embedded_lacks(said)
    assert "libXi.so.6" in sentence
    assert "sudo apt-get install -y libx11-6 " in sentence


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("Blender 3.4.1", (3, 4, 1)),
        ("Blender 4.2.23 LTS", (4, 2, 23)),
        ("Blender 2.82 (sub 7)", (2, 82, 0)),
        ("Blinder 1.0", None),
    ],
)
def test_versions_are_read(line: str, version: tuple[int, int, int] | None) -> None:
    assert programs._version_in(["warning first", line]) == version


async def test_what_is_no_blender_is_named(tmp_path: Path) -> None:
    impostor = tmp_path / "blender"
    impostor.write_text("#!/bin/sh\necho hello")
    impostor.chmod(0o755)
    found = await find_programs([str(impostor), str(tmp_path / "none")])
    assert not [one for one in found.blenders if one.kind == "configured"]
    text = " ".join(found.sentences())
    assert "it said: hello" in text
    assert "no such file or directory" in text


async def test_a_configured_blender_is_found_and_preferred(tmp_path: Path) -> None:
    own = tmp_path / "blender"
    own.write_text("#!/bin/sh\necho Blender 9.1.2")
    own.chmod(0o755)
    found = await find_programs([str(own)])
    assert found.choose_blender(None) == BlenderProgram(
        (9, 1, 2), "configured", (str(own),), str(own)
    )


@pytest.mark.blender
async def test_the_installed_blender_is_found_with_its_version() -> None:
    path = shutil.which("blender")
    assert path is not None
    (installed,) = [one for one in (await find_programs()).blenders if one.kind == "installed"]
    assert installed.argv == (path,)
    assert installed.version >= (3, 0, 0)


@pytest.mark.blender
async def test_the_embedded_blender_is_found_with_its_version() -> None:
    found = await find_programs()
    (embedded,) = [one for one in found.blenders if one.kind == "embedded"]
    assert embedded.argv == (sys.executable, str(programs.EMBEDDED_SCRIPT))
    assert embedded.version >= (4, 2, 0)


async def test_ffmpeg_comes_from_the_path_or_else_from_its_wheel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    installed = await programs._find_ffmpeg()
    assert installed is not None
    assert (installed.kind, installed.path) == ("installed", shutil.which("ffmpeg"))
    monkeypatch.setenv("PATH", "/nowhere")
    embedded = await programs._find_ffmpeg()
    assert embedded is not None
    assert embedded.kind == "embedded"
