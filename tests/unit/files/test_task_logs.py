"""Task logs on a real disk."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flamenco_p2p.bus import Bus
from flamenco_p2p.farm.events import Event, TaskLogged
from flamenco_p2p.farm.ids import JobId, TaskKey, new_job_id
from flamenco_p2p.files.layout import JobFiles
from flamenco_p2p.files.task_logs import TAIL_BYTES, TaskLogs
from tests.small_disk import small_disk

JOB = JobId(new_job_id(1_700_000_000_000, bytes(10)))
TASK, OTHER = TaskKey(JOB, 1), TaskKey(JOB, 2)


class Logs(TaskLogs):
    """Task logs that remember what they told."""

    def __init__(self, root: Path) -> None:
        bus = Bus()
        super().__init__(JobFiles(root), bus)
        self.root = root
        self.told: list[Event] = []
        bus.listen(self.told.append)

    def text(self, task: TaskKey = TASK) -> str:
        """Return all that is in the file."""
        return JobFiles(self.root).log(task).read_text(encoding="utf-8")


@pytest.fixture
async def logs(tmp_path: Path) -> AsyncIterator[Logs]:
    """Logs in an empty folder."""
    logs = Logs(tmp_path / "job-files")
    yield logs
    await logs.close()


async def test_text_is_in_the_file_when_append_returns(logs: Logs) -> None:
    await logs.append(TASK, "one")
    await logs.append(TASK, "two\n")
    assert logs.text() == "one\ntwo\n"
    assert logs.told == [TaskLogged(key=TASK, text="one"), TaskLogged(key=TASK, text="two\n")]


async def test_the_managers_own_lines_stand_before_what_came_after_them(logs: Logs) -> None:
    logs.append_soon(TASK, "given to anna")
    logs.append_soon(OTHER, "given to berta")
    await logs.append(TASK, "hello")
    logs.append_soon(TASK, "completed")
    assert await logs.size(TASK) == len("given to anna\nhello\ncompleted\n")
    assert logs.text() == "given to anna\nhello\ncompleted\n"
    assert logs.text(OTHER) == "given to berta\n"


async def test_lines_that_nobody_asks_for_are_written_all_the_same(tmp_path: Path) -> None:
    logs = Logs(tmp_path)
    logs.append_soon(TASK, "given to anna")
    await logs.close()
    assert logs.text() == "given to anna\n"


async def test_many_writers_never_tear_each_others_lines(logs: Logs) -> None:
    texts = [f"{n}: " + "x" * 5000 for n in range(50)]
    await asyncio.gather(*(logs.append(TASK, text) for text in texts))
    assert sorted(logs.text().splitlines()) == sorted(texts)


async def test_a_chunk_that_was_sent_twice_is_written_and_told_once(logs: Logs) -> None:
    await logs.append(TASK, "a\n")
    await logs.append(TASK, "b\n")
    logs.told.clear()
    await logs.append(TASK, "a\n", unless_there=True)
    assert logs.text() == "a\nb\n"
    assert logs.told == []
    await logs.append(TASK, "c\n", unless_there=True)
    assert logs.text() == "a\nb\nc\n"


async def test_there_is_no_tail_and_no_size_of_no_log(logs: Logs) -> None:
    assert await logs.tail(TASK) is None
    assert await logs.size(TASK) == 0


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=700), max_size=12
    )
)
def test_the_tail_is_the_end_in_whole_lines_of_valid_text(tmp_path: Path, lines: list[str]) -> None:
    async def tail() -> bytes:
        logs = Logs(tmp_path)
        await logs.delete_job(JOB)
        for line in lines:
            await logs.append(TASK, line)
        found = await logs.tail(TASK) or b""
        await logs.close()
        return found

    end = asyncio.run(tail())
    whole = "".join(f"{line}\n" for line in lines).encode()
    assert whole.endswith(end)
    assert len(end) <= TAIL_BYTES
    end.decode()
    before = whole[: len(whole) - len(end)]
    longest = max((len(line.encode()) for line in lines), default=0)
    if longest < TAIL_BYTES:
        assert before == b"" or before.endswith(b"\n")
        assert before == b"" or len(end) + longest + 1 >= TAIL_BYTES


async def test_deleting_a_job_leaves_nothing_and_forgets_nothing(logs: Logs) -> None:
    await logs.append(TASK, "one")
    logs.append_soon(TASK, "two")
    await logs.delete_job(JOB)
    assert list(logs.root.iterdir()) == []
    await logs.append(TASK, "three")
    assert logs.text() == "three\n"
    await logs.delete_job(JOB)
    await logs.delete_job(JOB)


async def test_a_log_goes_on_though_somebody_deleted_its_folder(logs: Logs) -> None:
    await logs.append(TASK, "one")
    JobFiles(logs.root).log(TASK).unlink()
    JobFiles(logs.root).folder(JOB).rmdir()
    await logs.append(TASK, "lost")
    await logs.append(TASK, "two")
    assert logs.text() == "two\n"


async def test_a_full_disk_loses_lines_is_said_once_and_is_forgotten(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with small_disk(tmp_path / "disk") as disk:
        logs = Logs(disk.folder)
        await logs.append(TASK, "one")
        disk.fill()
        for _ in range(3):
            await logs.append(TASK, "x" * 50_000)
        disk.free()
        await logs.append(TASK, "two")
        assert logs.text().startswith("one\n")
        assert logs.text().endswith("two\n")
        await logs.close()
    assert [r.message for r in caplog.records if "lines of task logs are lost" in r.message]
    assert len(caplog.records) == 1


async def test_a_slow_disk_gathers_lines_instead_of_a_queue(
    logs: Logs, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("flamenco_p2p.files.task_logs.SOON_S", 0)
    monkeypatch.setattr("flamenco_p2p.files.task_logs.MOST_SOON", 50)
    slow = threading.Event()
    logs._thread.submit(slow.wait)
    for round_ in range(20):
        for no in range(1, 60):
            logs.append_soon(TaskKey(JOB, no), f"round {round_}")
        await asyncio.sleep(0)
    assert logs._thread._work_queue.qsize() <= 1
    assert len(logs._soon) <= 50
    slow.set()
    await logs.append(TASK, "the end")
    assert logs.text() == "".join(f"round {n}\n" for n in range(20)) + "the end\n"
    assert [record.message for record in caplog.records] == [
        "lines of task logs are lost: too many wait to be written"
    ]


async def test_deleting_goes_on_where_an_earlier_life_was_ended(logs: Logs) -> None:
    await logs.append(TASK, "one")
    folder = JobFiles(logs.root).folder(JOB)
    folder.rename(folder.with_name(f"{folder.name}.deleted"))
    await logs.append(TASK, "two")
    await logs.delete_job(JOB)
    assert list(logs.root.iterdir()) == []
