"""What Blender's output lines mean.

Is: the one place that knows Blender's wording, from 3.4 to 5.2 and of the embedded one: files saved,
frames done, and trouble. Blender ends with status 0 after a missing scene, an unknown format or a
failed script; only its words tell. Is not: any I/O, or what becomes of a file that was saved.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

# Blender 5 puts a time and a category before its words: `00:00.327  render           | Saved: …`.
_START: Final = r"(?:^\s*|render +\| +)"
_SAVED: Final = re.compile(_START + r"Saved: '(.*)'")
_TIMED: Final = re.compile(_START + r"Time: [0-9:.]+")
_SKIPPED: Final = re.compile(_START + r"[sS]kipping existing frame")
_APPENDED: Final = re.compile(_START + r"(?:Video a|A)ppend frame ")
_READ_BLEND: Final = re.compile(r"(?:^|\| )Read blend: ")
_SCRIPT_ERROR: Final = re.compile(r"^Error: Python: ")
_TRACEBACK: Final = re.compile(r"Traceback \(most recent call last\):")
_PART_OF_TRACEBACK: Final = re.compile(
    r"^\s|^$|^During handling of the above|^The above exception was"
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something Blender complained about, in our words.

    `hopeless`: what it does from here on is not what was asked, so it need not go on.
    `fails`: even with exit status 0 the task has failed. What does neither is worth a log line.
    """

    sentence: str
    hopeless: bool = False
    fails: bool = True


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one line says."""

    saved: str | None = None
    step: bool = False
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class _Complaint:
    pattern: re.Pattern[str]
    say: Callable[[re.Match[str]], str]
    hopeless: bool = False
    fails: bool = True


def _complaint(
    pattern: str, sentence: str, *, hopeless: bool = False, fails: bool = True
) -> _Complaint:
    """`{0}` in the sentence is the first group of the pattern."""
    return _Complaint(
        re.compile(pattern), lambda found: sentence.format(*found.groups()), hopeless, fails
    )


_COMPLAINTS: Final = (
    _complaint(
        r"(?i:can't|cannot) find scene:? ['\"](.*?)['\"] in",
        'The file has no scene "{0}". Choose one of its scenes and submit the job again.',
        hopeless=True,
    ),
    _complaint(
        r"Error: Format from .* not known",
        "This Blender does not know the render format the job asks for.",
        hopeless=True,
    ),
    _complaint(
        r"Error: (?:not a number|incorrect comma use|incorrect range|negative range) '(.*)'",
        "Blender does not understand a frame number: {0}",
        hopeless=True,
    ),
    _complaint(
        r"negative range ignored '(.*)'", "A frame range runs backwards: {0}", hopeless=True
    ),
    _complaint(
        r"Error: (?:frame number|\w+ number) must follow '(.*)'",
        "A frame number is missing after {0}",
        hopeless=True,
    ),
    _complaint(
        r"Error: no blend loaded\. cannot use '(.*)'",
        "There is no blend file to render: it must come before {0} in the job's arguments.",
        hopeless=True,
    ),
    _complaint(
        r"Error: engine not found ['\"](.*)['\"]", 'This Blender has no render engine "{0}".'
    ),
    _complaint(r"Error: Cannot render, no camera", "The scene has no camera."),
    _complaint(
        r"(?i)(?:saved|written|created) (?:by|in|with|from) (?:a )?newer",
        "The file was saved by a newer Blender than this one.",
    ),
    _complaint(
        r"Error: Failed to read blend file ['\"](.*?)['\"], not a blend file",
        "Blender cannot read {0}: it is damaged, or was saved by a newer Blender than this one.",
    ),
    _complaint(
        r"Error: File format is not supported in file ['\"](.*)['\"]",
        "Blender cannot read {0}: it is damaged, or was saved by a newer Blender than this one.",
    ),
    _complaint(
        r"Error: (?:Cannot|Failed to) read (?:blend )?file ['\"](.*?)['\"]",
        "Blender cannot read {0}: it is not there, or this machine may not open it.",
    ),
    _complaint(
        r"Error: Render error .*cannot save: '(.*)'",
        "Blender could not write {0}: check that the folder exists there and that there is space.",
    ),
    _complaint(
        r"(?i)out of (?:gpu |gpu and shared host )?memory|(?:Malloc|Calloc) returns null",
        "Blender ran out of memory: this machine or its graphics card is too small for the scene.",
    ),
    _complaint(
        r"(?i)no compatible gpus? found|found no cycles device of the specified type",
        "Blender found no graphics card it can use and renders with the processor.",
        fails=False,
    ),
    _complaint(
        r"Warning: Unable to open '(.*)'",
        "A linked file is missing: {0}. The frames may lack something.",
        fails=False,
    ),
)


class BlenderOutput:
    """Listens to one run of Blender, line by line."""

    def __init__(self) -> None:
        self.rendered_any = False
        """Whether a frame was rendered, or skipped because its file was there."""
        self.saved: list[str] = []
        self.troubles: list[Trouble] = []
        self._file_read = False
        self._in_traceback = False

    def hear(self, line: str) -> Meaning:
        """What `line` means, after all lines before it."""
        if saved := _SAVED.search(line):
            self.rendered_any = True
            self.saved.append(saved[1])
            return Meaning(saved=saved[1])
        if _TIMED.search(line) or _SKIPPED.search(line):
            self.rendered_any = True
            return Meaning(step=True)
        if _APPENDED.search(line):
            self.rendered_any = True
            return Meaning()
        if _READ_BLEND.search(line):
            self._file_read = True
        trouble = self._exception_in(line) or _complaint_in(line)
        if trouble is not None and trouble not in self.troubles:
            self.troubles.append(trouble)
            return Meaning(trouble=trouble)
        return Meaning()

    def end(self) -> None:
        """No line follows. An exception whose text never came still counts."""
        if self._in_traceback:
            self._in_traceback = False
            self.troubles.append(_failed_script("the output ended before it said why"))

    def why_failed(self) -> str | None:
        """The sentences about everything that makes this run a failure."""
        return " ".join(one.sentence for one in self.troubles if one.fails) or None

    def _exception_in(self, line: str) -> Trouble | None:
        """A Python exception, once its last line, which says what it is, has come.

        Add-ons that fail while Blender starts are no matter of the task: most frames do not need
        them. From the moment the file is read, whatever fails belongs to the job.
        """
        if _SCRIPT_ERROR.match(line):
            self._in_traceback = True
            reason = _SCRIPT_ERROR.sub("", line)
            if _PART_OF_TRACEBACK.match(reason) or _TRACEBACK.match(reason):
                return None
            self._in_traceback = False
            return _failed_script(reason)
        if _TRACEBACK.search(line):
            self._in_traceback = self._in_traceback or self._file_read
            return None
        if not self._in_traceback or _PART_OF_TRACEBACK.match(line):
            return None
        self._in_traceback = False
        return _failed_script(line)


def _failed_script(reason: str) -> Trouble:
    return Trouble(f"A Python script failed inside Blender: {reason}", hopeless=True)


def _complaint_in(line: str) -> Trouble | None:
    for complaint in _COMPLAINTS:
        if found := complaint.pattern.search(line):
            return Trouble(complaint.say(found), complaint.hopeless, complaint.fails)
    return None
