"""Jobs come in, also when they come twice, or come to nothing half way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import msgspec
import pytest

from flamenco_p2p import clock
from flamenco_p2p.compiler.compile import CompiledJob, CompileRequest, JobCompiler, TaskSlice
from flamenco_p2p.farm import decisions as d
from flamenco_p2p.farm.errors import Conflict, Refused
from flamenco_p2p.farm.ids import JobId
from flamenco_p2p.farm.jobs import JobSpec
from flamenco_p2p.manager.intake import Intake, Submission
from tests.unit.manager.small_farm import SmallFarm, all_at_once

TASKS = 3


class ScriptedCompiler:
    """Makes three tasks, one slice each, as fast and as well as a test wants."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.go_on = asyncio.Event()
        self.fails = 0
        self.times = 0

    @asynccontextmanager
    async def compile(self, request: CompileRequest) -> AsyncIterator[CompiledJob]:
        self.times += 1
        yield CompiledJob(
            name=f"{request.name} {self.times}", priority=50, settings=b"{}", metadata={},
            task_count=TASKS, steps_total=TASKS, warnings=(), slices=self._slices(),
        )  # fmt: skip

    async def _slices(self) -> AsyncIterator[TaskSlice]:
        for no in range(1, TASKS + 1):
            rows = [(no, f"task {no}", "misc", 50, 1, b"[]")]
            yield TaskSlice(1, msgspec.msgpack.encode((rows, [])))
            self.began.set()
            await self.go_on.wait()
            if self.times <= self.fails:
                raise Refused("The script broke.")


@pytest.fixture
def compiler() -> ScriptedCompiler:
    """A compiler that waits for the test."""
    return ScriptedCompiler()


@pytest.fixture
def intake(farm: SmallFarm, compiler: ScriptedCompiler) -> Intake:
    """An intake on a real farm."""
    return Intake(farm.replica, cast(JobCompiler, compiler), farm.reads)


def submission(job: JobId) -> Submission:
    spec = JobSpec(
        name="try", type="x", priority=50, settings=b"{}", metadata={}, submitter_platform="linux"
    )
    return Submission(job=job, spec=spec)


async def let_go(compiler: ScriptedCompiler) -> None:
    """Let the compiler go on, once it has begun."""
    await compiler.began.wait()
    compiler.go_on.set()


async def test_a_job_submitted_twice_at_once_is_taken_in_once(
    farm: SmallFarm, intake: Intake, compiler: ScriptedCompiler
) -> None:
    job = clock.fresh_job_id()
    tries = [intake.submit(submission(job)) for _ in range(3)]
    *taken, _ = await all_at_once(*tries, let_go(compiler))
    assert [one.id for one in taken] == [job] * 3
    assert compiler.times == 1
    assert (await farm.shown(job)).tally.total == TASKS


async def test_a_try_that_fails_does_not_take_the_next_one_with_it(
    farm: SmallFarm, intake: Intake, compiler: ScriptedCompiler
) -> None:
    job = clock.fresh_job_id()
    compiler.fails = 1

    async def first() -> None:
        with pytest.raises(Refused, match="script broke"):
            await intake.submit(submission(job))

    _, taken, _ = await all_at_once(first(), intake.submit(submission(job)), let_go(compiler))
    assert taken.spec.name == "try 2"
    assert (await farm.shown(job)).tally.total == TASKS


async def test_a_job_that_an_earlier_life_left_half_way_is_taken_in_whole(
    farm: SmallFarm, intake: Intake, compiler: ScriptedCompiler
) -> None:
    job = clock.fresh_job_id()
    await farm.replica.propose(d.BeginJob(job=job, spec=submission(job).spec))
    rows = [(no, "old", "misc", 50, 1, b"[]") for no in range(1, 9)]
    old = msgspec.msgpack.encode((rows, []))
    await farm.replica.propose(d.AddTasks(job=job, slice=1, payload=old))
    compiler.go_on.set()
    await intake.submit(submission(job))
    assert [task.name for task in await farm.reads.tasks(job)] == ["task 1", "task 2", "task 3"]


async def test_a_deleted_job_is_not_submitted_again_by_a_late_retry(
    farm: SmallFarm, intake: Intake, compiler: ScriptedCompiler
) -> None:
    compiler.go_on.set()
    taken = await intake.submit(submission(clock.fresh_job_id()))
    await farm.replica.propose(d.RemoveJob(job=taken.id))
    with pytest.raises(Conflict, match="deleted"):
        await intake.submit(submission(taken.id))
