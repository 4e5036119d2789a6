"""What Blender's output lines mean.

Is: the one place that knows Blender's wording, from 3.4 to 5.2, installed and embedded: files
saved, frames done, and trouble. Blender ends with status 0 after a missing scene, an unknown format
or a failed script; only its words tell. Is not: any I/O, or what becomes of a file that was saved.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

# Blender 5 puts a time and a category before its words: `00:00.327  render           | Saved: …`.
_START: Final = r"(?:^\s*|render +\| +)"
_SAVED: Final = re.compile(_START + r"Saved: '(.+)'")
_TIMED: Final = re.compile(_START + r"Time: [0-9:.]+")
_SKIPPED: Final = re.compile(_START + r"[sS]kipping existing frame(?: \"(.+)\")?")
_APPENDED: Final = re.compile(_START + r"(?:Video a|A)ppend frame ")
_NOTHING_TO_DO: Final = re.compile(r"No frames rendered, skipped to not overwrite")
_STATISTICS: Final = re.compile(r"^Fra:")
_READ_BLEND: Final = re.compile(r"(?:^|\| )Read blend: ")
_DRIVER_ERROR: Final = re.compile(r"^Error in Driver")
_SCRIPT_ERROR: Final = re.compile(r"^Error: Python: ")
_TRACEBACK: Final = re.compile(r"Traceback \(most recent call last\):")
_PART_OF_TRACEBACK: Final = re.compile(
    r"^\s|^$|^During handling of the above|^The above exception was"
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something Blender complained about, in our words.

    `hopeless`: what it does from here on is not what was asked, so it need not go on.
    `fails`: the task has failed even if the exit status is 0. Without it the sentence is a note,
    and explains a failure that shows otherwise.
    """

    sentence: str
    hopeless: bool = False
    fails: bool = True


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one line says."""

    saved: str | None = None
    kept: str | None = None
    """A frame of this run that was there already, and stays."""
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
        r"Error: exceeds range '\S+ / \S+ (.*)'",
        "Blender cannot render frame {0}: its last one is 1048574.",
        hopeless=True,
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
        r"Error: engine not found ['\"](.*)['\"]",
        'This Blender has no render engine "{0}".',
    ),
    _complaint(r"Error: Cannot render, no camera", "The scene has no camera."),
    _complaint(
        r"(?i)(?:saved|written|created) (?:by|in|with|from) (?:a )?newer",
        "The file was saved by a newer Blender than this one.",
        fails=False,
    ),
    _complaint(
        r"Error: Failed to read blend file ['\"](.*?)['\"], not a blend file",
        "Blender cannot read {0}: it is damaged, or was saved by a newer Blender than this one.",
        fails=False,
    ),
    _complaint(
        r"Error: File format is not supported in file ['\"](.*)['\"]",
        "Blender cannot read {0}: it is damaged, or was saved by a newer Blender than this one.",
        fails=False,
    ),
    _complaint(
        r"Error: (?:Cannot|Failed to) read (?:blend )?file ['\"](.*?)['\"]",
        "Blender cannot read {0}: it is not there, or this machine may not open it.",
        fails=False,
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
        self._troubles: list[Trouble] = []
        self._file_read = False
        self._driver_failed = False
        self._tells: Callable[[str], Trouble] | None = None
        """Inside a traceback: what its last line, which names the exception, will mean."""

    def hear(self, line: str) -> Meaning:
        """What `line` means, after all lines before it."""
        if _STATISTICS.match(line):
            return Meaning()
        if saved := _SAVED.search(line):
            self.rendered_any = True
            self.saved.append(saved[1])
            return Meaning(saved=saved[1])
        if skipped := _SKIPPED.search(line):
            self.rendered_any = True
            return Meaning(kept=skipped[1], step=True)
        if _TIMED.search(line):
            self.rendered_any = True
            return Meaning(step=True)
        if _APPENDED.search(line) or _NOTHING_TO_DO.search(line):
            self.rendered_any = True
            return Meaning()
        if _READ_BLEND.search(line):
            self._file_read = True
        trouble = self._exception_in(line) or _complaint_in(line)
        if trouble is None or trouble in self._troubles:
            return Meaning()
        self._troubles.append(trouble)
        return Meaning(trouble=trouble)

    def why_failed(self) -> str | None:
        """Sentences about what makes this run a failure, whatever the exit status says."""
        return " ".join(one.sentence for one in self._troubles if one.fails) or None

    def likely_reason(self) -> str | None:
        """Sentences that may explain a failure that is certain."""
        return self.why_failed() or " ".join(one.sentence for one in self._troubles) or None

    def _exception_in(self, line: str) -> Trouble | None:
        """A Python exception, once the last line of its traceback has come.

        Add-ons that fail while Blender starts are no matter of the task: most frames do not need
        them. From the moment the file is read, what fails belongs to the job; but a driver that
        fails is common in files that render as their artists expect.
        """
        if _SCRIPT_ERROR.match(line):
            self._tells = _script_failed
            line = _SCRIPT_ERROR.sub("", line)
        elif _DRIVER_ERROR.match(line):
            self._driver_failed = True
        if _TRACEBACK.search(line):
            if self._tells is None and self._file_read:
                self._tells = _driver_failed if self._driver_failed else _code_in_file_failed
            return None
        if self._tells is None or _PART_OF_TRACEBACK.match(line):
            return None
        trouble = self._tells(line)
        self._tells, self._driver_failed = None, False
        return trouble


def _script_failed(exception: str) -> Trouble:
    return Trouble(f"A Python script of the job failed in Blender: {exception}", hopeless=True)


def _code_in_file_failed(exception: str) -> Trouble:
    return Trouble(f"Python code failed in Blender while the file was rendered: {exception}")


def _driver_failed(exception: str) -> Trouble:
    return Trouble(f"A driver in the file failed: {exception}", fails=False)


def _complaint_in(line: str) -> Trouble | None:
    for complaint in _COMPLAINTS:
        if found := complaint.pattern.search(line):
            return Trouble(complaint.say(found), complaint.hopeless, complaint.fails)
    return None
