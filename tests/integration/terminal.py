"""The program as a person uses it: a node and commands as processes of their own.

Is: starting them, ending them, reading what they say. Is not: the API (api/talk).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flamenco_p2p.shipped import shipped_folder
from tests.integration.running import ROOT

LIMIT_S = 90
ORRERY = shipped_folder("examples") / "orrery.blend"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "flamenco_p2p.cli", *arguments]


def environment(data_dir: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if "FLAMENCO" not in key}
    return {**kept, "PYTHONPATH": str(ROOT / "src"), "FLAMENCO_P2P_DATA_DIR": str(data_dir)}


class Farm:
    """A data folder, the node that runs in it, and commands that find it there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.node: subprocess.Popen[str] | None = None
        self.first_words: list[str] = []

    def start(self, *options: str) -> None:
        """Start a node; return when it has said all it says at the start."""
        self.node = subprocess.Popen(
            command("--host", "127.0.0.1", "--port", "0", "--name", "anna", *options),
            env=environment(self.data_dir),
            cwd=self.folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert self.node.stdout is not None
        self.first_words = []
        for line in self.node.stdout:
            self.first_words.append(line)
            if line.startswith("Submit a scene"):
                return
        pytest.fail("".join(self.first_words))

    def stop(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """End the node; return its status and its last words."""
        assert self.node is not None
        self.node.send_signal(how)
        said, _ = self.node.communicate(timeout=LIMIT_S)
        node, self.node = self.node, None
        return node.returncode, said

    def run(self, *arguments: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        done = subprocess.run(
            command(*arguments),
            env=environment(self.data_dir),
            cwd=self.folder,
            text=True,
            capture_output=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert done.returncode == expect, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    @contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Run a command beside other things; its output is one stream."""
        process = subprocess.Popen(
            command(*arguments),
            env=environment(self.data_dir),
            cwd=self.folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()


def read_until(process: subprocess.Popen[str], words: str) -> None:
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if words in line:
            return
    pytest.fail(f"“{words}” was never said:\n{''.join(seen)}")
