"""Every named query fits the tables, and reads no more of them than its answer needs."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from flamenco_p2p.store import database
from flamenco_p2p.store.database import open_database, queries

NOUNS = sorted(path.stem for path in (database.HERE / "sql").glob("*.sql"))
NAMES = [(noun, name) for noun in NOUNS for name in queries(noun)]
ELSEWHERE = {"log": "log", "outbox": "outbox"}  # all others are about the farm

GROWS = {
    "jobs", "tasks", "task_commands", "dependencies", "attempts", "failures", "blocks", "outputs",
    "removed_jobs", "requests", "log",
}  # fmt: skip
# What may be read from end to end, and why that is never much.
SCANS_ALLOWED = {
    "reads.jobs_alive": "only jobs that have not ended, by a partial index",
}
# What may go through all tasks of a job, and why it must.
WHOLE_JOBS_ALLOWED = {
    "jobs.": "by the key of a job, or all below it goes",
    "tasks.rerun_all": "all of it is done again",
    "reads.blocks_of_job": "has a row per blocked worker, not per task",
}


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, sqlite3.Connection]]:
    """One database of each kind, empty."""
    folder: Path = tmp_path_factory.mktemp("queries")
    kinds = ("farm", "log", "outbox")
    opened = {kind: open_database(folder / f"{kind}.db", kind, durable=False) for kind in kinds}
    yield opened
    for db in opened.values():
        db.close()


def plan(db: sqlite3.Connection, sql: str) -> list[str]:
    """Return the lines of a statement's plan."""
    values: list[object] | dict[str, object] = dict.fromkeys(re.findall(r":(\w+)", sql), None)
    if not values:
        numbers = [int(number) for number in re.findall(r"\?(\d+)", sql)]
        values = [None] * (max(numbers) if numbers else sql.count("?"))
    return [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", values)]


def goes_through_a_job(lines: list[str]) -> bool:
    """Say whether a plan reads everything that a table holds of a job."""
    return any(
        re.search(r"(PRIMARY KEY|failures_by_worker) \(job_id=\?\)$", line) for line in lines
    )


def scanned(lines: list[str]) -> set[str]:
    """Return the tables that a plan reads from end to end."""
    return {found[1] for line in lines if (found := re.match(r"SCAN (\w+)", line))} & GROWS


@pytest.mark.parametrize(("noun", "name"), NAMES, ids=[f"{n}.{m}" for n, m in NAMES])
def test_a_query_fits_the_tables_and_reads_no_more_than_it_needs(
    databases: dict[str, sqlite3.Connection], noun: str, name: str
) -> None:
    lines = plan(databases[ELSEWHERE.get(noun, "farm")], queries(noun)[name])
    if f"{noun}.{name}" in SCANS_ALLOWED:
        assert scanned(lines), "no longer scans: take it off the list"
    else:
        assert not scanned(lines), lines
    if not f"{noun}.{name}".startswith(tuple(WHOLE_JOBS_ALLOWED)):
        assert not goes_through_a_job(lines), lines


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("tasks.held_by_worker", "tasks_held_by_worker"),
        ("tasks.held_of_job", "tasks_held_of_job"),
        ("tasks.in_trouble", "tasks_in_trouble"),
        ("tasks.count_ready", "tasks_ready"),
        ("farm.forget_requests", "requests_by_age"),
        ("reads.ready_tasks", "tasks_ready"),
        ("reads.held_tasks", "tasks_held_by_worker"),
        ("reads.failed_tasks_of_worker", "failures_by_worker"),
    ],
)
def test_a_query_about_few_rows_of_many_uses_the_index_that_was_made_for_it(
    databases: dict[str, sqlite3.Connection], query: str, index: str
) -> None:
    noun, name = query.split(".")
    assert any(index in line for line in plan(databases["farm"], queries(noun)[name]))


def test_the_list_of_exceptions_names_only_queries_that_exist() -> None:
    assert set(SCANS_ALLOWED) <= {f"{noun}.{name}" for noun, name in NAMES}
