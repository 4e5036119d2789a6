"""What decisions about single tasks do to the farm."""

from __future__ import annotations

import pytest

from flamenco_p2p.farm import decisions as d
from flamenco_p2p.farm.errors import Conflict, Unknown
from flamenco_p2p.farm.events import LeaseChanged, TaskChanged, TasksReady
from flamenco_p2p.farm.ids import AttemptId, JobId, TaskKey, WorkerId, timed_id
from flamenco_p2p.farm.statuses import JobStatus, Outcome, WorkerStatus
from tests.unit.store.farm_on_paper import BEGINNING_MS, FarmOnPaper

FRAMES_AND_VIDEO = ((), (), (1, 2))


def settled(job: JobId, no: int, outcome: Outcome, epoch: int = 1) -> d.SettleTask:
    """Return the decision of a person that a task has ended."""
    return d.SettleTask(job=job, task=no, epoch=epoch, outcome=outcome, activity="by hand")


# --- giving out


def test_a_worker_is_told_all_it_needs(farm: FarmOnPaper) -> None:
    anna, job = farm.worker(), farm.job(priority=70, type="the type")
    given = farm.assign(job, 1, anna)
    assert (given.task, given.epoch, given.name, given.type) == (
        TaskKey(job, 1), 1, "task 1", "blender",
    )  # fmt: skip
    assert (given.priority, given.steps_total, given.commands) == (50, 10, b'[{"name":"echo"}]')
    assert (given.job_priority, given.job_type, given.outputs_stale) == (70, "the type", ())
    assert farm.job_status(job) is JobStatus.ACTIVE
    (changed,) = [event for event in farm.told if isinstance(event, TaskChanged)]
    assert (changed.previous, changed.status, changed.worker) == ("queued", "active", anna)


def test_giving_out_the_same_attempt_again_gives_the_same_answer(farm: FarmOnPaper) -> None:
    anna, job = farm.worker(), farm.job()
    decision = farm.assignment(job, 1, anna)
    first = farm.decide(decision).assignment
    again = farm.decide(decision).assignment
    assert first == again
    assert farm.told == []


def test_a_task_is_given_to_one_worker_only(farm: FarmOnPaper) -> None:
    anna, bert, job = farm.worker(), farm.worker(), farm.job()
    farm.assign(job, 1, anna)
    assert isinstance(farm.refusal_of(farm.assignment(job, 1, bert)), Conflict)


def test_a_worker_holds_one_task_at_a_time(farm: FarmOnPaper) -> None:
    anna, job, other = farm.worker(), farm.job(((), ())), farm.job()
    farm.assign(job, 1, anna)
    assert isinstance(farm.refusal_of(farm.assignment(job, 2, anna)), Conflict)
    assert isinstance(farm.refusal_of(farm.assignment(other, 1, anna)), Conflict)


def test_a_task_waits_for_everything_before_it(farm: FarmOnPaper) -> None:
    anna, job = farm.worker(), farm.job(FRAMES_AND_VIDEO)
    assert isinstance(farm.refusal_of(farm.assignment(job, 3, anna)), Conflict)
    farm.render(job, 1, worker=anna)
    assert isinstance(farm.refusal_of(farm.assignment(job, 3, anna)), Conflict)
    farm.render(job, 2, worker=anna)
    ready = TasksReady(job=job, tasks=(("blender", 50, 3),))
    assert ready in farm.told
    farm.assign(job, 3, anna)


@pytest.mark.parametrize("status", [s for s in WorkerStatus if s is not WorkerStatus.AWAKE])
def test_only_a_worker_that_is_awake_gets_a_task(farm: FarmOnPaper, status: WorkerStatus) -> None:
    anna, job = farm.worker(), farm.job()
    farm.reports(anna, status)
    assert isinstance(farm.refusal_of(farm.assignment(job, 1, anna)), Conflict)


@pytest.mark.parametrize("is_lazy", [False, True])
def test_a_worker_that_is_asked_to_change_gets_no_new_task(
    farm: FarmOnPaper, is_lazy: bool
) -> None:
    anna, job = farm.worker(), farm.job()
    farm.wish(anna, WorkerStatus.ASLEEP, is_lazy=is_lazy)
    assert isinstance(farm.refusal_of(farm.assignment(job, 1, anna)), Conflict)


