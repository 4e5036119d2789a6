"""Histories that nobody would write: any decision at any time, some from an outdated view.

Is: moves (a word and three numbers) that hypothesis makes and shrinks, turned into decisions about
what the farm happens to hold. Is not: a judgement of what follows (recount).
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from flamenco_p2p.farm import decisions as d
from flamenco_p2p.farm.ids import AttemptId, FarmId, JobId, NodeId, WorkerId
from flamenco_p2p.farm.statuses import Desired, WorkerStatus
from flamenco_p2p.farm.statuses import Outcome as How
from tests.unit.store.farm_on_paper import BEGINNING_MS, FarmOnPaper, packed, spec

Move = tuple[str, int, int, int]

OFTEN = ("render", "render", "render", "assign", "assign", "complete", "fail", "awake")
SOMETIMES = (
    "want", "requeue job", "requeue tasks", "settle", "late report", "hand back", "worker status",
    "sign off", "sign on", "new job", "wish", "new worker", "hard fail", "fail job", "half a job",
)  # fmt: skip
SELDOM = ("clear block", "priority", "delete", "remove job", "remove worker", "forget", "identity")

NUMBER = st.integers(0, 7)
MOVES: st.SearchStrategy[list[Move]] = st.lists(
    st.tuples(st.sampled_from(OFTEN * 3 + SOMETIMES * 2 + SELDOM), NUMBER, NUMBER, NUMBER),
    min_size=8,
    max_size=40,
)


class AnyHistory:
    """Turns moves into decisions, looking only at the farm's rows."""

    def __init__(self, farm: FarmOnPaper) -> None:
        self._farm = farm

    def begin(self) -> None:
        """Give the farm something that can happen to it."""
        for _ in range(3):
            self._farm.worker()
        self._farm.job([(), (), (1, 2)])

    def decisions(self, move: Move) -> list[d.AnyDecision]:
        """Return what this move means now; nothing if it means nothing."""
        word, a, b, c = move
        made = getattr(self, f"_{word.replace(' ', '_')}")(a, b, c)
        return made if isinstance(made, list) else [] if made is None else [made]

    # --- what there is

    def _one_job(self, a: int) -> JobId | None:
        rows = self._farm.query("SELECT job_id FROM jobs ORDER BY job_id DESC LIMIT 3")
        return rows[a % len(rows)][0] if rows else None

    def _one_task(self, a: int, b: int) -> tuple[JobId, int, int, int] | None:
        job = self._one_job(a)
        rows = self._farm.query(
            "SELECT t.job_id, task_no, t.epoch, j.epoch FROM tasks t JOIN jobs j USING (job_id) "
            "WHERE t.job_id = ?", job,
        )  # fmt: skip
        return rows[b % len(rows)] if rows else None

    def _one_worker(self, a: int) -> WorkerId | None:
        rows = self._farm.query("SELECT worker_id FROM workers ORDER BY worker_id DESC LIMIT 4")
        return rows[a % len(rows)][0] if rows else None

    def _one_attempt(
        self, a: int, *, is_open: bool
    ) -> tuple[JobId, int, AttemptId, WorkerId] | None:
        rows = self._farm.query(
            "SELECT job_id, task_no, attempt_id, worker_id FROM attempts "
            "WHERE (ended_ms IS NULL) = ? ORDER BY mod DESC", is_open,
        )  # fmt: skip
        return rows[a % len(rows)] if rows else None

    def _epoch(self, job: JobId, c: int) -> int:
        epoch: int = self._farm.query("SELECT epoch FROM jobs WHERE job_id = ?", job)[0][0]
        return max(1, epoch + (1 if c else 0))  # now and then it has been used already

    # --- jobs

    def _arrival(self, a: int, b: int) -> list[d.AnyDecision]:
        count = 1 + a
        waits = {
            no: [n for n in range(1, no) if (n + no + b) % 3 == 0] for no in range(2, count + 1)
        }
        job = self._farm.fresh_job()
        half = (count + 1) // 2
        early = {no: some for no, some in waits.items() if no <= half and some}
        late = {no: some for no, some in waits.items() if no > half and some}
        desired = Desired.PAUSED if b == 7 else Desired.ACTIVE
        return [
            d.BeginJob(job=job, spec=spec(desired=desired, name=f"job {a}{b}")),
            d.AddTasks(job=job, slice=1, payload=packed(range(1, half + 1), {})),
            d.AddTasks(job=job, slice=2, payload=packed(range(half + 1, count + 1), early | late)),
            d.CompleteJob(job=job, task_count=count),
        ]

    def _new_job(self, a: int, b: int, c: int) -> list[d.AnyDecision]:
        return self._arrival(a, b)

    def _half_a_job(self, a: int, b: int, c: int) -> list[d.AnyDecision]:
        return self._arrival(a, b)[: 1 + c % 3]

    def _want(self, a: int, b: int, c: int) -> Any:
        job = self._one_job(a)
        return job and d.SetDesired(job=job, desired=list(Desired)[b % 3], activity="wanted")

    def _priority(self, a: int, b: int, c: int) -> Any:
        job = self._one_job(a)
        return job and d.SetPriority(job=job, priority=b)

    def _fail_job(self, a: int, b: int, c: int) -> Any:
        job = self._one_job(a)
        return job and d.FailJob(job=job, epoch=self._epoch(job, 0), activity="given up")

    def _requeue_job(self, a: int, b: int, c: int) -> Any:
        job = self._one_job(a)
        return job and d.RequeueJob(job=job, epoch=self._epoch(job, c), activity="once more")

    def _requeue_tasks(self, a: int, b: int, c: int) -> Any:
        job, some = self._one_job(a), {self._one_task(a, b), self._one_task(a, c)}
        numbers = tuple(sorted(task[1] for task in some if task))
        if job is None or not numbers:
            return None
        epoch = self._epoch(job, c)
        return d.RequeueTasks(job=job, tasks=numbers, epoch=epoch, activity="once more")

    def _delete(self, a: int, b: int, c: int) -> Any:
        job = self._one_job(a)
        return job and d.RequestDeletion(job=job)

    def _remove_job(self, a: int, b: int, c: int) -> Any:
        job = self._one_job(a)
        return job and d.RemoveJob(job=job)

    def _abandon_job(self, a: int, b: int, c: int) -> Any:
        job = self._one_job(a)
        return job and d.AbandonJob(job=job)

    def _clear_block(self, a: int, b: int, c: int) -> Any:
        job, worker = self._one_job(a), self._one_worker(b)
        return job and worker and d.ClearBlock(job=job, worker=worker, task_type="blender")

    # --- tasks

    def _assign(self, a: int, b: int, c: int) -> Any:
        # Mostly what a manager would choose; now and then from a job that gives out nothing.
        rows = self._farm.query(
            "SELECT job_id, task_no FROM tasks JOIN jobs USING (job_id) WHERE ready = 1"
            " AND (? OR (jobs.status IN ('queued', 'active') AND delete_requested_ms IS NULL))"
            " ORDER BY job_id DESC, task_no", a == 7,
        )  # fmt: skip
        awake = self._farm.query(
            "SELECT worker_id FROM workers w WHERE status = 'awake' AND requested = ''"
            " AND NOT EXISTS (SELECT 1 FROM tasks t"
            " WHERE t.worker_id = w.worker_id AND attempt_id IS NOT NULL)"
        )
        if not rows or not awake:
            return None
        job, no = rows[(a + b) % len(rows)]
        return self._farm.assignment(job, no, awake[c % len(awake)][0])

    def _render(self, a: int, b: int, c: int) -> Any:
        if (given := self._assign(a, b, c)) is None:
            return None
        done = self._farm.completion(given.job, given.task, given.worker, given.attempt)
        return [given, done]

    def _complete(self, a: int, b: int, c: int) -> Any:
        found = self._one_attempt(a, is_open=True)
        if found is None:
            return None
        job, no, attempt, worker = found
        return self._farm.completion(job, no, worker, attempt if b else None, outputs=("1.png",))

    def _late_report(self, a: int, b: int, c: int) -> Any:
        found = self._one_attempt(a, is_open=False)
        if found is None:
            return None
        job, no, attempt, worker = found
        report = self._farm.failure if c == 0 else self._farm.completion
        return report(job, no, worker, attempt if b else None)

    def _fail(self, a: int, b: int, c: int) -> Any:
        return self._failure(a, b, c, hard=False)

    def _hard_fail(self, a: int, b: int, c: int) -> Any:
        return self._failure(a, b, c, hard=True)

    def _failure(self, a: int, b: int, c: int, *, hard: bool) -> Any:
        found = self._one_attempt(a, is_open=True)
        if found is None:
            return None
        job, no, attempt, worker = found
        failed = self._farm.query(
            "SELECT task_no FROM tasks WHERE job_id = ? AND state = 2 AND worker_id = ?",
            job,
            worker,
        )
        return self._farm.failure(
            job, no, worker, attempt if b else None, hard=hard, block=b > 4,
            retry=tuple(n for (n,) in failed) if b > 4 else (), epoch=self._epoch(job, c),
            fail_job="nobody is left" if c == 7 else "", timed_out=c == 6,
        )  # fmt: skip

    def _settle(self, a: int, b: int, c: int) -> Any:
        if (found := self._one_task(a, b)) is None:
            return None
        job, no, epoch, _ = found
        how = (How.CANCELED, How.FAILED, How.COMPLETED)[c % 3]
        return d.SettleTask(job=job, task=no, epoch=epoch, outcome=how, activity="by hand")

    def _hand_back(self, a: int, b: int, c: int) -> Any:
        worker = self._one_worker(a)
        return worker and d.HandBackTasks(worker=worker, activity="back")

    # --- workers

    def _new_worker(self, a: int, b: int, c: int) -> Any:
        return d.RegisterWorker(
            worker=WorkerId(self._farm.fresh()), name=f"worker {a}", secret_digest=b"", address="",
            platform="linux", task_types=("blender",),
        )  # fmt: skip

    def _sign_on(self, a: int, b: int, c: int) -> Any:
        worker = self._one_worker(a)
        return worker and d.SignOnWorker(
            worker=worker, name=f"renamed {b}", address="", software="1", task_types=("blender",),
            can_restart=bool(c % 2),
        )  # fmt: skip

    def _awake(self, a: int, b: int, c: int) -> Any:
        worker = self._one_worker(a)
        return worker and d.SetWorkerStatus(worker=worker, status=WorkerStatus.AWAKE)

    def _worker_status(self, a: int, b: int, c: int) -> Any:
        worker, status = self._one_worker(a), list(WorkerStatus)[1 + b % 5]
        return worker and d.SetWorkerStatus(worker=worker, status=status, activity="said so")

    def _sign_off(self, a: int, b: int, c: int) -> Any:
        worker = self._one_worker(a)
        return worker and d.SignOffWorker(worker=worker, activity="leaves")

    def _wish(self, a: int, b: int, c: int) -> Any:
        worker, status = self._one_worker(a), list(WorkerStatus)[2 + b % 5]
        return worker and d.RequestWorkerStatus(worker=worker, status=status, is_lazy=bool(c % 2))

    def _remove_worker(self, a: int, b: int, c: int) -> Any:
        worker = self._one_worker(a)
        return worker and d.RemoveWorker(worker=worker)

    # --- the farm

    def _forget(self, a: int, b: int, c: int) -> Any:
        return d.ForgetRequests(before=(BEGINNING_MS + 10 * a) << 16)

    def _identity(self, a: int, b: int, c: int) -> Any:
        return [
            d.FoundFarm(farm=FarmId(bytes([a])), name="farm"),
            d.AdmitNode(node=NodeId(bytes([b])), name=f"node {c}", public_key=b"key"),
        ]
