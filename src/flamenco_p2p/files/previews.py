"""Preview pictures: what a job rendered last, in three sizes.

Is: decoding a worker's picture and writing three JPEGs, in a thread, a few at a time. Is not: the
rendered frames, which are the artist's and are never touched here.
"""

from __future__ import annotations

import asyncio
import io
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from flamenco_p2p.bus import Bus
from flamenco_p2p.farm.errors import NotYet
from flamenco_p2p.farm.events import LastRendered
from flamenco_p2p.farm.ids import JobId, read_id
from flamenco_p2p.files.layout import JobFiles
from flamenco_p2p.wire.job_files import PREVIEWS as PREVIEW_NAMES

log = logging.getLogger(__name__)

SIZES = ((1920, 1080), (600, 338), (200, 112))
QUALITY = 85
MOST_WAITING = 3
MOST_BYTES = 25 * 1024 * 1024


class QueueFull(NotYet):
    """Too many pictures wait already; this one is not needed."""

    status = 429


class Previews:
    """The last rendered pictures of all jobs on this node."""

    def __init__(self, files: JobFiles, bus: Bus) -> None:
        self._files = files
        self._bus = bus
        self._thread = ThreadPoolExecutor(1, "previews")
        self._waiting = 0
        self.last_job: JobId | None = None

    def load(self) -> None:
        """Find the job that rendered last in an earlier life. Blocks; call it in a thread."""
        newest = 0.0
        for path in self._files.root.glob(f"job-*/*/{PREVIEW_NAMES[-1]}"):
            if (written := path.stat().st_mtime) > newest:
                newest = written
                self.last_job = _job_of(path)

    def expect(self) -> None:
        """Raise `QueueFull` if a picture that came now would not be taken."""
        if self._waiting >= MOST_WAITING:
            raise QueueFull("Several pictures are being made smaller already; this one is skipped.")

    def take(self, job: JobId, picture: bytes) -> None:
        """Start to make previews of a picture (PNG or JPEG). Raises `QueueFull`."""
        self.expect()
        self._waiting += 1
        folder = self._files.folder(job)
        made = asyncio.get_running_loop().run_in_executor(self._thread, _make, folder, picture)
        made.add_done_callback(lambda done: self._made(job, done))

    def _made(self, job: JobId, done: asyncio.Future[bool]) -> None:
        self._waiting -= 1
        if not done.cancelled() and done.exception() is None and done.result():
            self.last_job = job
            self._bus.tell([LastRendered(job=job)])

    async def has(self, job: JobId) -> bool:
        """Say whether the job has previews."""
        tiny = self._files.folder(job) / PREVIEW_NAMES[-1]
        return await asyncio.get_running_loop().run_in_executor(self._thread, tiny.exists)

    async def close(self) -> None:
        """Finish what was begun."""
        await asyncio.to_thread(self._thread.shutdown)


def _job_of(path: Path) -> JobId | None:
    raw = read_id(path.parent.name)
    return None if raw is None else JobId(raw)


def _make(folder: Path, picture: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(picture), formats=("PNG", "JPEG")) as opened:
            image = opened.convert("RGB")
        folder.mkdir(parents=True, exist_ok=True)
        for name, size in zip(PREVIEW_NAMES, SIZES, strict=True):
            image.thumbnail(size, Image.Resampling.LANCZOS)
            part = folder / f"{name}.part"
            image.save(part, "JPEG", quality=QUALITY)
            part.replace(folder / name)
    except Exception as error:  # there is no end to what a stranger's picture can do to a decoder
        log.warning("a preview could not be made: %s", error)
        return False
    return True
