"""A node's stream of events, from bytes to (name, data).

Is: the part of the event-stream format that nodes use: `event:`, `data:`, comments, blank lines.
Is not: a connection, or a decision about what to do when it ends.
"""

from __future__ import annotations

from typing import Any

import msgspec

from flamenco_p2p.client.errors import StrangeAnswer


class EventReader:
    """Chunks in, as they come; complete events out."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._rest = b""
        self._name = "message"
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> list[tuple[str, dict[str, Any]]]:
        """Return the events that `chunk` completes. Raises `StrangeAnswer`."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        events = []
        for line in lines:
            field, _, value = line.rstrip(b"\r").partition(b":")
            value = value.removeprefix(b" ")
            if field == b"event":
                self._name = value.decode("utf-8", "replace")
            elif field == b"data":
                self._data.append(value)
            elif not line.strip():
                events += self._complete()
        return events

    def _complete(self) -> list[tuple[str, dict[str, Any]]]:
        name, data = self._name, b"\n".join(self._data)
        self._name, self._data = "message", []
        if not data:
            return []  # a blank line after a comment: only a sign of life
        try:
            return [(name, msgspec.json.decode(data, type=dict[str, Any]))]
        except msgspec.DecodeError as error:
            raise StrangeAnswer(self._url, str(error)) from error
