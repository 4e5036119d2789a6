"""A compilation happens in its submitter's time zone."""

from __future__ import annotations

import os
import time

import pytest

from flamenco_p2p.compiler.time_zones import time_zone
from tests.jobtypes.in_this_process import value

WHEN = "new Date(Date.UTC(2006, 6, 2, 22, 30))"


@pytest.mark.parametrize(
    ("zone", "hours"),
    [
        ("Europe/Berlin", "00:30"),
        ("America/New_York", "18:30"),
        ("Asia/Kolkata", "04:00"),
        ("UTC", "22:30"),
    ],
)
def test_dates_in_scripts_are_in_the_zone(zone: str, hours: str) -> None:
    digits = "String(d.getHours()).padStart(2, '0') + ':' + String(d.getMinutes()).padStart(2, '0')"
    assert value(f"((d) => {digits})({WHEN})", time_zone=zone) == hours


def test_afterwards_the_process_is_in_its_own_zone_again() -> None:
    before = (os.environ.get("TZ"), time.localtime(0).tm_hour)
    with time_zone("Asia/Tokyo") as switched:
        assert switched
        assert time.localtime(0).tm_hour == 9
    assert (os.environ.get("TZ"), time.localtime(0).tm_hour) == before


@pytest.mark.parametrize("name", ["Nowhere/Atlantis", "../../etc/passwd", "/etc/passwd", "a\0b"])
def test_an_unknown_zone_changes_nothing(name: str) -> None:
    with time_zone(name) as switched:
        assert not switched


def test_no_zone_is_this_machines() -> None:
    with time_zone("") as switched:
        assert switched
