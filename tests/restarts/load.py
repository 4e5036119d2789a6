"""What happens to the farm in a life: several proposers at once, each with jobs of its own.

Is: proposals as the manager makes them, chosen by seeded luck, each told to the killer before it is
made and after it is answered. Wishes about a job are its owner's; workers take tasks of any. Is
not: the bridge. A proposer goes on with what its earlier lives
left half done: a submission, a deletion, a task in a worker's hands.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import msgspec

from flamenco_p2p import clock
from flamenco_p2p.farm import decisions as d
from flamenco_p2p.farm.bridge import Bridge
from flamenco_p2p.farm.errors import Refused
from flamenco_p2p.farm.ids import JobId, TaskKey, WorkerId
from flamenco_p2p.farm.jobs import JobSpec
from flamenco_p2p.farm.statuses import Desired, Outcome, WorkerStatus
from flamenco_p2p.rules.scheduling import is_schedulable
from flamenco_p2p.store.farm_reads import FarmReads
from tests.restarts.ledger import Answered, Ledger, Record, Tried

MOST_JOBS = 4
TASK_TYPE = "misc"
ACTIVITY = "by tests.restarts"


def slices_of(job: JobId) -> list[bytes]:
    """Return a job's tasks as the compiler packs them; always the same ones for the same job."""
    luck = Random(job)
    packed, first = [], 1
    for _ in range(luck.randint(1, 3)):
        numbers = range(first, first + luck.randint(1, 8))
        first = numbers.stop
        tasks = [(no, f"task {no}", TASK_TYPE, 50, luck.randint(0, 9), b"[]") for no in numbers]
        waits = [(no, [(1, no // 2)]) for no in numbers if no > 1 and luck.random() < 0.3]
        packed.append(msgspec.msgpack.encode((tasks, waits)))
    return packed


def task_count(slices: list[bytes]) -> int:
    """Return how many tasks are in the slices."""
    return sum(len(msgspec.msgpack.decode(part)[0]) for part in slices)


class Proposer:
    """One of those who change the farm; one proposal at a time."""

    def __init__(
        self, number: int, luck: Random, bridge: Bridge, reads: FarmReads, ledger: Ledger,
        tell: Callable[[Record], None],
    ) -> None:  # fmt: skip
        self._number = number
        self._luck = luck
        self._bridge = bridge
        self._reads = reads
        self._ledger = ledger
        self._tell = tell

    async def run(self) -> None:
        """Change the farm until killed."""
        for job in self._jobs():
            await self._finish_business(job)
        for worker in self._workers():
            notes = self._ledger.workers[worker]
            if notes.removing:
                await self._try(d.RemoveWorker(worker=worker))
            elif not notes.registered:
                await self._register(worker)
        while True:
            for worker in self._workers():
                await self._work(worker)
            await self._luck.choices(
                (self._submit, self._wish, self._requeue, self._settle, self._remove,
                 self._ask_again, self._change_worker),
                (3, 6, 3, 1, 1, 3, 1),
            )[0]()  # fmt: skip

    def _jobs(self) -> list[JobId]:
        return [job for job, notes in self._ledger.jobs.items() if notes.owner == self._number]

    def _workers(self) -> list[WorkerId]:
        known = self._ledger.workers.items()
        return [worker for worker, notes in known if notes.owner == self._number]

    async def _try(self, decision: d.AnyDecision, *, is_request: bool = False) -> bool:
        request = clock.fresh_request_id() if is_request else None
        return await self._propose(
            Tried(self._ledger.last_number + 1, self._number, decision, request)
        )

    async def _propose(self, tried: Tried) -> bool:
        self._tell(tried)
        try:
            applied = await self._bridge.propose(tried.decision, request=tried.request)
        except Refused as refused:
            answer = Answered(tried.number, type(refused).__name__, refused.problem)
        else:
            epoch = applied.assignment.epoch if applied.assignment is not None else 0
            answer = Answered(tried.number, epoch=epoch)
        if tried.again and tried.request is not None:
            before = self._ledger.answers[tried.request]
            if before != (answer.refusal, answer.problem):
                raise AssertionError(f"answered {before} at first, then {answer}")
        self._tell(answer)
        return not answer.refusal

    # --- jobs

    async def _submit(self) -> None:
        if len(self._jobs()) < MOST_JOBS:
            job = clock.fresh_job_id()
            await self._bring_in(job)

    async def _bring_in(self, job: JobId) -> None:
        spec = JobSpec(
            name="restarts", type="none", priority=50, settings=b"{}", metadata={},
            submitter_platform="linux",
        )  # fmt: skip
        await self._try(d.BeginJob(job=job, spec=spec))
        slices = slices_of(job)
        for number, payload in enumerate(slices, start=1):
            await self._try(d.AddTasks(job=job, slice=number, payload=payload))
        await self._try(d.CompleteJob(job=job, task_count=task_count(slices)))

    async def _finish_business(self, job: JobId) -> None:
        notes = self._ledger.jobs[job]
        if notes.removing:
            await self._try(d.RemoveJob(job=job))
        elif not notes.complete:
            await self._bring_in(job)

    async def _remove(self) -> None:
        jobs = self._jobs()
        if len(jobs) == MOST_JOBS:
            job = self._luck.choice(jobs)
            await self._try(d.RequestDeletion(job=job), is_request=True)
            await self._try(d.RemoveJob(job=job))

    async def _wish(self) -> None:
        if not (jobs := self._jobs()):
            return
        job = self._luck.choice(jobs)
        decision: d.AnyDecision = d.SetPriority(job=job, priority=self._luck.randint(0, 100))
        if self._luck.random() < 0.3:
            desired = self._luck.choice([*Desired, Desired.ACTIVE, Desired.ACTIVE])
            decision = d.SetDesired(job=job, desired=desired, activity=ACTIVITY)
        await self._try(decision, is_request=True)

    async def _requeue(self) -> None:
        if not (jobs := self._jobs()):
            return
        job = await self._reads.job(self._luck.choice(jobs))
        if job is None:
            return
        epoch = job.epoch + 1
        decision: d.AnyDecision = d.RequeueJob(job=job.id, epoch=epoch, activity=ACTIVITY)
        if self._luck.random() < 0.5:
            tasks = self._luck.sample(range(1, job.tally.total + 1), min(2, job.tally.total))
            decision = d.RequeueTasks(
                job=job.id, tasks=tuple(tasks), epoch=epoch, activity=ACTIVITY
            )
        await self._try(decision, is_request=True)

    async def _settle(self) -> None:
        if not (jobs := self._jobs()):
            return
        job = await self._reads.job(self._luck.choice(jobs))
        if job is None:
            return
        outcome = self._luck.choice([Outcome.CANCELED, Outcome.FAILED, Outcome.COMPLETED])
        no = self._luck.randint(1, job.tally.total)
        found = await self._reads.task(TaskKey(job.id, no))
        if found is None:
            return
        settle = d.SettleTask(
            job=job.id, task=no, epoch=found[0].epoch, outcome=outcome, activity=ACTIVITY
        )
        await self._try(settle, is_request=True)

    async def _ask_again(self) -> None:
        """Repeat a request whose answer may never have arrived, as far as its asker knows."""
        mine = [tried for tried in self._ledger.asked if tried.owner == self._number]
        if mine:
            tried = self._luck.choice(mine)
            number = self._ledger.last_number + 1
            await self._propose(msgspec.structs.replace(tried, number=number, again=True))

    # --- workers

    async def _work(self, worker: WorkerId) -> None:
        """Let a worker take a task, or do something with the one it holds."""
        lease = next((lease for lease in await self._reads.held() if lease.worker == worker), None)
        if lease is None or lease.task is None or lease.attempt is None:
            await self._take(worker)
            return
        job, no = lease.task
        if (notes := self._ledger.jobs.get(job)) is None:
            return  # it has just been removed
        if lease.attempt not in notes.given:  # the answer was never heard
            again = d.AssignTask(job=job, task=no, worker=worker, attempt=lease.attempt)
            if not await self._try(again):
                return
        if (chance := self._luck.random()) < 0.8:
            done = d.CompleteTask(
                job=job, task=no, worker=worker, attempt=lease.attempt, activity=ACTIVITY,
                outputs=(f"/frames/{no}.png",),
            )  # fmt: skip
            await self._try(done)
        elif chance < 0.9:
            failed = d.FailTask(
                job=job, task=no, worker=worker, attempt=lease.attempt, task_type=TASK_TYPE,
                hard=chance < 0.85, block=False, epoch=0, retry=(), fail_job="", activity=ACTIVITY,
            )  # fmt: skip
            await self._try(failed)
        else:
            await self._try(d.HandBackTasks(worker=worker, activity=ACTIVITY))

    async def _take(self, worker: WorkerId) -> None:
        for job in self._luck.sample(jobs := list(self._ledger.jobs), len(jobs)):
            known = await self._reads.job(job)
            ready = await self._reads.ready(job, TASK_TYPE, None, 50)
            if ready and known is not None and is_schedulable(known):
                _, no = self._luck.choice(ready)
                attempt = clock.fresh_attempt_id()
                assign = d.AssignTask(job=job, task=no, worker=worker, attempt=attempt)
                if not await self._try(assign):
                    await self._wake(worker)  # it may have signed off, or never on
                return

    async def _change_worker(self) -> None:
        workers = self._workers()
        if len(workers) < 2:
            await self._register(clock.fresh_worker_id())
        elif self._luck.random() < 0.2:
            await self._try(d.RemoveWorker(worker=workers[0]))
        else:
            worker = self._luck.choice(workers)
            await self._try(d.SignOffWorker(worker=worker, activity=ACTIVITY))

    async def _register(self, worker: WorkerId) -> None:
        register = d.RegisterWorker(
            worker=worker, name=f"worker of {self._number}", secret_digest=bytes(32),
            platform="linux", address="", task_types=(TASK_TYPE,),
        )  # fmt: skip
        await self._try(register)
        await self._wake(worker)

    async def _wake(self, worker: WorkerId) -> None:
        sign_on = d.SignOnWorker(
            worker=worker, name="signed on", address="", software="tests",
            task_types=(TASK_TYPE,), can_restart=False,
        )  # fmt: skip
        await self._try(sign_on)
        await self._try(d.SetWorkerStatus(worker=worker, status=WorkerStatus.AWAKE))
