"""The only module that reads the time, and the one source of luck.

Is: wall time, steady time, hybrid stamps and fresh ids. Is not: a scheduler. Everything else gets
instants as parameters, so that tests and replicas decide by the same clock.
"""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime

from flamenco_p2p.farm.ids import AttemptId, JobId, RequestId, WorkerId, new_job_id, timed_id


def now_ms() -> int:
    """Return wall time, milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def steady_s() -> float:
    """Return monotonic seconds: for durations and time-outs, never shown to anybody."""
    return time.monotonic()


def local_now() -> datetime:
    """Return the aware local time of this machine."""
    return datetime.now(UTC).astimezone()  # noqa: TID251 -- this is the clock


def instant(milliseconds: int) -> datetime:
    """Return the aware UTC instant of replicated milliseconds."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


class HybridClock:
    """Stamps that follow the wall clock and never go back: milliseconds << 16 | count."""

    def __init__(self, last: int = 0) -> None:
        self._last = last

    def stamp(self) -> int:
        """Return a stamp greater than every stamp before."""
        self._last = max(now_ms() << 16, self._last + 1)
        return self._last

    def seen(self, stamp: int) -> None:
        """Go on from another node's, or an earlier life's, stamp."""
        self._last = max(self._last, stamp)


class _Luck:
    """Random bytes, drawn from the system a page at a time: each draw costs 30 µs."""

    def __init__(self) -> None:
        self._drawn = b""

    def take(self, count: int) -> bytes:
        """Return so many random bytes, each given out once."""
        if len(self._drawn) < count:
            self._drawn = secrets.token_bytes(4096)
        taken, self._drawn = self._drawn[:count], self._drawn[count:]
        return taken


_luck = _Luck()


def fresh_job_id() -> JobId:
    """Mint a job id, at the door."""
    return new_job_id(now_ms(), _luck.take(10))


def fresh_worker_id() -> WorkerId:
    """Mint a worker id, at the door."""
    return WorkerId(timed_id(now_ms(), _luck.take(10)))


def fresh_attempt_id() -> AttemptId:
    """Mint an attempt id; later ones sort later."""
    return AttemptId(timed_id(now_ms(), _luck.take(10)))


def fresh_request_id() -> RequestId:
    """Mint a request id, at the door."""
    return RequestId(_luck.take(16))
