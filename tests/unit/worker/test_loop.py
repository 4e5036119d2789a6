"""A whole worker, with real sockets, files and processes, against a farm that a test plays."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from flamenco_p2p.worker import identity, process
from flamenco_p2p.worker.conversation import State
from flamenco_p2p.worker.loop import WorkerExit, WorkerLoop
from flamenco_p2p.worker.programs import BlenderProgram, Programs
from tests.unit.worker.stand_in import CUT, WORKER, StandIn, stand_in

PROGRAMS = Programs(blenders=(BlenderProgram((4, 2, 1), "installed", ("/b",), "/b"),))

ECHO = {"name": "echo", "parameters": {"message": "hi"}, "total_step_count": 0}
LONG = {"name": "exec", "parameters": {"exe": "sleep", "args": ["600"]}, "total_step_count": 0}


@pytest.fixture
async def farm() -> AsyncIterator[StandIn]:
    async with stand_in() as served:
        yield served


def worker(farm: StandIn, folder: Path, **more: Any) -> WorkerLoop:
    return WorkerLoop(
        client_url=farm.url,
        folder=folder,
        name="anna",
        software="1.2.3",
        programs=PROGRAMS,
        node_id=bytes(range(16)),
        **more,
    )


@asynccontextmanager
async def at_work(loop: WorkerLoop) -> AsyncIterator[Callable[[], Awaitable[WorkerExit]]]:
    """The loop runs; what is yielded waits for its exit."""
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(loop.run())

        async def ended() -> WorkerExit:
            async with asyncio.timeout(30):
                return await running

        try:
            yield ended
        finally:
            running.cancel()


async def test_a_new_worker_registers_saves_its_secret_and_signs_on(
    farm: StandIn, tmp_path: Path
) -> None:
    async with at_work(worker(farm, tmp_path)):
        registration = await farm.heard("register-worker")
        sign_on = await farm.heard("sign-on")
        await farm.heard("task")
    saved = await asyncio.to_thread(identity.load, tmp_path)
    assert saved == identity.Credentials(WORKER, registration["secret"])
    assert len(registration["secret"]) == 64
    assert stat.S_IMODE((tmp_path / "credentials.json").stat().st_mode) == 0o600
    assert sign_on == {
        "name": "anna",
        "supported_task_types": ["blender", "ffmpeg", "file-management", "misc"],
        "software_version": "1.2.3",
        "can_restart": False,
        "blenders": [{"version": "4.2.1", "kind": "installed"}],
        "node": "00010203-0405-0607-0809-0a0b0c0d0e0f",
    }
    assert farm.headers["task"]["Prefer"] == "wait=30"
    assert farm.headers["task"]["Authorization"].startswith("Basic ")


async def test_a_known_worker_comes_back_as_itself(farm: StandIn, tmp_path: Path) -> None:
    mine = identity.Credentials(WORKER, "s" * 64)
    await asyncio.to_thread(identity.save, tmp_path, mine)
    async with at_work(worker(farm, tmp_path)):
        await farm.heard("task")
    assert "register-worker" not in farm.order


async def test_damaged_credentials_lead_to_a_new_registration(
    farm: StandIn, tmp_path: Path
) -> None:
    (tmp_path / "credentials.json").write_bytes(b'{"worker": ')
    async with at_work(worker(farm, tmp_path)):
        await farm.heard("register-worker")


async def test_a_worker_whose_node_is_not_up_yet_waits_for_it(
    farm: StandIn, tmp_path: Path
) -> None:
    farm.answers["register-worker"].put_nowait((CUT, None))
    farm.answers["sign-on"].put_nowait((CUT, None))
    async with at_work(worker(farm, tmp_path)):
        await farm.heard("task")
    assert farm.order == ["register-worker"] * 2 + ["sign-on"] * 2 + ["state-changed", "task"]


async def test_a_task_is_run_and_reported_and_the_next_one_asked_for(
    farm: StandIn, tmp_path: Path
) -> None:
    farm.give(ECHO, ECHO, attempt="attempt-1")
    async with at_work(worker(farm, tmp_path)):
        await farm.heard("task")
        await farm.heard_update(taskStatus="completed")
        await farm.heard("task")
    assert farm.statuses() == ["active", "completed"]
    assert {update["attempt"] for update in farm.updates} == {"attempt-1"}
    log = "".join(update.get("log", "") for update in farm.updates)
    assert log == 'echo: "hi"\necho: "hi"\n'


async def test_a_no_from_the_farm_ends_the_process_and_nothing_is_said_about_it(
    farm: StandIn, tmp_path: Path
) -> None:
    farm.give(LONG)
    async with at_work(worker(farm, tmp_path)):
        await farm.heard("may-i-run")
        child = await _only_child("sleep")
        farm.answers["may-i-run"].put_nowait((200, {"mayKeepRunning": False, "reason": "gone"}))
        await farm.heard("task")
        await farm.heard("task")
        assert not child.is_running()
    assert farm.statuses() == ["active"]


async def test_a_task_goes_on_while_the_farm_talks_nonsense(farm: StandIn, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    farm.give({"name": "exec", "parameters": {"exe": "cat", "args": [str(pipe)]}})
    farm.answers["may-i-run"].put_nowait((500, {"message": "?"}))
    farm.answers["may-i-run"].put_nowait((CUT, None))
    async with at_work(worker(farm, tmp_path)):
        for _ in range(3):
            await farm.heard("may-i-run")
        await asyncio.to_thread(pipe.write_text, "enough")  # the program ends by itself
        await farm.heard_update(taskStatus="completed")


@pytest.mark.parametrize(
    ("word", "expected"),
    [("offline", WorkerExit(State.OFFLINE, 0)), ("restart", WorkerExit(State.RESTART, 47))],
)
async def test_a_worker_told_to_leave_signs_off_and_ends(
    farm: StandIn, tmp_path: Path, word: str, expected: WorkerExit
) -> None:
    farm.answers["task"].put_nowait((423, {"status_requested": word}))
    async with at_work(worker(farm, tmp_path, restart_exit_code=47)) as ended:
        assert await ended() == expected
    assert farm.order[-1] == "sign-off"


async def test_a_sleeping_worker_wakes_up_when_asked(farm: StandIn, tmp_path: Path) -> None:
    farm.answers["sign-on"].put_nowait((200, {"status_requested": "asleep"}))
    async with at_work(worker(farm, tmp_path)):
        assert await farm.heard("state-changed") == {"status": "asleep"}
        await farm.heard("state")
        farm.answers["state"].put_nowait((200, {"status_requested": "awake"}))
        assert await farm.heard("state-changed") == {"status": "awake"}
        await farm.heard("task")


async def test_a_stopped_worker_ends_its_process_and_signs_off(
    farm: StandIn, tmp_path: Path
) -> None:
    farm.give(LONG)
    loop = worker(farm, tmp_path)
    async with at_work(loop) as ended:
        await farm.heard("may-i-run")
        child = await _only_child("sleep")
        await loop.stop()
        assert await ended() == WorkerExit(State.OFFLINE, 0)
        assert not child.is_running()
    assert farm.statuses() == ["active"]
    assert farm.order[-1] == "sign-off"


async def test_what_a_killed_worker_left_running_is_ended_by_its_next_life(
    farm: StandIn, tmp_path: Path
) -> None:
    left = await asyncio.create_subprocess_exec("sleep", "600", start_new_session=True)
    record = msgspec.json.encode([await asyncio.to_thread(process.identity, left.pid)])
    (tmp_path / "running.json").write_bytes(record)
    try:
        async with at_work(worker(farm, tmp_path)):
            await farm.heard("register-worker")
            assert await left.wait() != 0
    finally:
        if left.returncode is None:
            left.kill()
            await left.wait()


async def test_who_runs_is_on_record_while_it_runs(farm: StandIn, tmp_path: Path) -> None:
    farm.give(LONG)
    async with at_work(worker(farm, tmp_path)):
        await farm.heard("may-i-run")  # a quarter of a second after the start
        child = await _only_child("sleep")
        ((pid, _),) = msgspec.json.decode((tmp_path / "running.json").read_bytes())
        assert pid == child.pid


async def test_a_report_that_found_nobody_is_delivered_before_the_next_life_asks_for_work(
    farm: StandIn, tmp_path: Path
) -> None:
    farm.give(ECHO)
    farm.answers["update"].put_nowait((204, None))
    for _ in range(3):  # the log, the step, the end: whichever of them comes first is cut off
        farm.answers["update"].put_nowait((CUT, None))
    async with at_work(worker(farm, tmp_path)):
        await farm.heard("task")
        await farm.heard("task")  # the task is over, but the farm has not heard of it
    assert farm.statuses() == ["active"]
    while not farm.answers["update"].empty():
        farm.answers["update"].get_nowait()
    before = len(farm.order)
    async with at_work(worker(farm, tmp_path)):
        await farm.heard("task")
    assert farm.statuses() == ["active", "completed"]
    assert farm.order[before] == "sign-on"
    assert farm.order[-2:] == ["state-changed", "task"]
    assert farm.order[before + 1] == "update"


async def _only_child(name: str) -> psutil.Process:
    (child,) = [one for one in psutil.Process().children() if one.name() == name]
    return child
