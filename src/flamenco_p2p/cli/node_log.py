"""Where a node's log goes: one rotated file, and the terminal.

Is: the wiring of Python's logging, written by a thread of its own so that a slow disk holds up
nobody. Is not: what is logged. Nothing that is secret is ever handed to a logger.
"""

from __future__ import annotations

import logging
import queue
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path
from typing import Final

LEVELS: Final = ("debug", "info", "warning", "error")
OURS: Final = "flamenco_p2p"
FILES: Final = 5
FILE_BYTES: Final = 2_000_000

_IN_FILE: Final = "%(asctime)s.%(msecs)03d %(levelname)-7s %(name)s: %(message)s"
_WORTH_SEEING: Final = "flamenco_p2p.worker.loop"  # which task is begun


@contextmanager
def node_log(folder: Path, level: str, *, terminal: bool) -> Iterator[Path]:
    """Log into `folder`/logs/node.log while the context lasts; yield that path.

    `terminal`: what matters is also shown. An unknown `level` is taken for "info". If the file
    cannot be written, the terminal gets all. Blocks at its beginning and end.
    """
    path = folder / "logs" / "node.log"
    number = logging.getLevelNamesMapping()[(level if level in LEVELS else "info").upper()]
    handlers: list[logging.Handler] = [_Terminal(everything=False)] if terminal else []
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = RotatingFileHandler(
            path, maxBytes=FILE_BYTES, backupCount=FILES - 1, encoding="utf-8"
        )
        file.setFormatter(logging.Formatter(_IN_FILE, "%Y-%m-%d %H:%M:%S"))
        handlers.append(file)
    except OSError:
        handlers = [_Terminal(everything=True)]
    waiting: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    root, ours, entrance = logging.getLogger(), logging.getLogger(OURS), QueueHandler(waiting)
    before = ours.level
    listener = QueueListener(waiting, *handlers)
    listener.start()
    root.addHandler(entrance)
    ours.setLevel(number)  # other libraries only speak of what is wrong
    try:
        yield path
    finally:
        root.removeHandler(entrance)
        ours.setLevel(before)
        listener.stop()
        for handler in handlers:
            handler.close()


class _Terminal(logging.StreamHandler):  # type: ignore[type-arg]
    """Shows warnings and tasks, the first line of each: the rest is in the file."""

    def __init__(self, *, everything: bool) -> None:
        super().__init__(sys.stderr)
        self._everything = everything
        self.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))

    def filter(self, record: logging.LogRecord) -> bool:
        least = logging.INFO if record.name == _WORTH_SEEING else logging.WARNING
        return self._everything or record.levelno >= least

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return text if self._everything else text.partition("\n")[0]
