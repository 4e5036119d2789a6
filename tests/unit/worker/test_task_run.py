"""One task: what the farm hears of it, and in which order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from flamenco_p2p.client.answers import AssignedTask, Command
from flamenco_p2p.client.worker_client import WorkerClient
from flamenco_p2p.wire.blenders import BlenderNeed
from flamenco_p2p.worker import commands, task_run
from flamenco_p2p.worker.children import Children
from flamenco_p2p.worker.commands import CommandFailed, Surroundings
from flamenco_p2p.worker.outbox import Outbox
from flamenco_p2p.worker.programs import BlenderWanted, Programs
from flamenco_p2p.worker.task_run import TaskRun
from tests.unit.worker.stand_in import StandIn, stand_in


@pytest.fixture
async def farm() -> AsyncIterator[StandIn]:
    async with stand_in() as served:
        yield served


def task(*steps: Command, **more: Any) -> AssignedTask:
    return AssignedTask("task-1", "job-1", "render", list(steps), **more)


def echo(message: str) -> Command:
    return Command("echo", {"message": message})


def shell(script: str) -> Command:
    return Command("exec", {"exe": "sh", "args": ["-c", script]})


@asynccontextmanager
async def run_of(
    farm: StandIn, folder: Path, what: AssignedTask, previews: list[str] | None = None
) -> AsyncIterator[TaskRun]:
    client = WorkerClient(farm.url)
    async with client, Outbox(folder / "outbox.sqlite", client.task_update) as outbox:
        yield TaskRun(
            what,
            programs=Programs(),
            outbox=outbox,
            children=Children(folder),
            offer_preview=lambda _, path: ([] if previews is None else previews).append(path),
            commands_ended=lambda: None,
        )


def a_command(monkeypatch: pytest.MonkeyPatch, name: str, body: Any) -> Command:
    """A further command, as job types of the future may have."""
    monkeypatch.setattr(commands, "COMMANDS", {**commands.COMMANDS, name: body})
    return Command(name, {}, total_step_count=3)


async def test_started_steps_and_completed_arrive_in_this_order(
    farm: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # C-96
    async def three_steps(_values: object, around: Surroundings) -> None:
        for number in range(3):
            await around.log(f"step {number}")
            await around.step()

    counted = a_command(monkeypatch, "three-steps", three_steps)
    async with run_of(farm, tmp_path, task(echo("a"), counted)) as run:
        assert await run.run()
    first, *_, last = farm.updates
    assert first == {"activity": "Started", "taskStatus": "active"}
    assert last == {"activity": "Completed", "taskStatus": "completed"}
    steps = [update["steps_completed"] for update in farm.updates if "steps_completed" in update]
    assert steps == sorted(steps)
    assert steps[-1] == 4


async def test_every_line_arrives_once_and_in_order(farm: StandIn, tmp_path: Path) -> None:
    async with run_of(farm, tmp_path, task(shell("seq 1 20000"))) as run:
        assert await run.run()
    chunks = [update["log"] for update in farm.updates if "log" in update]
    lines = [line.partition(" > ")[2] for line in "".join(chunks).splitlines() if " > " in line]
    assert lines == [str(number) for number in range(1, 20001)]
    assert max(map(len, chunks)) < 256 * 1024


async def test_a_line_arrives_while_the_program_that_wrote_it_is_silent(
    farm: StandIn, tmp_path: Path
) -> None:
    what = task(shell("echo look; exec sleep 600"))
    async with run_of(farm, tmp_path, what) as run, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(run.run())
        text = ""
        while "> look\n" not in text:
            text += (await farm.heard("update")).get("log", "")
        running.cancel()
    assert farm.statuses() == ["active"]


async def test_a_failed_command_ends_the_task_with_its_words(farm: StandIn, tmp_path: Path) -> None:
    async with run_of(farm, tmp_path, task(shell("exit 3"), echo("never"))) as run:
        assert await run.run()
    text = "Failed: command exited abnormally with code 3"
    assert farm.updates[-1] == {"activity": text, "log": text, "taskStatus": "failed"}
    assert not any("never" in update.get("log", "") for update in farm.updates)


async def test_an_unknown_command_fails_the_task(farm: StandIn, tmp_path: Path) -> None:
    async with run_of(farm, tmp_path, task(Command("dance"))) as run:
        assert await run.run()
    assert farm.updates[-1]["activity"] == 'Failed: unknown command: "dance"'


async def test_a_fault_of_ours_fails_the_task_and_is_named(
    farm: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def faulty(_values: object, _around: Surroundings) -> None:
        raise ZeroDivisionError("oh")

    async with run_of(farm, tmp_path, task(a_command(monkeypatch, "faulty", faulty))) as run:
        assert await run.run()
    assert "ZeroDivisionError: oh" in farm.updates[-1]["activity"]
    assert farm.statuses() == ["active", "failed"]


async def test_a_task_that_is_not_ours_is_not_begun(farm: StandIn, tmp_path: Path) -> None:
    farm.answers["update"].put_nowait((409, {"message": "not yours"}))
    witness = tmp_path / "witness"
    async with run_of(farm, tmp_path, task(shell(f"touch {witness}"))) as run:
        assert not await run.run()
    assert not witness.exists()


async def test_a_task_that_is_taken_away_ends_its_program(farm: StandIn, tmp_path: Path) -> None:
    farm.answers["update"].put_nowait((204, None))
    farm.answers["update"].put_nowait((409, {"message": "not yours any more"}))
    async with run_of(farm, tmp_path, task(shell("echo look; exec sleep 600"))) as run:
        async with asyncio.timeout(20):
            assert not await run.run()
    assert farm.statuses() == ["active"]


async def test_a_farm_that_is_away_does_not_stop_the_work(farm: StandIn, tmp_path: Path) -> None:
    farm.away = True
    async with run_of(farm, tmp_path, task(echo("a"), echo("b"))) as run:
        assert await run.run()
        farm.away = False
        async with asyncio.timeout(20):
            await run._outbox.delivered()
    assert farm.statuses() == ["active", "completed"]
    log = "".join(update.get("log", "") for update in farm.updates)
    assert log == 'echo: "a"\necho: "b"\n'


async def test_files_that_were_saved_are_named_with_the_end(
    farm: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = tmp_path / "1.png", tmp_path / "2.png"

    async def render(_values: object, around: Surroundings) -> None:
        for path in (one, two, one):
            await asyncio.to_thread(path.write_bytes, b"x")
            await around.saved(str(path))

    previews: list[str] = []
    what = task(a_command(monkeypatch, "render", render), attempt="attempt-1")
    async with run_of(farm, tmp_path, what, previews) as run:
        assert await run.run()
    assert previews == [str(one), str(two), str(one)]
    assert farm.updates[-1]["outputs"] == [str(one), str(two)]
    assert farm.updates[-1]["attempt"] == "attempt-1"


async def test_frames_that_were_there_are_the_tasks_own_too_but_no_news(
    farm: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def render(_values: object, around: Surroundings) -> None:
        around.kept("/f/1.png")

    previews: list[str] = []
    what = task(a_command(monkeypatch, "render", render))
    async with run_of(farm, tmp_path, what, previews) as run:
        assert await run.run()
    assert farm.updates[-1]["outputs"] == ["/f/1.png"]
    assert previews == []


async def test_an_attempt_that_is_given_again_knows_what_it_had_finished(
    farm: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, old = tmp_path / "1.png", tmp_path / "2.png"

    async def die(_values: object, around: Surroundings) -> None:
        await asyncio.to_thread(one.write_bytes, b"x")
        await around.saved(str(one))
        raise asyncio.CancelledError

    async def go_on(_values: object, around: Surroundings) -> None:
        if around.known_outputs != {str(one)} or around.stale_outputs != {str(old)}:
            raise CommandFailed("it was forgotten")

    async def afresh(_values: object, around: Surroundings) -> None:
        if around.known_outputs:
            raise CommandFailed("it was not forgotten")

    again = {"attempt": "attempt-1", "stale_outputs": [str(one), str(old)]}
    async with run_of(farm, tmp_path, task(a_command(monkeypatch, "die", die), **again)) as run:
        with pytest.raises(asyncio.CancelledError):
            await run.run()
    what = task(a_command(monkeypatch, "go-on", go_on), **again)
    async with run_of(farm, tmp_path, what) as run:
        assert await run.run()
    assert farm.updates[-1]["outputs"] == [str(one)]
    what = task(a_command(monkeypatch, "afresh", afresh), attempt="attempt-2")
    async with run_of(farm, tmp_path, what) as run:
        assert await run.run()
    assert farm.statuses()[-1] == "completed"


async def test_half_a_character_in_a_log_line_does_no_harm(
    farm: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def odd(_values: object, around: Surroundings) -> None:
        await around.log("caf\udce9")

    async with run_of(farm, tmp_path, task(a_command(monkeypatch, "odd", odd))) as run:
        assert await run.run()
    assert {"log": "caf?\n"} in farm.updates


def test_the_farm_says_which_blender_a_job_needs() -> None:
    assert task_run._wanted(None) is None
    assert task_run._wanted(BlenderNeed(version="?")) is None
    assert task_run._wanted(BlenderNeed(version="3.4", newer_allowed=False)) == BlenderWanted(
        (3, 4), False
    )
