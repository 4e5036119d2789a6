"""Slices hold every task and dependency, each within its size."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from flamenco_p2p.compiler.messages import Limits
from flamenco_p2p.compiler.slices import pack_slices
from tests.jobtypes.in_this_process import decode_tasks

LIMITS = Limits(slice_tasks=7, slice_bytes=200_000)
TASKS = st.lists(
    st.tuples(st.text(max_size=20), st.integers(0, 60_000), st.integers(0, 12_000)), max_size=30
)


@settings(max_examples=60, deadline=None)
@given(tasks=TASKS, per_batch=st.integers(1, 30))
def test_nothing_is_lost_and_nothing_too_large(
    tasks: list[tuple[str, int, int]], per_batch: int
) -> None:
    batches = []
    for start in range(0, len(tasks), per_batch):
        part = list(enumerate(tasks[start : start + per_batch], start + 1))
        heads = [(no, name, "t", 50, 1) for no, (name, _, _) in part]
        waits = [
            (no, [(2 * i + 1, 2 * i + 1) for i in range(ranges)])
            for no, (_, _, ranges) in part
            if ranges
        ]
        commands = [msgspec.json.encode(["x" * size]) for _, (_, size, _) in part]
        lines = [msgspec.json.encode(heads), msgspec.json.encode(waits), *commands]
        batches.append(b"\n".join(lines).decode())

    slices = list(pack_slices(iter(batches), LIMITS))

    assert all(count <= 7 and len(payload) <= 200_000 for count, payload in slices)
    assert sum(count for count, _ in slices) == len(tasks)
    decoded = decode_tasks([payload for _, payload in slices])
    assert [(t.name, len(t.waits_for)) for t in decoded] == [
        (name, ranges) for name, _, ranges in tasks
    ]
