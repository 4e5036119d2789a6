"""Updates on their way to the farm: in order, and none lost that matters.

Is: sending at once while that works, keeping on disk while it does not, and delivering later. Is
not: what updates say (reports), or the table (store/outbox).

The farm answers an update with "got it", "no longer yours" (409) or a refusal, or does not answer.
Only the last one, and troubles of the farm's own, lead to another try. While anything waits on
disk, everything newer waits behind it. How a run ended is on disk before it is first sent, and
stays there until the farm has said that it knows, or that nobody wants to know.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any, Final, ParamSpec, Self, TypeVar

import msgspec

from flamenco_p2p.client.errors import FarmSaid
from flamenco_p2p.farm.errors import FarmError
from flamenco_p2p.store.outbox import KeptUpdate, OutboxStore, Update

log = logging.getLogger(__name__)

_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 10.0
_TRIES_AGAINST_FAULTS: Final = 5
"""How often an update may meet a fault of the farm (500) before it stops holding up the others."""

_MOST_KEPT: Final = 10_000
"""Log lines of an outage that lasts longer than this are lost, rather than the disk filled up."""

P = ParamSpec("P")
T = TypeVar("T")


class Verdict(Enum):
    """What became of an update."""

    DELIVERED = "delivered"
    KEPT = "kept"  # on disk, to be delivered later
    REASSIGNED = "reassigned"  # the task is no longer this worker's
    REFUSED = "refused"  # and will never be taken
    LOST = "lost"  # neither farm nor disk took it; never said of how a run ended


class _Try(Enum):
    NO_ANSWER = "no answer"
    FAULT = "fault"  # the farm's own; the same update may fail again


class Outbox:
    """To be used as `async with`; between that, updates are delivered in the background."""

    def __init__(self, path: Path, post: Callable[[str, bytes], Awaitable[None]]) -> None:
        """`post` sends one update (task, JSON body) and raises what a `WorkerClient` raises."""
        self._path = path
        self._post = post
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="outbox")
        self._order = asyncio.Lock()
        self._tasks = asyncio.TaskGroup()
        self._running: set[asyncio.Task[Any]] = set()
        self._waiting = 0  # on disk, and to be delivered in the background
        self._tried, self._faults = 0, 0  # the update that is first in line, and what it met
        self._work = asyncio.Event()
        self._hurry = asyncio.Event()
        self._empty = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._store = await self._in_thread(OutboxStore, self._path)
        self._wait_for(await self._in_thread(self._store.count))
        await self._tasks.__aenter__()
        _ = self._run(self._deliver_for_ever())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            for task in self._running:
                task.cancel()
            await self._tasks.__aexit__(kind, error, trace)
        finally:
            await self._in_thread(self._store.close)
            self._thread.shutdown(wait=False)  # it has nothing left to do

    async def send(self, update: Update) -> Verdict:
        """Deliver the update, or keep it for later. Goes on even if the caller is cancelled."""
        return await asyncio.shield(self._run(self._send(update)))

    async def delivered(self) -> None:
        """Return when nothing is left to be delivered; try at once, and again and again."""
        async with self._order:
            self._hurry.set()
        await self._empty.wait()

    async def begin_run(self, run: str) -> frozenset[str]:
        """Return the files that this run had finished when this worker died in it."""
        try:
            return frozenset(await self._in_thread(self._store.begin_run, run))
        except sqlite3.Error as error:
            log.warning("what run %s had finished is not known: %s", run, error)
            return frozenset()

    async def add_finished_file(self, run: str, path: str) -> None:
        """Remember it for `begin_run`."""
        try:
            await self._in_thread(self._store.add_finished_file, run, path)
        except sqlite3.Error as error:
            log.warning("that %s is finished will not survive a crash: %s", path, error)

    def _run(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = self._tasks.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _send(self, update: Update) -> Verdict:
        async with self._order:
            while True:
                verdict = await self._send_or_keep(update)
                if verdict is not Verdict.LOST or not update.final:
                    return verdict
                # Neither a farm nor a disk: the next task may wait until this one's end is safe.
                await asyncio.sleep(_LONGEST_PAUSE_S)

    async def _send_or_keep(self, update: Update) -> Verdict:
        if self._waiting:
            return Verdict.LOST if await self._keep(update) is None else self._kept()
        # Its end is on disk before it is sent; without room there, sending it is all we can do.
        kept_id = await self._keep(update, may_have_arrived=True) if update.final else None
        try:
            outcome = await self._try(update, again=False)
        except asyncio.CancelledError:  # this program ends
            if kept_id is None:
                await self._keep(update, may_have_arrived=True)
            raise
        if isinstance(outcome, Verdict):
            if kept_id is not None:
                with suppress(sqlite3.Error):  # then it will be said twice
                    await self._in_thread(self._store.forget, kept_id)
            return outcome
        if kept_id is None:
            kept_id = await self._keep(update, may_have_arrived=True)
        return Verdict.LOST if kept_id is None else self._kept()

    async def _keep(self, update: Update, *, may_have_arrived: bool = False) -> int | None:
        if self._waiting >= _MOST_KEPT and not update.final:
            log.debug("too much is waiting: an update about task %s is lost", update.task)
            return None
        try:
            return await self._in_thread(
                self._store.keep, update, may_have_arrived=may_have_arrived
            )
        except sqlite3.Error as error:
            log.error("an update about task %s cannot be kept: %s", update.task, error)
            return None

    def _kept(self) -> Verdict:
        self._wait_for(1)
        return Verdict.KEPT

    def _wait_for(self, more: int) -> None:
        self._waiting += more
        for event, is_so in ((self._work, self._waiting > 0), (self._empty, self._waiting == 0)):
            if is_so:
                event.set()
            else:
                event.clear()

    async def _deliver_for_ever(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            await self._work.wait()
            try:
                went = await self._deliver_first()
            except sqlite3.Error as error:
                log.error("%s cannot be used at the moment: %s", self._path, error)
                went = False
            if went or await self._hurried_within(pause_s):
                pause_s = _FIRST_PAUSE_S
            else:
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    async def _deliver_first(self) -> bool:
        """Try the update that is first in line; return whether it is gone now."""
        kept = await self._in_thread(self._store.first)
        if kept is None:
            self._wait_for(-self._waiting)
            return True
        again = kept.may_have_arrived or kept.id == self._tried
        if kept.id != self._tried:
            self._tried, self._faults = kept.id, 0
        outcome = await self._try(kept.update, again=again)
        if outcome is _Try.FAULT:
            self._faults += 1
            if self._faults >= _TRIES_AGAINST_FAULTS:
                return await self._give_way(kept)
        if not isinstance(outcome, Verdict):
            return False
        await self._forget(kept)
        return True

    async def _give_way(self, kept: KeptUpdate) -> bool:
        """The farm cannot digest this update: the others shall not wait for it any longer."""
        if kept.update.final:
            await self._in_thread(self._store.put_last, kept.id)
            return False
        log.warning("an update about task %s is given up", kept.update.task)
        await self._forget(kept)
        return True

    async def _forget(self, kept: KeptUpdate) -> None:
        await self._in_thread(self._store.forget, kept.id)
        self._wait_for(-1)

    async def _hurried_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
        hurried = self._hurry.is_set()
        self._hurry.clear()
        return hurried

    async def _try(self, update: Update, *, again: bool) -> Verdict | _Try:
        body = _marked(update.body) if again else update.body
        try:
            await self._post(update.task, body)
        except FarmSaid as error:
            return self._refusal(update, error)
        except FarmError as error:
            log.debug("an update about task %s waits: %s", update.task, error)
            return _Try.NO_ANSWER
        return Verdict.DELIVERED

    def _refusal(self, update: Update, error: FarmSaid) -> Verdict | _Try:
        if error.answered == 409:
            log.info("task %s is no longer ours: %s", update.task, error.message)
            return Verdict.REASSIGNED
        if error.answered == 503:
            return _Try.NO_ANSWER
        lasting = error.answered in (400, 404) if update.final else 400 <= error.answered < 500
        log.warning(
            "an update about task %s was refused (%d): %s",
            update.task,
            error.answered,
            error.message,
        )
        return Verdict.REFUSED if lasting else _Try.FAULT

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: work(*args, **kwargs))


def _marked(body: bytes) -> bytes:
    """Tell the farm that it may have this log chunk already; all other fields bear repetition."""
    update = msgspec.json.decode(body, type=dict[str, Any])
    if "log" not in update:
        return body
    return msgspec.json.encode({**update, "redelivered": True})
