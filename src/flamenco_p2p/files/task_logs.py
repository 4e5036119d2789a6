"""Task logs: append, tail, delete.

Is: one text file per task, written by one thread in the order of the calls. Is not: replicated.
A full disk, or one much too slow, loses log lines, said once in the node's log, and never a task.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from flamenco_p2p.bus import Bus
from flamenco_p2p.farm.events import TaskLogged
from flamenco_p2p.farm.ids import JobId, TaskKey
from flamenco_p2p.files.layout import JobFiles

log = logging.getLogger(__name__)

T = TypeVar("T")

TAIL_BYTES = 2048
UTF8_CONTINUED = bytes(range(0x80, 0xC0))  # what a cut through a character leaves of it
SOON_S = 0.1
MOST_SOON = 20_000  # tasks whose lines wait for a slow disk
REDELIVERY_BYTES = 256 * 1024  # how far back a chunk that was sent twice is looked for


class TaskLogs:
    """The logs of all tasks that run while this node manages."""

    def __init__(self, files: JobFiles, bus: Bus) -> None:
        self._files = files
        self._bus = bus
        self._thread = ThreadPoolExecutor(1, "task-logs")
        self._soon: dict[TaskKey, bytearray] = {}
        self._due = False  # what gathers in `_soon` has its time, or is waiting for the disk
        self._closed = False
        self._known: set[JobId] = set()
        self._lost = False

    async def append(self, task: TaskKey, text: str, *, unless_there: bool = False) -> None:
        """Add text, completing its last line; return once it is in the file.

        `unless_there`: the text may have arrived before; it is added only if the log's end does not
        have it.
        """
        data = (text if text.endswith("\n") else text + "\n").encode("utf-8", "replace")
        before = bytes(self._soon.pop(task, b""))
        if await self._in_thread(lambda: self._write(task, before, data, again=unless_there)):
            self._bus.tell([TaskLogged(key=task, text=text)])

    def append_soon(self, task: TaskKey, line: str) -> None:
        """Add a line of the manager's own, in order, within a moment; nobody waits for it.

        Lines gather for that moment, so that a task of milliseconds costs one write, not three.
        """
        if self._closed or (task not in self._soon and len(self._soon) >= MOST_SOON):
            self._say_lost("too many wait to be written")
            return
        self._soon.setdefault(task, bytearray()).extend(f"{line}\n".encode())
        self._bus.tell([TaskLogged(key=task, text=line)])
        self._write_soon()

    def _write_soon(self) -> None:
        if self._soon and not self._due:
            self._due = True
            asyncio.get_running_loop().call_later(SOON_S, self._write_what_gathered)

    def _write_what_gathered(self) -> None:
        if self._closed:
            return
        gathered, self._soon = self._soon, {}
        loop = asyncio.get_running_loop()
        written = loop.run_in_executor(self._thread, self._write_all, gathered)
        written.add_done_callback(self._written)

    def _written(self, _: asyncio.Future[None]) -> None:
        self._due = False
        self._write_soon()  # what has gathered while the disk was busy goes in one piece

    def _flush(self) -> None:
        """Let the thread write what gathered before whatever it is asked for next."""
        gathered, self._soon = self._soon, {}
        self._thread.submit(self._write_all, gathered)

    def _write_all(self, gathered: dict[TaskKey, bytearray]) -> None:
        for task, data in gathered.items():
            self._write(task, b"", bytes(data), again=False)

    def _write(self, task: TaskKey, before: bytes, data: bytes, *, again: bool) -> bool:
        path = self._files.log(task)
        try:
            if task.job not in self._known:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._known.add(task.job)
            if again and data in _last_bytes(path, REDELIVERY_BYTES + len(data)):
                data = b""
            _append(path, before + data)
        except OSError as error:
            self._say_lost(error)
            self._known.discard(task.job)
            return False
        self._lost = False
        return bool(data)

    def _say_lost(self, why: object) -> None:
        if not self._lost:
            log.warning("lines of task logs are lost: %s", why)
        self._lost = True

    async def tail(self, task: TaskKey) -> bytes | None:
        """Return whole lines from the log's last 2048 bytes; None if there is no log."""
        path = self._files.log(task)
        self._flush()
        data = await self._in_thread(lambda: _last_bytes(path, TAIL_BYTES + 1))
        if not data:
            return None
        if len(data) <= TAIL_BYTES:
            return data
        first_line, line_end, rest = data[1:].partition(b"\n")
        if line_end and rest:
            return rest
        return first_line.lstrip(UTF8_CONTINUED) + line_end

    async def size(self, task: TaskKey) -> int:
        """Return the log's size in bytes; 0 if there is none."""
        path = self._files.log(task)
        self._flush()
        return await self._in_thread(lambda: _size(path))

    async def _in_thread(self, action: Callable[[], T]) -> T:
        # In the thread that writes, so that what was appended before is there.
        return await asyncio.get_running_loop().run_in_executor(self._thread, action)

    async def delete_job(self, job: JobId) -> None:
        """Delete all files of a job; what cannot be deleted is said and left."""
        self._flush()
        folder = self._files.folder(job)
        away = folder.with_name(f"{folder.name}.deleted")
        await asyncio.to_thread(_delete, away)  # if an earlier life was ended while it deleted
        await self._in_thread(lambda: self._put_away(job, folder, away))
        await asyncio.to_thread(_delete, away)  # a million files; other tasks' logs do not wait

    def _put_away(self, job: JobId, folder: Path, away: Path) -> None:
        self._known.discard(job)
        try:
            folder.rename(away)
        except FileNotFoundError:
            return
        except OSError:
            _delete(folder)

    async def close(self) -> None:
        """Write what is waiting to be written."""
        self._flush()
        self._closed = True
        await asyncio.to_thread(self._thread.shutdown)


def _append(path: Path, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, 0o644)
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    finally:
        os.close(descriptor)


def _last_bytes(path: Path, count: int) -> bytes:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - count))
            return file.read()
    except FileNotFoundError:
        return b""


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _delete(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
        folder.parent.rmdir()
    except FileNotFoundError:
        return
    except OSError as error:
        if folder.exists():
            log.warning("files of a deleted job are left in %s: %s", folder, error)
