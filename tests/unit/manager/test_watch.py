"""What nobody asks about, by the clock that is handed in."""

from __future__ import annotations

from pathlib import Path

import pytest

from flamenco_p2p import clock
from flamenco_p2p.farm import decisions as d
from flamenco_p2p.farm.errors import Unknown
from flamenco_p2p.farm.events import FarmStatusChanged
from flamenco_p2p.farm.ids import JobId, TaskKey
from flamenco_p2p.farm.statuses import FarmStatus, WorkerStatus
from flamenco_p2p.manager.watch import Patience
from tests.unit.manager.small_farm import SmallFarm, Task, small_farm

MINUTE_MS = 60_000


async def test_a_job_that_arrived_by_half_is_removed_after_ten_minutes(farm: SmallFarm) -> None:
    half, whole = await farm.begun_job(Task()), await farm.job(Task())
    now_ms = clock.now_ms()
    await farm.manager.watch.look(now_ms)
    await farm.manager.watch.look(now_ms + 11 * MINUTE_MS)
    with pytest.raises(Unknown):
        await farm.replica.propose(d.CompleteJob(job=half, task_count=1))
    assert await farm.reads.job(whole) is not None


async def test_a_job_that_still_arrives_is_left_alone(farm: SmallFarm) -> None:
    job = await farm.begun_job(Task())
    await farm.manager.watch.look(clock.now_ms() + 9 * MINUTE_MS)
    await farm.replica.propose(d.CompleteJob(job=job, task_count=1))
    assert (await farm.shown(job)).tally.total == 1


async def test_a_half_arrived_job_of_an_earlier_life_is_resumed_or_removed(tmp_path: Path) -> None:
    async with small_farm(tmp_path) as farm:
        job = await farm.begun_job(Task())
    async with small_farm(tmp_path) as farm:
        assert job not in farm.manager.roster.jobs
        await farm.manager.watch.look(clock.now_ms() + 11 * MINUTE_MS)
        assert not [job for job in await farm.reads.jobs_alive() if not job.complete]


async def test_a_silent_worker_is_given_up_and_its_task_handed_back(farm: SmallFarm) -> None:
    job = await farm.job(Task())
    anna, berta = await farm.worker("anna"), await farm.worker("berta")
    assert await farm.gets(anna) == TaskKey(job, 1)
    now_ms = clock.now_ms() + MINUTE_MS + 1
    farm.manager.roster.see(berta, now_ms)
    await farm.manager.watch.look(now_ms)
    assert farm.manager.roster.worker(anna).status is WorkerStatus.ERROR
    assert farm.manager.roster.worker(berta).status is WorkerStatus.AWAKE
    assert await farm.gets(berta) == TaskKey(job, 1)


@pytest.mark.parametrize("jump_ms", [9 * 60 * MINUTE_MS, -9 * 60 * MINUTE_MS])
async def test_a_machine_that_slept_or_set_its_clock_blames_nobody(
    farm: SmallFarm, jump_ms: int
) -> None:
    job = await farm.job(Task())
    anna = await farm.worker()
    assert await farm.gets(anna) == TaskKey(job, 1)
    watch, now_ms = farm.manager.watch, clock.now_ms()
    watch.follow_clock(now_ms)
    watch.follow_clock(now_ms + jump_ms)
    await watch.look(now_ms + jump_ms)
    assert farm.manager.roster.leases[anna].task == TaskKey(job, 1)
    later_ms = now_ms + jump_ms + MINUTE_MS
    farm.manager.roster.leases[anna].touched_ms = later_ms
    await watch.look(later_ms)
    assert anna not in farm.manager.roster.leases


@pytest.mark.parametrize("status", [WorkerStatus.OFFLINE, WorkerStatus.ERROR])
async def test_a_worker_that_is_away_is_not_silent(farm: SmallFarm, status: WorkerStatus) -> None:
    anna = await farm.worker()
    await farm.manager.attendance.report(anna, status)
    farm.told.clear()
    await farm.manager.watch.look(clock.now_ms() + 10 * MINUTE_MS)
    assert not [event for event in farm.told if not isinstance(event, FarmStatusChanged)]


async def test_a_farm_may_wait_for_ever(tmp_path: Path) -> None:
    async with small_farm(tmp_path, patience=Patience(worker_ms=0, task_ms=0)) as farm:
        await farm.job(Task())
        anna = await farm.worker()
        assert await farm.gets(anna) is not None
        await farm.manager.watch.look(clock.now_ms() + 23 * 60 * MINUTE_MS)
        assert farm.manager.roster.worker(anna).status is WorkerStatus.AWAKE
        assert anna in farm.manager.roster.leases


async def test_a_task_somebody_asks_about_is_not_given_up(farm: SmallFarm) -> None:
    await farm.job(Task())
    anna = await farm.worker()
    task = await farm.gets(anna)
    assert task is not None
    lease = farm.manager.roster.leases[anna]
    lease.touched_ms -= 9 * MINUTE_MS
    assert (await farm.manager.dispatch.may_run(anna, task)).allowed
    later = clock.now_ms() + 9 * MINUTE_MS
    farm.manager.roster.see(anna, later)
    await farm.manager.watch.look(later)
    assert anna in farm.manager.roster.leases


async def test_the_farm_in_one_word_is_told_when_it_changes(farm: SmallFarm) -> None:
    watch, now_ms = farm.manager.watch, clock.now_ms()

    async def words() -> list[FarmStatus]:
        farm.told.clear()
        await watch.look(now_ms)
        return [e.status for e in farm.told if isinstance(e, FarmStatusChanged)]

    assert watch.status is FarmStatus.STARTING
    assert await words() == [FarmStatus.INOPERATIVE]
    anna = await farm.worker()
    assert await words() == [FarmStatus.IDLE]
    await farm.job(Task())
    assert await words() == [FarmStatus.WAITING]
    task = await farm.gets(anna)
    assert await words() == [FarmStatus.ACTIVE]
    assert await words() == []
    assert task is not None
    await farm.completes(anna, task)
    assert await words() == [FarmStatus.IDLE]
    await farm.manager.attendance.report(anna, WorkerStatus.ASLEEP)
    assert await words() == [FarmStatus.ASLEEP]


async def test_a_deleted_jobs_files_go_even_if_its_worker_still_talks(farm: SmallFarm) -> None:
    job = await farm.job(Task())
    task = TaskKey(job, 1)
    await farm.logs.append(task, "hello")
    delete_job = farm.logs.delete_job

    async def delete_and_hear_more(job: JobId) -> None:
        await delete_job(job)
        if await farm.reads.job(job) is not None:
            await farm.logs.append(task, "still there")

    farm.logs.delete_job = delete_and_hear_more  # type: ignore[method-assign]
    await farm.replica.propose(d.RequestDeletion(job=job))
    await farm.manager.watch.look(clock.now_ms())
    assert await farm.logs.size(task) == 0
