"""One program, run to its end with everything it started.

Is: start an argv in a process group of its own, hand on its output line by line, and leave nothing
of it behind, whether it ends, is cancelled, or this daemon died and comes back. Is not: what the
lines mean, or what an exit status means for a task (the commands).

On Windows a program is ended together with its living descendants; what outlives a program that
ended by itself is not found there.
"""

from __future__ import annotations

import asyncio
import codecs
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, cast

import psutil

GRACE_S: Final = 0.3
"""How long a cancelled program may tidy up between being asked to end and being killed."""

_LONGEST_LINE_BYTES: Final = 40 * 1024
_CHUNKS_AHEAD: Final = 8  # of up to 256 KiB; then the program waits for whoever hears its lines
_SILENCE_S: Final = 1.0  # after its end: whoever still holds the pipe then is no part of it
_KILL_WAIT_S: Final = 5.0  # longer takes only a process stuck in the kernel
_POLL_S: Final = 0.02
_SAME_BIRTH_S: Final = 2.0  # a clock that is being set shifts the birth of all processes a little


class CannotStart(Exception):
    """The program could not be started. Its text is a sentence for the artist."""


async def run(
    argv: Sequence[str],
    *,
    on_line: Callable[[str], Awaitable[None]],
    on_start: Callable[[int], None],
    on_end: Callable[[int], None],
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    grace_s: float = GRACE_S,
) -> int:
    """Run `argv` and return its exit status (-N: ended by signal N).

    stdout and stderr arrive together at `on_line`, without line ends. If `on_line` raises or the
    caller is cancelled, the whole group is ended first. `on_end` is called once all is gone.
    Raises `CannotStart`.
    """
    child = await _start(argv, cwd, env)
    on_start(child.pid)
    try:
        await _listen(child, on_line, grace_s)
    finally:
        try:
            await _end(child, grace_s)
        finally:
            child.transport.close()
        if child.exited.done():
            on_end(child.pid)
    status = child.transport.get_returncode()
    return -1 if status is None else status


def identity(pid: int) -> tuple[int, float] | None:
    """What `end_orphans` needs to recognise this process later: its id and birth (Unix seconds)."""
    try:
        return pid, psutil.Process(pid).create_time()
    except psutil.Error:
        return None


async def end_orphans(children: Iterable[tuple[int, float]]) -> list[int]:
    """End the programs a previous life of this daemon started and left behind.

    `children` are `identity` pairs. Returns the ids of those that were still running. A process
    that merely got the same id later is left alone.
    """
    ended = []
    for pid, born in children:
        now = await asyncio.to_thread(identity, pid)
        if now is None or abs(now[1] - born) > _SAME_BIRTH_S:
            continue
        await _end_group(pid, GRACE_S)
        ended.append(pid)
    return ended


class _Child(asyncio.SubprocessProtocol):
    """The running program: chunks of its output in order, `None` among them for its end."""

    transport: asyncio.SubprocessTransport
    pid: int

    def __init__(self) -> None:
        self.group_ended = False
        self.exited: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.SubprocessTransport, transport)
        self.pid = self.transport.get_pid()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._chunks.put_nowait(data)
        if self._chunks.qsize() >= _CHUNKS_AHEAD:
            self._pipe().pause_reading()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self._chunks.put_nowait(b"")

    def process_exited(self) -> None:
        if not self.exited.done():
            self.exited.set_result(None)
        self._chunks.put_nowait(None)

    async def next_chunk(self) -> bytes | None:
        """The next bytes, `b""` after the last ones, `None` when the process has ended."""
        chunk = await self._chunks.get()
        if chunk and self._chunks.qsize() < _CHUNKS_AHEAD:
            self._pipe().resume_reading()
        return chunk

    def _pipe(self) -> asyncio.ReadTransport:
        return cast(asyncio.ReadTransport, self.transport.get_pipe_transport(1))


