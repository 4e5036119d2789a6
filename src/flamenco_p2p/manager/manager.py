"""The manager, put together.

Is: the parts that answer the doors' questions, sharing one view of the farm. Is not: a decision of
its own.
"""

from __future__ import annotations

from flamenco_p2p import clock
from flamenco_p2p.bus import Bus
from flamenco_p2p.compiler.compile import JobCompiler
from flamenco_p2p.farm.bridge import Bridge
from flamenco_p2p.files.task_logs import TaskLogs
from flamenco_p2p.manager.attendance import Attendance
from flamenco_p2p.manager.bell import Bells
from flamenco_p2p.manager.chronicle import Chronicle
from flamenco_p2p.manager.dispatch import Dispatch
from flamenco_p2p.manager.intake import Intake
from flamenco_p2p.manager.progress import Progress
from flamenco_p2p.manager.ready_tasks import ReadyTasks
from flamenco_p2p.manager.roster import Roster
from flamenco_p2p.manager.steering import Steering
from flamenco_p2p.manager.watch import Patience, Watch
from flamenco_p2p.rules.failures import Thresholds
from flamenco_p2p.store.farm_reads import FarmReads


class Manager:
    """Everything a manager does, by question."""

    def __init__(
        self,
        *,
        bridge: Bridge,
        reads: FarmReads,
        bus: Bus,
        logs: TaskLogs,
        compiler: JobCompiler,
        thresholds: Thresholds,
        patience: Patience,
    ) -> None:
        self.bells = Bells()
        self.roster = Roster(reads, self.bells)
        self.ready = ReadyTasks(reads)
        self.intake = Intake(bridge, compiler, reads)
        self.attendance = Attendance(bridge, self.roster, self.bells)
        self.dispatch = Dispatch(bridge, self.roster, self.ready, reads, self.bells)
        self.progress = Progress(bridge, self.roster, reads, logs, bus, thresholds)
        self.steering = Steering(bridge, reads, self.roster)
        self.watch = Watch(bridge, self.roster, reads, self.progress, logs, bus, patience)
        # The order matters: whoever is woken by the roster finds the index up to date.
        bus.listen(self.ready.hear)
        bus.listen(self.roster.hear)
        bus.listen(Chronicle(logs, self.roster).hear)

    async def load(self) -> None:
        """Learn what happened in earlier lives."""
        await self.roster.load(clock.now_ms())
        self.ready.load(list(self.roster.jobs.values()))
