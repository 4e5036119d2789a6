"""Starts lives, ends them, and keeps the ledger.

Is: one process without threads that forks lives in the same folder, one after the other. Is not:
what they do.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.restarts.ledger import Answered, Ledger, Record, Standing, Wrong, decode
from tests.restarts.life import Fate, live

CLOSELY_EVERY = 50
START_WITHIN_S = 60.0
PIECE = 1 << 16


class Failed(Exception):
    """Something acknowledged is not there any more, or a life broke."""


class Killer:
    """Ends life after life. `seed` fixes what is tried and when it ends, as far as time allows."""

    def __init__(self, folder: Path, seed: int, *, power_cuts: float) -> None:
        """`power_cuts`: which share of the lives ends with one."""
        self._folder = folder
        self._share = power_cuts
        self._seed = seed
        self.ledger = Ledger()
        self.stood = self.fell_at_start = self.power_cuts = 0

    def run(self, count: int, say: Callable[[str], None]) -> None:
        """Begin and end so many lives, then look at what is left. Raises `Failed`."""
        for number in range(1, count + 1):
            self._one_life(number)
            if number % 100 == 0:
                say(f"{number} lives, {self.ledger.acknowledged:,} acknowledgements")
        self._last_life(count + 1)

    def _one_life(self, number: int) -> None:
        luck = Random(f"{self._seed}/{number}")
        closely = number % CLOSELY_EVERY == 0
        fate = Fate(
            luck=f"{self._seed}/{number}",
            entries=luck.choice((1, 3, 10, 30, 100)),
            kept=luck.choice((0, 1, 20)),
            closely=closely,
            power_cut=not closely and luck.random() < self._share,
        )
        at_start = luck.random() < 0.2 and not fate.power_cut
        delay_s = luck.uniform(0, 0.03) if at_start else luck.uniform(0, 0.15)
        child, pipe = self._fork(fate)
        with Listener(pipe, self.ledger) as listener:
            if not at_start:
                listener.listen(lambda: listener.acknowledged > 0, START_WITHIN_S)
            listener.listen(lambda: listener.over, delay_s)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            listener.listen(lambda: listener.over, START_WITHIN_S)
        self.ledger.forget_open()
        if listener.wrong or not (at_start or listener.acknowledged):
            raise Failed(f"life {number}: {listener.wrong or 'nothing was answered'}")
        self.stood += listener.standing
        self.fell_at_start += not listener.standing
        if fate.power_cut:
            self._cut_power(luck)

    def _last_life(self, number: int) -> None:
        child, pipe = self._fork(Fate(f"{self._seed}/{number}", 100, 20, closely=True, last=True))
        with Listener(pipe, self.ledger) as listener:
            listener.listen(lambda: listener.over, START_WITHIN_S)
            os.waitpid(child, 0)
        if not listener.standing or listener.wrong:
            raise Failed(f"after the last life: {listener.wrong or 'it did not start'}")

    def _fork(self, fate: Fate) -> tuple[int, int]:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.close(reading)
                live(self._folder, self.ledger, fate, writing)
            finally:
                os._exit(0)
        os.close(writing)
        return child, reading

    def _cut_power(self, luck: Random) -> None:
        """Take from `farm.db` what was not forced to the disk: all since the checkpoint, or some.

        What is left of its WAL is a piece from the front; `raft.db` waits for the disk each time,
        so it loses nothing.
        """
        self.power_cuts += 1
        wal = self._folder / "farm.db-wal"
        (self._folder / "farm.db-shm").unlink(missing_ok=True)
        if luck.random() < 0.5:
            wal.unlink(missing_ok=True)
        elif wal.exists():
            os.truncate(wal, luck.randint(0, wal.stat().st_size))


class Listener:
    """Reads what a life tells."""

    def __init__(self, pipe: int, ledger: Ledger) -> None:
        self._pipe = pipe
        self._ledger = ledger
        self._buffer = bytearray()
        self.standing = self.over = False
        self.wrong = ""
        self.acknowledged = 0

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._pipe)

    def listen(self, enough: Callable[[], bool], seconds: float) -> None:
        """Take records in until that holds, the time is up or the life is over."""
        until = time.monotonic() + seconds
        while not enough() and not self.over:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._pipe], [], [], left)[0]:
                return
            data = os.read(self._pipe, PIECE)
            self.over = not data
            self._buffer += data
            self._take_records()

    def _take_records(self) -> None:
        start = 0
        while len(self._buffer) >= start + 4:
            end = start + 4 + int.from_bytes(self._buffer[start : start + 4], "big")
            if len(self._buffer) < end:
                break
            self._take(decode(self._buffer[start + 4 : end]))
            start = end
        del self._buffer[:start]

    def _take(self, record: Record) -> None:
        self._ledger.note(record)
        match record:
            case Standing():
                self.standing = True
            case Wrong(what=what):
                self.wrong = self.wrong or what
            case Answered():
                self.acknowledged += 1
            case _:
                pass
