"""What one run of a task tells the farm, in order.

Is: lines and steps gathered into updates, sent soon but not one by one. Is not: delivery (outbox),
or which command is running (task_run).

Nobody who writes a line waits for the farm, unless a million characters are waiting already: then
a program that talks faster than the farm listens is slowed down rather than this machine's memory
used up. When the farm is away the outbox takes everything, at the speed of the disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec

from flamenco_p2p.clock import steady_s
from flamenco_p2p.store.outbox import Update
from flamenco_p2p.worker.outbox import Verdict

_LOG_PATIENCE_S: Final = 0.5
_STEP_PATIENCE_S: Final = 0.2

# In characters.
_ENOUGH: Final = 10 * 1024  # not to wait any longer
_LARGEST_CHUNK: Final = 32 * 1024  # some become six bytes in JSON; the farm reads no large bodies
_MOST_WAITING: Final = 1024 * 1024


class NotOurs(Exception):
    """The farm does not want this run's reports: the task is somebody else's."""


class Reports:
    """`pump` must run beside whatever calls the others; after `close` it ends with all sent."""

    def __init__(
        self, task: str, attempt: str | None, send: Callable[[Update], Awaitable[Verdict]]
    ) -> None:
        self._task = task
        self._attempt = attempt
        self._send = send
        self._lines: list[str] = []
        self._size = 0  # of the lines, in characters
        self._lines_due = 0.0
        self._steps = 0
        self._steps_sent = 0
        self._steps_due = 0.0
        self._closed = False
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    async def started(self) -> None:
        """Say that the run begins. Raises `NotOurs`."""
        body = {"activity": "Started", "taskStatus": "active"}
        if await self._report(body) is Verdict.REFUSED:
            raise NotOurs

    async def completed(self, outputs: Sequence[str]) -> None:
        """Say that all is done; `outputs` are absolute paths. Raises `NotOurs`."""
        body: dict[str, Any] = {"activity": "Completed", "taskStatus": "completed"}
        if outputs:
            body["outputs"] = outputs
        await self._report(body, final=True)

    async def failed(self, why: str) -> None:
        """Say that it went wrong. Raises `NotOurs`."""
        text = f"Failed: {why}"
        body = {"activity": text, "log": text, "taskStatus": "failed"}
        await self._report(body, final=True)

    async def log(self, line: str) -> None:
        """Add a line to the task's log."""
        await self._room.wait()
        if not self._lines:
            self._lines_due = steady_s() + _LOG_PATIENCE_S
            self._changed.set()
        self._lines.append(line)
        self._size += len(line) + 1
        if self._size > _ENOUGH:
            self._changed.set()
        if self._size > _MOST_WAITING:
            self._room.clear()

    def step(self) -> None:
        """One unit of progress more."""
        self._steps += 1
        self._changed.set()

    def close(self) -> None:
        """Nothing more is coming: no patience any longer."""
        self._closed = True
        self._changed.set()

    async def pump(self) -> None:
        """Send what is due when it is due. Raises `NotOurs`."""
        while True:
            unsent_steps = self._steps > self._steps_sent
            if self._closed and not self._lines and not unsent_steps:
                return
            now = steady_s()
            if self._lines and (self._closed or self._full() or now >= self._lines_due):
                await self._report({"log": self._next_chunk()})
            elif unsent_steps and (self._closed or now >= self._steps_due):
                self._steps_sent = self._steps
                self._steps_due = now + _STEP_PATIENCE_S
                await self._report({"activity": "Progress", "steps_completed": self._steps})
            else:
                await self._wait(now)

    async def _wait(self, now: float) -> None:
        """Until something is due, or there is news."""
        due = [self._lines_due] if self._lines else []
        if self._steps > self._steps_sent:
            due.append(self._steps_due)
        with suppress(TimeoutError):
            async with asyncio.timeout(min(due) - now if due else None):
                await self._changed.wait()
        self._changed.clear()

    def _full(self) -> bool:
        return self._size > _ENOUGH

    def _next_chunk(self) -> str:
        taken, size = 0, 0
        while taken < len(self._lines) and size < _LARGEST_CHUNK:
            size += len(self._lines[taken]) + 1
            taken += 1
        chunk = self._lines[:taken]
        del self._lines[:taken]
        self._size -= size
        if self._size <= _MOST_WAITING:
            self._room.set()
        return "".join(f"{line}\n" for line in chunk)

    async def _report(self, body: dict[str, Any], *, final: bool = False) -> Verdict:
        if self._attempt is not None:
            body["attempt"] = self._attempt
        verdict = await self._send(Update(self._task, _json(body), final=final))
        if verdict is Verdict.REASSIGNED:
            raise NotOurs
        return verdict


def _json(body: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:  # half a character, for instance from a file's odd name
        return msgspec.json.encode({name: _legible(value) for name, value in body.items()})


def _legible(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case list() | tuple():
            return [_legible(one) for one in value]
        case _:
            return value
