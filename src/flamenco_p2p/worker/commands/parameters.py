"""Reading a command's parameters.

Is: JSON values to argv items and numbers, with Flamenco's rules and error texts. Is not: what the
parameters are for (each command).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from flamenco_p2p.farm.errors import FarmError
from flamenco_p2p.rules import shell_words
from flamenco_p2p.worker.commands.surroundings import CommandFailed

_SHORT_ESCAPES: Final = {
    '"': '\\"',
    "\\": "\\\\",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}


class Parameters:
    """The parameters of one command, read one by one in the order in which it complains."""

    def __init__(self, command: str, values: Mapping[str, Any]) -> None:
        self.command = command
        self._values = values

    def text(self, name: str) -> str:
        """A string that must be there and not be empty."""
        value = self._values.get(name)
        if not isinstance(value, str) or not value:
            raise self.missing(name)
        return value

    def optional_text(self, name: str) -> str:
        """A string; empty if it is missing or of another type."""
        value = self._values.get(name)
        return value if isinstance(value, str) else ""

    def text_or_empty(self, name: str) -> str:
        """A string that may be empty, but must be there."""
        value = self._values.get(name)
        if not isinstance(value, str):
            raise self.invalid(name, "cannot convert to string")
        return value

    def texts(self, name: str) -> list[str]:
        """A list of argv items; empty if it is missing."""
        value = self._values.get(name, [])
        if not isinstance(value, list):
            raise self.invalid(name, "cannot convert to list of strings")
        return [printed(item) for item in value]

    def words(self, name: str) -> list[str]:
        """A line of arguments, taken apart."""
        try:
            return shell_words.split(self.optional_text(name))
        except FarmError as error:
            raise self.invalid(name, str(error)) from error

    def number(self, name: str) -> int | float:
        """A number that must be there."""
        value = self.anything(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.invalid(name, f"bad type {type(value).__name__}, expecting int or float")
        return value

    def anything(self, name: str) -> Any:
        """A value of any type, `None` too, whose name must be there."""
        if name not in self._values:
            raise self.missing(name)
        return self._values[name]

    def missing(self, name: str) -> CommandFailed:
        return CommandFailed(
            f'{self.command}: mandatory parameter "{name}" is missing: {printed(self._values)}'
        )

    def invalid(self, name: str, reason: str) -> CommandFailed:
        value = printed(self._values.get(name))
        return CommandFailed(
            f'{self.command}: parameter "{name}" has invalid value {value}: {reason}'
        )


def printed(value: Any) -> str:
    """A JSON value as Go prints it, but numbers always as plain decimals."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return plain_number(value)
    if isinstance(value, Mapping):
        items = (f"{key}:{printed(value[key])}" for key in sorted(value))
        return f"map[{' '.join(items)}]"
    if isinstance(value, list | tuple):
        return f"[{' '.join(map(printed, value))}]"
    return str(value)


def plain_number(value: float) -> str:
    """The shortest decimal form that means the same number: 24.0 is `24`, 1e-05 is `0.00001`."""
    return str(int(value)) if value == int(value) else format(Decimal(repr(value)), "f")


def quoted(text: str) -> str:
    """`text` between double quotes, with everything invisible written as an escape."""
    return f'"{"".join(map(_visible, text))}"'


def _visible(char: str) -> str:
    if char in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[char]
    if char == " " or unicodedata.category(char)[0] not in "CZ":
        return char
    code = ord(char)
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
