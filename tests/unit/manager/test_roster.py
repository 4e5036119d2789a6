"""Who works on what, and the facts that are kept nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from flamenco_p2p.farm import decisions as d
from flamenco_p2p.farm.errors import NotAllowed
from flamenco_p2p.farm.ids import TaskKey, WorkerId
from flamenco_p2p.farm.statuses import Desired
from flamenco_p2p.manager.progress import Report
from tests.unit.manager.small_farm import SmallFarm, Task, small_farm


async def test_a_worker_holds_what_it_was_given_until_it_is_done(farm: SmallFarm) -> None:
    roster = farm.manager.roster
    job = await farm.job(Task(steps=5))
    anna = await farm.worker()
    task = await farm.gets(anna)
    assert task == TaskKey(job, 1)
    lease = roster.holder(anna, task)
    assert lease is not None
    assert (lease.name, lease.steps_total, lease.steps_done) == ("task 1", 5, 0)
    assert roster.holder(WorkerId(b"somebody else..."), task) is None
    await farm.completes(anna, task)
    assert roster.leases == {}


async def test_steps_under_way_count_for_the_job_and_are_forgotten_with_the_lease(
    farm: SmallFarm,
) -> None:
    roster = farm.manager.roster
    job = await farm.job(Task(steps=5), Task(steps=5))
    anna = await farm.worker()
    task = await farm.gets(anna)
    assert task is not None
    for steps in (2, 4, 3, 99):
        await farm.manager.progress.take(anna, task, Report(steps_done=steps))
        shown = roster.with_steps_under_way(await farm.shown(job))
        assert shown.steps_done == min(steps, 5)
    await farm.manager.attendance.sign_off(anna)
    assert roster.with_steps_under_way(await farm.shown(job)).steps_done == 0


async def test_steps_are_not_counted_twice_when_a_task_is_done(farm: SmallFarm) -> None:
    job = await farm.job(Task(steps=5), Task(steps=5))
    anna = await farm.worker()
    task = await farm.gets(anna)
    assert task is not None
    await farm.manager.progress.take(anna, task, Report(steps_done=5))
    await farm.completes(anna, task)
    shown = farm.manager.roster.with_steps_under_way(await farm.shown(job))
    assert shown.steps_done == 5


async def test_jobs_that_have_ended_are_forgotten_and_come_back_when_requeued(
    farm: SmallFarm,
) -> None:
    roster = farm.manager.roster
    job = await farm.job(Task())
    assert job in roster.jobs
    await farm.replica.propose(d.SetDesired(job=job, desired=Desired.CANCELED, activity=""))
    assert job not in roster.jobs
    await farm.replica.propose(d.RequeueJob(job=job, epoch=2, activity=""))
    assert job in roster.jobs
    await farm.replica.propose(d.RemoveJob(job=job))
    assert job not in roster.jobs


async def test_an_ended_job_that_is_to_be_deleted_is_remembered_over_a_restart(
    tmp_path: Path,
) -> None:
    async with small_farm(tmp_path) as farm:
        job = await farm.job(Task())
        await farm.replica.propose(d.SetDesired(job=job, desired=Desired.CANCELED, activity=""))
        await farm.replica.propose(d.RequestDeletion(job=job))
    async with small_farm(tmp_path) as farm:
        assert job in farm.manager.roster.jobs


async def test_a_deleted_worker_is_known_no_more(farm: SmallFarm) -> None:
    anna = await farm.worker()
    await farm.replica.propose(d.RemoveWorker(worker=anna))
    with pytest.raises(NotAllowed):
        farm.manager.roster.worker(anna)


async def test_after_a_restart_nobody_is_silent_yet(tmp_path: Path) -> None:
    async with small_farm(tmp_path) as farm:
        anna = await farm.worker()
        await farm.job(Task())
        assert await farm.gets(anna) is not None
        begun_ms = farm.manager.roster.seen_ms[anna]
    async with small_farm(tmp_path) as farm:
        roster = farm.manager.roster
        assert roster.seen_ms[anna] >= begun_ms
        assert roster.leases[anna].touched_ms == roster.seen_ms[anna]
        await farm.manager.watch.look(roster.seen_ms[anna] + 59_000)
        assert anna in roster.leases
