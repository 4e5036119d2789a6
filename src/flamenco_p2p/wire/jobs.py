"""Jobs in JSON: what a submitter sends, and what everybody gets to see.

Is: the shapes of Flamenco's API, and a few more keys of ours that its clients ignore. Is not: what
a submission means (manager/intake). What a client must always find is a field without default;
what may be missing is left out, never null.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from flamenco_p2p.farm import jobs as farm_jobs
from flamenco_p2p.farm.ids import text_of
from flamenco_p2p.farm.statuses import JobStatus
from flamenco_p2p.wire.blenders import BlenderNeed, read_need, render_need
from flamenco_p2p.wire.json import LARGEST_INTEGER, Timestamp, decode, rfc3339

DEFAULT_PRIORITY = 50

AnyPriority = Annotated[int, Meta(ge=-LARGEST_INTEGER, le=LARGEST_INTEGER)]
Settings = Annotated[Raw, Meta(extra_json_schema={"type": "object"})]


class JobStorageInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a job's files were laid out."""

    shaman_checkout_id: str = ""


class SubmittedJob(Struct, frozen=True, kw_only=True):
    """A job as it is submitted. An empty text is as good as none."""

    name: str
    type: str
    submitter_platform: str
    type_etag: str = ""
    priority: AnyPriority | None = DEFAULT_PRIORITY
    settings: Settings | UnsetType = UNSET
    metadata: dict[str, str] = {}
    storage: JobStorageInfo = JobStorageInfo()
    worker_tag: str = ""
    initial_status: JobStatus | UnsetType = UNSET
    submitter: str = ""
    owner: str = ""
    comment: str = ""
    time_zone: str = ""
    blender: BlenderNeed | UnsetType = UNSET

    @property
    def wanted_priority(self) -> int:
        """The priority to use."""
        return DEFAULT_PRIORITY if self.priority is None else self.priority

    @property
    def settings_text(self) -> bytes:
        """The settings as JSON object text, as they were sent."""
        return b"{}" if self.settings is UNSET else bytes(self.settings)

    @property
    def blender_need(self) -> farm_jobs.BlenderNeed | None:
        """Which Blender may render the job, if the submitter knew."""
        return None if self.blender is UNSET else read_need(self.blender)


class JobStatusChange(Struct, frozen=True, kw_only=True):
    """Somebody wants a job to be something else."""

    status: JobStatus
    reason: str


class JobPriorityChange(Struct, frozen=True, kw_only=True):
    """Somebody wants a job sooner or later."""

    priority: Annotated[int, Meta(ge=0, le=100)]


class Tally(Struct, frozen=True, kw_only=True):
    """How many tasks of a job are in which condition. `ready`: could be given out now."""

    total: int
    ready: int
    active: int
    done: int
    failed: int
    canceled: int


class Job(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A job as it is now."""

    id: str
    name: str
    type: str
    priority: int
    submitter_platform: str
    settings: Settings
    metadata: dict[str, str]
    created: Timestamp
    updated: Timestamp
    status: JobStatus
    activity: str
    steps_completed: int
    steps_total: int
    tally: Tally
    storage: JobStorageInfo | UnsetType = UNSET
    worker_tag: str | UnsetType = UNSET
    delete_requested_at: Timestamp | UnsetType = UNSET
    blender: BlenderNeed | UnsetType = UNSET
    submitter: str = ""
    owner: str = ""
    comment: str = ""


class JobsQueryResult(Struct, frozen=True, kw_only=True):
    """All jobs of the farm."""

    jobs: list[Job]


def parse_submitted_job(body: bytes) -> SubmittedJob:
    """Return a submission. Raises `BadBody`."""
    job = decode(body, SubmittedJob, "job")
    decode(job.settings_text, dict[str, Any], "job's settings")
    if job.blender is not UNSET:
        read_need(job.blender)
    return job


def parse_job_status_change(body: bytes) -> JobStatusChange:
    """Return what somebody wants of a job. Raises `BadBody`."""
    return decode(body, JobStatusChange, "status change")


def parse_job_priority_change(body: bytes) -> JobPriorityChange:
    """Return the priority somebody wants for a job. Raises `BadBody`."""
    return decode(body, JobPriorityChange, "priority change")


def render_job(job: farm_jobs.Job) -> Job:
    """Return a job as the API shows it."""
    spec = job.spec
    return Job(
        id=text_of(job.id),
        name=spec.name,
        type=spec.type,
        priority=job.priority,
        submitter_platform="",  # always there and always empty, in Flamenco too
        settings=Raw(spec.settings),
        metadata=spec.metadata,
        created=rfc3339(job.created_ms),
        updated=rfc3339(job.updated_ms),
        status=job.status,
        activity=job.activity,
        steps_completed=job.steps_done,
        steps_total=job.steps_total,
        tally=msgspec.convert(job.tally, Tally, from_attributes=True),
        storage=(
            JobStorageInfo(shaman_checkout_id=spec.shaman_checkout_id)
            if spec.shaman_checkout_id
            else UNSET
        ),
        worker_tag=UNSET if spec.worker_tag is None else text_of(spec.worker_tag),
        delete_requested_at=(
            UNSET if job.delete_requested_ms is None else rfc3339(job.delete_requested_ms)
        ),
        blender=UNSET if spec.blender is None else render_need(spec.blender),
        submitter=spec.submitter,
        owner=spec.owner,
        comment=spec.comment,
    )
