"""Which Blender saved a file, without starting Blender.

Is: the reading and unpacking that `rules.blend_header` leaves to others. Is not: a judgement of
which worker may open the file.
"""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path

import zstandard

from flamenco_p2p.farm.errors import Refused
from flamenco_p2p.rules.blend_header import HEAD_BYTES, blender_version_of, compression_of


def read_blender_version(path: Path) -> tuple[int, int] | None:
    """The Blender that saved `path`, as (major, minor); `None` if that is no .blend.

    Reads a few kilobytes; still, not for the event loop's thread. Raises OSError if the file cannot
    be read.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        file.seek(0)
        try:
            match compression_of(head):
                case "zstd":
                    with zstandard.ZstdDecompressor().stream_reader(file) as unpacked:
                        head = unpacked.read(HEAD_BYTES)
                case "gzip":
                    with gzip.GzipFile(fileobj=file) as unpacked_gzip:
                        head = unpacked_gzip.read(HEAD_BYTES)
                case "none" | None:
                    pass
        except (zstandard.ZstdError, gzip.BadGzipFile, zlib.error, EOFError):
            return None
    return blender_version_of(head)


def recognised(blendfile: Path) -> tuple[Path, tuple[int, int]]:
    """The file's absolute path, and the Blender that saved it. Raises `Refused`. Blocks."""
    path = Path(os.path.abspath(blendfile))  # noqa: PTH100 - symlinks stay as the artist knows them
    try:
        version = read_blender_version(path)
    except FileNotFoundError:
        raise Refused(f"There is no file “{path}”.", remedy="Check its name and folder.") from None
    except OSError as error:
        raise Refused(f"“{path}” cannot be read: {error.strerror}.") from error
    if version is None:
        raise Refused(f"“{path}” is not a Blender file.", remedy="Give a .blend saved by Blender.")
    return path, version
