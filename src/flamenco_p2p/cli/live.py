"""A job's progress on the screen: a strip of frames on a terminal, lines elsewhere.

Is: drawing. Is not: knowledge (progress) or listening (watch).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from flamenco_p2p.cli.output import STYLES, console, duration, remark
from flamenco_p2p.cli.progress import JobProgress

MOST_CELLS: Final = 200
ACTIVE_SHOWN: Final = 4
_LINE_EVERY_S: Final = 1.0
_CELLS: Final = {
    "completed": "█",
    "active": "▓",
    "failed": "X",
    "soft-failed": "x",
    "paused": "‖",
    "canceled": "-",
}
_PLAIN_CELLS: Final = {**_CELLS, "completed": "#", "active": ">", "paused": "="}


@dataclass(frozen=True, slots=True)
class Trouble:
    """A task that failed: who, why in a sentence, and the last lines of its log."""

    task: str
    worker: str
    why: str
    final: bool
    log: Sequence[str]

    def headline(self) -> str:
        """One sentence."""
        where = f" on {self.worker}" if self.worker else ""
        then = "" if self.final else " It will be tried again."
        why = f": {self.why}" if self.why else "."
        return f"{self.task} failed{where}{why}{then}"


class Display:
    """Where progress is shown. This one shows nothing: for those who only want the result."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        pass

    def show(self, job: JobProgress, elapsed_s: float, now_s: float) -> None:
        """The present state."""

    def notice(self, text: str) -> None:
        """Something that is not progress; empty: all is well again."""

    def trouble(self, trouble: Trouble) -> None:
        """A task has failed."""


def display(*, quiet: bool = False) -> Display:
    """What fits the place where the output goes."""
    if quiet:
        return Display()
    target = console()
    return Strip(target) if target.is_terminal and not target.is_dumb_terminal else Lines()


def headline(job: JobProgress, elapsed_s: float, now_s: float) -> str:
    """`5 of 17 tasks · 0:32, about 1:05 left`."""
    done, total = job.counts()["completed"], len(job.tasks)
    left = job.remaining_s(now_s)
    guess = "" if left is None else f", about {duration(left)} left"
    return f"{done} of {total} tasks · {duration(elapsed_s)}{guess}"


class Strip(Display):
    """On a terminal: redrawn in place, the last state stays."""

    def __init__(self, target: Console) -> None:
        self._target = target
        self._cells = _CELLS if target.encoding.lower().startswith("utf") else _PLAIN_CELLS
        self._empty = "░" if self._cells is _CELLS else "."
        self._notice = ""
        self._live = Live(console=target, auto_refresh=False, transient=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def show(self, job: JobProgress, elapsed_s: float, now_s: float) -> None:
        """Redraw."""
        top = Text.assemble(
            (job.name, "bold"), "  ", (job.status, STYLES.get(job.status, "")), "  ",
            headline(job, elapsed_s, now_s),
        )  # fmt: skip
        self._live.update(Group(top, self._strip(job), *self._below(job)), refresh=True)

    def _strip(self, job: JobProgress) -> Text:
        strip = Text()
        for status in job.cells(MOST_CELLS):
            strip.append(self._cells.get(status, self._empty), STYLES.get(status, "dim"))
        return strip

    def _below(self, job: JobProgress) -> list[Text]:
        if self._notice:
            return [Text(self._notice, "yellow")]
        active = job.active()
        lines = []
        for task in active[:ACTIVE_SHOWN]:
            steps = f" {task.steps_done}/{task.steps_total}" if task.steps_total > 1 else ""
            doing = f": {task.activity}" if task.activity else ""
            line = Text(f"{task.name}{steps} on {task.worker}{doing}", "dim", no_wrap=True)
            line.overflow = "ellipsis"
            lines.append(line)
        if len(active) > ACTIVE_SHOWN:
            lines.append(Text(f"and {len(active) - ACTIVE_SHOWN} more", "dim"))
        return lines

    def notice(self, text: str) -> None:
        """Put it where the active tasks stand."""
        self._notice = text

    def trouble(self, trouble: Trouble) -> None:
        """Print it above the strip, for good."""
        style = "bold red" if trouble.final else "magenta"
        self._live.console.print(Text(trouble.headline(), style))
        for line in trouble.log:
            self._live.console.print(Text(f"  {line}", "dim"))


class Lines(Display):
    """Into a pipe or file: a line when something has changed, at most one each second."""

    def __init__(self) -> None:
        self._said = ""
        self._said_at_s = float("-inf")
        self._noticed = ""

    def show(self, job: JobProgress, elapsed_s: float, now_s: float) -> None:
        """Say how many tasks are done, if that is new."""
        counts = job.counts()
        news = f"{job.status} {counts['completed']} {counts['failed']}"
        due = job.over or now_s - self._said_at_s >= _LINE_EVERY_S
        if job.tasks and news != self._said and due:
            self._said, self._said_at_s = news, now_s
            remark(f"{job.name}: {job.status}, {headline(job, elapsed_s, now_s)}")

    def notice(self, text: str) -> None:
        """Say it once."""
        if text and text != self._noticed:
            remark(text)
        self._noticed = text

    def trouble(self, trouble: Trouble) -> None:
        """Say it."""
        remark(trouble.headline())
        for line in trouble.log:
            remark(f"  {line}")
