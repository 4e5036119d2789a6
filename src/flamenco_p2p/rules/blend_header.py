"""Which Blender wrote a .blend, judged by its first bytes.

Is: what decides which workers can open a job's file: an older Blender than the one that saved it
refuses the file or crashes. Is not: reading the file, or decompressing it (the caller does both).
"""

from __future__ import annotations

import re
from typing import Final, Literal

HEAD_BYTES: Final = 17
"""This much of the (decompressed) beginning is enough."""

Compression = Literal["none", "zstd", "gzip"]

# Up to 4.x `BLENDER-v304`: pointer size, byte order, version. Since 5.0 `BLENDER17-01v0500`: header
# length, pointer size, format, byte order, version.
_HEADER: Final = re.compile(rb"BLENDER(?:[-_][vV]([0-9]{3})|[0-9]{2}[-_][0-9]{2}[vV]([0-9]{4}))")


def compression_of(head: bytes) -> Compression | None:
    """How a .blend that begins with `head` is packed; `None` if it is no .blend.

    Of a packed file only the packing is known until its beginning is unpacked.
    """
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return "zstd"
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    return "none" if _HEADER.match(head) else None


def blender_version_of(head: bytes) -> tuple[int, int] | None:
    """The Blender that saved the file, as (major, minor): (2, 93), (4, 5), (5, 0).

    `head` is the beginning after unpacking. `None` if this is no header of a .blend.
    """
    header = _HEADER.match(head)
    if header is None:
        return None
    major, minor = divmod(int(header[1] or header[2]), 100)
    return major, minor
