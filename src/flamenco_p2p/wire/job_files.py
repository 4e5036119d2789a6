"""Where clients find a job's log and preview files: paths below the manager's own address.

Is: the one spelling of `/job-files/...`. Is not: the folders on disk (files/).
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from flamenco_p2p.farm.ids import JobId, TaskKey, task_text, text_of

URL_PREFIX: Final = "/job-files"

PREVIEWS: Final = ("last-rendered.jpg", "last-rendered-small.jpg", "last-rendered-tiny.jpg")
"""Largest first. Clients choose by name, so names and order stay."""


class TaskLogInfo(Struct, frozen=True, kw_only=True):
    """Where a task's log is; `size` in bytes."""

    task_id: str
    job_id: str
    url: str
    size: int


class JobLastRenderedImageInfo(Struct, frozen=True, kw_only=True):
    """Where a job's newest picture is: `base`, a slash, and one of `suffixes`."""

    base: str
    suffixes: tuple[str, ...]


def job_folder(job: JobId) -> str:
    """Return the path below which a job's files are served, without a slash at its end."""
    job_id = text_of(job)
    return f"{URL_PREFIX}/job-{job_id[:4]}/{job_id}"


def task_log_name(task: TaskKey) -> str:
    """Return the name of a task's log in its job's folder."""
    return f"task-{task_text(task)}.txt"


def render_task_log_info(task: TaskKey, size: int) -> TaskLogInfo:
    """Return where a task's log of `size` bytes is."""
    return TaskLogInfo(
        task_id=task_text(task),
        job_id=text_of(task.job),
        url=f"{job_folder(task.job)}/{task_log_name(task)}",
        size=size,
    )


def render_last_rendered(job: JobId) -> JobLastRenderedImageInfo:
    """Return where the newest picture of a job is."""
    return JobLastRenderedImageInfo(base=job_folder(job), suffixes=PREVIEWS)
