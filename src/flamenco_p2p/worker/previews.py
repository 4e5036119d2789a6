"""The newest picture of a task, shown to the farm.

Is: a queue in which only the newest legible image counts, and its way to a small JPEG. Is not: what
Blender saves. Nothing waits for a preview, and nothing fails because of one.
"""

from __future__ import annotations

import asyncio
import io
import logging
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from PIL import Image

from flamenco_p2p.farm.errors import FarmError

log = logging.getLogger(__name__)

_LARGEST: Final = (1920, 1080)  # managers keep no larger ones
_QUALITY: Final = 85
_KINDS: Final = ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "TGA", "JPEG2000")


class Previews:
    """`offer` returns at once; `run` does the work."""

    def __init__(self, show: Callable[[str, bytes], Awaitable[None]]) -> None:
        """`show` uploads one JPEG for a task and raises `FarmError`."""
        self._show = show
        self._offered: list[tuple[str, str]] = []  # newest last
        self._news = asyncio.Event()

    def offer(self, task: str, path: str) -> None:
        """This task has saved this file."""
        self._offered.append((task, path))
        self._news.set()

    async def run(self) -> None:
        """Show what is offered, the newest first and then nothing older, until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            offered, self._offered = self._offered, []
            while offered:
                task, path = offered.pop()
                jpeg = await asyncio.to_thread(as_jpeg, Path(path))
                if jpeg is not None:  # else an EXR, say; an image from before it will do
                    await self._try_to_show(task, jpeg)
                    break

    async def _try_to_show(self, task: str, jpeg: bytes) -> None:
        try:
            await self._show(task, jpeg)
        except FarmError as error:
            log.info("the farm did not take a preview of task %s: %s", task, error)


def as_jpeg(path: Path) -> bytes | None:
    """Return the image as a JPEG of at most 1920 x 1080; `None` if it cannot be read. Blocks."""
    try:
        with Image.open(path, formats=_KINDS) as image:
            image.draft("RGB", _LARGEST)
            small = _opaque(image)
            small.thumbnail(_LARGEST)
            jpeg = io.BytesIO()
            small.save(jpeg, "JPEG", quality=_QUALITY)
            return jpeg.getvalue()
    except (OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        log.debug("no preview of %s: %s", path, error)
    except Image.DecompressionBombError:
        log.debug("no preview of %s: too large", path)
    return None


def _opaque(image: Image.Image) -> Image.Image:
    """The image as it looks before a black background."""
    if image.mode.startswith("I"):  # 16 bits of grey
        return image.convert("I").point(lambda grey: grey / 256).convert("L")
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        black = Image.new("RGBA", clear.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, clear).convert("RGB")
    return image.convert("RGB")
