"""The daemon's side of the compiler: submissions in, compiled jobs out.

Is: the choice of a child, the meaning of its answers, the log. Is not: a reader of tasks; slices
pass through as bytes. Nothing here blocks or decodes more than a small header.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flamenco_p2p.compiler.child_process import ChildProcess
from flamenco_p2p.compiler.errors import ScriptFailed, UnknownJobType
from flamenco_p2p.compiler.messages import (
    Compile,
    Compiled,
    CompileRequest,
    Describe,
    Described,
    EtagDiffers,
    Failed,
    Limits,
    ListNames,
    Names,
    NextSlice,
    NoSuchType,
    StartUp,
)
from flamenco_p2p.farm.errors import Outdated

__all__ = [
    "CompileRequest",
    "CompiledJob",
    "JobCompiler",
    "JobType",
    "Limits",
    "ScriptFailed",
    "TaskSlice",
    "UnknownJobType",
]

log = logging.getLogger(__name__)
_CHILDREN_AT_MOST: Final = 2
_TASKS_A_CHILD_FORGETS: Final = 10_000
_LEVELS: Final = {"info": logging.INFO, "warning": logging.WARNING}


@dataclass(frozen=True, slots=True)
class JobType:
    """A job type. `raw` is the JSON text of Flamenco's AvailableJobType, with the etag."""

    name: str
    label: str
    description: str
    etag: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class TaskSlice:
    """Some tasks of a job.

    `payload` is msgpack of at most 256 KiB: [tasks, dependencies]. A task is
    [no, name, type, priority, steps_total, commands as JSON bytes]; a dependency entry is
    [no, [[first, last], …]], the numbers that task `no` waits for. Entries for one task may go on
    in later slices, so `count`, the number of tasks, may be 0.
    """

    count: int
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledJob:
    """What a script made of a submission. `settings` is JSON text; `slices` can be read once."""

    name: str
    priority: int
    settings: bytes
    metadata: dict[str, str]
    task_count: int
    steps_total: int
    warnings: tuple[str, ...]
    slices: AsyncIterator[TaskSlice]


