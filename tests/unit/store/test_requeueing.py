"""Once more: what is done again when people requeue a job or single tasks, and what is kept."""

from __future__ import annotations

from flamenco_p2p.farm import decisions as d
from flamenco_p2p.farm.errors import Conflict, Unknown
from flamenco_p2p.farm.events import JobChanged
from flamenco_p2p.farm.statuses import Desired, JobStatus
from tests.unit.store.farm_on_paper import FarmOnPaper

CANCELED = Desired.CANCELED
FRAMES_AND_VIDEO = ((), (), (1, 2))


def test_requeueing_a_completed_job_renders_everything_again(farm: FarmOnPaper) -> None:
    anna, job = farm.worker(), farm.job(FRAMES_AND_VIDEO)
    farm.render(job, 1, 2, 3, worker=anna)
    assert farm.job_status(job) is JobStatus.COMPLETED
    farm.requeue_job(job)
    assert farm.job_status(job) is JobStatus.QUEUED
    assert farm.statuses(job) == ["queued"] * 3
    record = farm.job_record(job)
    assert (record.steps_done, record.tally.ready, record.tally.done) == (0, 2, 0)
    farm.render(job, 1, 2, 3, worker=anna)
    assert farm.job_status(job) is JobStatus.COMPLETED


def test_requeueing_a_canceled_job_keeps_its_finished_frames(farm: FarmOnPaper) -> None:
    anna, job = farm.worker(), farm.job(FRAMES_AND_VIDEO)
    farm.render(job, 1, worker=anna)
    farm.want(job, CANCELED)
    farm.requeue_job(job)
    assert farm.job_status(job) is JobStatus.QUEUED
    assert farm.statuses(job) == ["completed", "queued", "queued"]


def test_requeueing_a_job_keeps_frames_that_were_finished_at_a_second_try(
    farm: FarmOnPaper,
) -> None:
    anna, bert, job = farm.worker(), farm.worker(), farm.job(FRAMES_AND_VIDEO)
    farm.assign(job, 1, anna)
    farm.decide(farm.failure(job, 1, anna))
    farm.render(job, 1, worker=bert)
    farm.requeue_job(job)
    assert farm.statuses(job) == ["completed", "queued", "queued"]
    farm.render(job, 2, 3, worker=anna)
    assert farm.job_status(job) is JobStatus.COMPLETED


def test_requeueing_a_job_lets_go_on_what_is_being_tried_again(farm: FarmOnPaper) -> None:
    anna, bert, job = farm.worker(), farm.worker(), farm.job(((), ()))
    farm.assign(job, 1, anna)
    farm.decide(farm.failure(job, 1, anna))
    farm.assign(job, 1, bert)
    farm.requeue_job(job)
    assert farm.holder(job, 1) == bert
    farm.decide(farm.completion(job, 1, bert))
    assert farm.statuses(job) == ["completed", "queued"]


def test_requeueing_a_failed_job_forgets_who_failed_and_who_was_blocked(
    farm: FarmOnPaper,
) -> None:
    anna, job = farm.worker(), farm.job(((), ()))
    farm.assign(job, 1, anna)
    farm.decide(farm.failure(job, 1, anna, hard=True, block=True, fail_job="nobody is left"))
    assert farm.job_status(job) is JobStatus.FAILED
    assert farm.job_record(job).activity == "nobody is left"
    farm.requeue_job(job)
    assert farm.job_status(job) is JobStatus.QUEUED
    farm.assign(job, 1, anna)


def test_requeueing_a_job_in_an_epoch_that_has_begun_is_refused(farm: FarmOnPaper) -> None:
    anna, job = farm.worker(), farm.job(((),) * 20)
    farm.assign(job, 1, anna)
    farm.decide(farm.failure(job, 1, anna, hard=True))
    farm.requeue_tasks(job, 1)
    farm.assign(job, 1, anna)
    farm.decide(farm.failure(job, 1, anna, hard=True))
    same_epoch = farm.job_record(job).epoch
    refusal = farm.refusal_of(d.RequeueJob(job=job, epoch=same_epoch, activity=""))
    assert isinstance(refusal, Conflict)


