"""What was measured, in numbers: figures, their table, their JSON.

Is: arithmetic and print. Is not: measuring.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One result. `value` is the median where there are several (`count`); `goal` is in words.

    `how` it was measured; "" for a part (its `what` begins with "·") of the figure before it.
    """

    what: str
    setting: str = ""
    unit: str
    value: float
    least: float | None = None
    p99: float | None = None
    count: int = 1
    goal: str = ""
    how: str = ""


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which that share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def from_times(
    what: str, seconds: Sequence[float], *, setting: str = "", goal: str = "", how: str = ""
) -> Figure:
    """Return the figure of many durations, in milliseconds."""
    ms = [1000 * s for s in seconds]
    return Figure(
        what=what, setting=setting, unit="ms", value=statistics.median(ms), least=min(ms),
        p99=percentile(ms, 0.99), count=len(ms), goal=goal, how=how,
    )  # fmt: skip


def show(figures: Sequence[Figure], console: Console) -> None:
    """Print a table, and below it how each thing was measured."""
    table = Table("what", "setting", "value", "min", "p99", "n", "goal", box=None, pad_edge=False)
    for figure in figures:
        table.add_row(
            figure.what, figure.setting, f"{_short(figure.value)} {figure.unit}",
            _short(figure.least), _short(figure.p99), f"{figure.count:,}", figure.goal,
        )  # fmt: skip
    console.print(table)
    for what, how in dict.fromkeys((figure.what, figure.how) for figure in figures if figure.how):
        console.print(f"{what}: {how}", highlight=False)


def _short(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def write_json(figures: Sequence[Figure], path: Path) -> None:
    """Write all figures into a file."""
    text = json.dumps([asdict(figure) for figure in figures], indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
