"""Which frames a text such as "1-10, 20..25" means, and how to write frames as text.

Is: the one grammar of frames, for `frameChunker` and `frameCount` in job types and for whoever
needs a task's frames. Is not: how a job is cut into tasks (its script decides that).

Parts are separated by commas; a part is `N`, `A-B` or `A..B` (both ends included; backwards means
no frames), with white space and a leading `+` wherever people put them. Frames are never negative.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from flamenco_p2p.farm.errors import Refused

MOST_FRAMES: Final = 1_000_000
"""More than this is a typing mistake, and would fill the memory of the node that takes it."""

_NUMBER: Final = re.compile(r"\+?0*([0-9]{1,19})")
_LARGEST_NUMBER: Final = 2**63 - 1  # what a frame may be in Flamenco
_HOW_TO_WRITE: Final = 'Write frames like "1-10, 20, 25..30".'


class BadFrames(Refused):
    """The text is no list of frames, means none at all, or too many."""

    def __init__(self, text: str, what: str, *, remedy: str = _HOW_TO_WRITE) -> None:
        super().__init__(f'invalid range "{_shortened(text)}": {what}.', remedy=remedy)


class BadChunkSize(Refused):
    """A chunk has at least one frame."""

    def __init__(self, size: object) -> None:
        super().__init__(
            f"invalid chunk size, must be positive number: {size}.",
            remedy="Set the chunk size to 1 or more frames per task.",
        )


class _Span(NamedTuple):
    """Frames that follow each other, both ends included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1


def frames_of(text: str) -> list[int]:
    """The frames of `text`, ascending, each once.

    Raises `BadFrames` if it cannot be read, means no frame, or more than `MOST_FRAMES`.
    """
    spans = _spans(text)
    if not spans:
        raise BadFrames(
            text.strip(),
            "empty range",
            remedy="The first frame comes after the last one: write the smaller number first.",
        )
    return [frame for span in spans for frame in range(span.first, span.last + 1)]


def count_frames(text: str) -> int:
    """How many different frames `text` means; 0 if all its ranges run backwards.

    Raises `BadFrames` if it cannot be read or means more than `MOST_FRAMES`.
    """
    return sum(span.length for span in _spans(text))


def ranges_text(frames: Iterable[int]) -> str:
    """The shortest text for `frames`: `5`, two neighbours `5,6`, three or more `5-7`."""
    return ",".join(_span_text(span) for span in _merged(_Span(f, f) for f in frames))


def chunks(text: str, size: int) -> list[str]:
    """The frames of `text` in runs of `size` (the last may be shorter), each as text.

    Raises `BadFrames` as `frames_of` does, `BadChunkSize` for a size below 1.
    """
    frames = frames_of(text)
    if size < 1:
        raise BadChunkSize(size)
    return [ranges_text(frames[at : at + size]) for at in range(0, len(frames), size)]


def _spans(text: str) -> list[_Span]:
    """What `text` means, as ascending spans that do not touch."""
    text = text.strip()
    if not text:
        raise BadFrames(text, "empty range", remedy=f"Say which frames. {_HOW_TO_WRITE}")
    spans = _merged(_span_of(part.strip(), text) for part in text.split(","))
    if (count := sum(span.length for span in spans)) > MOST_FRAMES:
        raise BadFrames(
            text,
            f"{count:,} frames",
            remedy=f"A job has at most {MOST_FRAMES:,} frames: check the last frame, or split it.",
        )
    return spans


def _span_of(part: str, text: str) -> _Span:
    ends = [end.strip() for end in part.replace("..", "-").split("-")]
    numbers = [int(found[1]) for end in ends if (found := _NUMBER.fullmatch(end))]
    if len(numbers) != len(ends) or len(ends) > 2 or max(numbers) > _LARGEST_NUMBER:
        what = f'"{_shortened(part)}" is no frame or range'
        raise BadFrames(text, what, remedy=_advice(part, ends))
    return _Span(numbers[0], numbers[-1])


def _advice(part: str, ends: list[str]) -> str:
    """What the author of a wrong part most likely needs to hear."""
    if not part:
        return "There is a comma too many: remove it."
    if ends[0] == "" or len(ends) == 3:
        return "Frames cannot be negative, and a range has one first and one last frame."
    if re.fullmatch(r"[0-9]+(\s+[0-9]+)+", part):
        first, *_, last = numbers = part.split()
        return f'Write "{",".join(numbers)}" for these frames, "{first}-{last}" for a range.'
    return f"Only whole numbers, commas and hyphens have a meaning here. {_HOW_TO_WRITE}"


def _merged(spans: Iterable[_Span]) -> list[_Span]:
    """The same frames as ascending spans that neither overlap nor touch; backwards ones vanish."""
    merged: list[_Span] = []
    for span in sorted(span for span in spans if span.first <= span.last):
        if merged and span.first <= merged[-1].last + 1:
            merged[-1] = _Span(merged[-1].first, max(merged[-1].last, span.last))
        else:
            merged.append(span)
    return merged


def _span_text(span: _Span) -> str:
    if span.length == 1:
        return str(span.first)
    return f"{span.first}{',' if span.length == 2 else '-'}{span.last}"


def _shortened(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."
