"""Running a command of this repository as its own process.

Is: the process, its environment, its words. Is not: a node.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run_module(name: str, *arguments: str, within_s: float = 60) -> str:
    """Run `python -m name` and return what it said; fail with all of it if it fails."""
    paths = [str(ROOT), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-m", name, *arguments],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=within_s, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout
