"""Is an image file complete?

Is: a look at one file, thorough enough to notice a write that was interrupted. Is not: a judgement
of the picture. Blocks: reads and decodes the whole file; call it in a thread.
"""

from __future__ import annotations

import struct
from enum import Enum
from pathlib import Path
from typing import BinaryIO, Final

from PIL import Image, UnidentifiedImageError

_EXR_MAGIC: Final = b"\x76\x2f\x31\x01"
# How many rows one chunk holds, by the number of the compression.
_EXR_ROWS: Final = (1, 1, 1, 16, 32, 16, 32, 32, 32, 256)
_EXR_TILED, _EXR_DEEP, _EXR_MULTIPART = 0x200, 0x800, 0x1000


class Health(Enum):
    """What a look at a file shows."""

    ABSENT = "absent"
    WHOLE = "whole"
    BROKEN = "broken"  # empty, cut off, or damaged
    UNKNOWN = "unknown"  # not empty, but of a kind that cannot be checked here


def health_of(path: Path) -> Health:
    """How the file at `path` is. Never raises."""
    try:
        with path.open("rb") as file:
            head = file.read(4)
            if not head:
                return Health.BROKEN
            if head == _EXR_MAGIC:
                return _health_of_exr(file, path.stat().st_size)
            file.seek(0)
            return _health_by_decoding(file)
    except FileNotFoundError:
        return Health.ABSENT
    except OSError:
        return Health.BROKEN


def _health_by_decoding(file: BinaryIO) -> Health:
    try:
        with Image.open(file) as image:
            image.load()
    except (UnidentifiedImageError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return Health.UNKNOWN
    except (OSError, SyntaxError, ValueError, EOFError, struct.error):
        return Health.BROKEN
    return Health.WHOLE


def _health_of_exr(file: BinaryIO, size: int) -> Health:
    """OpenEXR writes its table of chunks last: until then the table is full of zeros."""
    try:
        flags = _number(file)
        chunks = 0
        while (header := _exr_header(file)) or not chunks:
            count = _exr_chunks(header, tiled=bool(flags & _EXR_TILED))
            if count is None:
                return Health.UNKNOWN
            chunks += count
            if not flags & _EXR_MULTIPART:
                break
        table = struct.unpack(f"<{chunks}Q", file.read(8 * chunks))
        if not all(file.tell() <= offset < size for offset in table):
            return Health.BROKEN
        if flags & (_EXR_MULTIPART | _EXR_TILED | _EXR_DEEP):
            return Health.WHOLE
        file.seek(max(table) + 4)  # behind the row number of the last chunk
        return Health.WHOLE if file.tell() + 4 + _number(file) <= size else Health.BROKEN
    except (struct.error, KeyError, IndexError, EOFError):
        return Health.BROKEN


def _exr_header(file: BinaryIO) -> dict[str, bytes]:
    """The attributes of one part; empty after the last part."""
    attributes = {}
    while name := _text(file):
        _text(file)  # its type
        attributes[name] = file.read(_number(file))
    return attributes


def _exr_chunks(header: dict[str, bytes], *, tiled: bool) -> int | None:
    """How many chunks a part has; `None` if that would need more arithmetic than it is worth."""
    if "chunkCount" in header:
        return int.from_bytes(header["chunkCount"], "little")
    if tiled:
        return None
    compression = header["compression"][0]
    if compression >= len(_EXR_ROWS):
        return None
    top: int
    bottom: int
    _, top, _, bottom = struct.unpack("<4i", header["dataWindow"])
    rows = _EXR_ROWS[compression]
    return -(-(bottom - top + 1) // rows)


def _number(file: BinaryIO) -> int:
    number: int = struct.unpack("<I", file.read(4))[0]
    return number


def _text(file: BinaryIO) -> str:
    """Bytes up to a zero."""
    text = bytearray()
    while (char := file.read(1)) != b"\0":
        if not char:
            raise EOFError
        text += char
    return text.decode("latin-1")
