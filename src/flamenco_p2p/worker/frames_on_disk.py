"""The frames a Blender run is about to write, and those that lie there already.

Is: which files a Blender command line will write, moving aside what an interrupted or superseded
attempt left (most files have Blender's "overwrite" off: it would keep a torn frame for ever), and
checking what was saved. Is not: a rule of file names (rules/output_paths), or a look into files
(worker/whole_image). Whole frames stay: Blender skips them.

Only frames whose numbers are given are looked at. Other files in the folder may belong to other
tasks, whose workers may be writing them at this moment.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from glob import escape, glob
from pathlib import Path
from typing import Final

from flamenco_p2p.rules.frames import MOST_FRAMES, BadFrames, frames_of
from flamenco_p2p.rules.output_paths import expected_stems, frame_path
from flamenco_p2p.worker.whole_image import Health, health_of

# Blender's names of image formats and the extensions of their files.
_EXTENSIONS: Final = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg"),
    "OPEN_EXR": (".exr",),
    "OPEN_EXR_MULTILAYER": (".exr",),
    "TIFF": (".tif", ".tiff"),
    "TGA": (".tga",),
    "RAWTGA": (".tga",),
    "BMP": (".bmp",),
    "HDR": (".hdr",),
    "CINEON": (".cin",),
    "DPX": (".dpx",),
    "JP2": (".jp2", ".j2c"),
    "WEBP": (".webp",),
    "IRIS": (".rgb",),
    "IRIZ": (".rgb",),
}
_EVERY_EXTENSION: Final = tuple(sorted({one for many in _EXTENSIONS.values() for one in many}))
_MOVIES: Final = ("FFMPEG", "MPEG", "AVIRAW", "AVIJPEG")
_ANIMATION: Final = ("-a", "--render-anim")
_WITH_VALUE: Final = {
    "-o": "output",
    "--render-output": "output",
    "-F": "format",
    "--render-format": "format",
    "-x": "extension",
    "--use-extension": "extension",
    "-s": "start",
    "--frame-start": "start",
    "-e": "end",
    "--frame-end": "end",
    "-j": "step",
    "--frame-jump": "step",
    "-f": "frames",
    "--render-frame": "frames",
}


def asks_for_frames(args: Sequence[str]) -> bool:
    """Whether this Blender command line renders anything by itself."""
    return any(arg in _ANIMATION or _WITH_VALUE.get(arg) == "frames" for arg in _own(args))


def expected_files(args: Sequence[str], blendfile: str) -> list[str]:
    """Where the frames of this command line may be, as absolute glob patterns.

    `args` are the arguments after the blend file, which Blender obeys one after the other. Empty
    where the blend file alone decides: its output path, its frame range; and for movies. Asks for
    the present folder if the output path is relative.
    """
    said: dict[str, str] = {}
    patterns: list[str] = []
    words = iter(_own(args))
    for word in words:
        if word in _ANIMATION:
            patterns += _patterns(said, blendfile, _animation_frames(said))
        elif name := _WITH_VALUE.get(word):
            said[name] = next(words, "")
            if name == "frames":
                patterns += _patterns(said, blendfile, _listed_frames(said[name]))
    return list(dict.fromkeys(patterns))


def clear_the_way(
    patterns: Iterable[str], *, known: Collection[str], stale: Iterable[str]
) -> list[str]:
    """Move aside what must not be taken for a finished frame. Blocks. Raises OSError.

    `stale` files go without a look; of those that `patterns` find, the ones that are not `known`
    to be whole and do not look whole. Returns a log line for each.
    """
    lines = []
    for path in sorted(stale):
        if Path(path).is_file():
            aside = _move_aside(path, "old")
            lines.append(f"moved a frame from before this task was restarted to {aside}")
    for path in _found(patterns):
        if path not in known and health_of(Path(path)) is not Health.WHOLE:
            aside = _move_aside(path, "unfinished")
            lines.append(f"moved an unfinished frame of an earlier attempt to {aside}")
    return lines


def what_is_wrong_with(saved: Iterable[str]) -> str | None:
    """Sentences about files that Blender claims to have saved and did not. Blocks."""
    wrong = []
    for path in dict.fromkeys(saved):
        health = health_of(Path(path))
        if health is Health.ABSENT:
            wrong.append(f"Blender said it saved {path}, but there is no such file.")
        elif health is Health.BROKEN:
            wrong.append(f"Blender said it saved {path}, but the file is incomplete: disk full?")
    return " ".join(wrong) or None


def _own(args: Sequence[str]) -> Sequence[str]:
    """Without what follows `--`, which belongs to scripts."""
    return args[: args.index("--")] if "--" in args else args


def _patterns(said: dict[str, str], blendfile: str, frames: Iterable[int]) -> Iterator[str]:
    image_format = said.get("format")
    output = said.get("output")
    if not output or image_format in _MOVIES:
        return
    if output.startswith("//"):
        output = os.path.join(os.path.dirname(blendfile), output[2:])  # noqa: PTH118, PTH120 - keeps a final slash
    output = os.path.join(os.getcwd(), output)  # noqa: PTH109, PTH118 - keeps a final slash
    if said.get("extension", "1") in ("0", "false"):
        yield from (escape(frame_path(output, frame)) for frame in frames)
        return
    for stem in expected_stems(output, frames).values():
        for extension in _EXTENSIONS.get(image_format or "", (".*",)):
            yield f"{escape(stem)}{extension}"


def _listed_frames(text: str) -> list[int]:
    """The frames after `-f`; none if some count from the scene's start or end."""
    if "+" in text:
        return []
    try:
        return frames_of(text)
    except BadFrames:
        return []


def _animation_frames(said: dict[str, str]) -> Sequence[int]:
    try:
        frames = range(int(said["start"]), int(said["end"]) + 1, int(said.get("step", "1")))
    except (KeyError, ValueError):
        return ()
    return frames if len(frames) <= MOST_FRAMES else ()


def _found(patterns: Iterable[str]) -> Iterator[str]:
    for pattern in patterns:
        for path in sorted(glob(pattern)):  # noqa: PTH207 - the pattern is absolute
            if not pattern.endswith(".*") or path.lower().endswith(_EVERY_EXTENSION):
                yield path


def _move_aside(path: str, word: str) -> Path:
    """Rename to `NAME.word`, `NAME.word2`, … whichever is free first."""
    number = 1
    aside = Path(f"{path}.{word}")
    while aside.exists():
        number += 1
        aside = Path(f"{path}.{word}{number}")
    return Path(path).rename(aside)
