"""What the daemon and its compiling child say to each other.

Is: questions, answers, limits, and frames: a 4-byte length, a kind byte, a payload. Is not: who
reads and writes them (child_process.py in the daemon, child.py in the child).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

MESSAGE: Final = b"M"  # msgpack of one of the structs below
SLICE: Final = b"S"  # 2 bytes: how many tasks; then the slice's payload
FRAME_BYTES_AT_MOST: Final = 64 << 20
HEAD: Final = struct.Struct(">Ic")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one script may use. Above that it fails with words that say so."""

    time_s: float = 20.0  # CPU time of a compilation
    describe_time_s: float = 2.0  # CPU time until JOB_TYPE is known
    grace_s: float = 5.0  # wall time on top of these, before the child is killed
    memory_mib: int = 512
    stack_mib: int = 32
    frames: int = 1_000_000  # of one frameChunker call
    tasks: int = 200_000
    task_bytes: int = 200 * 1024
    slice_tasks: int = 500
    slice_bytes: int = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class CompileRequest:
    """One submission.

    `job_id` ends in six zeros: its last 24 bits number the tasks. `type_etag` "" is not checked.
    `settings` is JSON text of an object. `created` is aware. `time_zone` is an IANA name, "" means
    this machine's.
    """

    job_id: str
    name: str
    type: str
    priority: int
    type_etag: str
    settings: bytes
    metadata: dict[str, str]
    created: datetime
    time_zone: str
    shaman_checkout_id: str
    worker_tag: str


class StartUp(msgspec.Struct, frozen=True):
    """The child's one argument, as JSON."""

    folders: list[str]
    limits: Limits


class ListNames(msgspec.Struct, tag=True, frozen=True):
    """Which job types are there? Runs no script."""


class Describe(msgspec.Struct, tag=True, frozen=True):
    """What does this job type say about itself?"""

    name: str


class Compile(msgspec.Struct, tag=True, frozen=True):
    """Make a job. Its slices can be asked for afterwards."""

    request: CompileRequest


class NextSlice(msgspec.Struct, tag=True, frozen=True):
    """The next tasks of the compiled job: a SLICE frame, or NoMoreSlices."""


class Forget(msgspec.Struct, tag=True, frozen=True):
    """The compiled job is not needed any more. Not answered."""


class Names(msgspec.Struct, tag=True, frozen=True):
    """Every job type, with a fingerprint of what its script says."""

    fingerprints: dict[str, str]


class Described(msgspec.Struct, tag=True, frozen=True):
    """A sound job type; `raw` is JSON text. `warnings` are for whoever wrote the script."""

    name: str
    label: str
    description: str
    etag: str
    raw: bytes
    warnings: list[str]


class Compiled(msgspec.Struct, tag=True, frozen=True):
    """A compiled job without its tasks. `printed` holds what the script said: (level, text)."""

    name: str
    priority: int
    settings: bytes
    metadata: dict[str, str]
    task_count: int
    steps_total: int
    warnings: list[str]
    printed: list[tuple[str, str]]


class NoMoreSlices(msgspec.Struct, tag=True, frozen=True):
    """Every task has been handed over."""


class NoSuchType(msgspec.Struct, tag=True, frozen=True):
    """No script has this name."""


class EtagDiffers(msgspec.Struct, tag=True, frozen=True):
    """The submission was made for another version of this job type."""


class Failed(msgspec.Struct, tag=True, frozen=True):
    """The script failed. `outran` says that it ran into a limit, so it is costly to try again."""

    problem: str
    remedy: str
    outran: bool
    printed: list[tuple[str, str]]


Question = ListNames | Describe | Compile | NextSlice | Forget
Answer = Names | Described | Compiled | NoMoreSlices | NoSuchType | EtagDiffers | Failed


def frame(kind: bytes, payload: bytes) -> bytes:
    """Return the frame of a payload, ready to be written."""
    return HEAD.pack(len(payload), kind) + payload
