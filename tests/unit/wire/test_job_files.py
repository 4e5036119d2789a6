"""Where clients find logs and pictures."""

from __future__ import annotations

from flamenco_p2p.wire.job_files import render_last_rendered, render_task_log_info
from flamenco_p2p.wire.json import encode
from tests.unit.wire.examples import JOB_ID, JOB_TEXT, TASK_KEY, TASK_TEXT

FOLDER = f"/job-files/job-019c/{JOB_TEXT}"


def test_a_log_lies_in_its_jobs_folder() -> None:
    assert encode(render_task_log_info(TASK_KEY, 47)).decode() == (
        f'{{"task_id":"{TASK_TEXT}","job_id":"{JOB_TEXT}",'
        f'"url":"{FOLDER}/task-{TASK_TEXT}.txt","size":47}}\n'
    )


def test_pictures_are_offered_largest_first() -> None:
    assert encode(render_last_rendered(JOB_ID)).decode() == (
        f'{{"base":"{FOLDER}","suffixes":'
        '["last-rendered.jpg","last-rendered-small.jpg","last-rendered-tiny.jpg"]}\n'
    )