def test_asking_twice_for_the_same_new_round_of_a_job_begins_one(farm: FarmOnPaper) -> None:
    anna, job = farm.worker(), farm.job()
    farm.render(job, 1, worker=anna)
    again = d.RequeueJob(job=job, epoch=2, activity="once more")
    farm.decide(again)
    farm.render(job, 1, worker=anna)
    farm.decide(again)
    assert farm.job_status(job) is JobStatus.COMPLETED


def test_requeueing_one_task_of_a_completed_job_remakes_only_what_depends_on_it(
    farm: FarmOnPaper,
) -> None:
    anna, job = farm.worker(), farm.job(FRAMES_AND_VIDEO)
    farm.render(job, 1, 2, 3, worker=anna)
    farm.requeue_tasks(job, 2)
    assert farm.statuses(job) == ["completed", "queued", "queued"]
    assert farm.job_status(job) is JobStatus.ACTIVE
    assert farm.job_record(job).tally.ready == 1
    farm.render(job, 2, 3, worker=anna)
    assert farm.job_status(job) is JobStatus.COMPLETED


def test_requeueing_a_frame_stops_the_video_that_is_being_made_from_it(
    farm: FarmOnPaper,
) -> None:
    anna, job = farm.worker(), farm.job(FRAMES_AND_VIDEO)
    farm.render(job, 1, 2, worker=anna)
    farm.assign(job, 3, anna)
    farm.requeue_tasks(job, 1)
    assert farm.statuses(job) == ["queued", "completed", "queued"]
    assert farm.held() == {}
    assert isinstance(farm.refusal_of(farm.completion(job, 3, anna)), Conflict)


def test_requeueing_a_task_of_a_job_completed_after_canceling_lets_it_run(
    farm: FarmOnPaper,
) -> None:
    anna, job = farm.worker(), farm.job()
    farm.assign(job, 1, anna)
    farm.want(job, CANCELED)
    farm.decide(farm.completion(job, 1, anna))
    farm.requeue_tasks(job, 1)
    assert farm.job_status(job) is JobStatus.ACTIVE
    farm.render(job, 1, worker=anna)


def test_requeueing_a_finished_task_of_a_canceled_job_is_refused_and_keeps_its_result(
    farm: FarmOnPaper,
) -> None:
    anna, job = farm.worker(), farm.job(((), ()))
    farm.render(job, 1, worker=anna)
    farm.want(job, CANCELED)
    decision = d.RequeueTasks(job=job, tasks=(1,), epoch=2, activity="")
    assert isinstance(farm.refusal_of(decision), Conflict)


def test_requeueing_tasks_is_all_or_nothing(farm: FarmOnPaper) -> None:
    job = farm.job(((), ()))
    unknown = d.RequeueTasks(job=job, tasks=(1, 9), epoch=2, activity="")
    assert isinstance(farm.refusal_of(unknown), Unknown)
    used = d.RequeueTasks(job=job, tasks=(1,), epoch=1, activity="")
    assert isinstance(farm.refusal_of(used), Conflict)


def test_a_job_that_fails_or_comes_back_says_that_its_waiting_tasks_look_different(
    farm: FarmOnPaper,
) -> None:
    anna, job = farm.worker(), farm.job(((), ()))
    farm.assign(job, 1, anna)
    farm.decide(farm.failure(job, 1, anna, hard=True))
    assert farm.statuses(job) == ["failed", "canceled"]
    assert [e.refresh_tasks for e in farm.told if isinstance(e, JobChanged)] == [True]
    farm.requeue_tasks(job, 1)
    assert farm.statuses(job) == ["queued", "queued"]
    assert [e.refresh_tasks for e in farm.told if isinstance(e, JobChanged)] == [True]


def test_a_job_whose_failed_frame_blocks_its_video_fails_instead_of_waiting_for_ever(
    farm: FarmOnPaper,
) -> None:
    anna = farm.worker()
    job = farm.job([*[()] * 11, tuple(range(1, 12))])
    farm.assign(job, 1, anna)
    farm.decide(farm.failure(job, 1, anna, hard=True))
    assert farm.job_status(job) is JobStatus.ACTIVE
    farm.render(job, *range(2, 12), worker=anna)
    assert farm.job_status(job) is JobStatus.FAILED
    assert farm.statuses(job)[-1] == "canceled"
