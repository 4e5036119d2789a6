"""What the commands for files and folders do, and what they never do."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from flamenco_p2p.worker.commands import CommandFailed, file_management, run_command
from tests.unit.worker.recorder import Recorder


async def failure(name: str, parameters: Mapping[str, Any], around: Recorder) -> str:
    with pytest.raises(CommandFailed) as failed:
        await run_command(name, parameters, around)
    return str(failed.value)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def change_at(path: Path, when: datetime) -> None:
    os.utime(path, (when.timestamp(), when.timestamp()))


async def test_c95_making_a_directory_twice_is_fine(tmp_path: Path) -> None:
    around = Recorder()
    path = tmp_path / "a" / "b"
    for _ in range(2):
        await run_command("make-directory", {"path": str(path)}, around)
    assert path.is_dir()
    assert around.lines == [f'make-directory: creating directory "{path}"'] * 2


async def test_a_directory_that_cannot_be_made_fails_the_task(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "folder"
    around = Recorder()
    text = await failure("make-directory", {"path": str(path)}, around)
    assert text.startswith(f'make-directory: could not create directory "{path}": ')
    assert around.lines[-1] == text


async def test_moving_renames_and_says_so(tmp_path: Path) -> None:
    source, target = tmp_path / "from", tmp_path / "to"
    source.mkdir()
    (source / "frame.png").write_text("image")
    around = Recorder()
    await run_command("move-directory", {"src": str(source), "dest": str(target)}, around)
    assert (target / "frame.png").read_text() == "image"
    assert not source.exists()
    assert around.lines == [f'move-directory: moving "{source}" to "{target}"']


async def test_c91_what_was_there_before_gets_its_date_as_suffix(tmp_path: Path) -> None:
    target = tmp_path / "dest"
    half_second_down = datetime(2006, 1, 2, 15, 4, 4, 600_000).astimezone()
    for when in (half_second_down, datetime(2006, 1, 2, 15, 4, 5).astimezone()):
        (tmp_path / "src").mkdir()
        target.mkdir(exist_ok=True)
        change_at(target, when)
        values = {"src": str(tmp_path / "src"), "dest": str(target)}
        await run_command("move-directory", values, Recorder())
    assert names_in(tmp_path) == ["dest", "dest-2006-01-02_150405", "dest-2006-01-02_150405-001"]


@pytest.mark.parametrize(
    ("there", "new"),
    [((), "t-001"), (("t-1", "t-003", "t-46"), "t-047"), (("t-46", "t-10327"), "t-10328")],
)
def test_c92_the_number_is_one_above_all_others(
    tmp_path: Path, there: tuple[str, ...], new: str
) -> None:
    for name in (*there, "t-x", "u-99999"):
        (tmp_path / name).touch()
    assert file_management._numbered(tmp_path / "t").name == new


async def test_c93_without_source_nothing_is_moved(tmp_path: Path) -> None:
    source, target = tmp_path / "none", tmp_path / "dest"
    target.mkdir()
    around = Recorder()
    text = await failure("move-directory", {"src": str(source), "dest": str(target)}, around)
    assert text == (
        f'move-directory: parameter "src" has invalid value {source}: path does not exist'
    )
    assert around.lines == [
        f'move-directory: source path "{source}" does not exist, not moving anything'
    ]
    assert names_in(tmp_path) == ["dest"]


@pytest.fixture
def no_renames_across(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second file system needs root; refuse what it would refuse."""
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if self.parent != target.parent:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)


@pytest.mark.usefixtures("no_renames_across")
async def test_moving_works_between_file_systems(tmp_path: Path) -> None:
    source = tmp_path / "one" / "folder"
    (source / "sub").mkdir(parents=True)
    (source / "sub" / "frame.png").write_text("image")
    (source / "link").symlink_to("sub")
    change_at(source / "sub" / "frame.png", datetime(2020, 1, 1).astimezone())
    (tmp_path / "two").mkdir()
    target = tmp_path / "two" / "folder"
    await run_command("move-directory", {"src": str(source), "dest": str(target)}, Recorder())
    assert (target / "sub" / "frame.png").read_text() == "image"
    assert (target / "link").readlink() == Path("sub")
    assert (target / "sub" / "frame.png").stat().st_mtime < 1_600_000_000
    assert names_in(tmp_path / "one") == []
    assert names_in(tmp_path / "two") == ["folder"]


@pytest.mark.usefixtures("no_renames_across")
async def test_a_cancelled_move_between_file_systems_leaves_the_source_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    source, target = tmp_path / "one" / "file", tmp_path / "two" / "file"
    source.write_text("content")
    copying, cancelled = threading.Event(), threading.Event()
    copy = file_management._copy_content

    def copy_late(a: Path, b: Path, stop: threading.Event) -> None:
        copying.set()
        cancelled.wait(10)
        assert stop.wait(10)
        copy(a, b, stop)

    monkeypatch.setattr(file_management, "_copy_content", copy_late)
    values = {"src": str(source), "dest": str(target)}
    running = asyncio.Task(run_command("move-directory", values, Recorder()))
    await asyncio.to_thread(copying.wait, 10)
    running.cancel()
    cancelled.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert source.read_text() == "content"
    assert names_in(tmp_path / "two") == []


async def test_copying_takes_the_content_and_makes_the_folders(tmp_path: Path) -> None:
    source, target = tmp_path / "a", tmp_path / "x" / "y" / "b"
    source.write_bytes(b"1" * 3_000_000)
    around = Recorder()
    await run_command("copy-file", {"src": str(source), "dest": str(target)}, around)
    assert target.read_bytes() == source.read_bytes()
    assert names_in(target.parent) == ["b"]
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o750
    assert around.lines == [
        f'copy-file: copying "{source}" to "{target}"',
        f'copy-file: copied "{source}" to "{target}"',
    ]


@pytest.mark.parametrize(
    ("source", "target", "says"),
    [
        ("{folder}/file", "{folder}/there", "already exists"),
        ("{folder}/sub", "{folder}/new", "not a regular file"),
        ("file", "{folder}/new", "must be absolute"),
        ("{folder}/file", "new", "must be absolute"),
        ("{folder}/none", "{folder}/new", "does not exist"),
        ("", "{folder}/new", 'mandatory parameter "src" is missing'),
        ("{folder}/file", "", 'mandatory parameter "dest" is missing'),
    ],
)
async def test_c94_copying_refuses_and_touches_nothing(
    tmp_path: Path, source: str, target: str, says: str
) -> None:
    (tmp_path / "file").write_text("new")
    (tmp_path / "there").write_text("old")
    (tmp_path / "sub").mkdir()
    values = {"src": source.format(folder=tmp_path), "dest": target.format(folder=tmp_path)}
    around = Recorder()
    text = await failure("copy-file", values, around)
    assert says in text
    assert text.startswith("copy-file: ")
    assert around.lines[-1] == text
    assert (tmp_path / "there").read_text() == "old"
    assert names_in(tmp_path) == ["file", "sub", "there"]


async def test_a_file_that_came_while_copying_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_text("ours")
    copy = file_management._copy_content

    def copy_while_another_comes(a: Path, b: Path, stop: threading.Event) -> None:
        copy(a, b, stop)
        target.write_text("theirs")

    monkeypatch.setattr(file_management, "_copy_content", copy_while_another_comes)
    around = Recorder()
    text = await failure("copy-file", {"src": str(source), "dest": str(target)}, around)
    assert "file exists" in text
    assert target.read_text() == "theirs"
    assert names_in(tmp_path) == ["a", "b"]
