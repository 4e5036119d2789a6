"""A disk that can be full.

Is: a folder of a few megabytes of its own (tmpfs, as root), or else a limit on how large this
process may make files; both make SQLite meet a real failure to write. Is not: a mock.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SIZE_MIB = 8


class SmallDisk:
    """A folder on a disk that `fill` fills and `free` frees."""

    def __init__(self, folder: Path, *, mounted: bool) -> None:
        self.folder = folder
        self._mounted = mounted
        self._ballast = folder / "ballast"
        self._limit: tuple[int, int] | None = None

    def fill(self) -> None:
        """Leave no room."""
        if not self._mounted:
            import resource

            self._limit = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, self._limit[1]))
            return
        with self._ballast.open("wb", buffering=0) as file:
            for size in (65536, 1):
                try:
                    while file.write(bytes(size)):
                        pass
                except OSError:
                    continue

    def free(self) -> None:
        """Make room again."""
        self._ballast.unlink(missing_ok=True)
        if self._limit is not None:
            import resource

            resource.setrlimit(resource.RLIMIT_FSIZE, self._limit)
            self._limit = None


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    """Mount a small disk in a folder, if this process may; else limit what files may grow to."""
    folder.mkdir()
    size = f"size={SIZE_MIB}m"
    mount = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, check=False).returncode == 0
    disk = SmallDisk(folder, mounted=mounted)
    try:
        yield disk
    finally:
        disk.free()
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)