def test_unknown_and_deleted_workers_get_no_task(farm: FarmOnPaper) -> None:
    anna, job = farm.worker(), farm.job()
    stranger = WorkerId(b"stranger")
    assert isinstance(farm.refusal_of(farm.assignment(job, 1, stranger)), Unknown)
    farm.decide(d.RemoveWorker(worker=anna))
    assert isinstance(farm.refusal_of(farm.assignment(job, 1, anna)), Unknown)


def test_a_job_that_is_still_arriving_gives_out_nothing(farm: FarmOnPaper) -> None:
    anna, job = farm.worker(), farm.begun_job()
    assert isinstance(farm.refusal_of(farm.assignment(job, 1, anna)), Unknown)


def test_an_attempt_that_has_ended_is_not_begun_again(farm: FarmOnPaper) -> None:
    anna, job = farm.worker(), farm.job()
    decision = farm.assignment(job, 1, anna)
    farm.decide(decision)
    farm.decide(d.HandBackTasks(worker=anna, activity="back"))
    assert isinstance(farm.refusal_of(decision), Conflict)
    farm.assign(job, 1, anna)


# --- completing


def test_a_finished_task_stays_finished_whoever_reports_it_again(farm: FarmOnPaper) -> None:
    anna, bert, job = farm.worker(), farm.worker(), farm.job(((), ()))
    farm.assign(job, 1, anna)
    farm.decide(d.HandBackTasks(worker=anna, activity="back"))
    farm.render(job, 1, worker=bert)
    before = farm.dump(without=("meta",))
    farm.decide(farm.completion(job, 1, anna))
    assert farm.dump(without=("meta",)) == before


def test_a_worker_that_lost_its_task_may_still_complete_it_in_the_same_round(
    farm: FarmOnPaper,
) -> None:
    anna, bert, job = farm.worker(), farm.worker(), farm.job(((), ()))
    farm.assign(job, 1, anna)
    farm.decide(d.HandBackTasks(worker=anna, activity="back"))
    farm.assign(job, 1, bert)
    farm.decide(farm.completion(job, 1, anna))
    assert farm.statuses(job) == ["completed", "queued"]
    assert LeaseChanged(worker=bert, task=None) in farm.told
    assert farm.held() == {}
    outcomes = farm.query("SELECT worker_id, outcome FROM attempts")
    assert dict(outcomes) == {anna: "completed", bert: "canceled"}
    assert isinstance(farm.refusal_of(farm.failure(job, 1, bert)), Conflict)


def test_a_completion_from_before_a_requeue_is_refused(farm: FarmOnPaper) -> None:
    anna, job = farm.worker(), farm.job()
    given = farm.assign(job, 1, anna)
    farm.requeue_tasks(job, 1)
    for attempt in (None, given.attempt):
        assert isinstance(farm.refusal_of(farm.completion(job, 1, anna, attempt)), Conflict)
    assert farm.statuses(job) == ["queued"]


def test_a_report_about_a_task_of_somebody_else_is_refused(farm: FarmOnPaper) -> None:
    anna, bert, job = farm.worker(), farm.worker(), farm.job()
    given = farm.assign(job, 1, anna)
    for attempt in (None, given.attempt, AttemptId(b"made up")):
        assert isinstance(farm.refusal_of(farm.completion(job, 1, bert, attempt)), Conflict)
        assert isinstance(farm.refusal_of(farm.failure(job, 1, bert, attempt)), Conflict)


def test_a_report_about_an_unknown_task_is_refused(farm: FarmOnPaper) -> None:
    anna, job = farm.worker(), farm.job()
    assert isinstance(farm.refusal_of(farm.completion(job, 2, anna)), Unknown)


