"""The time zone a compilation happens in.

Is: the switch of this whole process to a zone and back, so that every local time in a script is the
submitter's. Is not: safe in a process with other threads that read local time.
"""

from __future__ import annotations

import os
import time
import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path


@contextmanager
def time_zone(name: str) -> Iterator[bool]:
    """Live in the named IANA zone for a while; "" is this machine's own.

    Yields False when that is not possible, and this machine's zone applies instead: the name is
    unknown, or the system cannot switch (Windows).
    """
    if not name:
        yield True
        return
    file = _zone_file(name)
    if file is None or not hasattr(time, "tzset"):
        yield False
        return
    before = os.environ.get("TZ")
    _switch(f":{file}")
    try:
        yield True
    finally:
        _switch(before)


def _switch(value: str | None) -> None:
    if value is None:
        os.environ.pop("TZ", None)
    else:
        os.environ["TZ"] = value
    time.tzset()


def _zone_file(name: str) -> Path | None:
    try:
        zoneinfo.ZoneInfo(name)  # refuses names that lead out of the zone folders
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None
    bundled = str(files("tzdata").joinpath("zoneinfo"))
    places = (Path(folder, name) for folder in (*zoneinfo.TZPATH, bundled))
    return next((place for place in places if place.is_file()), None)
