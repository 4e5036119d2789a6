"""Which jobs come first, and which tasks a worker may have."""

from __future__ import annotations

import random
from typing import Any

import pytest

from flamenco_p2p.farm.ids import JobId, TagId, WorkerId
from flamenco_p2p.farm.jobs import BlenderNeed, Job, JobSpec, Tally
from flamenco_p2p.farm.statuses import Desired, JobStatus, WorkerStatus
from flamenco_p2p.farm.workers import InstalledBlender, Worker
from flamenco_p2p.rules.scheduling import blender_fits, fitting_types, is_schedulable, job_order


def job(
    *, need: BlenderNeed | None = None, tag: TagId | None = None, number: int = 1, **changes: Any
) -> Job:
    """Return a job that runs."""
    spec = JobSpec(
        name="", type="", priority=50, settings=b"{}", metadata={}, submitter_platform="linux",
        blender=need, worker_tag=tag,
    )  # fmt: skip
    said: dict[str, Any] = {
        "status": JobStatus.ACTIVE, "priority": 50, "desired": Desired.ACTIVE, "tally": Tally(),
        "created_ms": 5, "updated_ms": 5, "activity": "", "steps_total": 0, "steps_done": 0,
        "epoch": 1, "requeued": 1, "complete": True,
    }  # fmt: skip
    return Job(id=JobId(bytes([number])), spec=spec, **(said | changes))


def worker(*blenders: InstalledBlender) -> Worker:
    """Return a worker that is awake."""
    return Worker(
        id=WorkerId(b"anna"), name="anna", secret_digest=b"", platform="linux", address="",
        software="", task_types=("misc", "blender"), status=WorkerStatus.AWAKE, requested=None,
        can_restart=False, updated_ms=0, blenders=blenders,
    )  # fmt: skip


def blender(major: int, minor: int) -> InstalledBlender:
    """Return an installed Blender."""
    return InstalledBlender(major=major, minor=minor, patch=7)


def test_urgent_jobs_come_first_then_old_ones_then_those_named_first() -> None:
    ordered = [
        job(priority=90, created_ms=9, number=5),
        job(priority=50, created_ms=1, number=4),
        job(priority=50, created_ms=2, number=2),
        job(priority=50, created_ms=2, number=3),
        job(priority=-1, created_ms=0, number=1),
    ]
    mixed = random.Random(1).sample(ordered, len(ordered))
    assert sorted(mixed, key=job_order) == ordered


@pytest.mark.parametrize("status", JobStatus)
def test_only_queued_and_active_jobs_give_out_tasks(status: JobStatus) -> None:
    gives = status in (JobStatus.QUEUED, JobStatus.ACTIVE)
    assert is_schedulable(job(status=status)) == gives
    assert not is_schedulable(job(status=status, delete_requested_ms=7))


@pytest.mark.parametrize(
    ("need", "have", "fits"),
    [
        pytest.param("4.2+", [(4, 2)], True, id="the same series"),
        pytest.param("4.2+", [(4, 5)], True, id="newer"),
        pytest.param("4.2+", [(5, 0)], True, id="newer, smaller minor"),
        pytest.param("4.2+", [(4, 1)], False, id="older"),
        pytest.param("4.2+", [(3, 6)], False, id="older, greater minor"),
        pytest.param("4.2", [(4, 2)], True, id="exactly this series"),
        pytest.param("4.2", [(4, 3)], False, id="newer is not wanted"),
        pytest.param("4.2", [(3, 6), (4, 2), (5, 0)], True, id="one of several"),
        pytest.param("4.2+", [], True, id="a worker that does not say"),
        pytest.param("", [(2, 79)], True, id="a file that does not say"),
    ],
)
def test_a_blender_fits_a_file_that_it_can_open(
    need: str, have: list[tuple[int, int]], fits: bool
) -> None:
    wanted = None
    if need:
        major, minor = (int(part) for part in need.rstrip("+").split("."))
        wanted = BlenderNeed(major=major, minor=minor, newer_allowed=need.endswith("+"))
    installed = [blender(*version) for version in have]
    assert blender_fits(wanted, installed) == fits
    types = ("misc", "blender") if fits else ("misc",)
    assert fitting_types(job(need=wanted), worker(*installed)) == types


def test_a_job_for_a_tag_goes_to_no_worker_that_lacks_it() -> None:
    assert fitting_types(job(tag=TagId(b"gpu")), worker()) == ()