class JobCompiler:
    """Runs job-type scripts. Close it when done; it may hold a child process."""

    def __init__(self, folders: Sequence[Path], *, limits: Limits = Limits()) -> None:  # noqa: B008 - frozen
        """Compile scripts from these folders; of two with one name the first folder's counts."""
        self._start_up = StartUp([str(folder) for folder in folders], limits)
        self._limits = limits
        self._free = asyncio.Semaphore(_CHILDREN_AT_MOST)
        self._idle: list[ChildProcess] = []
        self._closed = False
        self._said: set[tuple[str, str]] = set()  # what the log has about a script already
        self._hopeless: dict[str, ScriptFailed] = {}  # by fingerprint: ran into a limit

    async def job_types(self) -> list[JobType]:
        """Return every sound job type, by name; the log says once what is wrong with the others."""
        found = []
        for name, fingerprint in (await self._fingerprints()).items():
            try:
                found.append(await self._describe(name, fingerprint))
            except UnknownJobType:
                continue  # deleted a moment ago
            except ScriptFailed as error:
                self._say_once(fingerprint, f"Job type {name} is left out: {error.problem}")
        return found

    async def job_type(self, name: str) -> JobType:
        """Return one job type. Raises UnknownJobType or ScriptFailed."""
        fingerprint = (await self._fingerprints()).get(name)
        if fingerprint is None:
            raise UnknownJobType(name)
        return await self._describe(name, fingerprint)

    def compile(self, request: CompileRequest) -> AbstractAsyncContextManager[CompiledJob]:
        """Compile a submission; its slices can be read while the context lasts.

        Raises UnknownJobType, ScriptFailed, or Outdated for another `type_etag`.
        """
        return self._compile(request)

    async def close(self) -> None:
        """End the idle child; children still at work end with their work."""
        self._closed = True
        while self._idle:
            await self._idle.pop().end()

    @asynccontextmanager
    async def _compile(self, request: CompileRequest) -> AsyncIterator[CompiledJob]:
        within_s = self._limits.time_s + self._limits.grace_s
        async with self._child() as child:
            answer = await child.ask(Compile(request), within_s=within_s)
            match answer:
                case Compiled():
                    self._log_printed(request.type, answer)
                    slices = self._slices(child, within_s)
                    try:
                        yield _job(answer, slices)
                    finally:
                        await slices.aclose()  # whoever keeps it cannot reach a lent-on child
                        await _release(child, answer)
                case Failed():
                    self._log_printed(request.type, answer)
                    raise ScriptFailed(answer.problem, remedy=answer.remedy)
                case EtagDiffers():
                    raise Outdated(
                        f"The job type {request.type!r} has changed since this job was prepared.",
                        remedy="Refresh the list of job types and submit again.",
                    )
                case NoSuchType():
                    raise UnknownJobType(request.type)
                case _:
                    raise AssertionError(answer)

    async def _slices(self, child: ChildProcess, within_s: float) -> AsyncGenerator[TaskSlice]:
        while isinstance(answer := await child.ask(NextSlice(), within_s=within_s), bytes):
            yield TaskSlice(count=int.from_bytes(answer[:2], "big"), payload=answer[2:])
        if isinstance(answer, Failed):
            raise ScriptFailed(answer.problem, remedy=answer.remedy)

    async def _fingerprints(self) -> dict[str, str]:
        async with self._child() as child:
            answer = await child.ask(ListNames(), within_s=60.0)
        if not isinstance(answer, Names):
            raise AssertionError(answer)
        return answer.fingerprints

    async def _describe(self, name: str, fingerprint: str) -> JobType:
        if (known := self._hopeless.get(fingerprint)) is not None:
            raise ScriptFailed(known.problem, remedy=known.remedy)
        within_s = self._limits.describe_time_s + self._limits.grace_s
        async with self._child() as child:
            try:
                answer = await child.ask(Describe(name), within_s=within_s)
            except ScriptFailed as error:
                self._hopeless[fingerprint] = error
                raise
        match answer:
            case Described():
                for warning in answer.warnings:
                    self._say_once(fingerprint, f"Job type {name}: {warning}")
                return JobType(
                    name=answer.name,
                    label=answer.label,
                    description=answer.description,
                    etag=answer.etag,
                    raw=answer.raw,
                )
            case Failed():
                failure = ScriptFailed(answer.problem, remedy=answer.remedy)
                if answer.outran:
                    self._hopeless[fingerprint] = failure
                raise failure
            case NoSuchType():
                raise UnknownJobType(name)
            case _:
                raise AssertionError(answer)

    @asynccontextmanager
    async def _child(self) -> AsyncIterator[ChildProcess]:
        """Lend a child; afterwards keep one for the next question, end any other."""
        async with self._free:
            child = self._idle.pop() if self._idle else None
            if child is None or not child.usable:
                child = await ChildProcess.start(self._start_up)
            try:
                yield child
            finally:
                if child.usable and not self._idle and not self._closed:
                    self._idle.append(child)
                else:
                    await child.end()

    def _log_printed(self, job_type: str, answer: Compiled | Failed) -> None:
        for level, text in answer.printed:
            log.log(_LEVELS.get(level, logging.INFO), "Job type %s says: %s", job_type, text)

    def _say_once(self, fingerprint: str, text: str) -> None:
        if (fingerprint, text) not in self._said:
            self._said.add((fingerprint, text))
            log.warning("%s", text)


async def _release(child: ChildProcess, header: Compiled) -> None:
    """Let the child forget its job; after a large one only its end gives the memory back."""
    if header.task_count > _TASKS_A_CHILD_FORGETS:
        await child.end()
    else:
        child.forget()


def _job(header: Compiled, slices: AsyncIterator[TaskSlice]) -> CompiledJob:
    return CompiledJob(
        name=header.name,
        priority=header.priority,
        settings=header.settings,
        metadata=header.metadata,
        task_count=header.task_count,
        steps_total=header.steps_total,
        warnings=tuple(header.warnings),
        slices=slices,
    )