def test_a_report_without_attempt_is_about_the_workers_newest_one_even_if_clocks_disagree(
    farm: FarmOnPaper,
) -> None:
    anna, job = farm.worker(), farm.job(((), ()))
    farm.assign(job, 1, anna)
    farm.decide(d.HandBackTasks(worker=anna, activity="back"))
    minted_by_a_slow_clock = AttemptId(timed_id(BEGINNING_MS - 60_000, bytes(10)))
    farm.decide(d.AssignTask(job=job, task=1, worker=anna, attempt=minted_by_a_slow_clock))
    farm.decide(farm.failure(job, 1, anna))
    assert farm.statuses(job) == ["soft-failed", "queued"]


def test_outputs_of_an_earlier_round_are_named_when_the_task_is_given_out_again(
    farm: FarmOnPaper,
) -> None:
    anna, job = farm.worker(), farm.job()
    farm.assign(job, 1, anna)
    farm.decide(farm.completion(job, 1, anna, outputs=("b.png", "a.png")))
    farm.requeue_tasks(job, 1)
    assert farm.assign(job, 1, anna).outputs_stale == ("a.png", "b.png")
    farm.decide(farm.completion(job, 1, anna, outputs=("a.png",)))
    rows = farm.query("SELECT path, epoch FROM outputs ORDER BY path")
    assert rows == [("a.png", 2), ("b.png", 1)]


# --- failing


def test_a_soft_failed_task_goes_to_another_worker(farm: FarmOnPaper) -> None:
    anna, bert, job = farm.worker(), farm.worker(), farm.job()
    farm.assign(job, 1, anna)
    farm.decide(farm.failure(job, 1, anna))
    assert farm.statuses(job) == ["soft-failed"]
    assert isinstance(farm.refusal_of(farm.assignment(job, 1, anna)), Conflict)
    farm.render(job, 1, worker=bert)
    assert farm.job_status(job) is JobStatus.COMPLETED


def test_a_requeued_task_may_go_to_a_worker_that_failed_it_before(farm: FarmOnPaper) -> None:
    anna, job = farm.worker(), farm.job()
    farm.assign(job, 1, anna)
    farm.decide(farm.failure(job, 1, anna))
    farm.requeue_tasks(job, 1)
    assert farm.statuses(job) == ["queued"]
    farm.assign(job, 1, anna)
    farm.decide(farm.failure(job, 1, anna))
    assert farm.statuses(job) == ["soft-failed"]


def test_a_blocked_worker_gets_no_task_of_that_type_in_that_job_until_it_is_forgiven(
    farm: FarmOnPaper,
) -> None:
    anna, job, other = farm.worker(), farm.job(((), ())), farm.job()
    farm.assign(job, 1, anna)
    farm.decide(farm.failure(job, 1, anna, block=True))
    assert isinstance(farm.refusal_of(farm.assignment(job, 2, anna)), Conflict)
    farm.render(other, 1, worker=anna)
    farm.decide(d.ClearBlock(job=job, worker=anna, task_type="blender"))
    farm.assign(job, 2, anna)


def test_tasks_a_blocked_worker_had_failed_for_good_go_to_others(farm: FarmOnPaper) -> None:
    anna, bert, job = farm.worker(), farm.worker(), farm.job(((),) * 30)
    farm.assign(job, 1, anna)
    farm.decide(farm.failure(job, 1, anna, hard=True))
    farm.assign(job, 2, anna)
    farm.decide(farm.failure(job, 2, anna, block=True, retry=(1,), epoch=2))
    assert farm.statuses(job)[:3] == ["queued", "soft-failed", "queued"]
    farm.render(job, 1, 2, worker=bert)


def test_a_retry_decided_from_an_outdated_view_takes_no_failure_back(farm: FarmOnPaper) -> None:
    anna, job = farm.worker(), farm.job(((),) * 30)
    farm.requeue_tasks(job, 1)
    farm.assign(job, 1, anna)
    farm.decide(farm.failure(job, 1, anna, hard=True))
    farm.assign(job, 2, anna)
    farm.decide(farm.failure(job, 2, anna, block=True, retry=(1,), epoch=2))
    assert farm.statuses(job)[:2] == ["failed", "soft-failed"]


