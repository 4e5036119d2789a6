"""JSON in and out: what a request body may look like, and how answers are written.

Is: the only door through which request bodies come in, with refusals that name the place and the
reason, and the spelling of instants. Is not: the shapes themselves (one module per noun).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, TypeVar

import msgspec

from flamenco_p2p.farm.errors import Refused

T = TypeVar("T")

Timestamp = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]
"""An instant as `rfc3339` writes it."""

LARGEST_INTEGER: Final = 2**31 - 1

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_REMEDY: Final = "The API's description shows what belongs there."
_KINDS: Final = {
    "int": "an integer",
    "float": "a number",
    "str": "a string",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_AT: Final = " - at `$"
_WRONG_KIND: Final = re.compile(r"Expected `([a-z |]+)`, got `([a-z]+)`")
_OUT_OF_BOUNDS: Final = re.compile(r"Expected `[a-z |]+` ([<>]=) (-?[0-9]+)")
_MISSING: Final = re.compile(r"Object missing required field `(.+)`", re.DOTALL)
_BAD_CHOICE: Final = re.compile(r"Invalid enum value (.+)", re.DOTALL)


class BadBody(Refused):
    """The request's body is no JSON, or not what this request needs."""

    def __init__(self, problem: str, *, remedy: str = _REMEDY) -> None:
        super().__init__(problem, remedy=remedy)


def decode(body: bytes, type: type[T], what: str) -> T:
    """Return a body as a `type`; `what` is what the sender calls it, such as "job".

    An integer may be written as 5.0. Properties that `type` does not have are ignored.
    Raises `BadBody` with one line that names the place and the reason.
    """
    try:
        body.decode()  # what is kept as raw text is not looked at otherwise
        try:
            return msgspec.json.decode(body, type=type)
        except msgspec.ValidationError as error:
            if "got `float`" not in str(error):
                raise
            return msgspec.json.decode(body, type=type, strict=False)
    except msgspec.ValidationError as error:
        raise BadBody(_in_words(str(error), what)) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        problem = f"The {what} is missing." if not body else f"The {what} is not valid JSON."
        raise BadBody(problem) from None
    except RecursionError:
        raise BadBody(f"The {what} is nested too deeply.") from None


def encode(answer: object) -> bytes:
    """Return the JSON of a wire record, ending in a newline."""
    return msgspec.json.encode(answer) + b"\n"


def rfc3339(milliseconds: int) -> str:
    """Return an instant in UTC with a literal Z and no more digits than it needs."""
    instant = _EPOCH + timedelta(milliseconds=milliseconds)
    whole = instant.replace(microsecond=0, tzinfo=None).isoformat()
    fraction = f".{milliseconds % 1000:03}".rstrip("0")
    return f"{whole}{fraction if len(fraction) > 1 else ''}Z"


def _in_words(error: str, what: str) -> str:
    """Say in a sentence what msgspec found wrong."""
    # The place comes last; a wrong value that is quoted before it may contain anything.
    reason, _, path = error.rpartition(_AT) if _AT in error else (error, "", "")
    subject = _subject(what, path.removesuffix("`"))
    if found := _MISSING.fullmatch(reason):
        return f"{subject} has no `{found[1]}`."
    if found := _BAD_CHOICE.fullmatch(reason):
        return f"{subject} cannot be {_one_line(found[1])}."
    if found := _WRONG_KIND.fullmatch(reason):
        kinds = [kind for kind in found[1].split(" | ") if kind != "null"]
        wanted = " or ".join(_KINDS.get(kind, kind) for kind in kinds)
        return f"{subject} should be {wanted}, not {_KINDS.get(found[2], found[2])}."
    if found := _OUT_OF_BOUNDS.fullmatch(reason):
        return f"{subject} should be {'at most' if found[1] == '<=' else 'at least'} {found[2]}."
    return f"{subject} cannot be read: {_one_line(reason)}."


def _subject(what: str, path: str) -> str:
    """Name what `path` (".blenders[0].version", "" for all of it) points to in the body."""
    if path.endswith("[...]"):
        return f"A value in {_subject(what, path.removesuffix('[...]')).replace('The', 'the', 1)}"
    return f"The {what}'s `{path.removeprefix('.')}`" if path else f"The {what}"


def _one_line(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 80 else f"{text[:77]}..."
