"""Versions of Blender as the API spells them: what a job needs, what a worker has.

Is: "4.2" and "4.2.1" <-> numbers. Is not: which version may render what (rules/scheduling).
Flamenco does not know these keys, and its clients ignore them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from flamenco_p2p.farm import jobs as farm_jobs
from flamenco_p2p.farm import workers as farm_workers
from flamenco_p2p.wire.json import BadBody

_VERSION: Final = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})(?:\.([0-9]{1,4}))?")


class BlenderNeed(Struct, frozen=True, kw_only=True):
    """The series that saved a job's file, as "4.2", and whether newer ones may render it."""

    version: str
    newer_allowed: bool = True


class InstalledBlender(Struct, frozen=True, kw_only=True):
    """A Blender on a worker's machine, as "4.2.1". `kind`: installed, embedded or configured."""

    version: str
    kind: str = "installed"


def read_need(need: BlenderNeed) -> farm_jobs.BlenderNeed:
    """Raises `BadBody` if the version is none."""
    major, minor, _ = _numbers(need.version)
    return farm_jobs.BlenderNeed(major=major, minor=minor, newer_allowed=need.newer_allowed)


def render_need(need: farm_jobs.BlenderNeed) -> BlenderNeed:
    """Return a need as the API spells it."""
    return BlenderNeed(version=f"{need.major}.{need.minor}", newer_allowed=need.newer_allowed)


def read_installed(
    blenders: Sequence[InstalledBlender],
) -> tuple[farm_workers.InstalledBlender, ...]:
    """Raises `BadBody` if a version is none."""
    found = []
    for blender in blenders:
        major, minor, patch = _numbers(blender.version)
        found.append(
            farm_workers.InstalledBlender(major=major, minor=minor, patch=patch, kind=blender.kind)
        )
    return tuple(found)


def render_installed(
    blenders: Sequence[farm_workers.InstalledBlender],
) -> tuple[InstalledBlender, ...]:
    """Return what a worker has as the API spells it."""
    return tuple(
        InstalledBlender(version=f"{b.major}.{b.minor}.{b.patch}", kind=b.kind) for b in blenders
    )


def _numbers(version: str) -> tuple[int, int, int]:
    if (found := _VERSION.fullmatch(version)) is None:
        raise BadBody(
            f"“{version[:20]}” is no version of Blender.",
            remedy="Write a version like 4.2 or 4.2.1.",
        )
    major, minor, patch = found.groups("0")
    return int(major), int(minor), int(patch)
