"""Programs run in a group of their own and leave nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flamenco_p2p.worker import process
from flamenco_p2p.worker.process import CannotStart, LineSplitter


class Ears:
    """Hears lines; `when_heard` is set once `wanted` of them have come."""

    def __init__(self, wanted: int = 1) -> None:
        self.lines: list[str] = []
        self.started: list[int] = []
        self.ended: list[int] = []
        self.enough = asyncio.Event()
        self._wanted = wanted

    async def on_line(self, line: str) -> None:
        self.lines.append(line)
        if len(self.lines) >= self._wanted:
            self.enough.set()

    async def run(self, *argv: str) -> int:
        return await process.run(
            argv, on_line=self.on_line, on_start=self.started.append, on_end=self.ended.append
        )


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - what ends elsewhere cannot set an event here
            await asyncio.sleep(0.01)


async def test_output_of_both_kinds_arrives_in_order_while_the_program_runs(
    tmp_path: Path,
) -> None:
    gate = tmp_path / "gate"
    ears = Ears(wanted=2)
    script = f'echo out; echo err >&2; while ! [ -e "{gate}" ]; do sleep 0.02; done; echo end'
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(ears.run("sh", "-c", script))
        await ears.enough.wait()
        assert ears.lines == ["out", "err"]
        assert not running.done()
        gate.touch()
    assert running.result() == 0
    assert ears.lines == ["out", "err", "end"]
    assert ears.started == ears.ended


async def test_a_program_gets_no_standard_input() -> None:
    ears = Ears()
    assert await ears.run("cat") == 0


@pytest.mark.parametrize(("script", "status"), [("exit 3", 3), ("kill -9 $$", -9)])
async def test_the_exit_status_tells_of_codes_and_signals(script: str, status: int) -> None:
    assert await Ears().run("sh", "-c", script) == status


async def test_cancelling_a_shell_ends_its_grandchild_too() -> None:
    ears = Ears()
    running = asyncio.Task(ears.run("sh", "-c", "sleep 1000 & echo $!; wait"))
    await ears.enough.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert gone(ears.started[0])
    await until(lambda: gone(int(ears.lines[0])))
    assert ears.ended == ears.started


async def test_a_program_that_ignores_polite_requests_is_killed() -> None:
    ears = Ears()
    script = "trap '' TERM; echo deaf; while true; do sleep 0.05; done"
    running = asyncio.Task(ears.run("sh", "-c", script))
    await ears.enough.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert gone(ears.started[0])


async def test_a_grandchild_that_holds_the_pipe_is_ended_with_its_parent() -> None:
    ears = Ears()
    assert await ears.run("sh", "-c", "sleep 1000 & echo $!; exit 0") == 0
    await until(lambda: gone(int(ears.lines[0])))


async def test_a_stranger_that_holds_the_pipe_does_not_hold_us() -> None:
    ears = Ears()
    script = "import subprocess as s; print(s.Popen(['sleep', '1000'], start_new_session=True).pid)"
    assert await ears.run(sys.executable, "-c", script) == 0
    os.kill(int(ears.lines[0]), signal.SIGKILL)


async def test_when_a_listener_fails_the_program_is_ended() -> None:
    started: list[int] = []

    async def fail(_line: str) -> None:
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        await process.run(
            ("sh", "-c", "echo hello; exec sleep 1000"),
            on_line=fail,
            on_start=started.append,
            on_end=started.append,
        )
    assert gone(started[0])


async def test_much_output_arrives_completely_at_a_slow_listener() -> None:
    count = 0

    async def slow(_line: str) -> None:
        nonlocal count
        count += 1
        await asyncio.sleep(0)

    script = "for i in range(200_000): print('x' * 20, i)"
    status = await process.run(
        (sys.executable, "-c", script), on_line=slow, on_start=lambda _: None, on_end=lambda _: None
    )
    assert (status, count) == (0, 200_000)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("no-such-program", "executable file not found in $PATH"),
        ("/no/such/program", "no such file or directory"),
        ("/etc", "permission denied"),
    ],
)
async def test_a_program_that_cannot_be_started_is_named_with_the_reason(
    name: str, says: str
) -> None:
    with pytest.raises(CannotStart, match=says.replace("$", r"\$")) as failure:
        await Ears().run(name)
    assert f'"{name}"' in str(failure.value)


async def test_orphans_of_a_crashed_daemon_are_ended_but_strangers_are_not() -> None:
    sleep_long = ("sleep", "1000")
    orphan = await asyncio.create_subprocess_exec(*sleep_long, start_new_session=True)
    stranger = await asyncio.create_subprocess_exec(*sleep_long, start_new_session=True)
    try:
        ours = await asyncio.to_thread(process.identity, orphan.pid)
        theirs = await asyncio.to_thread(process.identity, stranger.pid)
        assert ours is not None
        assert theirs is not None
        reused = (theirs[0], theirs[1] - 3600)
        assert await process.end_orphans([ours, reused]) == [orphan.pid]
        assert await orphan.wait() == -signal.SIGTERM
        assert not gone(stranger.pid)
    finally:
        stranger.kill()
        await stranger.wait()


async def test_nothing_happens_to_an_orphan_that_has_ended_by_itself() -> None:
    assert await asyncio.to_thread(process.identity, 2**22 + 1) is None
    assert await process.end_orphans([(2**22 + 1, 0.0)]) == []


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        ([b"a\r\nb\n\nlast"], ["a", "b", "", "last"]),
        ([b"one ", b"li", b"ne\n"], ["one line"]),
        (["č\n".encode()[:1], "č\n".encode()[1:]], ["č"]),
        ([b"caf\xe9\nnext\n"], ["caf", "\ufffdnext"]),
        ([b"a\xffb\n"], ["a\ufffdb"]),
        ([b"caf\xc3"], ["caf\ufffd"]),
        ([], []),
    ],
)
def test_bytes_become_lines(chunks: list[bytes], lines: list[str]) -> None:
    splitter = LineSplitter()
    assert [line for chunk in chunks for line in splitter.feed(chunk)] + splitter.end() == lines


@pytest.mark.parametrize("end", [b"\n", b""])
def test_c99_a_long_line_comes_in_two_pieces_without_a_broken_character(end: bytes) -> None:
    text = "€" * (41_000 // 3)
    splitter = LineSplitter()
    pieces = splitter.feed(text.encode() + end) + splitter.end()
    assert len(pieces) == 2
    assert "".join(pieces) == text


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=20)),
    st.integers(1, 9),
)
def test_lines_are_the_same_however_the_bytes_arrive(lines: list[str], size: int) -> None:
    data = "".join(f"{line}\n" for line in lines).encode()
    splitter = LineSplitter()
    heard = [
        line for at in range(0, len(data), size) for line in splitter.feed(data[at : at + size])
    ]
    assert heard + splitter.end() == lines
