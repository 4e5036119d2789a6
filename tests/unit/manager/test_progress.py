"""What workers report, also when it comes late, twice, or while other things happen."""

from __future__ import annotations

import pytest

from flamenco_p2p.farm import decisions as d
from flamenco_p2p.farm.errors import Conflict
from flamenco_p2p.farm.events import TaskChanged
from flamenco_p2p.farm.ids import TaskKey
from flamenco_p2p.farm.statuses import TaskStatus
from flamenco_p2p.manager.progress import Report
from tests.unit.manager.small_farm import SmallFarm, Task


async def test_what_is_said_of_a_task_that_ends_meanwhile_is_not_told_afterwards(
    farm: SmallFarm,
) -> None:
    job = await farm.job(Task(steps=10))
    anna, task = await farm.worker(), TaskKey(job, 1)
    assert await farm.gets(anna) == task
    append = farm.logs.append

    async def append_and_be_canceled(*args: object, **options: object) -> None:
        await append(*args, **options)  # type: ignore[arg-type]
        await farm.replica.propose(d.RequeueTasks(job=job, tasks=(1,), epoch=2, activity=""))

    farm.logs.append = append_and_be_canceled  # type: ignore[method-assign]
    await farm.manager.progress.take(anna, task, Report(log="hello", steps_done=5))
    changes = [event.status for event in farm.told if isinstance(event, TaskChanged)]
    assert changes[-1] is TaskStatus.QUEUED
    shown = await farm.shown(job)
    assert farm.manager.roster.with_steps_under_way(shown).steps_done == 0


async def test_handing_back_an_earlier_try_does_not_end_the_present_one(farm: SmallFarm) -> None:
    job = await farm.job(Task())
    anna, task = await farm.worker(), TaskKey(job, 1)
    hand_back = Report(status=TaskStatus.QUEUED)
    for _ in range(2):
        assert await farm.gets(anna) == task
        first = farm.manager.roster.leases[anna].attempt
        hand_back = Report(status=TaskStatus.QUEUED, attempt=first)
        await farm.manager.progress.take(anna, task, hand_back)
    assert await farm.gets(anna) == task
    with pytest.raises(Conflict):
        await farm.manager.progress.take(anna, task, hand_back)
    assert anna in farm.manager.roster.leases


async def test_a_refused_failure_leaves_no_verdict_in_the_log(farm: SmallFarm) -> None:
    job = await farm.job(Task(), Task())
    anna, task = await farm.worker(), TaskKey(job, 1)
    assert await farm.gets(anna) == task
    stale = farm.manager.roster.leases[anna].attempt
    await farm.replica.propose(d.RequeueTasks(job=job, tasks=(1,), epoch=2, activity=""))
    assert await farm.gets(anna) == task
    with pytest.raises(Conflict):
        await farm.manager.progress.fail(anna, task, stale, "it broke")
    assert b"worker" not in (await farm.logs.tail(task) or b"").replace(b"assigned to worker", b"")
