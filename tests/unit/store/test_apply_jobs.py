"""What decisions about jobs do to the farm."""

from __future__ import annotations

from typing import Any

import pytest

from flamenco_p2p.farm import decisions as d
from flamenco_p2p.farm.errors import Conflict, Refused, Unfitting, Unknown
from flamenco_p2p.farm.events import JobChanged, JobRemoved, LeaseChanged
from flamenco_p2p.farm.ids import FarmId, NodeId, TagId
from flamenco_p2p.farm.jobs import BlenderNeed
from flamenco_p2p.farm.statuses import Desired, JobStatus, Outcome
from tests.unit.store.farm_on_paper import FarmOnPaper, packed, spec

ACTIVE, PAUSED, CANCELED = Desired.ACTIVE, Desired.PAUSED, Desired.CANCELED
FRAMES_AND_VIDEO = ((), (), (1, 2))


# --- arriving


def test_a_job_is_invisible_until_all_of_it_has_arrived(farm: FarmOnPaper) -> None:
    job = farm.begun_job()
    farm.decide(d.AddTasks(job=job, slice=1, payload=packed([1, 2], {2: [1]})))
    assert farm.job_status(job) is JobStatus.UNDER_CONSTRUCTION
    assert farm.told == []
    farm.decide(d.CompleteJob(job=job, task_count=2))
    assert farm.job_status(job) is JobStatus.QUEUED
    (told,) = farm.told
    assert isinstance(told, JobChanged)
    assert told.previous is None
    assert told.job == farm.job_record(job)
    assert (told.job.tally.total, told.job.tally.ready, told.job.steps_total) == (2, 1, 20)


def test_a_job_keeps_everything_its_submission_says(farm: FarmOnPaper) -> None:
    said: dict[str, Any] = {
        "name": "Ünïcode", "type": "t", "priority": -3, "settings": b'{"a":1}',
        "metadata": {"k": "v"}, "submitter_platform": "windows", "submitter": "s", "owner": "o",
        "comment": "c", "time_zone": "Europe/Amsterdam", "shaman_checkout_id": "x/y",
        "worker_tag": TagId(b"tag"), "blender": BlenderNeed(major=4, minor=2, newer_allowed=False),
        "desired": PAUSED,
    }  # fmt: skip
    job = farm.job(**said)
    assert farm.job_record(job).spec == spec(**said)
    assert farm.job_status(job) is JobStatus.PAUSED


def test_a_slice_that_arrives_twice_counts_once(farm: FarmOnPaper) -> None:
    job = farm.begun_job()
    part = d.AddTasks(job=job, slice=1, payload=packed([1, 2], {}))
    farm.decide(part)
    farm.decide(part)
    assert farm.job_record(job).tally.total == 2


@pytest.mark.parametrize(
    ("number", "payload"),
    [
        pytest.param(3, packed([2], {}), id="a slice is missing"),
        pytest.param(2, packed([3], {}), id="a task is missing"),
        pytest.param(2, packed([1], {}), id="a task comes twice"),
        pytest.param(2, packed([2], {3: [1]}), id="a dependency of a task that is not there"),
        pytest.param(2, packed([2], {0: [1]}), id="a dependency of no task"),
    ],
)
def test_a_slice_that_does_not_continue_the_job_is_refused_as_a_whole(
    farm: FarmOnPaper, number: int, payload: bytes
) -> None:
    job = farm.begun_job()
    farm.decide(d.AddTasks(job=job, slice=1, payload=packed([1], {})))
    refusal = farm.refusal_of(d.AddTasks(job=job, slice=number, payload=payload))
    assert isinstance(refusal, Conflict)
    farm.decide(d.AddTasks(job=job, slice=2, payload=packed([2], {2: [1]})))
    farm.decide(d.CompleteJob(job=job, task_count=2))


def test_dependencies_may_follow_in_later_slices(farm: FarmOnPaper) -> None:
    job = farm.begun_job()
    farm.decide(d.AddTasks(job=job, slice=1, payload=packed([1, 2, 3], {3: [1]})))
    farm.decide(d.AddTasks(job=job, slice=2, payload=packed([], {3: [2], 2: [1]})))
    farm.decide(d.CompleteJob(job=job, task_count=3))
    assert farm.job_record(job).tally.ready == 1
    assert farm.query("SELECT before, unmet FROM tasks ORDER BY task_no") == [
        (0, 0),
        (1, 1),
        (2, 2),
    ]


