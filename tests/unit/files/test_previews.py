"""Preview pictures on a real disk."""

from __future__ import annotations

import asyncio
import io
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

import flamenco_p2p.files.previews as previews_module
from flamenco_p2p.bus import Bus
from flamenco_p2p.farm.events import Event, LastRendered
from flamenco_p2p.farm.ids import JobId, new_job_id
from flamenco_p2p.files.layout import JobFiles
from flamenco_p2p.files.previews import Previews, QueueFull

JOB, OTHER = (JobId(new_job_id(1_700_000_000_000 + n, bytes(10))) for n in range(2))


def picture(size: tuple[int, int] = (40, 20), mode: str = "RGB", kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new(mode, size).save(file, kind)
    return file.getvalue()


class Told(Previews):
    """Previews that can be waited for."""

    def __init__(self, root: Path) -> None:
        bus = Bus()
        super().__init__(JobFiles(root), bus)
        self.told: list[Event] = []
        bus.listen(self.told.append)

    async def made(self) -> None:
        """Wait until all that was taken is made."""
        while self._waiting:
            await self.has(JOB)
            await asyncio.sleep(0)


@pytest.fixture
async def previews(tmp_path: Path) -> AsyncIterator[Told]:
    """Previews in an empty folder."""
    previews = Told(tmp_path)
    yield previews
    await previews.close()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "I;16", "1"])
async def test_pictures_of_all_modes_become_jpegs(
    previews: Told, tmp_path: Path, mode: str
) -> None:
    previews.take(JOB, picture(mode=mode))
    await previews.made()
    assert previews.told == [LastRendered(job=JOB)]
    folder = JobFiles(tmp_path).folder(JOB)
    assert sorted(path.name for path in folder.iterdir()) == [
        "last-rendered-small.jpg",
        "last-rendered-tiny.jpg",
        "last-rendered.jpg",
    ]
    for path in folder.iterdir():
        with Image.open(path) as image:
            assert (image.format, image.mode) == ("JPEG", "RGB")


@pytest.mark.parametrize(
    "data",
    [b"", b"x", picture()[:40], picture((900, 900))[:200], picture(kind="GIF")],
    ids=["empty", "no picture", "a head without a body", "cut off", "another kind"],
)
async def test_what_cannot_be_read_is_said_in_the_log_and_nothing_else_happens(
    previews: Told, caplog: pytest.LogCaptureFixture, data: bytes
) -> None:
    previews.take(JOB, data)
    await previews.made()
    assert previews.told == []
    assert not await previews.has(JOB)
    assert "a preview could not be made" in caplog.text


async def test_a_picture_that_would_be_gigantic_in_memory_is_not_unpacked(
    previews: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    previews.take(JOB, picture((400, 400)))
    await previews.made()
    assert not await previews.has(JOB)


async def test_a_fourth_picture_in_the_queue_is_declined(
    previews: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    make = previews_module._make  # slowed down, not replaced
    monkeypatch.setattr(
        previews_module, "_make", lambda folder, data: go_on.wait(30) and make(folder, data)
    )
    for _ in range(3):
        previews.take(JOB, picture())
    with pytest.raises(QueueFull):
        previews.take(OTHER, picture())
    go_on.set()
    await previews.made()
    previews.take(OTHER, picture())
    await previews.made()
    assert previews.told == [LastRendered(job=JOB)] * 3 + [LastRendered(job=OTHER)]
    assert previews.last_job == OTHER


async def test_the_job_that_rendered_last_is_remembered_over_a_restart(
    previews: Told, tmp_path: Path
) -> None:
    for job in (OTHER, JOB):
        previews.take(job, picture())
    await previews.made()
    for age, job in enumerate((OTHER, JOB)):
        os.utime(JobFiles(tmp_path).folder(job) / "last-rendered-tiny.jpg", (age, age + 1))
    later = Told(tmp_path)
    await asyncio.to_thread(later.load)
    assert later.last_job == JOB
    assert await later.has(OTHER)
    await later.close()


async def test_in_an_empty_folder_nobody_rendered_last(previews: Told) -> None:
    await asyncio.to_thread(previews.load)
    assert previews.last_job is None
