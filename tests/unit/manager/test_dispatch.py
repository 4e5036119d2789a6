"""Giving tasks out while others ask, and when giving out does not work."""

from __future__ import annotations

import asyncio

import pytest

from flamenco_p2p.farm.bridge import Applied
from flamenco_p2p.farm.decisions import AnyDecision, AssignTask
from flamenco_p2p.farm.errors import NotYet
from flamenco_p2p.farm.ids import RequestId, TaskKey
from flamenco_p2p.farm.jobs import Assignment
from flamenco_p2p.manager.roster import WORK
from tests.unit.manager.small_farm import SmallFarm, Task, all_at_once

LONG_S = 30.0


class SlowBridge:
    """A bridge over which the first assignment does not come, in the end."""

    def __init__(self, farm: SmallFarm) -> None:
        self._replica = farm.replica
        self.asked = asyncio.Event()
        self.give_up = asyncio.Event()

    async def propose(self, decision: AnyDecision, *, request: RequestId | None = None) -> Applied:
        if isinstance(decision, AssignTask) and not self.asked.is_set():
            self.asked.set()
            await self.give_up.wait()
            raise NotYet("The disk is full.")
        return await self._replica.propose(decision, request=request)


async def somebody_waits(farm: SmallFarm) -> None:
    """Return once a worker waits for something to do."""
    while WORK not in farm.manager.bells._waiting:  # noqa: ASYNC110 -- a bell tells nobody of it
        await asyncio.sleep(0)


async def test_a_task_that_could_not_be_given_out_goes_to_whoever_waits_for_one(
    farm: SmallFarm,
) -> None:
    job = await farm.job(Task(), Task(priority=10))
    anna, berta, carl = [await farm.worker(name) for name in ("anna", "berta", "carl")]
    assert await farm.gets(carl) == TaskKey(job, 1)
    bridge = SlowBridge(farm)
    farm.manager.dispatch._bridge = bridge

    async def anna_asks() -> None:
        with pytest.raises(NotYet):
            await farm.manager.dispatch.next_task(anna)

    async def then_anna_fails() -> None:
        await bridge.asked.wait()
        await somebody_waits(farm)
        bridge.give_up.set()

    async def berta_waits() -> object:
        await bridge.asked.wait()
        return await farm.manager.dispatch.next_task(berta, LONG_S)

    _, _, given = await all_at_once(anna_asks(), then_anna_fails(), berta_waits())
    assert isinstance(given, Assignment)
    assert given.task == TaskKey(job, 2)


async def test_nothing_is_given_to_a_question_whose_asker_has_gone(farm: SmallFarm) -> None:
    anna, berta = await farm.worker("anna"), await farm.worker("berta")
    gone = asyncio.Event()

    async def a_job_comes() -> None:
        await somebody_waits(farm)
        gone.set()
        await farm.job(Task())

    given, _ = await all_at_once(
        farm.manager.dispatch.next_task(anna, LONG_S, still_there=lambda: not gone.is_set()),
        a_job_comes(),
    )
    assert given is None
    assert anna not in farm.manager.roster.leases
    assert await farm.gets(berta) is not None
