"""One life: open everything, check it, then change the farm until killed.

Is: what the forked child does. Is not: when it dies, or what is done to its files afterwards.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import traceback
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random

from flamenco_p2p.bus import Bus
from flamenco_p2p.cluster import writer
from flamenco_p2p.cluster.replica import Replica
from flamenco_p2p.farm.ids import NodeId
from flamenco_p2p.store.farm_reads import FarmReads
from tests.restarts.ledger import Ledger, Record, Standing, Wrong, encode
from tests.restarts.load import Proposer
from tests.restarts.witness import look, look_closely

HERE = NodeId(b"the restarted 16")
PROPOSERS = 5
NEVER = 10**9


@dataclass(frozen=True, slots=True)
class Fate:
    """What is special about a life. `entries`: of the log between two checkpoints."""

    luck: str
    entries: int
    kept: int
    closely: bool = False
    power_cut: bool = False
    last: bool = False


def live(folder: Path, ledger: Ledger, fate: Fate, pipe: int) -> None:
    """Live until killed (or, the last life: until checked); tell the pipe everything."""

    def tell(record: Record) -> None:
        ledger.note(record)
        data = encode(record)
        message = memoryview(len(data).to_bytes(4, "big") + data)
        while message:
            message = message[os.write(pipe, message) :]

    # Checkpoints and cuts as often in a moment as otherwise in an hour.
    writer.ENTRIES_PER_CHECKPOINT = NEVER if fate.power_cut else fate.entries
    writer.BYTES_PER_CHECKPOINT = NEVER
    writer.ENTRIES_KEPT = fate.kept
    try:
        asyncio.run(_live(folder, ledger, fate, tell))
    except BaseException:
        tell(Wrong(traceback.format_exc()))


async def _live(folder: Path, ledger: Ledger, fate: Fate, tell: Callable[[Record], None]) -> None:
    replica = Replica(folder, HERE, Bus())
    await replica.start(farm_name="restarts", node_name="here", public_key=bytes(32))
    (look_closely if fate.closely else look)(folder, ledger)
    if fate.last:
        await replica.stop()
        look_closely(folder, ledger)
        tell(Standing())
        return
    if fate.power_cut:
        _checkpoint(folder / "farm.db")
    tell(Standing())
    reads = FarmReads(folder / "farm.db")
    async with asyncio.TaskGroup() as group:
        for number in range(PROPOSERS):
            luck = Random(f"{fate.luck}/{number}")
            group.create_task(Proposer(number, luck, replica, reads, ledger, tell).run())


def _checkpoint(path: Path) -> None:
    """Bring everything into the main file, so that what a power cut may take is of this life."""
    with closing(sqlite3.connect(path)) as db:
        busy, *_ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert not busy
