"""A line of arguments, taken apart and put together.

Is: the one splitter, for `shellSplit` in job types and for `exeArgs` on the worker.
Is not: a shell (nothing is expanded), nor Python's `shlex.split`, which keeps some backslashes
and sees comments elsewhere.

White space (space, tab, CR, LF) separates words. `'…'` is literal; in `"…"` and outside of quotes
a backslash makes whatever follows literal. `#` where a word would start hides the rest of its line.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import Final

from flamenco_p2p.farm.errors import Refused

_SEPARATORS: Final = " \t\r\n"


class BadQuoting(Refused):
    """A quote is never closed, or nothing follows the last backslash."""


def split(text: str) -> list[str]:
    """The words of `text`, in order; none for an empty one. Raises `BadQuoting`."""
    words = []
    at = 0
    while (at := _start_of_word(text, at)) < len(text):
        word, at = _read_word(text, at)
        words.append(word)
    return words


def join(argv: Iterable[str]) -> str:
    """One line that `split` takes apart into exactly `argv`."""
    return shlex.join(argv)


def _start_of_word(text: str, at: int) -> int:
    """Where the next word begins, behind white space and comments; the end if there is none."""
    while at < len(text):
        if text[at] == "#":
            line_end = text.find("\n", at)
            at = len(text) if line_end < 0 else line_end
        elif text[at] not in _SEPARATORS:
            break
        else:
            at += 1
    return at


def _read_word(text: str, at: int) -> tuple[str, int]:
    """The word that begins at `at`, and where it ends."""
    word: list[str] = []
    quote = ""
    while at < len(text):
        char = text[at]
        if char == "\\" and quote != "'":
            at += 1
            if at == len(text):
                raise BadQuoting(
                    "EOF found after escape character.",
                    remedy="Remove the backslash at the end, or write two for a real one.",
                )
            word.append(text[at])
        elif quote:
            if char == quote:
                quote = ""
            else:
                word.append(char)
        elif char in "\"'":
            quote = char
        elif char in _SEPARATORS:
            break
        else:
            word.append(char)
        at += 1
    if quote:
        raise BadQuoting(
            "EOF found when expecting closing quote.",
            remedy=f"Close the {quote} that was opened in: {text.strip()}",
        )
    return "".join(word), at
