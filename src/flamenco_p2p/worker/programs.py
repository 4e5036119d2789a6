"""Which programs this machine can run for the farm: Blenders with their versions, and FFmpeg.

Is: finding them, choosing the fitting Blender, and saying what is missing and how to get it.
Is not: running tasks with them (commands), or what the embedded Blender understands
(embedded_blender.py, a program of its own).
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from flamenco_p2p.worker import process

BlenderKind = Literal["configured", "installed", "embedded"]
_PREFERENCE: Final[tuple[BlenderKind, ...]] = ("configured", "installed", "embedded")

EMBEDDED_SCRIPT: Final = Path(__file__).with_name("embedded_blender.py")

_ANSWER_LIMIT_S: Final = 10.0
_IMPORT_LIMIT_S: Final = 60.0  # a first import of some 800 MB from a slow disk
_VERSION: Final = re.compile(r"^Blender (\d+)\.(\d+)(?:\.(\d+))?")
_MISSING_LIBRARY: Final = re.compile(r"(\S+): cannot open shared object file")
LIBRARIES_DEBIAN: Final = (
    "libx11-6 libxrender1 libxfixes3 libxi6 libxkbcommon0 libsm6 libice6 libgl1 libegl1"
)
"""Packages that the embedded Blender needs, on Debian and its like."""

NO_FFMPEG: Final = (
    "No FFmpeg was found: this machine makes no videos. Install it "
    '(Debian/Ubuntu: "sudo apt-get install -y ffmpeg"), or the Python package imageio-ffmpeg.'
)
_NEEDS_LIBRARY: Final = "The embedded Blender cannot start: the system library"
_LIBRARIES_FEDORA: Final = (
    "sudo dnf install -y libX11 libXrender libXfixes libXi libxkbcommon libSM libICE "
    "libglvnd-glx libglvnd-egl"
)


@dataclass(frozen=True, slots=True)
class BlenderProgram:
    """One Blender. `argv` starts it; `path` is what a person would call its place."""

    version: tuple[int, int, int]
    kind: BlenderKind
    argv: tuple[str, ...]
    path: str


@dataclass(frozen=True, slots=True)
class FfmpegProgram:
    """The FFmpeg this machine uses."""

    kind: Literal["installed", "embedded"]
    path: str


@dataclass(frozen=True, slots=True)
class BlenderWanted:
    """Which Blender a job needs. `version` is (major, minor), `None` if nobody knows."""

    version: tuple[int, int] | None
    newer_allowed: bool


@dataclass(frozen=True, slots=True)
class NoBlender:
    """No fitting Blender is here, and why, as sentences."""

    reason: str


@dataclass(frozen=True, slots=True)
class Programs:
    """Everything found. `missing` are sentences about what was found but cannot be used."""

    blenders: tuple[BlenderProgram, ...] = ()
    ffmpeg: FfmpegProgram | None = None
    missing: tuple[str, ...] = ()
    libraries_missing: bool = False
    """Whether the embedded Blender lacks nothing but libraries of the system."""

    def choose_blender(self, wanted: BlenderWanted | None) -> BlenderProgram | NoBlender:
        """The same minor series if there is one, else the nearest newer one if that is allowed.

        Never an older one: it would refuse the file or crash on it. Among equals a configured
        Blender wins over an installed one and that over the embedded one, then the newest.
        """
        if not self.blenders:
            return NoBlender(" ".join(self._without_blender()))
        if wanted is None or wanted.version is None:
            return min(self.blenders, key=lambda one: (_rank(one), _newest_first(one)))
        series = wanted.version
        fitting = [
            one
            for one in self.blenders
            if one.version[:2] == series or (wanted.newer_allowed and one.version[:2] > series)
        ]
        if fitting:
            return min(fitting, key=lambda one: (one.version[:2], _rank(one), _newest_first(one)))
        have = ", ".join(sorted({_dotted(one.version) for one in self.blenders}))
        newer = " or newer" if wanted.newer_allowed else ""
        need = _dotted(series)
        return NoBlender(
            f"The job needs Blender {need}{newer}; this machine has {have}. "
            f"Install Blender {need} here, or let another machine do it."
        )

    def able(self, task_types: Sequence[str]) -> tuple[str, ...]:
        """Return which of these types of tasks this machine has the programs for.

        What it could only fail is left to others, or waits where people see that it does.
        """
        lacking = set()
        if not self.blenders:
            lacking.add("blender")
        if self.ffmpeg is None:
            lacking.add("ffmpeg")
        return tuple(kind for kind in task_types if kind not in lacking)

    def sentences(self) -> list[str]:
        """What this machine uses, what it lacks, and the remedy."""
        found = [
            f"Blender {_dotted(one.version)} ({one.kind}): {one.path}" for one in self.blenders
        ]
        lacking = [*self.missing] if self.blenders else self._without_blender()
        if self.ffmpeg is None:
            return [*found, *lacking, NO_FFMPEG]
        return [*found, f"FFmpeg ({self.ffmpeg.kind}): {self.ffmpeg.path}", *lacking]

    def _without_blender(self) -> list[str]:
        return [
            "No Blender was found on this machine. Install one from blender.org, put its folder "
            "into PATH, or name it in the settings.",
            *self.missing,
        ]


async def find_programs(extra_blenders: Sequence[str] = ()) -> Programs:
    """Look at this machine. `extra_blenders` are paths a person configured. Takes some seconds."""
    async with asyncio.TaskGroup() as tasks:
        programs = [
            tasks.create_task(_ask_blender(kind, path))
            for kind, path in await asyncio.to_thread(_candidates, extra_blenders)
        ]
        embedded = tasks.create_task(_embedded_blender())
        ffmpeg = tasks.create_task(_find_ffmpeg())
    answers = [*(task.result() for task in programs), embedded.result()]
    return Programs(
        blenders=tuple(answer for answer in answers if isinstance(answer, BlenderProgram)),
        ffmpeg=ffmpeg.result(),
        missing=tuple(answer for answer in answers if isinstance(answer, str)),
        libraries_missing=_NEEDS_LIBRARY in str(embedded.result()),
    )


def _rank(blender: BlenderProgram) -> int:
    return _PREFERENCE.index(blender.kind)


def _newest_first(blender: BlenderProgram) -> tuple[int, ...]:
    return tuple(-number for number in blender.version)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _candidates(extra_blenders: Sequence[str]) -> list[tuple[BlenderKind, str]]:
    """Where a Blender may be; each file once, under the first name it was found by."""
    named: list[tuple[BlenderKind, str]] = [("configured", path) for path in extra_blenders]
    if on_path := shutil.which("blender"):
        named.append(("installed", on_path))
    named += [("installed", str(path)) for path in _usual_places()]
    by_file: dict[str, tuple[BlenderKind, str]] = {}
    for kind, path in named:
        by_file.setdefault(os.path.realpath(path), (kind, path))
    return list(by_file.values())


def _usual_places() -> Iterator[Path]:
    """Blenders that lie where people unpack or install them."""
    if sys.platform == "win32":
        places = {os.environ.get(name) for name in ("ProgramFiles", "ProgramW6432")}
        roots = [(Path(place), "Blender Foundation/*/blender.exe") for place in places if place]
    elif sys.platform == "darwin":
        pattern = "Blender*.app/Contents/MacOS/Blender"
        roots = [(Path("/Applications"), pattern), (Path.home() / "Applications", pattern)]
    else:
        roots = [
            (Path("/opt"), "[bB]lender*/blender"),
            (Path.home(), "[bB]lender*/blender"),
            (Path("/usr/local"), "[bB]lender*/blender"),
            (Path("/usr/local/bin"), "blender*"),
            (Path("/snap/bin"), "blender"),
        ]
    for root, pattern in roots:
        for path in sorted(root.glob(pattern)):
            if path.is_file() and os.access(path, os.X_OK):
                yield path


async def _ask_blender(kind: BlenderKind, path: str) -> BlenderProgram | str:
    """The Blender at `path`, or a sentence about why it is none."""
    answer = await _answer((path, "--version"), _ANSWER_LIMIT_S)
    version = _version_in(answer)
    if version is None:
        said = answer[0] if answer else "nothing"
        return (
            f"{path} does not answer as a Blender does (it said: {said}). "
            "Repair it, or remove it from PATH or the settings."
        )
    return BlenderProgram(version, kind, (path,), path)


_embedded_answers: dict[tuple[str, float], list[str]] = {}
"""What the embedded Blender said about itself, by its file and date: asking loads all of it."""


async def _embedded_blender() -> BlenderProgram | str | None:
    """The Blender from the `bpy` wheel; `None` if there is no wheel."""
    wheel = await asyncio.to_thread(_bpy_wheel)
    if wheel is None:
        return None
    argv = (sys.executable, str(EMBEDDED_SCRIPT))
    if (answer := _embedded_answers.get(wheel)) is None:
        answer = await _answer((*argv, "--version"), _IMPORT_LIMIT_S)
    version = _version_in(answer)
    if version is not None:
        _embedded_answers[wheel] = answer  # a failure may be cured by the next time
        return BlenderProgram(version, "embedded", argv, "embedded in this program")
    return _what_embedded_lacks(answer)


def _bpy_wheel() -> tuple[str, float] | None:
    """The file of the wheel that Python would load, and its date."""
    spec = importlib.util.find_spec("bpy")
    if spec is None or spec.origin is None:
        return None
    return spec.origin, Path(spec.origin).stat().st_mtime


def _what_embedded_lacks(answer: Sequence[str]) -> str:
    for line in answer:
        if found := _MISSING_LIBRARY.search(line):
            return (
                f"{_NEEDS_LIBRARY} {found[1]} is missing. Install it: "
                f"sudo apt-get install -y {LIBRARIES_DEBIAN} (Fedora: {_LIBRARIES_FEDORA})"
            )
    said = answer[-1] if answer else "nothing"
    return f"The embedded Blender cannot start (it said: {said}). Install Blender instead."


async def _find_ffmpeg() -> FfmpegProgram | None:
    installed = await asyncio.to_thread(shutil.which, "ffmpeg")
    if installed and await _is_ffmpeg(installed):
        return FfmpegProgram("installed", installed)
    for path in await asyncio.to_thread(_embedded_ffmpegs):
        if await _is_ffmpeg(path):
            return FfmpegProgram("embedded", path)
    return None


def _embedded_ffmpegs() -> list[str]:
    """The program inside the `imageio-ffmpeg` wheel, if that is there."""
    wheel = importlib.util.find_spec("imageio_ffmpeg")
    folders = (wheel.submodule_search_locations if wheel else None) or []
    return [str(path) for folder in folders for path in Path(folder).glob("binaries/ffmpeg-*")]


async def _is_ffmpeg(path: str) -> bool:
    answer = await _answer((path, "-version"), _ANSWER_LIMIT_S)
    return bool(answer) and answer[0].startswith("ffmpeg version ")


def _version_in(lines: Sequence[str]) -> tuple[int, int, int] | None:
    for line in lines:
        if found := _VERSION.match(line):
            return int(found[1]), int(found[2]), int(found[3] or 0)
    return None


async def _answer(argv: Sequence[str], limit_s: float) -> list[str]:
    """What a program says, in at most `limit_s`; if it cannot be started, why."""
    lines: list[str] = []

    async def on_line(line: str) -> None:
        if line.strip():
            lines.append(line)

    def ignore(_pid: int) -> None:
        pass

    try:
        async with asyncio.timeout(limit_s):
            await process.run(argv, on_line=on_line, on_start=ignore, on_end=ignore)
    except TimeoutError:
        lines.append(f"no answer within {limit_s:.0f} s")
    except process.CannotStart as error:
        lines.append(str(error))
    return lines