class LineSplitter:
    """Bytes in, lines out.

    A line ends at LF; a CR before it goes; a line longer than 40 KiB comes in pieces. Bytes that
    begin a character without completing it wait for the next line; invalid ones become U+FFFD.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, data: bytes) -> list[str]:
        """The lines that `data` completes."""
        self._rest += data
        *complete, unfinished = self._rest.split(b"\n")
        lines = []
        for line in complete:
            lines += self._pieces(line.removesuffix(b"\r"))
        whole = len(unfinished) - len(unfinished) % _LONGEST_LINE_BYTES
        if whole:
            lines += self._pieces(unfinished[:whole])
        self._rest = unfinished[whole:]
        return lines

    def end(self) -> list[str]:
        """What is left when no more bytes come."""
        last = self._decoder.decode(bytes(self._rest), final=True)
        self._rest = bytearray()
        return [last] if last else []

    def _pieces(self, line: bytearray) -> list[str]:
        starts = range(0, max(len(line), 1), _LONGEST_LINE_BYTES)
        return [self._decoder.decode(line[at : at + _LONGEST_LINE_BYTES]) for at in starts]


async def _start(argv: Sequence[str], cwd: Path | None, env: Mapping[str, str] | None) -> _Child:
    """Start the program. The system's refusals become sentences."""
    try:
        _, child = await asyncio.get_running_loop().subprocess_exec(
            _Child,
            *argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=env,
            **_own_group(),
        )
    except (OSError, ValueError) as error:
        raise CannotStart(_why_not(argv[0], error)) from error
    return child


def _why_not(name: str, error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        if "/" in name or "\\" in name:
            return f'cannot start "{name}": no such file or directory on this machine'
        return f'cannot start "{name}": executable file not found in $PATH of this machine'
    reason = error.strerror if isinstance(error, OSError) else None
    return f'cannot start "{name}": {(reason or str(error)).lower()}'


async def _listen(child: _Child, on_line: Callable[[str], Awaitable[None]], grace_s: float) -> None:
    """Hand on all lines until the process has ended and nobody writes any more."""
    splitter = LineSplitter()
    end_of_output = False
    while not (end_of_output and child.exited.done()):
        try:
            async with asyncio.timeout(_SILENCE_S if child.exited.done() else None):
                chunk = await child.next_chunk()
        except TimeoutError:
            break
        if chunk is None:
            # Helpers it left running would hold the pipe, and us, for as long as they like.
            await _end(child, grace_s)
        elif not chunk:
            end_of_output = True
        else:
            for line in splitter.feed(chunk):
                await on_line(line)
    for line in splitter.end():
        await on_line(line)


async def _end(child: _Child, grace_s: float) -> None:
    """See to it, once, that the program and its group are gone."""
    if child.group_ended:
        return
    await _end_group(child.pid, grace_s)
    with suppress(TimeoutError):
        async with asyncio.timeout(_KILL_WAIT_S):
            await asyncio.shield(child.exited)
    child.group_ended = True


if sys.platform == "win32":

    def _own_group() -> dict[str, Any]:
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}

    async def _end_group(pid: int, grace_s: float) -> None:
        """End the process with its descendants, politely first."""
        await asyncio.to_thread(_end_tree, pid, grace_s)

    def _end_tree(pid: int, grace_s: float) -> None:
        try:
            leader = psutil.Process(pid)
            tree = [*leader.children(recursive=True), leader]
        except psutil.Error:
            return
        for process in tree:
            with suppress(psutil.Error):
                process.terminate()
        for process in psutil.wait_procs(tree, timeout=grace_s)[1]:
            with suppress(psutil.Error):
                process.kill()

else:

    def _own_group() -> dict[str, Any]:
        return {"start_new_session": True}

    async def _end_group(pid: int, grace_s: float) -> None:
        """End every process of the group, politely first."""
        try:
            polls = round(grace_s / _POLL_S)
            alive = _signal_group(pid, signal.SIGTERM)
            while alive and polls > 0:
                await asyncio.sleep(_POLL_S)
                polls -= 1
                alive = _signal_group(pid, 0)
        finally:  # also when cancelled once more
            _signal_group(pid, signal.SIGKILL)

    def _signal_group(pid: int, number: int) -> bool:
        """Whether there was anyone left in the group to receive it."""
        try:
            os.killpg(pid, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True
