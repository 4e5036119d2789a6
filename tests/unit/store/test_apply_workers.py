"""What decisions about workers do to the farm."""

from __future__ import annotations

import pytest

from flamenco_p2p.farm import decisions as d
from flamenco_p2p.farm.errors import Unfitting, Unknown
from flamenco_p2p.farm.events import WorkerChanged
from flamenco_p2p.farm.ids import NodeId, WorkerId
from flamenco_p2p.farm.statuses import WorkerStatus as W
from flamenco_p2p.farm.workers import InstalledBlender, StatusRequest
from tests.unit.store.farm_on_paper import FarmOnPaper


def wished(farm: FarmOnPaper, worker: WorkerId) -> StatusRequest | None:
    """Return what is still asked of a worker."""
    return farm.worker_record(worker).requested


def test_a_registered_worker_has_no_status_until_it_signs_on(farm: FarmOnPaper) -> None:
    anna = farm.known_worker("blender", "ffmpeg")
    record = farm.worker_record(anna)
    assert (record.status, record.task_types) == (W.NEW, ("blender", "ffmpeg"))
    assert farm.told == [WorkerChanged(worker=record)]


def test_registering_twice_changes_nothing(farm: FarmOnPaper) -> None:
    anna = farm.worker()
    before = farm.dump(without=("meta",))
    farm.decide(
        d.RegisterWorker(
            worker=anna, name="other", secret_digest=b"other", platform="", address="",
            task_types=(),
        )
    )  # fmt: skip
    assert farm.dump(without=("meta",)) == before


def test_a_worker_that_signs_on_says_what_it_can_do(farm: FarmOnPaper) -> None:
    anna = farm.known_worker()
    blenders = (InstalledBlender(major=4, minor=2, patch=1), InstalledBlender(major=5, minor=0))
    farm.decide(
        d.SignOnWorker(
            worker=anna, name="anna", address="::1", software="3.9", task_types=("misc",),
            can_restart=True, blenders=blenders, node=NodeId(b"node"),
        )
    )  # fmt: skip
    farm.reopen()
    record = farm.worker_record(anna)
    assert (record.name, record.address, record.software) == ("anna", "::1", "3.9")
    assert (record.status, record.task_types, record.blenders) == (W.STARTING, ("misc",), blenders)
    assert (record.can_restart, record.node, record.secret_digest) == (True, b"node", b"secret")


def test_a_request_waits_until_the_worker_has_done_it(farm: FarmOnPaper) -> None:
    anna = farm.worker()
    farm.decide(d.SignOffWorker(worker=anna, activity=""))
    farm.wish(anna, W.ASLEEP, is_lazy=True)
    farm.sign_on(anna)
    assert wished(farm, anna) == StatusRequest(status=W.ASLEEP, is_lazy=True)
    farm.reports(anna, W.ASLEEP)
    assert wished(farm, anna) is None


def test_asking_for_what_a_worker_is_takes_the_request_back(farm: FarmOnPaper) -> None:
    anna = farm.worker()
    farm.wish(anna, W.ASLEEP)
    farm.wish(anna, W.AWAKE)
    assert wished(farm, anna) is None


def test_a_worker_that_signs_off_comes_back_as_it_was(farm: FarmOnPaper) -> None:
    anna = farm.worker()
    farm.wish(anna, W.OFFLINE)
    farm.decide(d.SignOffWorker(worker=anna, activity=""))
    assert farm.worker_record(anna).status is W.OFFLINE
    assert wished(farm, anna) == StatusRequest(status=W.AWAKE)


def test_a_worker_that_falls_silent_is_asked_nothing_any_more(farm: FarmOnPaper) -> None:
    anna = farm.worker()
    farm.wish(anna, W.ASLEEP)
    farm.reports(anna, W.ERROR)
    assert wished(farm, anna) is None


@pytest.mark.parametrize("status", [s for s in W if s is not W.AWAKE])
def test_a_worker_that_is_not_awake_any_more_loses_its_task(farm: FarmOnPaper, status: W) -> None:
    anna, job = farm.worker(), farm.job()
    farm.assign(job, 1, anna)
    farm.reports(anna, status)
    assert farm.held() == {}
    assert farm.statuses(job) == ["queued"]
    assert farm.query("SELECT outcome FROM attempts") == [("handed-back",)]
    assert farm.query("SELECT * FROM failures") == []


def test_a_worker_that_signs_off_or_is_deleted_loses_its_task(farm: FarmOnPaper) -> None:
    anna, bert, job = farm.worker(), farm.worker(), farm.job(((), ()))
    farm.assign(job, 1, anna)
    farm.assign(job, 2, bert)
    farm.decide(d.SignOffWorker(worker=anna, activity="left"))
    farm.decide(d.RemoveWorker(worker=bert))
    assert farm.held() == {}
    assert farm.statuses(job) == ["queued", "queued"]


def test_a_worker_that_crashed_and_came_back_still_has_its_task(farm: FarmOnPaper) -> None:
    anna, job = farm.worker(), farm.job()
    farm.assign(job, 1, anna)
    farm.sign_on(anna)
    assert farm.holder(job, 1) == anna
    farm.reports(anna, W.AWAKE)
    assert farm.holder(job, 1) == anna


def test_a_worker_that_comes_back_to_sleep_loses_the_task_it_crashed_with(
    farm: FarmOnPaper,
) -> None:
    anna, job = farm.worker(), farm.job()
    farm.assign(job, 1, anna)
    farm.wish(anna, W.ASLEEP)
    farm.sign_on(anna)
    farm.reports(anna, W.ASLEEP)
    assert farm.held() == {}
    assert farm.statuses(job) == ["queued"]


def test_only_a_worker_that_can_restart_is_asked_to(farm: FarmOnPaper) -> None:
    anna = farm.known_worker()
    farm.sign_on(anna, can_restart=False)
    wish = d.RequestWorkerStatus(worker=anna, status=W.RESTART, is_lazy=False)
    refusal = farm.refusal_of(wish)
    assert isinstance(refusal, Unfitting)
    assert refusal.remedy
    farm.sign_on(anna, can_restart=True)
    farm.decide(wish)


def test_a_deleted_worker_is_gone_for_good_but_its_row_remembers_it(farm: FarmOnPaper) -> None:
    anna = farm.worker()
    farm.decide(d.RemoveWorker(worker=anna))
    assert farm.worker_record(anna).deleted_ms is not None
    for decision in (
        d.RemoveWorker(worker=anna),
        d.SetWorkerStatus(worker=anna, status=W.AWAKE),
        d.SignOffWorker(worker=anna, activity=""),
        d.RequestWorkerStatus(worker=anna, status=W.ASLEEP, is_lazy=False),
        d.SignOnWorker(
            worker=anna, name="", address="", software="", task_types=(), can_restart=False
        ),
    ):
        assert isinstance(farm.refusal_of(decision), Unknown)


def test_handing_back_nothing_is_no_error(farm: FarmOnPaper) -> None:
    farm.decide(d.HandBackTasks(worker=farm.worker(), activity=""))
    assert farm.told == []


def test_an_event_tells_what_a_worker_was_only_if_it_is_something_else_now(
    farm: FarmOnPaper,
) -> None:
    anna = farm.worker()
    (told,) = farm.told
    assert isinstance(told, WorkerChanged)
    assert (told.previous, told.worker.status) == (W.STARTING, W.AWAKE)
    farm.reports(anna, W.AWAKE)
    (told,) = farm.told
    assert isinstance(told, WorkerChanged)
    assert told.previous is None
