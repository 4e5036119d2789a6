"""Scripts compiled inside the test's own process.

Is: the engine without the child around it, for checks of what scripts can do; a millisecond each.
Is not: a substitute for the limits that only a child process can enforce (tests/unit/compiler).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from flamenco_p2p.compiler.engine import Engine
from flamenco_p2p.compiler.job_types import Script, read_script
from flamenco_p2p.compiler.messages import CompileRequest, Limits
from flamenco_p2p.compiler.slices import pack_slices
from flamenco_p2p.compiler.time_zones import time_zone

SHIPPED = Path(__file__).parents[2] / "jobtypes"
LIMITS = Limits(stack_mib=1, time_s=5, describe_time_s=5)  # a test's own stack is small
JOB_ID = "01234567-89ab-4def-8123-456789000000"
CREATED = datetime(2006, 1, 2, 14, 4, 5, tzinfo=UTC)  # 15:04:05 in Berlin


@dataclass(frozen=True)
class Task:
    """One compiled task, decoded."""

    name: str
    type: str
    priority: int
    steps: int
    commands: list[dict[str, Any]]
    waits_for: list[int]

    def parameters(self) -> dict[str, Any]:
        (command,) = self.commands
        return dict(command["parameters"])


@dataclass(frozen=True)
class Job:
    """A compiled job, decoded."""

    name: str
    priority: int
    settings: dict[str, Any]
    metadata: dict[str, str]
    tasks: list[Task]
    warnings: list[str]
    printed: list[tuple[str, str]]


def request(settings: dict[str, Any], **fields: Any) -> CompileRequest:
    """Return a submission with these settings; other fields have usual values."""
    usual: dict[str, Any] = {
        "job_id": JOB_ID,
        "name": "shot010",
        "type": "test",
        "priority": 50,
        "type_etag": "",
        "settings": msgspec.json.encode(settings),
        "metadata": {},
        "created": CREATED,
        "time_zone": "Europe/Berlin",
        "shaman_checkout_id": "",
        "worker_tag": "",
    }
    return CompileRequest(**(usual | fields))


def compile_here(
    script: Script,
    settings: dict[str, Any] | None = None,
    *,
    modules: dict[str, str] | None = None,
    limits: Limits = LIMITS,
    **fields: Any,
) -> Job:
    """Compile one submission, and decode all of it."""
    asked = request(settings or {}, **fields)
    with time_zone(asked.time_zone):
        engine = Engine(script, modules or {}, limits, job_id=asked.job_id)
        engine.describe()
        header = engine.compile(asked)
    slices = [payload for _, payload in pack_slices(engine.batches(), limits)]
    return Job(
        name=header.name,
        priority=header.priority,
        settings=msgspec.json.decode(header.settings),
        metadata=header.metadata,
        tasks=decode_tasks(slices),
        warnings=header.warnings,
        printed=engine.printed(),
    )


def decode_tasks(slices: list[bytes]) -> list[Task]:
    """Decode slices into tasks, with the numbers each one waits for."""
    rows: dict[int, tuple[Any, ...]] = {}
    waits: dict[int, list[int]] = {}
    for payload in slices:
        tasks, dependencies = msgspec.msgpack.decode(payload)
        for no, *row in tasks:
            rows[no] = tuple(row)
        for no, ranges in dependencies:
            for first, last in ranges:
                waits.setdefault(no, []).extend(range(first, last + 1))
    assert list(rows) == list(range(1, len(rows) + 1))
    return [
        Task(name, type_, priority, steps, msgspec.json.decode(commands), waits.get(no, []))
        for no, (name, type_, priority, steps, commands) in rows.items()
    ]


def shipped(file: str) -> Script:
    """Return a shipped script."""
    return read_script(SHIPPED / file)


def script(text: str, *, job_type: str = '{label: "Test", settings: []}') -> Script:
    """Return a script with this text behind a JOB_TYPE."""
    return Script("test.js", f"const JOB_TYPE = {job_type};\n{text}")


def run(body: str, settings: dict[str, Any] | None = None, **fields: Any) -> Job:
    """Compile with this body of compileJob(job)."""
    return compile_here(script(f"function compileJob(job) {{ {body} }}"), settings, **fields)


def value(expression: str, **fields: Any) -> Any:
    """Return what a JavaScript expression is inside compileJob."""
    return run(f"job.settings.value = {expression};", **fields).settings["value"]
