"""Where a job's files lie on this node's disk.

Is: paths; their names are those that the API shows (wire/job_files). Is not: reading or writing.
"""

from __future__ import annotations

from pathlib import Path

from flamenco_p2p.farm.ids import JobId, TaskKey
from flamenco_p2p.wire.job_files import URL_PREFIX, job_folder, task_log_name


class JobFiles:
    """The folder `job-files` of this node."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, job: JobId) -> Path:
        """Return where a job's files are."""
        return self.root / job_folder(job).removeprefix(f"{URL_PREFIX}/")

    def log(self, task: TaskKey) -> Path:
        """Return where a task's log is."""
        return self.folder(task.job) / task_log_name(task)
