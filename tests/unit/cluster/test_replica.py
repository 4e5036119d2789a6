"""The bridge of one node: what was answered is kept, whatever happens to the files."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from flamenco_p2p.bus import Bus
from flamenco_p2p.cluster import writer as writing
from flamenco_p2p.cluster.replica import Replica
from flamenco_p2p.farm import decisions as d
from flamenco_p2p.farm.errors import Broken, Conflict, NotYet, Unknown
from flamenco_p2p.farm.events import Event, JobChanged
from flamenco_p2p.farm.ids import FarmId, JobId, NodeId, RequestId, new_job_id
from flamenco_p2p.farm.jobs import JobSpec
from flamenco_p2p.store.apply import FarmState
from flamenco_p2p.store.decision_log import DecisionLog
from flamenco_p2p.store.farm_reads import FarmReads
from tests.small_disk import SmallDisk, small_disk

HERE = NodeId(b"node-of-the-test")
EMPTY_SLICE = b"\x92\x90\x90"


def job_id(number: int) -> JobId:
    return new_job_id(1_700_000_000_000 + number, bytes(10))


def begin(number: int, name: str = "a job") -> d.BeginJob:
    spec = JobSpec(
        name=name, type="x", priority=50, settings=b"{}", metadata={}, submitter_platform="linux"
    )
    return d.BeginJob(job=job_id(number), spec=spec)


async def take_in(replica: Replica, number: int, name: str = "a job") -> None:
    """Bring a job without tasks into the farm."""
    await replica.propose(begin(number, name))
    await replica.propose(d.AddTasks(job=job_id(number), slice=1, payload=EMPTY_SLICE))
    await replica.propose(d.CompleteJob(job=job_id(number), task_count=0))


@asynccontextmanager
async def opened(folder: Path, bus: Bus | None = None) -> AsyncIterator[tuple[Replica, FarmId]]:
    """Open the replica in a folder while the context lasts."""
    replica = Replica(folder, HERE, bus or Bus())
    try:
        farm = await replica.start(farm_name="Paper", node_name="here", public_key=b"key")
        yield replica, farm
    finally:
        await replica.stop()


async def jobs_in(folder: Path) -> list[JobId]:
    """Return the jobs that are in the tables."""
    reads = FarmReads(folder / "farm.db")
    try:
        return [job.id for job in await reads.jobs()]
    finally:
        await reads.close()


def lose(folder: Path, name: str) -> None:
    """Delete a database."""
    for file in folder.glob(f"{name}*"):
        file.unlink()


async def test_a_farm_is_founded_once_and_keeps_its_id(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, first):
        pass
    async with opened(tmp_path) as (_, second):
        assert second == first
    async with opened(tmp_path / "elsewhere") as (_, other):
        assert other != first


async def test_what_was_answered_is_there_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as (replica, _):
        await take_in(replica, 1)
        index = replica.applied_index
    async with opened(tmp_path) as (replica, _):
        await take_in(replica, 2)
        assert replica.applied_index > index
    assert await jobs_in(tmp_path) == [job_id(1), job_id(2)]


async def test_events_are_told_before_the_proposer_is_answered(tmp_path: Path) -> None:
    told: list[Event] = []
    bus = Bus()
    bus.listen(told.append)
    async with opened(tmp_path, bus) as (replica, _):
        await take_in(replica, 1)
        assert [type(event) for event in told] == [JobChanged]


async def test_a_refusal_reaches_only_its_proposer(tmp_path: Path) -> None:
    async with opened(tmp_path) as (replica, _):
        await take_in(replica, 1)
        good = d.SetPriority(job=job_id(1), priority=1)
        bad = d.SetPriority(job=job_id(9), priority=1)
        answers = await asyncio.gather(
            *(replica.propose(each) for each in (good, bad, good)), return_exceptions=True
        )
        assert [type(answer).__name__ for answer in answers] == ["Applied", "Unknown", "Applied"]


async def test_a_request_is_answered_the_same_way_again(tmp_path: Path) -> None:
    request = RequestId(b"request-number-1")
    async with opened(tmp_path) as (replica, _):
        with pytest.raises(Unknown):
            await replica.propose(d.SetPriority(job=job_id(1), priority=1), request=request)
        await take_in(replica, 1)
    async with opened(tmp_path) as (replica, _):
        with pytest.raises(Unknown):
            await replica.propose(d.SetPriority(job=job_id(1), priority=1), request=request)


async def test_many_proposals_at_once_share_few_entries(tmp_path: Path) -> None:
    async with opened(tmp_path) as (replica, _):
        before = replica.applied_index
        await asyncio.gather(*(replica.propose(begin(number)) for number in range(1000)))
        assert replica.applied_index - before < 100


async def test_what_was_logged_but_not_carried_out_is_carried_out_at_the_next_start(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as (replica, _):
        await take_in(replica, 1)
    lose(tmp_path, "farm.db")
    async with opened(tmp_path):
        pass
    assert await jobs_in(tmp_path) == [job_id(1)]


# --- a full disk


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[SmallDisk]:
    """A small disk."""
    with small_disk(tmp_path / "disk") as disk:
        yield disk


async def begin_many(replica: Replica) -> None:
    """Make large decisions, one after the other."""
    for number in range(2, 200):
        await replica.propose(begin(number, "x" * 10_000))


async def test_on_a_full_disk_changes_are_refused_and_go_on_when_there_is_room(
    disk: SmallDisk,
) -> None:
    folder = disk.folder / "node"
    async with opened(folder) as (replica, farm):
        await take_in(replica, 1)
        disk.fill()
        with pytest.raises(NotYet, match="disk that holds the farm's data is full"):
            await begin_many(replica)
        assert await jobs_in(folder) == [job_id(1)]
        disk.free()
        await take_in(replica, 300)
    async with opened(folder) as (_, same):
        assert same == farm
    assert {job_id(1), job_id(300)} <= {*await jobs_in(folder)}


async def test_what_was_accepted_before_the_disk_filled_up_is_there(
    disk: SmallDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flamenco_p2p.cluster.replica.PATIENCE_S", 0.5)
    monkeypatch.setattr(writing, "PAUSE_WHEN_FULL_S", 0.01)
    folder = disk.folder / "node"
    kept = []
    async with opened(folder) as (replica, _):
        for number in range(1, 200):
            if number == 20:
                disk.fill()
            try:
                await take_in(replica, number, "x" * 5_000)
            except NotYet:
                break
            kept.append(job_id(number))
        assert len(kept) < 199
        disk.free()
        await take_in(replica, 500)
    assert {*kept, job_id(500)} <= {*await jobs_in(folder)}


async def test_a_node_that_cannot_begin_for_want_of_room_says_so_and_leaves_nothing_running(
    disk: SmallDisk,
) -> None:
    disk.fill()
    with pytest.raises((NotYet, Broken), match=r"is full|cannot open its data"):
        async with opened(disk.folder):
            pass
    assert not (disk.folder / "attic").exists()
    disk.free()
    async with opened(disk.folder):
        pass


# --- damaged files


def damage(path: Path) -> None:
    """Write something else over a database."""
    path.write_bytes(b"no database " * 500)
    for side in ("-wal", "-shm"):
        path.with_name(path.name + side).unlink(missing_ok=True)


@pytest.mark.parametrize("name", ["farm.db", "raft.db"])
async def test_a_damaged_file_is_set_aside_and_the_other_one_tells_the_rest(
    tmp_path: Path, name: str
) -> None:
    async with opened(tmp_path) as (replica, first):
        await take_in(replica, 1)
    damage(tmp_path / name)
    async with opened(tmp_path) as (replica, farm):
        assert farm == first
        await take_in(replica, 2)
    assert await jobs_in(tmp_path) == [job_id(1), job_id(2)]
    assert (tmp_path / "attic" / f"{name}.1").read_bytes().startswith(b"no database")


async def test_files_damaged_twice_are_kept_apart(tmp_path: Path) -> None:
    for _ in range(2):
        async with opened(tmp_path):
            pass
        damage(tmp_path / "raft.db")
    async with opened(tmp_path):
        pass
    assert {path.name for path in (tmp_path / "attic").iterdir()} == {"raft.db.1", "raft.db.2"}


async def test_an_entry_that_was_changed_on_the_disk_is_not_believed(tmp_path: Path) -> None:
    async with opened(tmp_path) as (replica, _):
        await take_in(replica, 1)
    lose(tmp_path, "farm.db")
    with closing(sqlite3.connect(tmp_path / "raft.db")) as db, db:
        (table,) = db.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%payload%'"
        ).fetchone()
        db.execute(f"UPDATE {table} SET payload = x'90' WHERE rowid = 3")  # noqa: S608 -- a name
    async with opened(tmp_path) as (replica, _):
        await take_in(replica, 2)
    assert (tmp_path / "attic" / "raft.db.1").exists()


async def test_what_precedes_a_damaged_entry_is_carried_out(tmp_path: Path) -> None:
    async with opened(tmp_path) as (replica, first):
        await take_in(replica, 1)
        index = replica.applied_index
        await replica.propose(begin(2))
    lose(tmp_path, "farm.db")
    with closing(sqlite3.connect(tmp_path / "raft.db")) as db, db:
        db.execute("UPDATE log SET payload = x'90' WHERE idx > ?", (index,))
    async with opened(tmp_path) as (_, farm):
        assert farm == first
    assert await jobs_in(tmp_path) == [job_id(1)]


def spoil_tables(path: Path) -> None:
    """Write something else over all pages of a database but the first."""
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(4096)
        file.write(b"\x07" * (size - 4096))


async def test_damage_in_the_tables_is_not_blamed_on_the_log(tmp_path: Path) -> None:
    async with opened(tmp_path) as (replica, first):
        await take_in(replica, 1)
    spoil_tables(tmp_path / "farm.db")
    async with opened(tmp_path) as (_, farm):
        assert farm == first
    assert await jobs_in(tmp_path) == [job_id(1)]
    assert [path.name for path in (tmp_path / "attic").iterdir()] == ["farm.db.1"]


async def test_damage_that_shows_only_when_the_log_is_replayed_is_the_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as (replica, first):
        await take_in(replica, 1)
        with monkeypatch.context() as patch:
            patch.setattr(FarmState, "apply", lambda *_: 1 // 0)
            with pytest.raises(Broken):
                await take_in(replica, 2)
    with closing(sqlite3.connect(tmp_path / "farm.db")) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'jobs'").fetchone()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with (tmp_path / "farm.db").open("r+b") as file:
        file.seek(4096 * (page - 1))
        file.write(b"\x07" * 4096)
    async with opened(tmp_path) as (replica, farm):
        assert farm == first
        await replica.propose(d.AddTasks(job=job_id(2), slice=1, payload=EMPTY_SLICE))
        await replica.propose(d.CompleteJob(job=job_id(2), task_count=0))
    assert await jobs_in(tmp_path) == [job_id(1), job_id(2)]


async def test_a_farm_that_neither_file_can_tell_of_begins_anew_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(writing, "ENTRIES_KEPT", 1)
    async with opened(tmp_path) as (replica, first):
        await take_in(replica, 1)
    async with opened(tmp_path):
        pass  # cuts the log
    damage(tmp_path / "farm.db")
    async with opened(tmp_path) as (replica, farm):
        assert farm != first
        await take_in(replica, 2)
    assert await jobs_in(tmp_path) == [job_id(2)]
    assert {path.name for path in (tmp_path / "attic").iterdir()} == {"farm.db.1", "raft.db.1"}
    assert "begins anew" in caplog.text


async def test_a_fault_of_ours_while_the_log_is_replayed_sets_nothing_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as (replica, _):
        await take_in(replica, 1)
    lose(tmp_path, "farm.db")

    def constraint(*_: object) -> None:
        with closing(sqlite3.connect(":memory:")) as db:
            db.execute("CREATE TABLE t (x UNIQUE)")
            db.executemany("INSERT INTO t VALUES (?)", [(1,), (1,)])

    with monkeypatch.context() as patch:
        patch.setattr(FarmState, "apply", constraint)
        with pytest.raises(Broken):
            async with opened(tmp_path):
                pass
    assert not (tmp_path / "attic").exists()
    async with opened(tmp_path):
        pass
    assert await jobs_in(tmp_path) == [job_id(1)]


# --- faults of ours


async def test_after_a_fault_nothing_is_written_any_more_and_everybody_hears_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as (replica, _):
        await take_in(replica, 1)
        with monkeypatch.context() as patch:

            def broken(_: object) -> None:
                raise ZeroDivisionError

            patch.setattr(FarmState, "apply", lambda self, entries: broken(entries))
            with pytest.raises(Broken, match="can no longer write"):
                await replica.propose(begin(2))
        with pytest.raises(Broken):
            await replica.propose(begin(3))
    async with opened(tmp_path) as (replica, _):
        await replica.propose(d.CompleteJob(job=job_id(2), task_count=0))
        with pytest.raises(Unknown):
            await replica.propose(d.CompleteJob(job=job_id(3), task_count=0))


async def test_a_decision_that_cannot_be_written_down_leaves_nobody_waiting(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as (replica, _):
        with pytest.raises(Broken):
            await replica.propose(d.SetPriority(job=job_id(1), priority=1 << 80))


async def test_a_conflict_is_told_as_one(tmp_path: Path) -> None:
    async with opened(tmp_path) as (replica, _):
        await replica.propose(begin(1))
        with pytest.raises(Conflict):
            await replica.propose(d.CompleteJob(job=job_id(1), task_count=5))


def test_the_log_goes_on_from_the_tables_when_it_is_lost(tmp_path: Path) -> None:
    async def live() -> int:
        async with opened(tmp_path) as (replica, _):
            await take_in(replica, 1)
            return replica.applied_index

    index = asyncio.run(live())
    lose(tmp_path, "raft.db")
    asyncio.run(live())
    log = DecisionLog(tmp_path / "raft.db")
    assert log.last_index > index
    log.close()