def test_a_job_of_which_a_part_is_missing_does_not_begin(farm: FarmOnPaper) -> None:
    job = farm.begun_job()
    farm.decide(d.AddTasks(job=job, slice=1, payload=packed([1], {})))
    assert isinstance(farm.refusal_of(d.CompleteJob(job=job, task_count=2)), Conflict)


def test_nothing_is_added_to_a_complete_job(farm: FarmOnPaper) -> None:
    job = farm.job()
    refusal = farm.refusal_of(d.AddTasks(job=job, slice=2, payload=packed([2], {})))
    assert isinstance(refusal, Conflict)


def test_submitting_again_what_is_there_changes_nothing(farm: FarmOnPaper) -> None:
    job = farm.job()
    before = farm.dump(without=("meta",))
    farm.decide(d.BeginJob(job=job, spec=spec(name="another")))
    farm.decide(d.CompleteJob(job=job, task_count=1))
    assert farm.dump(without=("meta",)) == before


def test_a_job_without_tasks_is_completed_at_once(farm: FarmOnPaper) -> None:
    assert farm.job_status(farm.job(())) is JobStatus.COMPLETED


def test_decisions_about_an_unknown_job_are_refused(farm: FarmOnPaper) -> None:
    job, worker = farm.fresh_job(), farm.worker()
    for decision in (
        d.AddTasks(job=job, slice=1, payload=packed([1], {})),
        d.CompleteJob(job=job, task_count=1),
        d.RequestDeletion(job=job),
        d.SetDesired(job=job, desired=PAUSED, activity=""),
        d.SetPriority(job=job, priority=1),
        d.FailJob(job=job, epoch=1, activity=""),
        d.RequeueJob(job=job, epoch=2, activity=""),
        d.RequeueTasks(job=job, tasks=(1,), epoch=2, activity=""),
        d.SettleTask(job=job, task=1, epoch=1, outcome=Outcome.CANCELED, activity=""),
        d.ClearBlock(job=job, worker=worker, task_type="blender"),
        farm.assignment(job, 1, worker),
        farm.completion(job, 1, worker),
        farm.failure(job, 1, worker),
    ):
        assert isinstance(farm.refusal_of(decision), Unknown), decision


# --- wishes


def test_pausing_lets_running_tasks_finish_and_gives_out_no_more(farm: FarmOnPaper) -> None:
    anna, bert, job = farm.worker(), farm.worker(), farm.job(((), ()))
    farm.assign(job, 1, anna)
    farm.want(job, PAUSED)
    assert farm.job_status(job) is JobStatus.PAUSE_REQUESTED
    assert farm.statuses(job) == ["active", "paused"]
    assert isinstance(farm.refusal_of(farm.assignment(job, 2, bert)), Conflict)
    farm.decide(farm.completion(job, 1, anna))
    assert farm.job_status(job) is JobStatus.PAUSED
    farm.want(job, ACTIVE)
    assert farm.job_status(job) is JobStatus.ACTIVE
    assert farm.statuses(job) == ["completed", "queued"]


def test_a_soft_failure_does_not_cancel_a_pause(farm: FarmOnPaper) -> None:
    anna, job = farm.worker(), farm.job(((), ()))
    farm.assign(job, 1, anna)
    farm.want(job, PAUSED)
    farm.decide(farm.failure(job, 1, anna))
    assert farm.job_status(job) is JobStatus.PAUSED
    assert farm.statuses(job) == ["paused", "paused"]
    farm.want(job, ACTIVE)
    assert farm.statuses(job) == ["soft-failed", "queued"]


def test_a_worker_that_leaves_a_pausing_job_completes_the_pause(farm: FarmOnPaper) -> None:
    anna, job = farm.worker(), farm.job()
    farm.assign(job, 1, anna)
    farm.want(job, PAUSED)
    farm.decide(d.SignOffWorker(worker=anna, activity="left"))
    assert farm.job_status(job) is JobStatus.PAUSED


