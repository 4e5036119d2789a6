"""Updates on their way to the farm, with a real database and real sockets."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec
import pytest

from flamenco_p2p.client.errors import FarmSaid
from flamenco_p2p.client.worker_client import WorkerClient
from flamenco_p2p.store.outbox import OutboxStore, Update
from flamenco_p2p.worker.outbox import Outbox, Verdict
from tests.unit.worker.stand_in import CUT, StandIn, stand_in


@pytest.fixture
async def farm() -> AsyncIterator[StandIn]:
    async with stand_in() as served:
        yield served


@asynccontextmanager
async def outbox_of(farm: StandIn, folder: Path) -> AsyncIterator[Outbox]:
    client = WorkerClient(farm.url)
    async with client, Outbox(folder / "outbox.sqlite", client.task_update) as outbox:
        yield outbox


def log(text: str) -> Update:
    return Update("task-1", msgspec.json.encode({"log": text}), final=False)


COMPLETED = Update("task-1", b'{"taskStatus":"completed"}', final=True)


async def delivered(outbox: Outbox) -> None:
    async with asyncio.timeout(20):
        await outbox.delivered()


async def test_an_update_goes_straight_to_the_farm(farm: StandIn, tmp_path: Path) -> None:
    async with outbox_of(farm, tmp_path) as outbox:
        assert await outbox.send(log("a")) is Verdict.DELIVERED
    assert farm.updates == [{"log": "a"}]


async def test_newer_updates_never_overtake_kept_ones(farm: StandIn, tmp_path: Path) -> None:
    async with outbox_of(farm, tmp_path) as outbox:
        farm.away = True
        verdicts = [await outbox.send(log(text)) for text in "abc"]
        verdicts.append(await outbox.send(COMPLETED))
        assert verdicts == [Verdict.KEPT] * 4
        farm.away = False
        await delivered(outbox)
        assert await outbox.send(log("z")) is Verdict.DELIVERED
    assert [update.get("log", "end") for update in farm.updates] == ["a", "b", "c", "end", "z"]


async def test_a_log_chunk_that_may_have_arrived_says_so(farm: StandIn, tmp_path: Path) -> None:
    farm.answers["update"].put_nowait((CUT, None))
    async with outbox_of(farm, tmp_path) as outbox:
        await outbox.send(log("a"))
        await delivered(outbox)
        await outbox.send(log("b"))
    assert farm.updates == [{"log": "a", "redelivered": True}, {"log": "b"}]


async def test_kept_updates_survive_the_worker(farm: StandIn, tmp_path: Path) -> None:
    farm.away = True
    async with outbox_of(farm, tmp_path) as outbox:
        await outbox.send(COMPLETED)
    farm.away = False
    async with outbox_of(farm, tmp_path) as outbox:
        await delivered(outbox)
    assert farm.statuses() == ["completed"]


async def test_the_end_of_a_task_is_on_disk_before_it_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    seen = []

    def read() -> list[tuple[str, int]]:
        reading = sqlite3.connect(path)
        try:
            return reading.execute("SELECT task, final FROM updates").fetchall()
        finally:
            reading.close()

    async def look(_task: str, _body: bytes) -> None:
        seen.extend(await asyncio.to_thread(read))

    async with Outbox(path, look) as outbox:
        await outbox.send(COMPLETED)
        await outbox.send(log("a"))
    assert seen == [("task-1", 1)]


async def test_the_end_of_a_task_is_kept_although_its_run_is_cancelled_meanwhile(
    farm: StandIn, tmp_path: Path
) -> None:
    async with outbox_of(farm, tmp_path) as outbox:
        farm.answers["update"].put_nowait((CUT, None))
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(outbox.send(COMPLETED))
            await farm.heard("update")
            sending.cancel()
        await delivered(outbox)
    assert farm.statuses() == ["completed"]


async def test_a_task_that_is_no_longer_ours_is_not_insisted_on(
    farm: StandIn, tmp_path: Path
) -> None:
    farm.answers["update"].put_nowait((409, {"code": 409, "message": "not yours"}))
    async with outbox_of(farm, tmp_path) as outbox:
        assert await outbox.send(COMPLETED) is Verdict.REASSIGNED
        await delivered(outbox)
    assert farm.updates == []


@pytest.mark.parametrize("status", [400, 404, 413])
async def test_a_refused_log_chunk_is_not_sent_again(
    farm: StandIn, tmp_path: Path, status: int
) -> None:
    farm.answers["update"].put_nowait((status, {"message": "no"}))
    async with outbox_of(farm, tmp_path) as outbox:
        assert await outbox.send(log("a")) is Verdict.REFUSED
        await delivered(outbox)
    assert farm.updates == []


@pytest.mark.parametrize("status", [500, 503, 403])
async def test_a_completion_is_sent_until_it_is_taken(
    farm: StandIn, tmp_path: Path, status: int
) -> None:
    farm.answers["update"].put_nowait((status, {"message": "not now"}))
    async with outbox_of(farm, tmp_path) as outbox:
        assert await outbox.send(COMPLETED) is Verdict.KEPT
        await delivered(outbox)
    assert farm.statuses() == ["completed"]


async def test_a_farm_that_cannot_digest_one_update_gets_the_others(tmp_path: Path) -> None:
    taken: list[bytes] = []

    async def post(task: str, body: bytes) -> None:
        if task == "poison":
            raise FarmSaid(500, "ouch")
        taken.append(body)

    path = tmp_path / "outbox.sqlite"
    poison = Update("poison", b'{"taskStatus":"completed"}', final=True)
    await asyncio.to_thread(_keep, path, poison, log("a"))
    async with Outbox(path, post) as outbox:
        async with asyncio.timeout(60):
            while not taken:
                await _nudge(outbox)
    assert taken == [msgspec.json.encode({"log": "a", "redelivered": True})]
    assert await asyncio.to_thread(_kept, path) == [poison]


async def test_what_a_run_has_finished_is_known_to_the_same_run_only(tmp_path: Path) -> None:
    async def post(_task: str, _body: bytes) -> None: ...

    path = tmp_path / "outbox.sqlite"
    async with Outbox(path, post) as outbox:
        assert await outbox.begin_run("attempt-1") == frozenset()
        await outbox.add_finished_file("attempt-1", "/f/1.png")
        await outbox.add_finished_file("attempt-1", "/f/1.png")
    async with Outbox(path, post) as outbox:
        assert await outbox.begin_run("attempt-1") == {"/f/1.png"}
        assert await outbox.begin_run("attempt-2") == frozenset()
        assert await outbox.begin_run("attempt-1") == frozenset()


async def test_a_full_disk_keeps_no_completion_from_the_farm(farm: StandIn, tmp_path: Path) -> None:
    async with outbox_of(farm, tmp_path) as outbox:
        # As if no further page could be had.
        await outbox._in_thread(outbox._store._db.execute, "PRAGMA max_page_count = 1")
        words = "x" * 100_000
        body = msgspec.json.encode({"taskStatus": "failed", "log": words})
        assert await outbox.send(Update("task-1", body, final=True)) is Verdict.DELIVERED
        farm.away = True
        assert await outbox.send(log(words)) is Verdict.LOST
    assert farm.statuses() == ["failed"]


async def test_a_damaged_outbox_is_set_aside(farm: StandIn, tmp_path: Path) -> None:
    (tmp_path / "outbox.sqlite").write_bytes(b"this is no database " * 500)
    async with outbox_of(farm, tmp_path) as outbox:
        assert await outbox.send(COMPLETED) is Verdict.DELIVERED
    assert (tmp_path / "attic" / "outbox.sqlite.1").exists()


def _keep(path: Path, *updates: Update) -> None:
    store = OutboxStore(path)
    for update in updates:
        store.keep(update, may_have_arrived=False)
    store.close()


def _kept(path: Path) -> list[Update]:
    store = OutboxStore(path)
    kept = []
    while (first := store.first()) is not None:
        kept.append(first.update)
        store.forget(first.id)
    store.close()
    return kept


async def _nudge(outbox: Outbox) -> None:
    """Hurry the delivery, and let it happen."""
    with suppress(TimeoutError):
        async with asyncio.timeout(0.05):
            await outbox.delivered()
