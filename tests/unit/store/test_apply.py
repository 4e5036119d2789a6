"""How decisions are carried out: once, together, or not at all."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from flamenco_p2p.farm import decisions as d
from flamenco_p2p.farm import errors
from flamenco_p2p.farm.errors import Broken, Conflict, Refused, Unfitting, Unknown
from flamenco_p2p.farm.ids import AttemptId, RequestId
from flamenco_p2p.farm.statuses import Desired, JobStatus, WorkerStatus
from flamenco_p2p.store import apply
from flamenco_p2p.store.apply import FarmState
from flamenco_p2p.store.database import is_full
from flamenco_p2p.store.decision_log import Entry
from flamenco_p2p.store.working_set import WorkingSet
from tests.unit.store.farm_on_paper import HERE, FarmOnPaper

REQUEST = RequestId(b"asked once")


# --- requests


def test_a_retried_request_is_answered_the_same_and_changes_nothing(farm: FarmOnPaper) -> None:
    job = farm.job()
    wish = d.SetDesired(job=job, desired=Desired.PAUSED, activity="")
    farm.decide(wish, request=REQUEST)
    farm.want(job, Desired.ACTIVE)
    assert farm.decide(wish, request=REQUEST).refusal is None
    assert farm.job_status(job) is JobStatus.QUEUED
    assert farm.told == []


def test_a_retried_request_for_a_task_is_answered_with_the_task_that_was_given(
    farm: FarmOnPaper,
) -> None:
    anna, job = farm.worker(), farm.job(((), ()))
    first = farm.decide(farm.assignment(job, 1, anna), request=REQUEST).assignment
    farm.reopen()
    chosen_by_another_manager = farm.assignment(job, 2, anna)
    again = farm.decide(chosen_by_another_manager, request=REQUEST).assignment
    assert first is not None
    assert again == first
    assert farm.statuses(job) == ["active", "queued"]


def test_a_retried_request_for_a_task_that_was_taken_away_is_answered_with_none(
    farm: FarmOnPaper,
) -> None:
    anna, job = farm.worker(), farm.job()
    decision = farm.assignment(job, 1, anna)
    farm.decide(decision, request=REQUEST)
    farm.decide(d.HandBackTasks(worker=anna, activity=""))
    assert farm.decide(decision, request=REQUEST).assignment is None
    assert farm.statuses(job) == ["queued"]


def test_a_refusal_is_remembered_with_its_kind_and_its_words(farm: FarmOnPaper) -> None:
    job, anna = farm.job(()), farm.known_worker()
    decisions: list[tuple[d.AnyDecision, type[Refused]]] = [
        (d.SetPriority(job=farm.fresh_job(), priority=1), Unknown),
        (d.SetDesired(job=job, desired=Desired.PAUSED, activity=""), Unfitting),
        (d.RequeueTasks(job=job, tasks=(), epoch=1, activity=""), Conflict),
        (d.RequestWorkerStatus(worker=anna, status=WorkerStatus.RESTART, is_lazy=False), Unfitting),
        (d.ForgetRequests(before=1 << 62), Refused),
    ]
    for number, (decision, kind) in enumerate(decisions):
        request = RequestId(bytes([number]))
        first = farm.attempt_at(decision, request=request).refusal
        farm.reopen()
        again = farm.attempt_at(decision, request=request).refusal
        assert first is not None
        assert again is not None
        assert type(again) is type(first) is kind
        assert (again.problem, again.remedy) == (first.problem, first.remedy)


def test_every_kind_of_refusal_can_be_remembered() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    refusals = [kind for kind in kinds if issubclass(kind, Refused)]
    assert len(refusals) >= 7
    for kind in refusals:
        again = apply._as_refusal(kind.__name__, "A problem.", "A remedy.")
        assert type(again) is kind


def test_an_answer_is_forgotten_when_nobody_can_ask_for_it_any_more(farm: FarmOnPaper) -> None:
    job = farm.job()
    farm.decide(d.SetPriority(job=job, priority=1), request=REQUEST)
    farm.decide(d.ForgetRequests(before=farm.state.last_hlc + 1))
    assert farm.query("SELECT * FROM requests") == []


# --- transactions


def test_a_fault_leaves_nothing_behind_and_the_state_goes_on(
    farm: FarmOnPaper, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, anna = farm.job(((), ())), farm.worker()
    before = farm.dump()
    handlers = dict(apply.HANDLERS)

    def explode(work: WorkingSet, decision: d.SetPriority) -> None:
        handlers[d.SetPriority](work, decision)
        raise RuntimeError("a fault of ours")

    monkeypatch.setitem(apply.HANDLERS, d.SetPriority, explode)
    entries = [
        farm.write_down(farm.assignment(job, 1, anna)),
        farm.write_down(d.SetPriority(job=job, priority=99)),
    ]
    with pytest.raises(RuntimeError, match="a fault of ours"):
        farm.state.apply(entries)
    assert farm.dump() == before
    monkeypatch.undo()
    _, told = farm.state.apply(entries)
    assert farm.job_record(job).priority == 99
    assert farm.holder(job, 1) == anna
    assert told
    assert farm.state.applied_index == entries[-1].index


def test_a_full_disk_leaves_nothing_behind_and_the_state_goes_on(farm: FarmOnPaper) -> None:
    farm.job()
    before = farm.dump()
    (pages,) = farm.state._db.execute("PRAGMA page_count").fetchone()
    farm.state._db.execute(f"PRAGMA max_page_count = {pages}")
    entry = farm.write_down(d.AdmitNode(node=HERE, name="x" * 100_000, public_key=b""))
    with pytest.raises(sqlite3.OperationalError) as fault:
        farm.state.apply([entry])
    assert is_full(fault.value)
    assert farm.dump() == before
    farm.state._db.execute(f"PRAGMA max_page_count = {pages + 100}")
    farm.state.apply([entry])
    assert len(farm.query("SELECT * FROM nodes")) == 1


def test_decisions_of_a_newer_program_stop_the_node_and_change_nothing(farm: FarmOnPaper) -> None:
    good = farm.write_down(d.AdmitNode(node=HERE, name="here", public_key=b""))
    newer = Entry(good.index + 1, 1, HERE, b"\xff" + good.payload[1:])
    before = farm.dump()
    with pytest.raises(Broken, match="newer version"):
        farm.state.apply([good, newer])
    assert farm.dump() == before
    farm.state.apply([good])


def test_an_entry_handed_over_twice_is_carried_out_once(farm: FarmOnPaper) -> None:
    job = farm.job()
    entry = farm.write_down(d.SetPriority(job=job, priority=1))
    outcomes, _ = farm.state.apply([entry, entry])
    assert len(outcomes) == 1


def test_nothing_to_apply_is_nothing_applied(farm: FarmOnPaper) -> None:
    farm.job()
    before = farm.dump()
    assert farm.state.apply([]) == ([], [])
    assert farm.dump() == before


def test_a_batch_is_answered_in_its_order_and_a_refusal_does_not_hold_up_the_rest(
    farm: FarmOnPaper,
) -> None:
    anna, job = farm.worker(), farm.job()
    entry = farm.write_down(
        d.AssignTask(job=job, task=1, worker=anna, attempt=AttemptId(b"1")),
        d.AssignTask(job=job, task=1, worker=anna, attempt=AttemptId(b"2")),
        d.SetPriority(job=job, priority=7),
    )
    outcomes, _ = farm.state.apply([entry])
    assert [outcome.index for outcome in outcomes] == [entry.index] * 3
    assert outcomes[0].assignment is not None
    assert isinstance(outcomes[1].refusal, Conflict)
    assert farm.job_record(job).priority == 7


def test_a_changed_row_carries_the_index_of_its_last_change(farm: FarmOnPaper) -> None:
    job, other, anna = farm.job(), farm.job(), farm.worker()
    first = farm.write_down(d.SetPriority(job=job, priority=7))
    second = farm.write_down(d.SignOffWorker(worker=anna, activity=""))
    third = farm.write_down(d.SetPriority(job=other, priority=7))
    farm.state.apply([first, second, third])
    mods = dict(farm.query("SELECT job_id, mod FROM jobs"))
    assert mods == {job: first.index, other: third.index}
    assert farm.query("SELECT mod FROM workers") == [(second.index,)]


# --- the file


def test_a_checkpoint_says_what_is_durable_from_now_on(farm: FarmOnPaper) -> None:
    farm.job()
    assert farm.state.checkpoint() == farm.state.applied_index
    with closing(sqlite3.connect(farm.path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM jobs").fetchone()
        farm.job()
        assert farm.state.checkpoint() == 0
    assert farm.state.checkpoint() == farm.state.applied_index


def test_a_damaged_file_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "farm.db"
    path.write_bytes(b"this is no database, and long enough to be sure" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        FarmState(path)