def test_canceling_takes_the_tasks_from_their_workers_at_once(farm: FarmOnPaper) -> None:
    anna, job = farm.worker(), farm.job(((), ()))
    farm.assign(job, 1, anna)
    farm.want(job, CANCELED)
    assert farm.job_status(job) is JobStatus.CANCELED
    assert farm.statuses(job) == ["canceled", "canceled"]
    assert farm.held() == {}
    assert LeaseChanged(worker=anna, task=None) in farm.told
    (changed,) = [event for event in farm.told if isinstance(event, JobChanged)]
    assert (changed.previous, changed.refresh_tasks) == (JobStatus.ACTIVE, True)


def test_canceling_while_pausing_stops_what_still_runs(farm: FarmOnPaper) -> None:
    anna, job = farm.worker(), farm.job()
    farm.assign(job, 1, anna)
    farm.want(job, PAUSED)
    farm.want(job, CANCELED)
    assert (farm.job_status(job), farm.held()) == (JobStatus.CANCELED, {})


def test_a_late_failure_does_not_wake_a_canceled_job(farm: FarmOnPaper) -> None:
    anna, job = farm.worker(), farm.job(((), ()))
    farm.assign(job, 1, anna)
    farm.want(job, CANCELED)
    assert isinstance(farm.refusal_of(farm.failure(job, 1, anna)), Conflict)
    assert farm.job_status(job) is JobStatus.CANCELED


def test_a_completion_after_canceling_counts_and_leaves_the_job_canceled(
    farm: FarmOnPaper,
) -> None:
    anna, job = farm.worker(), farm.job(((), ()))
    farm.assign(job, 1, anna)
    farm.want(job, CANCELED)
    farm.decide(farm.completion(job, 1, anna))
    assert farm.job_status(job) is JobStatus.CANCELED
    assert farm.statuses(job) == ["completed", "canceled"]


def test_the_last_completion_completes_even_a_canceled_job(farm: FarmOnPaper) -> None:
    anna, job = farm.worker(), farm.job()
    farm.assign(job, 1, anna)
    farm.want(job, CANCELED)
    farm.decide(farm.completion(job, 1, anna))
    assert farm.job_status(job) is JobStatus.COMPLETED


def test_a_completed_job_cannot_be_paused_canceled_or_given_up(farm: FarmOnPaper) -> None:
    anna, job = farm.worker(), farm.job()
    farm.render(job, 1, worker=anna)
    for desired in Desired:
        decision = d.SetDesired(job=job, desired=desired, activity="")
        assert isinstance(farm.refusal_of(decision), Unfitting)
    assert isinstance(farm.refusal_of(d.FailJob(job=job, epoch=1, activity="")), Unfitting)


def test_a_job_that_is_given_up_takes_its_tasks_from_their_workers(farm: FarmOnPaper) -> None:
    anna, job = farm.worker(), farm.job(((), ()))
    farm.assign(job, 1, anna)
    farm.decide(d.FailJob(job=job, epoch=1, activity="by hand"))
    assert farm.job_status(job) is JobStatus.FAILED
    assert farm.statuses(job) == ["canceled", "canceled"]
    assert farm.held() == {}


def test_giving_a_job_up_that_was_requeued_meanwhile_is_refused(farm: FarmOnPaper) -> None:
    job = farm.job()
    farm.requeue_job(job)
    refusal = farm.refusal_of(d.FailJob(job=job, epoch=1, activity="by hand"))
    assert isinstance(refusal, Conflict)
    assert farm.job_status(job) is JobStatus.QUEUED


def test_a_priority_is_the_last_one_that_was_set(farm: FarmOnPaper) -> None:
    job = farm.job(priority=50)
    farm.decide(d.SetPriority(job=job, priority=80))
    (told,) = farm.told
    assert isinstance(told, JobChanged)
    assert told.job == farm.job_record(job)
    assert (told.job.priority, told.refresh_tasks) == (80, False)


def test_a_record_is_the_same_before_and_after_a_restart(farm: FarmOnPaper) -> None:
    job = farm.job(priority=50)
    farm.decide(d.SetPriority(job=job, priority=80))
    farm.want(job, PAUSED)
    (told,) = farm.told
    farm.reopen()
    farm.decide(d.SetDesired(job=job, desired=PAUSED, activity="asked for"))
    (again,) = farm.told
    assert isinstance(told, JobChanged)
    assert isinstance(again, JobChanged)
    assert again.job.spec == told.job.spec


# --- deleting


