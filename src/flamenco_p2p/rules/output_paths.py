"""Where Blender writes a frame.

Is: Blender's rule for `#` in a render output path, so that a worker knows which files its task
should have written. Is not: the file extension (the scene's format decides it), the suffixes of
stereo views, or the `{…}` templates that Blender 5 fills in by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_LAST_HASHES: Final = re.compile(r"(#+)(?=[^#/\\]*$)")  # those of a folder's name stay as they are
_DIGITS_WITHOUT_HASHES: Final = 4

# Blender puts its own extension in the place of these, and behind anything else.
_IMAGE_EXTENSION: Final = re.compile(
    r"\.(bmp|cin|dds|dpx|exr|hdr|j2c|jp2|jpe?g|pdd|png|psb|psd|rgba?|sgi|tga|tiff?|tx|webp)$",
    re.IGNORECASE,
)


def frame_path(pattern: str, frame: int) -> str:
    """`pattern` for one frame: `shot_####` becomes `shot_0012`.

    The last run of `#` in the file's name says how many digits there are at least; a sign counts as
    one. Without any `#`, four digits follow the name.
    """
    hashes = _LAST_HASHES.search(pattern)
    if hashes is None:
        return f"{pattern}{frame:0{_DIGITS_WITHOUT_HASHES}d}"
    return f"{pattern[: hashes.start()]}{frame:0{len(hashes[1])}d}{pattern[hashes.end() :]}"


def expected_stems(pattern: str, frames: Iterable[int]) -> dict[int, str]:
    """For each frame the path of its image, without the extension that Blender adds."""
    return {frame: _IMAGE_EXTENSION.sub("", frame_path(pattern, frame)) for frame in frames}
