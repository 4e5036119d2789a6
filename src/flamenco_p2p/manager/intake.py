"""A job comes in: compile it, bring it into the farm slice by slice, let it be seen when whole.

Is: submission -> decisions. Is not: running scripts (compiler) or rows (store). Task slices pass
through as bytes, so a job of 100,000 tasks costs the event loop no more than its slices' number.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from msgspec import structs

from flamenco_p2p import clock
from flamenco_p2p.compiler.compile import CompiledJob, CompileRequest, JobCompiler
from flamenco_p2p.farm.bridge import Applied, Bridge
from flamenco_p2p.farm.decisions import AbandonJob, AddTasks, BeginJob, CompleteJob
from flamenco_p2p.farm.errors import Broken, FarmError
from flamenco_p2p.farm.ids import JobId, text_of
from flamenco_p2p.farm.jobs import Job, JobSpec
from flamenco_p2p.store.farm_reads import FarmReads


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What somebody wants rendered. `spec.settings` is as submitted, before the script ran."""

    job: JobId
    spec: JobSpec
    type_etag: str = ""


class Intake:
    """Takes jobs in."""

    def __init__(self, bridge: Bridge, compiler: JobCompiler, reads: FarmReads) -> None:
        self._bridge = bridge
        self._compiler = compiler
        self._reads = reads
        self._arriving: dict[JobId, asyncio.Event] = {}

    async def check(self, submission: Submission) -> None:
        """Compile a submission and throw the result away. Raises what `submit` would."""
        async with self._compile(submission) as compiled:
            async for _ in compiled.slices:
                pass  # a task that cannot be stored shows when it is handed over

    async def submit(self, submission: Submission) -> Job:
        """Take a job in; when this returns, it is durable and can be given out.

        Submitting the same id again returns the job that is there, also while it is still
        arriving. Raises `Refused` with the script's words, `Outdated` for an old etag.
        """
        async with self._alone(submission.job):
            return await self._submit(submission)

    @asynccontextmanager
    async def _alone(self, job: JobId) -> AsyncIterator[None]:
        """Let others that submit the same job wait for how this goes."""
        while (other := self._arriving.get(job)) is not None:
            await other.wait()
        ended = self._arriving[job] = asyncio.Event()
        try:
            yield
        finally:
            del self._arriving[job]
            ended.set()

    async def _submit(self, submission: Submission) -> Job:
        if (known := await self._reads.job(submission.job)) is not None:
            return known
        async with self._compile(submission) as compiled:
            spec = _final_spec(submission.spec, compiled)
            await self._bridge.propose(BeginJob(job=submission.job, spec=spec))
            try:
                await self._bring_in(submission.job, compiled)
            except BaseException:
                with suppress(FarmError):  # else it goes after a while (watch)
                    await self._bridge.propose(AbandonJob(job=submission.job))
                raise
        job = await self._reads.job(submission.job)
        if job is None:
            raise Broken("The job was taken in, but it is gone.", remedy="Submit it again.")
        return job

    @asynccontextmanager
    async def _compile(self, submission: Submission) -> AsyncIterator[CompiledJob]:
        spec = submission.spec
        request = CompileRequest(
            job_id=text_of(submission.job), name=spec.name, type=spec.type,
            priority=spec.priority, type_etag=submission.type_etag, settings=spec.settings,
            metadata=spec.metadata, created=clock.local_now(), time_zone=spec.time_zone,
            shaman_checkout_id=spec.shaman_checkout_id, worker_tag="",
        )  # fmt: skip
        async with self._compiler.compile(request) as compiled:
            yield compiled

    async def _bring_in(self, job: JobId, compiled: CompiledJob) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                writing: asyncio.Task[Applied] | None = None
                number = 0
                async for part in compiled.slices:
                    if writing is not None:
                        await writing  # while one slice is written the next is read, no more
                    number += 1
                    slice_ = AddTasks(job=job, slice=number, payload=part.payload)
                    writing = group.create_task(self._bridge.propose(slice_))
        except* FarmError as errors:
            raise errors.exceptions[0] from None
        await self._bridge.propose(CompleteJob(job=job, task_count=compiled.task_count))


def _final_spec(spec: JobSpec, compiled: CompiledJob) -> JobSpec:
    """Return the spec with what the script may rewrite."""
    return structs.replace(
        spec,
        name=compiled.name,
        priority=compiled.priority,
        settings=compiled.settings,
        metadata=compiled.metadata,
    )
