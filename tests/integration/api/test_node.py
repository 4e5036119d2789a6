"""A node's start and bad days: a busy port, a full disk, damaged files, a kill."""

from __future__ import annotations

import asyncio
import http.client
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from flamenco_p2p.config import Config
from flamenco_p2p.data_folder import DataFolder, address_in
from flamenco_p2p.farm.errors import Conflict, Refused
from flamenco_p2p.farm.ids import JobId
from flamenco_p2p.farm.jobs import Task
from flamenco_p2p.node import running_node
from tests.integration.api.node_in_a_thread import NodeInAThread
from tests.integration.api.talk import V3, Answer, Farm
from tests.small_disk import SmallDisk, small_disk


def test_if_its_port_is_taken_a_node_serves_on_the_next_free_one(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with NodeInAThread(tmp_path, port=port) as node:
            assert int(node.url.rpartition(":")[2]) > port
            assert address_in(tmp_path) == node.url
            with closing(Farm(node.url)) as farm:
                farm.get("/version")
    assert address_in(tmp_path) is None


@pytest.mark.parametrize("host", ["203.0.113.1", "no-such-name.invalid"])
def test_an_address_that_is_not_this_machines_is_refused_in_words(
    tmp_path: Path, host: str
) -> None:
    with pytest.raises(Refused, match="cannot serve on"), NodeInAThread(tmp_path, host=host):
        pass


def test_a_second_node_in_the_same_folder_does_not_start(
    node: NodeInAThread, own_farm: Farm, tmp_path: Path
) -> None:
    with pytest.raises(Conflict, match="already"), NodeInAThread(tmp_path / "node"):
        pass
    own_farm.get("/version")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A small disk."""
    with small_disk(tmp_path / "disk") as disk:
        yield disk


def test_on_a_full_disk_the_farm_can_be_looked_at_and_goes_on_when_there_is_room(
    disk: SmallDisk,
) -> None:
    with NodeInAThread(disk.folder / "node") as node, closing(Farm(node.url)) as farm:
        worker = farm.worker()
        job = farm.made_to_measure({}, {})
        task = worker.gets()["uuid"]
        disk.fill()
        answer = refused_in_the_end(farm)
        assert answer.headers["Retry-After"] == "1"
        assert answer.message == (
            "The disk that holds the farm's data is full, so nothing can be changed now. "
            "Free some space on it; the farm goes on by itself, and nothing accepted is lost."
        )
        assert farm.job(job)["status"] == "active"
        assert worker.may_run(task)["mayKeepRunning"]
        disk.free()
        worker.completes(task)
        worker.does()
        assert farm.job(job)["status"] == "completed"
        farm.jobs.clear()
    with NodeInAThread(disk.folder / "node") as node, closing(Farm(node.url)) as farm:
        assert farm.job(job)["status"] == "completed"


def refused_in_the_end(farm: Farm) -> Answer:
    """Submit jobs until there is no room for another."""
    body = farm.submission(comment="x" * 50_000)
    while (answer := farm.ask("POST", f"{V3}/jobs", body)).status == 200:
        pass
    return answer.says(503)


@pytest.mark.parametrize("name", ["farm.db", "raft.db"])
def test_a_damaged_database_is_set_aside_and_the_node_starts(tmp_path: Path, name: str) -> None:
    with NodeInAThread(tmp_path) as node, closing(Farm(node.url)) as farm:
        job = farm.made_to_measure({})
        farm.jobs.clear()
    (tmp_path / name).write_bytes(b"no database " * 1000)
    with NodeInAThread(tmp_path) as node, closing(Farm(node.url)) as farm:
        assert farm.job(job)["status"] == "queued"
        farm.worker().does()
        assert farm.job(job)["status"] == "completed"
    assert (tmp_path / "attic" / f"{name}.1").exists()


async def test_a_node_stops_at_once_and_leaves_nothing_running(tmp_path: Path) -> None:
    folder = await asyncio.to_thread(DataFolder, tmp_path)
    config = Config(worker=False, host="127.0.0.1", port=0)
    async with running_node(config, folder) as running:
        assert running.url.startswith("http://127.0.0.1:")
        assert running.hands is None
    await asyncio.to_thread(folder.release)


def test_a_list_that_breaks_off_does_not_look_like_a_whole_one(
    node: NodeInAThread, own_farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = own_farm.submit()["id"]
    pages = node.farm.reads.tasks

    async def one_page(job_id: JobId, after: int = 0, limit: int = 500) -> list[Task]:
        if after:
            raise ZeroDivisionError
        return await pages(job_id, after, limit)

    with monkeypatch.context() as patch:
        patch.setattr(node.farm.reads, "tasks", one_page)
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            own_farm.ask("GET", f"{V3}/jobs/{job}/tasks")
    assert len(own_farm.tasks(job)) == 3
