"""A compiler with a folder of scripts, and the child process it needs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flamenco_p2p.compiler.compile import CompiledJob, JobCompiler, Limits
from tests.jobtypes.in_this_process import SHIPPED, Task, decode_tasks, request

SMALL = Limits(time_s=1, describe_time_s=0.5, grace_s=1, memory_mib=64)
SOUND = """
const JOB_TYPE = { label: "Sound", settings: [] };
function compileJob(job) { job.addTask(author.Task("a", "misc")); }
"""


@pytest.fixture
async def compiler(tmp_path: Path) -> AsyncIterator[JobCompiler]:
    """A compiler with small limits; scripts in tmp_path win over the shipped ones."""
    compiler = JobCompiler([tmp_path, SHIPPED], limits=SMALL)
    yield compiler
    await compiler.close()


async def tasks_of(job: CompiledJob) -> list[Task]:
    """Read all slices."""
    return decode_tasks([piece.payload async for piece in job.slices])


async def names_of_tasks(compiler: JobCompiler, job_type: str, **fields: object) -> list[str]:
    """Compile without settings, and return the tasks' names."""
    async with compiler.compile(request({}, type=job_type, **fields)) as job:
        return [task.name for task in await tasks_of(job)]
