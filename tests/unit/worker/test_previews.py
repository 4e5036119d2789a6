"""The newest picture of a task, on its way to the farm."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PIL import Image

from flamenco_p2p.client.errors import FarmSaid
from flamenco_p2p.worker.previews import Previews, as_jpeg


def picture(path: Path, mode: str, size: tuple[int, int], colour: object) -> Path:
    Image.new(mode, size, colour).save(path)  # type: ignore[arg-type]  # one stub for all modes
    return path


def seen(jpeg: bytes | None) -> Image.Image:
    assert jpeg is not None
    image = Image.open(io.BytesIO(jpeg))
    assert image.format == "JPEG"
    return image


@asynccontextmanager
async def running(
    show: Callable[[str, bytes], Awaitable[None]],
) -> AsyncIterator[Previews]:
    previews = Previews(show)
    async with asyncio.TaskGroup() as tasks:
        work = tasks.create_task(previews.run())
        try:
            async with asyncio.timeout(20):
                yield previews
        finally:
            work.cancel()


def test_a_large_image_becomes_small_and_keeps_its_shape(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png", "RGB", (3840, 1080), (10, 200, 30))
    assert seen(as_jpeg(path)).size == (1920, 540)


def test_a_small_image_keeps_its_size(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.jpg", "RGB", (64, 36), (10, 200, 30))
    assert seen(as_jpeg(path)).size == (64, 36)


def test_what_is_transparent_becomes_black(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png", "RGBA", (32, 32), (255, 255, 255, 0))
    assert seen(as_jpeg(path)).getpixel((8, 8)) == (0, 0, 0)


def test_sixteen_bits_of_grey_stay_grey(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png", "I;16", (32, 32), 128 * 256)
    assert seen(as_jpeg(path)).getpixel((8, 8)) == 128


def test_the_content_counts_and_not_the_name(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png", "RGB", (32, 32), (1, 2, 3)).rename(tmp_path / "a.exr")
    assert as_jpeg(path) is not None


@pytest.mark.parametrize("content", [b"", b"\x76\x2f\x31\x01 an EXR", b"\x89PNG\r\n\x1a\n torn"])
def test_what_cannot_be_read_is_no_preview(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    assert as_jpeg(path) is None
    assert as_jpeg(tmp_path / "absent.png") is None


async def test_only_the_newest_legible_image_is_shown(tmp_path: Path) -> None:
    shown: asyncio.Queue[tuple[str, Image.Image]] = asyncio.Queue()
    free = asyncio.Event()

    async def show(task: str, jpeg: bytes) -> None:
        shown.put_nowait((task, seen(jpeg)))
        await free.wait()

    sizes = {name: (size, 32) for name, size in (("1", 32), ("2", 48), ("3", 64))}
    for name, size in sizes.items():
        picture(tmp_path / f"{name}.png", "RGB", size, (1, 2, 3))
    (tmp_path / "4.exr").write_bytes(b"\x76\x2f\x31\x01")
    async with running(show) as previews:
        previews.offer("task-1", str(tmp_path / "1.png"))
        assert (await shown.get())[1].size == sizes["1"]
        for name in ("2.png", "3.png", "4.exr"):  # while the first one is on its way
            previews.offer("task-1", str(tmp_path / name))
        free.set()
        assert (await shown.get())[1].size == sizes["3"]
    assert shown.empty()


async def test_a_refused_preview_is_no_trouble(tmp_path: Path) -> None:
    calls: asyncio.Queue[str] = asyncio.Queue()

    async def show(task: str, _jpeg: bytes) -> None:
        calls.put_nowait(task)
        raise FarmSaid(429, "too many")

    path = picture(tmp_path / "1.png", "RGB", (32, 32), (1, 2, 3))
    async with running(show) as previews:
        previews.offer("task-1", str(path))
        assert await calls.get() == "task-1"
        previews.offer("task-2", str(path))
        assert await calls.get() == "task-2"
