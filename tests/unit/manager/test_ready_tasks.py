"""Which task comes next, whatever happens between two questions."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from flamenco_p2p.farm import decisions as d
from flamenco_p2p.farm.ids import JobId, TaskKey
from flamenco_p2p.farm.jobs import BlenderNeed
from flamenco_p2p.farm.statuses import Desired, TaskStatus, WorkerStatus
from flamenco_p2p.farm.workers import InstalledBlender
from flamenco_p2p.store.farm_reads import FarmReads
from tests.unit.manager.small_farm import SmallFarm, Task, all_at_once, small_farm


async def set_priority(farm: SmallFarm, job: JobId, priority: int) -> None:
    await farm.replica.propose(d.SetPriority(job=job, priority=priority))


async def want(farm: SmallFarm, job: JobId, desired: Desired) -> None:
    await farm.replica.propose(d.SetDesired(job=job, desired=desired, activity=""))


@pytest.mark.usefixtures("window")
async def test_urgent_jobs_come_first_then_urgent_tasks_then_old_jobs_then_low_numbers(
    farm: SmallFarm,
) -> None:
    luck = Random(5)
    places = []
    for age, priority in enumerate((50, 80, 50)):
        tasks = [
            Task(type=luck.choice(("blender", "misc")), priority=luck.choice((1, 50, 99)))
            for _ in range(25)
        ]
        job = await farm.job(*tasks, priority=priority)
        places += [
            (-priority, age, -task.priority, no, TaskKey(job, no))
            for no, task in enumerate(tasks, start=1)
        ]
    worker = await farm.worker(types=("misc", "blender"))
    assert await farm.does_all(worker) == [place[-1] for place in sorted(places)]


@pytest.mark.usefixtures("window")
async def test_tasks_come_only_after_those_they_wait_for(farm: SmallFarm) -> None:
    luck = Random(7)
    tasks = [
        Task(
            priority=luck.choice((10, 50, 90)),
            after=sorted(luck.sample(range(1, no), min(no - 1, luck.randrange(4)))),
        )
        for no in range(1, 41)
    ]
    await farm.job(*tasks)
    done = [task.no for task in await farm.does_all(await farm.worker())]
    assert sorted(done) == list(range(1, 41))
    for no in done:
        assert {*tasks[no - 1].after} <= {*done[: done.index(no)]}


@pytest.mark.usefixtures("window")
async def test_nothing_is_given_twice_however_many_ask_at_once(farm: SmallFarm) -> None:
    jobs = [await farm.job(*[Task()] * 35) for _ in range(2)]
    workers = [await farm.worker(f"worker {n}") for n in range(50)]
    rounds = []
    for _ in range(2):
        given = await all_at_once(*(farm.gets(worker) for worker in workers))
        rounds += [task for task in given if task is not None]
        await all_at_once(
            *(farm.completes(w, t) for w, t in zip(workers, given, strict=True) if t is not None)
        )
    assert Counter(rounds) == Counter(TaskKey(job, no) for job in jobs for no in range(1, 36))


@pytest.mark.usefixtures("window")
async def test_what_is_handed_back_is_given_out_again_at_its_place(farm: SmallFarm) -> None:
    job = await farm.job(*[Task()] * 10)
    anna, berta = await farm.worker("anna"), await farm.worker("berta")
    first = await farm.gets(anna)
    assert first == TaskKey(job, 1)
    assert await farm.gets(berta) == TaskKey(job, 2)
    await farm.manager.attendance.sign_off(anna)
    carl = await farm.worker("carl")
    assert await farm.gets(carl) == first


@pytest.mark.usefixtures("window")
async def test_a_job_that_becomes_urgent_is_next(farm: SmallFarm) -> None:
    old, new = await farm.job(*[Task()] * 9), await farm.job(*[Task()] * 9)
    worker = await farm.worker()
    for job, expected in ((new, TaskKey(new, 1)), (old, TaskKey(old, 1))):
        await set_priority(farm, job, 90 if job == new else 95)
        assert await farm.gets(worker) == expected
        await farm.completes(worker, expected)


@pytest.mark.usefixtures("window")
async def test_a_paused_job_gives_nothing_until_it_goes_on(farm: SmallFarm) -> None:
    job, other = await farm.job(*[Task()] * 5, priority=90), await farm.job(Task())
    worker = await farm.worker()
    assert await farm.gets(worker) == TaskKey(job, 1)
    await farm.completes(worker, TaskKey(job, 1))
    await want(farm, job, Desired.PAUSED)
    assert await farm.does_all(worker) == [TaskKey(other, 1)]
    await want(farm, job, Desired.ACTIVE)
    assert await farm.does_all(worker) == [TaskKey(job, no) for no in range(2, 6)]


@pytest.mark.usefixtures("window")
async def test_a_soft_failed_task_goes_to_another_worker_first(farm: SmallFarm) -> None:
    job = await farm.job(*[Task()] * 30)
    anna, berta = await farm.worker("anna"), await farm.worker("berta")
    task = await farm.gets(anna)
    assert task is not None
    await farm.fails(anna, task)
    assert await farm.gets(anna) == TaskKey(job, 2)
    assert await farm.gets(berta) == task
    await farm.completes(berta, task)
    await farm.completes(anna, TaskKey(job, 2))
    assert len(await farm.does_all(anna)) == 28


@pytest.mark.usefixtures("window")
async def test_a_worker_goes_on_past_all_the_tasks_it_failed(farm: SmallFarm) -> None:
    job = await farm.job(*[Task("misc")] * 2, *[Task()] * 28)
    anna, _ = await farm.worker("anna", ("misc", "blender")), await farm.worker("b", ("misc",))
    for no in (1, 2):
        assert await farm.gets(anna) == TaskKey(job, no)
        await farm.fails(anna, TaskKey(job, no))
    assert len(await farm.does_all(anna)) == 28
    assert await farm.gets(anna) is None


async def test_a_requeued_task_may_come_to_the_worker_that_failed_it(farm: SmallFarm) -> None:
    job = await farm.job(*[Task()] * 30)
    anna, _ = await farm.worker("anna"), await farm.worker("berta")
    task = await farm.gets(anna)
    assert task is not None
    await farm.fails(anna, task)
    assert await farm.gets(anna) == TaskKey(job, 2)
    await farm.completes(anna, TaskKey(job, 2))
    await farm.replica.propose(d.RequeueTasks(job=job, tasks=(1,), epoch=9, activity=""))
    assert await farm.gets(anna) == task


@pytest.mark.parametrize(
    ("need", "have", "fits"),
    [
        (BlenderNeed(major=4, minor=2), [(4, 2)], True),
        (BlenderNeed(major=4, minor=2), [(4, 5)], True),
        (BlenderNeed(major=4, minor=2), [(3, 6)], False),
        (BlenderNeed(major=4, minor=2), [(3, 6), (5, 0)], True),
        (BlenderNeed(major=4, minor=2, newer_allowed=False), [(5, 0)], False),
        (BlenderNeed(major=4, minor=2), [], True),
        (None, [(3, 6)], True),
    ],
)
async def test_only_a_worker_with_a_fitting_blender_renders_but_all_do_the_rest(
    farm: SmallFarm, need: BlenderNeed | None, have: list[tuple[int, int]], *, fits: bool
) -> None:
    job = await farm.job(Task("blender"), Task("misc"), blender=need)
    blenders = tuple(InstalledBlender(major=major, minor=minor) for major, minor in have)
    worker = await farm.worker("anna", ("blender", "misc"), blenders)
    done = await farm.does_all(worker)
    assert done == [TaskKey(job, 1), TaskKey(job, 2)][0 if fits else 1 :]


async def test_a_job_that_is_to_be_deleted_gives_nothing(farm: SmallFarm) -> None:
    job = await farm.job(Task())
    await farm.replica.propose(d.RequestDeletion(job=job))
    assert await farm.gets(await farm.worker()) is None


async def test_a_job_deleted_at_the_last_moment_is_passed_over(farm: SmallFarm) -> None:
    gone, there = await farm.job(Task(), priority=90), await farm.job(Task())
    worker = await farm.worker()
    listeners = farm.replica._bus._prompt  # the index must miss the news
    listeners.remove(next(x for x in listeners if getattr(x, "__self__", 0) is farm.manager.ready))
    await farm.replica.propose(d.RemoveJob(job=gone))
    assert await farm.gets(worker) == TaskKey(there, 1)


async def test_a_worker_asked_to_sleep_at_the_last_moment_loses_nobody_the_task(
    farm: SmallFarm,
) -> None:
    job = await farm.job(Task())
    anna, berta = await farm.worker("anna"), await farm.worker("berta")
    asked = d.RequestWorkerStatus(worker=anna, status=WorkerStatus.ASLEEP, is_lazy=False)
    given = await all_at_once(farm.replica.propose(asked), farm.manager.dispatch.next_task(anna))
    if given[1] is None:
        assert await farm.gets(berta) == TaskKey(job, 1)


class ReadsWithAPause(FarmReads):
    """Lets something happen after a page was read and before it arrives."""

    meanwhile: asyncio.Event | None = None
    read: asyncio.Event

    async def ready(
        self, job_id: JobId, task_type: str, after: tuple[int, int] | None, limit: int
    ) -> list[tuple[int, int]]:
        page = await super().ready(job_id, task_type, after, limit)
        if self.meanwhile is not None:
            self.read.set()
            await self.meanwhile.wait()
        return page


@pytest.mark.usefixtures("window")
async def test_a_task_that_becomes_ready_while_others_are_read_is_not_lost(tmp_path: Path) -> None:
    async with small_farm(tmp_path, reads_type=ReadsWithAPause) as farm:
        reads = farm.reads
        assert isinstance(reads, ReadsWithAPause)
        job = await farm.job(Task("misc"), *[Task(after=(1,))] * 5, *[Task()] * 8)
        maker, anna = await farm.worker("maker", ("misc",)), await farm.worker("anna")
        first = await farm.gets(maker)
        assert first == TaskKey(job, 1)
        reads.read, reads.meanwhile = asyncio.Event(), asyncio.Event()

        async def meanwhile() -> None:
            assert reads.meanwhile is not None
            await reads.read.wait()
            await farm.completes(maker, first)
            reads.meanwhile.set()

        task, _ = await all_at_once(farm.gets(anna), meanwhile())
        reads.meanwhile = None
        await farm.completes(anna, task)
        rest = await farm.does_all(anna)
        assert {task.no, *(key.no for key in rest)} == set(range(2, 15))
        assert (await farm.shown(job)).tally.done == 14


async def test_after_a_restart_everything_goes_on_where_it_was(tmp_path: Path) -> None:
    async with small_farm(tmp_path) as farm:
        job = await farm.job(*[Task()] * 6, Task(after=(1, 2, 3, 4, 5, 6)))
        anna = await farm.worker("anna")
        first = await farm.gets(anna)
        assert first is not None
        await farm.completes(anna, first)
        second = await farm.gets(anna)
    async with small_farm(tmp_path) as farm:
        assert farm.manager.roster.leases[anna].task == second
        berta = await farm.worker("berta")
        assert await farm.gets(berta) == TaskKey(job, 3)
        assert await farm.gets(anna) == second
        await all_at_once(
            farm.completes(anna, TaskKey(job, 2)), farm.completes(berta, TaskKey(job, 3))
        )
        assert [task.no for task in await farm.does_all(anna)] == [4, 5, 6, 7]
        found = await farm.reads.task(TaskKey(job, 7))
        assert found is not None
        assert found[0].status is TaskStatus.COMPLETED


async def test_tasks_that_must_wait_again_keep_nobody_from_those_that_need_not(
    farm: SmallFarm,
) -> None:
    after_first = Task(after=(1,))
    job = await farm.job(Task(), after_first, after_first, after_first, Task())
    anna, berta = await farm.worker("anna"), await farm.worker("berta")
    first = TaskKey(job, 1)
    assert await farm.gets(anna) == first
    await farm.completes(anna, first)  # so the three are about to be given out
    await farm.replica.propose(d.RequeueTasks(job=job, tasks=(1,), epoch=2, activity=""))
    assert await farm.gets(anna) == first
    assert await farm.gets(berta) == TaskKey(job, 5)
    await farm.completes(anna, first)
    assert [task.no for task in await farm.does_all(anna)] == [2, 3, 4]


class ReadsThatFail(FarmReads):
    """Cannot read what is ready of one type."""

    broken = "misc"

    async def ready(
        self, job_id: JobId, task_type: str, after: tuple[int, int] | None, limit: int
    ) -> list[tuple[int, int]]:
        if task_type == self.broken:
            raise ZeroDivisionError
        return await super().ready(job_id, task_type, after, limit)


async def test_a_choice_that_fails_half_way_loses_no_task(tmp_path: Path) -> None:
    async with small_farm(tmp_path, reads_type=ReadsThatFail) as farm:
        job = await farm.job(Task("blender"), Task("misc"))
        anna = await farm.worker("anna", ("blender", "misc"))
        with pytest.raises(ZeroDivisionError):
            await farm.gets(anna)
        assert isinstance(farm.reads, ReadsThatFail)
        farm.reads.broken = ""
        assert await farm.does_all(anna) == [TaskKey(job, 1), TaskKey(job, 2)]
