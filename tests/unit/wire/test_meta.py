"""What the API says about the farm as a whole."""

from __future__ import annotations

from msgspec import Raw

from flamenco_p2p.farm.statuses import FarmStatus
from flamenco_p2p.wire.json import encode
from flamenco_p2p.wire.meta import (
    AvailableJobTypes,
    Cluster,
    Error,
    FarmStatusReport,
)


def test_an_error_has_a_code_and_words() -> None:
    error = Error(code=404, message="There is no such job.")
    assert encode(error) == b'{"code":404,"message":"There is no such job."}\n'


def test_job_types_go_out_exactly_as_their_authors_described_them() -> None:
    described = Raw(b'{"name":"x", "settings":[{"key":"a","type":"bool"}]}')
    assert encode(AvailableJobTypes(job_types=[described])) == (
        b'{"job_types":[{"name":"x", "settings":[{"key":"a","type":"bool"}]}]}\n'
    )


def test_the_farm_is_one_word() -> None:
    assert encode(FarmStatusReport(status=FarmStatus.WAITING)) == b'{"status":"waiting"}\n'


def test_a_farm_without_a_manager_says_so() -> None:
    alone = Cluster(farm="f", generation="g", term=2, manager=None, nodes=())
    assert encode(alone) == b'{"farm":"f","generation":"g","term":2,"manager":null,"nodes":[]}\n'
