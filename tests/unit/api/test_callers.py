"""Who may call, by address, by name and by page."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import NamedTuple

import psutil
import pytest
from aiohttp.test_utils import make_mocked_request

from flamenco_p2p.api import callers
from flamenco_p2p.api.callers import Networks, from_another_site, own_name

NAMES = frozenset({"anna", "anna.studio.example"})


class Address(NamedTuple):
    """What psutil says of an address."""

    family: int
    address: str
    netmask: str | None


@pytest.fixture
def networks(monkeypatch: pytest.MonkeyPatch) -> Networks:
    """A machine with one network of each kind."""
    found = {
        "eth0": [
            Address(socket.AF_INET, "192.168.7.20", "255.255.255.0"),
            Address(socket.AF_INET6, "2001:db8:7::20", "ffff:ffff:ffff:ffff::"),
            Address(socket.AF_INET6, "fe80::1%eth0", "ffff:ffff:ffff:ffff::"),
            Address(psutil.AF_LINK, "00:11:22:33:44:55", None),
        ],
        "tun0": [Address(socket.AF_INET, "10.8.0.2", None)],
    }
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: found)
    return Networks()


@pytest.mark.parametrize(
    "caller",
    [
        "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "192.168.7.99", "::ffff:192.168.7.99",
        "2001:db8:7::99", "fe80::99%eth0", "fe80::99", "169.254.3.4",
    ],
)  # fmt: skip
def test_this_machine_and_its_networks_may_call(networks: Networks, caller: str) -> None:
    assert networks.has(caller)
    assert networks.has(caller)


@pytest.mark.parametrize(
    "caller",
    ["192.168.8.1", "8.8.8.8", "::ffff:8.8.8.8", "2001:db8:8::1", "10.8.0.3", "0.0.0.0"],  # noqa: S104
)
def test_nobody_else_may(networks: Networks, caller: str) -> None:
    assert not networks.has(caller)


def test_networks_are_looked_up_again_after_a_while(
    networks: Networks, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 1000.0
    monkeypatch.setattr("flamenco_p2p.clock.steady_s", lambda: now_s)
    assert networks.has("192.168.7.99")
    monkeypatch.setattr(psutil, "net_if_addrs", dict)
    assert networks.has("192.168.7.99")
    now_s += 11
    assert not networks.has("192.168.7.99")


def test_the_real_networks_of_this_machine_can_be_read() -> None:
    assert callers._own_networks()


@pytest.mark.parametrize(
    "host",
    [
        "192.168.7.20", "192.168.7.20:8080", "[2001:db8::1]", "[2001:db8::1]:8080", "[fe80::1%25e]",
        "localhost", "localhost:8080", "anna", "ANNA:8080", "anna.local", "anna.local.:8080",
        "anna.studio.example", "anna.studio.example.",
    ],
)  # fmt: skip
def test_names_that_only_this_network_gives_are_taken(host: str) -> None:
    assert own_name(host, NAMES)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:8080", "192.168.7.20.evil.example", "local.evil.example",
        "anna.studio.example.evil.example", "studio.example", "1.2.3.4.5", "evil.example#.local/",
    ],
)  # fmt: skip
def test_names_that_a_stranger_could_point_here_are_not(host: str) -> None:
    assert not own_name(host, NAMES)


@pytest.mark.parametrize(
    ("headers", "stranger"),
    [
        ({}, False),
        ({"Origin": "http://anna:8080"}, False),
        ({"Origin": "https://anna:8080"}, False),
        ({"Origin": "http://anna"}, True),
        ({"Origin": "http://evil.example"}, True),
        ({"Origin": "http://anna:8080.evil.example"}, True),
        ({"Origin": "null"}, True),
        ({"Origin": ""}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://anna:8080"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Sec-Fetch-Site": "same-site"}, True),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://anna:8080"}, True),
    ],
)
def test_a_page_of_another_site_is_told_by_what_browsers_say(
    headers: Mapping[str, str], *, stranger: bool
) -> None:
    request = make_mocked_request("POST", "/", headers={"Host": "anna:8080", **headers})
    assert from_another_site(request) is stranger
