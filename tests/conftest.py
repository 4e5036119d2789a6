"""What holds for every test: the event loop never blocks, and nothing is left behind.

Is: three checks that surround each test, and the rule for what is missing on this machine: tests
that need a Blender are skipped by name; with CI=true nothing may be skipped. Is not: a farm.
"""

from __future__ import annotations

import gc
import os
import shutil
import socket
import sys
import threading
import time
import traceback
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import blockbuster.blockbuster as watched_calls
import psutil
import pytest

TIME_TO_END_S = 3.0

# --- the event loop does not block


class BlockingError(watched_calls.BlockingError):
    """Remembers that it was raised, for the code that blocks may catch it."""

    raised: list[str] = []  # noqa: RUF012 -- emptied by each test

    def __init__(self, func: str) -> None:
        super().__init__(func)
        frames = [f for f in traceback.extract_stack() if "flamenco_p2p" in f.filename]
        place = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
        self.raised.append(f"{func}{place}")


@pytest.fixture(scope="session", autouse=True)
def _watch_event_loops() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watched_calls, "BlockingError", BlockingError)
        with watched_calls.blockbuster_ctx(["flamenco_p2p"]) as watch:
            for function in watch.functions.values():
                function.can_block_in("/logging/__init__.py", "emit")
            # shutil asks which functions of `os` can do what; the watched ones still can.
            for able in (os.supports_follow_symlinks, os.supports_dir_fd, os.supports_fd):
                able.update(
                    getattr(os, function.func_name)
                    for function in watch.functions.values()
                    if function.original_func in able
                )
            yield


@pytest.fixture(autouse=True)
def _the_event_loop_never_blocks() -> Iterator[None]:
    """Fail a test in which our code waited for a file, SQLite, a lock or `sleep` on a loop."""
    BlockingError.raised.clear()
    yield
    assert not BlockingError.raised, f"the event loop was blocked by {BlockingError.raised}"


# --- nothing is left behind


def _children() -> set[int]:
    if sys.platform != "linux":
        return {child.pid for child in psutil.Process().children()}
    found = set()
    for task in Path("/proc/self/task").iterdir():
        try:
            found |= {int(pid) for pid in (task / "children").read_text().split()}
        except OSError:
            continue  # the thread has just ended
    return found


def _listening() -> set[tuple[str, int]]:
    connections = psutil.Process().net_connections(kind="inet")
    return {(c.laddr.ip, c.laddr.port) for c in connections if c.status == psutil.CONN_LISTEN}


def _running() -> set[object]:
    threads = {f"thread {t.name} {t.ident}" for t in threading.enumerate()}
    children = {f"child process {pid}" for pid in _children()}
    return threads | children | {f"listening socket {address}" for address in _listening()}


@contextmanager
def leaving_nothing_behind() -> Iterator[None]:
    """Fail if a thread, child process or listening socket is there that was not there before."""
    before = _running()
    yield
    gc.unfreeze()  # a node hides what it made from the collector
    deadline = time.monotonic() + TIME_TO_END_S
    while (left := _running() - before) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not left, f"left behind: {sorted(map(str, left))}"


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Fail a test that leaves something running."""
    with leaving_nothing_behind():
        yield


# --- what may be skipped


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip by name what needs Blender's program, which only root can install, where it is not."""
    if shutil.which("blender") is not None:
        return
    for item in items:
        if item.get_closest_marker("blender") is not None:
            item.add_marker(pytest.mark.skip(reason="Blender is not installed"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With CI=true nothing may be skipped."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI=true forbids: {report.longrepr}"
    return report


@pytest.fixture
def free_port() -> int:
    """A port of this machine that nobody serves on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
