"""The commands `make-directory`, `move-directory` and `copy-file`.

Is: three things job types do to files, with the worker's own rights, on any path. Is not: how files
come to a worker or go home from it.

Moving and copying put a complete file or folder in its place in one step; until then it has another
name. When cancelled they stop within a megabyte and clean up.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import secrets
import shutil
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from flamenco_p2p.worker.commands.parameters import Parameters, quoted
from flamenco_p2p.worker.commands.surroundings import CommandFailed, Surroundings

_PIECE_BYTES: Final = 1024 * 1024


async def make_directory(values: Mapping[str, Any], around: Surroundings) -> None:
    """Create a folder with its parents; one that is there already is fine."""
    path = Path(Parameters("make-directory", values).text("path"))
    name = quoted(str(path))
    await around.log(f"make-directory: creating directory {name}")
    try:
        await asyncio.to_thread(_make_directories, path, 0o775)
    except OSError as error:
        text = f"make-directory: could not create directory {name}: {_reason(error)}"
        await around.log(text)
        raise CommandFailed(text) from error


async def move_directory(values: Mapping[str, Any], around: Surroundings) -> None:
    """Give a folder (or a file) another name; what had that name before gets its date as suffix."""
    parameters = Parameters("move-directory", values)
    source, target = Path(parameters.text("src")), Path(parameters.text("dest"))
    if not await asyncio.to_thread(_is_there, source):
        await around.log(
            f"move-directory: source path {quoted(str(source))} does not exist, not moving anything"
        )
        raise parameters.invalid("src", "path does not exist")
    if await asyncio.to_thread(_is_there, target):
        aside = await asyncio.to_thread(_dated_name, target)
        await _log_and_move(target, aside, around)
    await _log_and_move(source, target, around)


async def copy_file(values: Mapping[str, Any], around: Surroundings) -> None:
    """Copy one file's content to a name that must be free."""
    try:
        source, target = await _source_and_free_target(Parameters("copy-file", values))
    except CommandFailed as error:
        await around.log(str(error))
        raise
    names = f"{quoted(str(source))} to {quoted(str(target))}"
    await around.log(f"copy-file: copying {names}")
    try:
        await _in_thread(lambda stop: _copy_new(source, target, stop))
    except OSError as error:
        text = f"copy-file: could not copy {names}: {_reason(error)}"
        await around.log(text)
        raise CommandFailed(text) from error
    await around.log(f"copy-file: copied {names}")


async def _source_and_free_target(parameters: Parameters) -> tuple[Path, Path]:
    source = _absolute(parameters, "src")
    if not await asyncio.to_thread(_is_there, source):
        raise parameters.invalid("src", "path does not exist")
    target = _absolute(parameters, "dest")
    if await asyncio.to_thread(_is_there, target):
        raise parameters.invalid("dest", "path already exists, and files are never overwritten")
    return source, target


def _is_there(path: Path) -> bool:
    """Whether there is anything at `path`, be it a broken link or something we may not see."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def _absolute(parameters: Parameters, name: str) -> Path:
    path = Path(parameters.text(name))
    if not path.is_absolute():
        raise parameters.invalid(name, "path must be absolute")
    return path


async def _log_and_move(source: Path, target: Path, around: Surroundings) -> None:
    names = f"{quoted(str(source))} to {quoted(str(target))}"
    await around.log(f"move-directory: moving {names}")
    try:
        await _in_thread(lambda stop: _move(source, target, stop))
    except OSError as error:
        text = f"move-directory: could not move {names}: {_reason(error)}"
        await around.log(text)
        raise CommandFailed(text) from error


def _dated_name(path: Path) -> Path:
    """A free name for what lies at `path`: its own with the local time it was last changed."""
    rounded = int(path.lstat().st_mtime + 0.5)
    when = datetime.fromtimestamp(rounded, UTC).astimezone()
    dated = path.with_name(f"{path.name}-{when:%Y-%m-%d_%H%M%S}")
    return _numbered(dated) if _is_there(dated) else dated


def _numbered(path: Path) -> Path:
    """`path` with a number one above all there are."""
    suffix = re.compile(rf"{re.escape(path.name)}-([0-9]+)")
    names = os.listdir(path.parent)  # noqa: PTH208 - only the names are needed
    numbers = [int(found[1]) for name in names if (found := suffix.fullmatch(name))]
    return path.with_name(f"{path.name}-{max(numbers, default=0) + 1:03d}")


class _Stopped(Exception):
    """The command was cancelled while a thread was at work."""


async def _in_thread(work: Callable[[threading.Event], None]) -> None:
    """Do blocking `work` in a thread; it must look at the event now and then and stop if it is set.

    Returns, also when cancelled, only after the thread has let go of the files.
    """
    stop = threading.Event()
    running = asyncio.get_running_loop().run_in_executor(None, work, stop)
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        stop.set()
        with suppress(_Stopped, OSError):
            await running
        raise


def _move(source: Path, target: Path, stop: threading.Event) -> None:
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
    else:
        return
    # Another file system: copy under a passing name, show it complete, then remove the original.
    passing = _passing_name(target)
    try:
        if source.is_dir() and not source.is_symlink():
            shutil.copytree(
                source,
                passing,
                symlinks=True,
                copy_function=lambda a, b: _copy_with_times(a, b, stop),
            )
        else:
            _copy_with_times(str(source), str(passing), stop)
        passing.rename(target)
    except BaseException:
        _remove(passing)
        raise
    _remove(source)


def _copy_new(source: Path, target: Path, stop: threading.Event) -> None:
    if not source.is_file():
        raise OSError(errno.EINVAL, "not a regular file")
    _make_directories(target.parent, 0o750)
    passing = _passing_name(target)
    try:
        _copy_content(source, passing, stop)
        try:
            os.link(passing, target)  # unlike a rename, this cannot replace a file that came since
        except FileExistsError:
            raise
        except OSError:
            if target.exists():  # no hard links on this file system
                raise
            passing.rename(target)
    finally:
        passing.unlink(missing_ok=True)


def _copy_content(source: Path, target: Path, stop: threading.Event) -> None:
    with source.open("rb") as reading, target.open("xb") as writing:
        while piece := reading.read(_PIECE_BYTES):
            if stop.is_set():
                raise _Stopped
            writing.write(piece)


def _copy_with_times(source: str, target: str, stop: threading.Event) -> str:
    if Path(source).is_symlink():
        Path(target).symlink_to(os.readlink(source))  # noqa: PTH115 - kept literally
    else:
        _copy_content(Path(source), Path(target), stop)
        shutil.copystat(source, target)
    return target


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _passing_name(target: Path) -> Path:
    return target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.part")


def _make_directories(path: Path, mode: int) -> None:
    """Like `Path.mkdir(parents=True, exist_ok=True)`, but with `mode` for the parents too."""
    for folder in reversed([path, *path.parents]):
        if not folder.is_dir():
            folder.mkdir(mode, exist_ok=True)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
