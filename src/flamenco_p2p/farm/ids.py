"""Names of things: 16 random-looking bytes inside, canonical UUID text outside.

Is: the one place that makes, reads and writes ids. Is not: a source of time or luck: both are
handed in, so that an id is minted once, at the door where a request arrives, and goes on there.

A job's id ends in 24 zero bits, and a task's id is its job's id with the task's number in those
bits. So a task needs no id column and no index, and any node can tell a task's job from its id.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple, NewType

JobId = NewType("JobId", bytes)
WorkerId = NewType("WorkerId", bytes)
AttemptId = NewType("AttemptId", bytes)
NodeId = NewType("NodeId", bytes)
FarmId = NewType("FarmId", bytes)
RequestId = NewType("RequestId", bytes)
TagId = NewType("TagId", bytes)

TASK_BITS = 24
MOST_TASKS = (1 << TASK_BITS) - 1
CANONICAL: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class TaskKey(NamedTuple):
    """A task: its job and its number in it, from 1."""

    job: JobId
    no: int


def timed_id(milliseconds: int, luck: bytes) -> bytes:
    """Return a version 7 UUID: ids made later sort later. `luck` is 10 random bytes."""
    stamp = (milliseconds & 0xFFFF_FFFF_FFFF).to_bytes(6, "big")
    tail = bytearray(luck[:10])
    tail[0] = 0x70 | (tail[0] & 0x0F)
    tail[2] = 0x80 | (tail[2] & 0x3F)
    return stamp + bytes(tail)


def new_job_id(milliseconds: int, luck: bytes) -> JobId:
    """Return a job id: a version 7 UUID that leaves its last 24 bits to the tasks."""
    return JobId(timed_id(milliseconds, luck)[:13] + b"\0\0\0")


def text_of(some_id: bytes) -> str:
    """Return the canonical lower-case text of an id."""
    h = some_id.hex()
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


def read_id(text: str) -> bytes | None:
    """Return the bytes of a canonical UUID text (36 characters, hex in either case), else None."""
    return bytes.fromhex(text.replace("-", "")) if CANONICAL.fullmatch(text) else None


def task_text(task: TaskKey) -> str:
    """Return the text id of a task."""
    return text_of(task.job[:13] + task.no.to_bytes(3, "big"))


def read_task(text: str) -> TaskKey | None:
    """Return the task that a text id names, whether or not it exists; None if it is no UUID."""
    raw = read_id(text)
    if raw is None:
        return None
    return TaskKey(JobId(raw[:13] + b"\0\0\0"), int.from_bytes(raw[13:], "big"))
