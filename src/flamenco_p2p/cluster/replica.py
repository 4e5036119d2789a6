"""The bridge of a farm with one voter: proposals to the writing thread, answers back.

Is: what `farm.bridge.Bridge` promises, for asyncio. Is not: databases (writer, store) or choices.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from flamenco_p2p import clock
from flamenco_p2p.bus import Bus
from flamenco_p2p.cluster.writer import Writer, Written
from flamenco_p2p.farm.bridge import Applied
from flamenco_p2p.farm.decisions import AdmitNode, AnyDecision, Envelope, FoundFarm
from flamenco_p2p.farm.errors import FarmError, NotYet
from flamenco_p2p.farm.ids import FarmId, NodeId, RequestId

PATIENCE_S = 10.0
MOST_WAITING = 20_000


class Replica:
    """This node's copy of the farm, and the way to change it."""

    def __init__(self, folder: Path, node: NodeId, bus: Bus) -> None:
        self._writer = Writer(folder, node, self._report)
        self._node = node
        self._bus = bus
        self._clock = clock.HybridClock()
        self._loop: asyncio.AbstractEventLoop
        self._ticket = 0
        self._open: dict[int, asyncio.Future[Applied]] = {}
        self.applied_index = 0

    async def start(self, *, farm_name: str, node_name: str, public_key: bytes) -> FarmId:
        """Open the databases, found the farm if there is none yet, and return its id."""
        self._loop = asyncio.get_running_loop()
        last_hlc, (farms, nodes) = await asyncio.to_thread(self._writer.open)
        self._clock.seen(last_hlc)
        self._writer.start()
        if not farms:
            farm = FarmId(clock.fresh_request_id())
            await self.propose(FoundFarm(farm=farm, name=farm_name))
            farms = [(farm, farm_name)]
        if (self._node, node_name, public_key) not in nodes:
            await self.propose(AdmitNode(node=self._node, name=node_name, public_key=public_key))
        return FarmId(farms[0][0])

    async def propose(self, decision: AnyDecision, *, request: RequestId | None = None) -> Applied:
        """See `Bridge.propose`."""
        if self._writer.waiting >= MOST_WAITING:
            raise NotYet(
                "This node has more to write than its disk takes at present.",
                remedy="Try again in a moment; nothing accepted is lost.",
            )
        self._ticket += 1
        ticket = self._ticket
        answer: asyncio.Future[Applied] = self._loop.create_future()
        self._open[ticket] = answer
        self._writer.submit(ticket, Envelope(self._clock.stamp(), decision, request))
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await answer
        except TimeoutError:
            raise NotYet(
                "This node cannot write its data at present; the disk may be full or very slow.",
                remedy="What you asked for may still happen. Free some space, then look again.",
            ) from None
        finally:
            self._open.pop(ticket, None)

    def _report(self, written: Written) -> None:
        """Take what became of a batch over to the event loop."""
        try:
            self._loop.call_soon_threadsafe(self._answer, written)
        except RuntimeError:  # the loop has closed: nobody waits for answers any more
            return

    def _answer(self, written: Written) -> None:
        self._bus.tell(written.events)
        for ticket, outcome in zip(written.tickets, written.outcomes, strict=True):
            answer = self._open.pop(ticket, None)
            if isinstance(outcome, FarmError):
                if answer is not None and not answer.done():
                    answer.set_exception(outcome)
                continue
            self.applied_index = outcome.index
            if answer is None or answer.done():
                continue
            if outcome.refusal is not None:
                answer.set_exception(outcome.refusal)
            else:
                answer.set_result(Applied(outcome.index, outcome.assignment))

    async def stop(self) -> None:
        """Write what is queued and close the databases."""
        await asyncio.to_thread(self._writer.stop)
