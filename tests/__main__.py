"""`python -m tests`: the one command.

Is: format, lint, types, floors and the quick tests; `--all` adds everything that needs sockets,
processes, Blender or FFmpeg, and installs what of these is missing (on Debian and its like, as root
or through sudo). Other arguments go to pytest. Is not: a place for settings (pyproject.toml).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from flamenco_p2p.worker.programs import LIBRARIES_DEBIAN

ROOT = Path(__file__).parent.parent
CHECKS = (
    ("ruff", "format", "--check", "--quiet", "."),
    ("ruff", "check", "--quiet", "."),
    ("mypy", "--no-error-summary"),
    ("lint-imports", "--no-logo"),
)
QUICK = ("tests/unit", "tests/jobtypes")
THOROUGH = ("tests/integration",)
PACKAGES = {"blender": "blender", "ffmpeg": "ffmpeg"}


def main() -> int:
    """Run the checks, then the tests; return 0 if everything is well."""
    arguments = sys.argv[1:]
    everything = "--all" in arguments
    if everything:
        arguments.remove("--all")
        install_missing()
    for check in CHECKS:
        tool = Path(sys.executable).with_name(check[0])
        print("·", *check, flush=True)  # noqa: T201 -- this is a command
        if (failed := subprocess.run([str(tool), *check[1:]], cwd=ROOT, check=False)).returncode:
            return failed.returncode
    where = [a for a in arguments if not a.startswith("-")]
    tests = where or [*QUICK, *(THOROUGH if everything else ())]
    options = [a for a in arguments if a.startswith("-")]
    pytest = [sys.executable, "-m", "pytest", *options, *tests]
    return subprocess.run(pytest, cwd=ROOT, check=False).returncode


def install_missing() -> None:
    """Install the programs that tests need; what cannot be installed is skipped by name there."""
    missing = [package for program, package in PACKAGES.items() if shutil.which(program) is None]
    embedded = [sys.executable, "-c", "import bpy"]
    if find_spec("bpy") and subprocess.run(embedded, check=False, capture_output=True).returncode:
        missing += LIBRARIES_DEBIAN.split()  # the wheel is here, but not what it needs
    apt = shutil.which("apt-get")
    if not missing or apt is None:
        return
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if prefix and shutil.which("sudo") is None:
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["update", "-qq"],
        ["install", "-y", "-qq", "--no-install-recommends", *missing],
    ):
        subprocess.run(
            [*prefix, apt, *command], check=False, env=environment, stdout=subprocess.DEVNULL
        )


if __name__ == "__main__":
    sys.exit(main())
