"""`python -m tests.bench`: measure a manager and print what came of it.

Is: arguments, the order of the measurements, table and JSON. Is not: a measurement.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tests.bench import figures, measures
from tests.bench.callers import Submitter
from tests.bench.figures import Figure
from tests.bench.own_node import OwnNode

WIDTH = 150
NAMES = ("start", "first-task", "next-task", "submission", "throughput", "memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to measure, and how much of it."""

    only: tuple[str, ...]
    tasks: tuple[int, ...]
    workers: tuple[int, ...]
    seconds: float
    jobs: int
    gaps: int
    large_job: int


async def measure(plan: Plan, url: str, node: OwnNode | None, console: Console) -> list[Figure]:
    """Measure what the plan says; say on the way what is being done."""
    found: list[Figure] = []
    if node and "start" in plan.only:
        console.print("starting on an empty folder …")
        found += await measures.start_up(node, "empty")
    if "first-task" in plan.only:
        console.print(f"submit → first task, {plan.jobs} times …")
        found += await measures.first_task(url, plan.jobs)
    if "next-task" in plan.only:
        console.print(f"task done → next task, {plan.gaps} times …")
        found += await measures.next_task(url, plan.gaps)
    if "submission" in plan.only:
        console.print(f"submitting jobs of {plan.large_job:,} tasks …")
        found += await measures.submission(url, plan.large_job)
    if "throughput" in plan.only:
        found += await _throughput(plan, url, node, console)
    if node and "memory" in plan.only:
        found += measures.memory(node, "after all runs")
    if node and {"start", "throughput"} <= set(plan.only):
        console.print("starting once more …")
        found += await measures.start_up(node, f"{max(plan.tasks):,} tasks stored")
    return found


async def _throughput(plan: Plan, url: str, node: OwnNode | None, console: Console) -> list[Figure]:
    submitter = Submitter(url)
    found: list[Figure] = []
    stored = 0
    try:
        for wanted in plan.tasks:
            console.print(f"storing {wanted:,} tasks …")
            stored = await measures.store_tasks(submitter, stored, wanted)
            for workers in plan.workers:
                console.print(f"{workers} workers, {plan.seconds:g} s …")
                found += await measures.throughput(url, workers, wanted, plan.seconds, node)
    finally:
        if node is None:  # a node of our own takes its folder with it
            with suppress(Exception):  # whatever else went wrong is what is to be said
                await _delete_stored(submitter)
        submitter.close()
    return found


async def _delete_stored(submitter: Submitter) -> None:
    """Leave somebody's manager as it was."""
    for job in (await submitter.get("/api/v3/jobs"))["jobs"]:
        if job["name"] == "bench" and job["metadata"].get("project") == "bench":
            await submitter.delete(job["id"])


async def run(plan: Plan, url: str, console: Console) -> list[Figure]:
    """Measure the manager at `url`, or a node of our own if there is none."""
    if url:
        return await measure(plan, url, None, console)
    with tempfile.TemporaryDirectory(prefix="flamenco-p2p-bench-") as folder:
        node = OwnNode(Path(folder))
        await node.start()
        try:
            return await measure(plan, node.url, node, console)
        finally:
            await node.stop()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(sorted(int(part) for part in text.split(",")))


def read_arguments(arguments: list[str] | None = None) -> tuple[Plan, str, Path | None]:
    """Return the plan, the manager's address ("" = a node of our own) and where the JSON goes."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--url", default="", help="the manager to measure; default: a node started for it"
    )
    parser.add_argument("--only", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--quick", action="store_true", help="small numbers; under 40 seconds")
    parser.add_argument(
        "--tasks", type=_numbers, help="how many tasks are stored: 1000,100000,1000000"
    )
    parser.add_argument("--workers", type=_numbers, help="how many workers work: 1,10,100")
    parser.add_argument("--seconds", type=float, help="how long each run of workers lasts at most")
    parser.add_argument("--large-job", type=int, help="how many tasks a large job has")
    parser.add_argument("--json", type=Path, help="write the figures into this file, too")
    given = parser.parse_args(arguments)
    usual = (
        ((1000, 10_000), 2.0, 20_000) if given.quick else ((1000, 100_000, 1_000_000), 4.0, 100_000)
    )
    plan = Plan(
        only=tuple(given.only),
        tasks=given.tasks or usual[0],
        workers=given.workers or (1, 10, 100),
        seconds=usual[1] if given.seconds is None else given.seconds,
        jobs=30,
        gaps=200,
        large_job=given.large_job or usual[2],
    )
    return plan, given.url.rstrip("/"), given.json


def main() -> None:
    """Measure, then print."""
    plan, url, target = read_arguments()
    console = Console(width=WIDTH)
    found = asyncio.run(run(plan, url, console))
    figures.show(found, console)
    if target is not None:
        figures.write_json(found, target)


if __name__ == "__main__":
    main()
