"""The programs this worker has running, so that a next life can end what a crash left behind.

Is: a file with their ids and births, kept true. Is not: starting or ending them while we live
(process).
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from flamenco_p2p.worker import process
from flamenco_p2p.worker.identity import write_whole

log = logging.getLogger(__name__)

_NAME: Final = "running.json"


class Children:
    """`started` and `ended` return at once; `keep_record` does the writing."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _NAME
        self._alive: set[int] = set()
        self._changed = asyncio.Event()

    def started(self, pid: int) -> None:
        """This program runs."""
        self._alive.add(pid)
        self._changed.set()

    def ended(self, pid: int) -> None:
        """It does no longer."""
        self._alive.discard(pid)
        self._changed.set()

    async def keep_record(self) -> None:
        """Write down who runs, whenever that changes, until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await asyncio.to_thread(self._write, sorted(self._alive))
            except OSError as error:
                log.warning("%s cannot be written: %s", self._path, error)

    async def end_orphans(self) -> None:
        """End what the record of a previous life names and is still there."""
        children = await asyncio.to_thread(self._read)
        for pid in await process.end_orphans(children):
            log.info("ended process %d, which a previous run of this worker had started", pid)
        with suppress(OSError):
            await asyncio.to_thread(self._path.unlink, missing_ok=True)

    def _write(self, alive: list[int]) -> None:
        identities = [found for pid in alive if (found := process.identity(pid))]
        write_whole(self._path, msgspec.json.encode(identities))

    def _read(self) -> list[tuple[int, float]]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=list[tuple[int, float]])
        except FileNotFoundError:
            return []
        except (OSError, msgspec.DecodeError) as error:
            log.warning("%s cannot be read: %s", self._path, error)
            return []
