"""Where files lie."""

from __future__ import annotations

from pathlib import Path

from flamenco_p2p.farm.ids import TaskKey, new_job_id, text_of
from flamenco_p2p.files.layout import JobFiles
from flamenco_p2p.wire.job_files import render_last_rendered, render_task_log_info

JOB = new_job_id(1_700_000_000_000, bytes(range(10)))


def test_files_lie_where_the_api_says_they_are() -> None:
    files = JobFiles(Path("/data/job-files"))
    info = render_task_log_info(TaskKey(JOB, 7), 1)
    assert str(files.log(TaskKey(JOB, 7))) == f"/data{info.url}"
    assert str(files.folder(JOB)) == f"/data{render_last_rendered(JOB).base}"
    assert text_of(JOB) in info.url
