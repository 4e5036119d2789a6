"""What is in the log today can be read by every later program, and is never misread by an older."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NewType, get_args, get_origin

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flamenco_p2p.farm import decisions as d
from flamenco_p2p.farm.errors import Broken
from flamenco_p2p.farm.ids import (
    AttemptId,
    FarmId,
    JobId,
    NodeId,
    RequestId,
    TagId,
    WorkerId,
)
from flamenco_p2p.farm.jobs import BlenderNeed, JobSpec
from flamenco_p2p.farm.statuses import Desired, Outcome, WorkerStatus
from flamenco_p2p.farm.workers import InstalledBlender
from flamenco_p2p.wire.decisions import decode_batch, encode_batch

GOLDEN = Path(__file__).with_name("decisions.golden.txt")

JOB, WORKER, ATTEMPT = JobId(b"job-" * 4), WorkerId(b"worker-1" * 2), AttemptId(b"attempt-" * 2)
NODE = NodeId(b"node" * 4)
SPEC = JobSpec(
    name="name", type="type", priority=50, settings=b'{"a":1}', metadata={"k": "v"},
    submitter_platform="linux", submitter="submitter", owner="owner", comment="comment",
    time_zone="Europe/Amsterdam", shaman_checkout_id="a/b", worker_tag=TagId(b"tag"),
    blender=BlenderNeed(major=4, minor=2, newer_allowed=False), desired=Desired.PAUSED,
)  # fmt: skip
BLENDER = InstalledBlender(major=5, minor=0, patch=1, kind="embedded")

# One of each, every field with a value of its own. To a decision with a new field, add a second
# example and a second golden line; the first must be readable for ever.
EXAMPLES: list[d.AnyDecision] = [
    d.FoundFarm(farm=FarmId(b"farm"), name="attic"),
    d.AdmitNode(node=NODE, name="anna", public_key=b"key"),
    d.BeginJob(job=JOB, spec=SPEC),
    d.AddTasks(job=JOB, slice=2, payload=b"payload"),
    d.CompleteJob(job=JOB, task_count=3),
    d.AbandonJob(job=JOB),
    d.RemoveJob(job=JOB),
    d.RequestDeletion(job=JOB),
    d.SetDesired(job=JOB, desired=Desired.CANCELED, activity="activity"),
    d.SetPriority(job=JOB, priority=-4),
    d.FailJob(job=JOB, epoch=5, activity="activity"),
    d.RequeueJob(job=JOB, epoch=6, activity="activity"),
    d.RequeueTasks(job=JOB, tasks=(7, 8), epoch=9, activity="activity"),
    d.SettleTask(job=JOB, task=10, epoch=11, outcome=Outcome.CANCELED, activity="activity"),
    d.AssignTask(job=JOB, task=12, worker=WORKER, attempt=ATTEMPT),
    d.CompleteTask(
        job=JOB, task=13, worker=WORKER, attempt=None, activity="activity", outputs=("a", "b")
    ),
    d.FailTask(
        job=JOB, task=14, worker=WORKER, attempt=ATTEMPT, task_type="blender", hard=True,
        block=False, epoch=15, retry=(16, 17), fail_job="why", activity="activity", timed_out=True,
    ),
    d.HandBackTasks(worker=WORKER, activity="activity", attempt=ATTEMPT),
    d.ClearBlock(job=JOB, worker=WORKER, task_type="blender"),
    d.RegisterWorker(
        worker=WORKER, name="name", secret_digest=b"digest", platform="linux", address="::1",
        task_types=("a", "b"), node=NODE,
    ),
    d.SignOnWorker(
        worker=WORKER, name="name", address="::1", software="3.9", task_types=("a",),
        can_restart=True, blenders=(BLENDER,), node=NODE,
    ),
    d.SetWorkerStatus(worker=WORKER, status=WorkerStatus.ASLEEP, activity="activity"),
    d.SignOffWorker(worker=WORKER, activity="activity"),
    d.RequestWorkerStatus(worker=WORKER, status=WorkerStatus.RESTART, is_lazy=True),
    d.RemoveWorker(worker=WORKER),
    d.ForgetRequests(before=18),
]  # fmt: skip
TYPES = get_args(d.AnyDecision)


def envelope(decision: d.AnyDecision) -> d.Envelope:
    """Return the envelope in which the golden file holds a decision."""
    return d.Envelope(hlc=1_700_000_000_000 << 16, decision=decision, request=RequestId(b"request"))


def golden() -> list[tuple[str, bytes]]:
    """Return the type and the bytes of each line of the golden file."""
    lines = [line.split() for line in GOLDEN.read_text(encoding="ascii").splitlines()]
    return [(name, bytes.fromhex(data)) for name, data in lines]


def test_there_is_an_example_of_every_decision() -> None:
    assert [type(example) for example in EXAMPLES] == list(TYPES)


def test_what_is_written_today_is_what_was_written_before() -> None:
    written = [(type(one).__name__, encode_batch([envelope(one)])) for one in EXAMPLES]
    assert written == golden()


def test_what_was_written_before_is_read_as_it_was_meant() -> None:
    assert [decode_batch(data) for _, data in golden()] == [[envelope(one)] for one in EXAMPLES]


def any_value(type_: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for a field: as hypothesis would, but numbers fit into 64 bits."""
    if type_ is int:
        return st.integers(-(1 << 63), (1 << 63) - 1)
    if isinstance(type_, NewType):
        return any_value(type_.__supertype__)
    if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        fields = msgspec.structs.fields(type_)
        return st.builds(type_, **{field.name: any_value(field.type) for field in fields})
    parts = [any_value(part) for part in get_args(type_) if part is not Ellipsis]
    if get_origin(type_) is tuple:
        return st.lists(parts[0], max_size=3).map(tuple)
    if get_origin(type_) is dict:
        return st.dictionaries(*parts, max_size=3)
    return st.one_of(parts) if parts else st.from_type(type_)


decisions = st.one_of([any_value(kind) for kind in TYPES])
envelopes = st.builds(d.Envelope, hlc=st.integers(0, (1 << 63) - 1), decision=decisions)


@settings(max_examples=300)
@given(st.lists(envelopes, max_size=3))
def test_every_batch_comes_back_as_it_was_written(batch: list[d.Envelope]) -> None:
    assert decode_batch(encode_batch(batch)) == batch


@pytest.mark.parametrize("version", [0, 2, 255])
def test_a_batch_of_another_version_is_refused_with_a_sentence(version: int) -> None:
    payload = bytes([version]) + encode_batch([envelope(EXAMPLES[0])])[1:]
    with pytest.raises(Broken, match=r"newer version.*\.") as refusal:
        decode_batch(payload)
    assert "Update" in refusal.value.remedy


def test_an_empty_entry_is_refused() -> None:
    with pytest.raises(Broken):
        decode_batch(b"")


def test_a_field_that_a_later_program_adds_is_not_in_the_way_of_an_older_one() -> None:
    payload = encode_batch([envelope(EXAMPLES[5])])
    plain = msgspec.msgpack.decode(payload[1:])
    plain[0][1]["a_later_field"] = "x"
    assert decode_batch(payload[:1] + msgspec.msgpack.encode(plain)) == [envelope(EXAMPLES[5])]