def test_a_failed_task_is_failed_once(farm: FarmOnPaper) -> None:
    anna, job = farm.worker(), farm.job(((),) * 30)
    farm.assign(job, 1, anna)
    farm.decide(farm.failure(job, 1, anna))
    assert isinstance(farm.refusal_of(farm.failure(job, 1, anna)), Conflict)
    assert farm.query("SELECT count(*) FROM failures") == [(1,)]


def test_a_task_whose_worker_was_silent_too_long_has_timed_out(farm: FarmOnPaper) -> None:
    anna, job = farm.worker(), farm.job()
    farm.assign(job, 1, anna)
    farm.decide(farm.failure(job, 1, anna, timed_out=True))
    assert farm.query("SELECT outcome FROM attempts") == [("timed-out",)]


def test_every_tenth_failed_task_fails_the_job_and_frees_its_workers(farm: FarmOnPaper) -> None:
    anna, bert, job = farm.worker(), farm.worker(), farm.job(((),) * 11)
    for no in (1, 2):
        farm.assign(job, no, anna)
        if no == 2:
            farm.assign(job, 3, bert)
        assert farm.job_status(job) is JobStatus.ACTIVE
        farm.decide(farm.failure(job, no, anna, hard=True))
    assert farm.job_status(job) is JobStatus.FAILED
    assert farm.held() == {}


# --- by hand


def test_a_person_cancels_a_running_task(farm: FarmOnPaper) -> None:
    anna, job = farm.worker(), farm.job(((), ()))
    farm.assign(job, 1, anna)
    farm.decide(settled(job, 1, Outcome.CANCELED))
    assert farm.statuses(job) == ["canceled", "queued"]
    assert farm.held() == {}
    farm.render(job, 2, worker=anna)
    assert farm.job_status(job) is JobStatus.CANCELED


def test_a_canceled_task_that_is_finished_after_all_counts(farm: FarmOnPaper) -> None:
    anna, job = farm.worker(), farm.job()
    farm.assign(job, 1, anna)
    farm.decide(settled(job, 1, Outcome.CANCELED))
    farm.decide(farm.completion(job, 1, anna))
    assert farm.job_status(job) is JobStatus.COMPLETED


def test_a_person_declares_a_frame_done_and_what_waits_for_it_goes_on(farm: FarmOnPaper) -> None:
    anna, job = farm.worker(), farm.job(FRAMES_AND_VIDEO)
    farm.render(job, 1, worker=anna)
    farm.decide(settled(job, 2, Outcome.COMPLETED))
    assert TasksReady(job=job, tasks=(("blender", 50, 3),)) in farm.told
    farm.render(job, 3, worker=anna)
    assert farm.job_status(job) is JobStatus.COMPLETED


def test_what_has_ended_is_not_ended_worse(farm: FarmOnPaper) -> None:
    job = farm.job(((),) * 30)
    farm.decide(settled(job, 1, Outcome.COMPLETED))
    farm.decide(settled(job, 2, Outcome.FAILED))
    for no, outcome in (
        (1, Outcome.CANCELED), (1, Outcome.FAILED), (1, Outcome.COMPLETED), (2, Outcome.CANCELED),
    ):  # fmt: skip
        assert isinstance(farm.refusal_of(settled(job, no, outcome)), Conflict)


def test_ending_a_task_that_was_requeued_meanwhile_is_refused(farm: FarmOnPaper) -> None:
    job = farm.job(((), ()))
    farm.requeue_tasks(job, 1)
    assert isinstance(farm.refusal_of(settled(job, 1, Outcome.CANCELED)), Conflict)
    farm.decide(settled(job, 1, Outcome.CANCELED, epoch=2))


def test_one_attempt_is_handed_back_only_while_it_is_under_way(farm: FarmOnPaper) -> None:
    anna, job = farm.worker(), farm.job()
    farm.assign(job, 1, anna)
    other = AttemptId(farm.fresh())
    farm.decide(d.HandBackTasks(worker=anna, activity="", attempt=other))
    assert farm.holder(job, 1) == anna
    present = farm.task_row(job, 1).attempt
    farm.decide(d.HandBackTasks(worker=anna, activity="", attempt=present))
    assert farm.holder(job, 1) is None
