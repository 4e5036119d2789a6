"""How commands speak: lines, tables, JSON.

Is: the only place that writes to the terminal, but for the live display. Is not: what there is to
say. Results go to stdout, everything about the way there to stderr, so that pipes stay clean.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import click
import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flamenco_p2p import clock

STYLES: Final = {
    "active": "cyan",
    "awake": "green",
    "completed": "green",
    "failed": "bold red",
    "error": "bold red",
    "soft-failed": "magenta",
    "paused": "blue",
    "pause-requested": "blue",
    "canceled": "dim",
    "cancel-requested": "yellow",
    "requeueing": "yellow",
    "asleep": "blue",
    "offline": "dim",
}
"""One colour per status; the rest is plain."""

_WIDTH_IN_FILES: Final = 200
_SHORT: Final = 13  # characters: the millisecond in which it was made


def console() -> Console:
    """The terminal, or whatever stands in its place; then lines are as long as they need."""
    made = Console(highlight=False, markup=False, emoji=False)
    if not made.is_terminal:
        made.width = _WIDTH_IN_FILES
    return made


def say(text: str = "") -> None:
    """A line of the result."""
    click.echo(text)


def remark(text: str) -> None:
    """A line beside the result."""
    click.echo(text, err=True)


def print_json(answer: Any) -> None:
    """The answer as the API gives it, indented."""
    click.echo(msgspec.json.format(msgspec.json.encode(answer), indent=2).decode())


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]], empty: str) -> None:
    """A table, or the sentence `empty` if it has no rows."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for column in columns:
        right = column in ("tasks", "steps", "priority", "no")
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    if table.row_count:
        console().print(table)
    else:
        say(empty)


def coloured(status: str) -> Text:
    """A status in its colour."""
    return Text(status, style=STYLES.get(status, ""))


def short_id(some_id: str) -> str:
    """As much of an id as tells it from others."""
    return some_id[:_SHORT]


def duration(seconds: float) -> str:
    """`0:07`, `12:30`, `1:02:03`."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def ago(instant: str) -> str:
    """How long ago an RFC 3339 instant was, in words; empty if there is none."""
    try:
        passed = clock.local_now() - datetime.fromisoformat(instant)
    except (ValueError, TypeError):
        return ""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if passed >= timedelta(seconds=length):
            return f"{passed // timedelta(seconds=length)} {unit} ago"
    return "just now"