def test_a_job_marked_for_deletion_gives_out_nothing(farm: FarmOnPaper) -> None:
    anna, job = farm.worker(), farm.job()
    farm.decide(d.RequestDeletion(job=job))
    marked = farm.job_record(job).delete_requested_ms
    assert marked is not None
    assert isinstance(farm.refusal_of(farm.assignment(job, 1, anna)), Conflict)
    farm.decide(d.RequestDeletion(job=job))
    assert farm.job_record(job).delete_requested_ms == marked


def test_a_removed_job_leaves_nothing_but_the_memory_of_its_id(farm: FarmOnPaper) -> None:
    anna, job, other = farm.worker(), farm.job(FRAMES_AND_VIDEO), farm.job()
    farm.render(job, 1, worker=anna)
    farm.assign(job, 2, anna)
    farm.decide(d.RemoveJob(job=job))
    assert JobRemoved(job=job) in farm.told
    assert LeaseChanged(worker=anna, task=None) in farm.told
    rows = farm.dump(without=("removed_jobs", "requests"))
    assert not [row for some in rows.values() for row in some if job in row]
    assert farm.query("SELECT job_id FROM removed_jobs") == [(job,)]
    farm.assign(other, 1, anna)


def test_a_removed_job_does_not_come_back(farm: FarmOnPaper) -> None:
    job = farm.job()
    farm.decide(d.RemoveJob(job=job))
    assert isinstance(farm.refusal_of(d.BeginJob(job=job, spec=spec())), Conflict)
    part = d.AddTasks(job=job, slice=1, payload=packed([1], {}))
    assert isinstance(farm.refusal_of(part), Unknown)


def test_removing_an_unknown_job_keeps_it_from_ever_arriving(farm: FarmOnPaper) -> None:
    job = farm.fresh_job()
    farm.decide(d.RemoveJob(job=job))
    assert farm.told == []
    assert isinstance(farm.refusal_of(d.BeginJob(job=job, spec=spec())), Conflict)
    assert farm.query("SELECT * FROM jobs") == []


# --- the farm itself


def test_a_farm_keeps_its_id_and_its_nodes_newest_names(farm: FarmOnPaper) -> None:
    node = NodeId(b"n")
    farm.decide(d.FoundFarm(farm=FarmId(b"f"), name="attic"))
    farm.decide(d.FoundFarm(farm=FarmId(b"f"), name="cellar"))
    farm.decide(d.AdmitNode(node=node, name="old", public_key=b"1"))
    farm.decide(d.AdmitNode(node=node, name="new", public_key=b"2"))
    assert farm.state.identity() == ([(b"f", "attic")], [(node, "new", b"2")])


def test_requests_of_the_future_cannot_be_forgotten(farm: FarmOnPaper) -> None:
    assert isinstance(farm.refusal_of(d.ForgetRequests(before=1 << 62)), Refused)


def test_a_job_that_begins_again_before_it_has_arrived_begins_from_the_beginning(
    farm: FarmOnPaper,
) -> None:
    job = farm.begun_job(name="the first try")
    farm.decide(d.AddTasks(job=job, slice=1, payload=packed([1, 2, 3], {2: [1]})))
    farm.decide(d.BeginJob(job=job, spec=spec(name="the second")))
    farm.decide(d.AddTasks(job=job, slice=1, payload=packed([1], {})))
    farm.decide(d.CompleteJob(job=job, task_count=1))
    record = farm.job_record(job)
    assert (record.spec.name, record.tally.total, record.tally.ready) == ("the second", 1, 1)
    assert len(farm.query("SELECT * FROM tasks")) == 1
    assert farm.query("SELECT * FROM dependencies") == []


def test_an_abandoned_job_leaves_nothing_and_may_be_submitted_again(farm: FarmOnPaper) -> None:
    job = farm.begun_job()
    farm.decide(d.AddTasks(job=job, slice=1, payload=packed([1, 2], {2: [1]})))
    farm.decide(d.AbandonJob(job=job))
    assert not any(farm.dump(without=("meta",)).values())
    farm.decide(d.BeginJob(job=job, spec=spec()))
    farm.decide(d.AbandonJob(job=farm.fresh_job()))


def test_a_job_that_has_arrived_cannot_be_abandoned(farm: FarmOnPaper) -> None:
    job = farm.job()
    farm.decide(d.AbandonJob(job=job))
    assert farm.job_status(job) is JobStatus.QUEUED
