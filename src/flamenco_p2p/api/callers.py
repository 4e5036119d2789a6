"""Middleware: who may call at all.

Is: the rule for callers without credentials: this machine and its own networks, addressed by a name
that no stranger's web page can have, and no write from another site's page. Is not: users, rights.
"""

from __future__ import annotations

import ipaddress
import socket
from functools import lru_cache

import psutil
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from flamenco_p2p import clock
from flamenco_p2p.farm.errors import NotAllowed

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

REFRESH_S = 10.0
READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Networks:
    """The networks this machine is on; looked up again every ten seconds."""

    def __init__(self) -> None:
        self._networks: list[Network] = []
        self._answers: dict[str, bool] = {}
        self._looked_s = float("-inf")

    def has(self, address: str) -> bool:
        """Say whether an address is this machine's or on one of its networks."""
        if (now_s := clock.steady_s()) - self._looked_s > REFRESH_S:
            self._networks, self._answers, self._looked_s = _own_networks(), {}, now_s
        if (known := self._answers.get(address)) is None:
            known = self._answers[address] = self._look(address)
        return known

    def _look(self, address: str) -> bool:
        ip = ipaddress.ip_address(address.partition("%")[0])
        if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        if ip.is_loopback or ip.is_link_local:
            return True
        return any(ip in network for network in self._networks)


def _own_networks() -> list[Network]:
    networks: list[Network] = []
    for addresses in psutil.net_if_addrs().values():
        for address in addresses:
            if address.family not in (socket.AF_INET, socket.AF_INET6) or not address.netmask:
                continue
            text = f"{address.address.partition('%')[0]}/{_prefix(address.netmask)}"
            networks.append(ipaddress.ip_network(text, strict=False))
    return networks


def _prefix(netmask: str) -> int:
    return int(ipaddress.ip_address(netmask)).bit_count()


@lru_cache(maxsize=100)
def own_name(host: str, names: frozenset[str]) -> bool:
    """Say whether a Host header names a machine of this network and not a site of the world.

    A page of a stranger's site whose name was pointed at this machine (DNS rebinding) sends that
    site's name here.
    """
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    name = name.strip("[]").rstrip(".").lower()
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return "." not in name or name.endswith(".local") or name in names
    return True


def from_another_site(request: web.Request) -> bool:
    """Say whether a browser sends this for a page that is not ours."""
    if request.headers.get("Sec-Fetch-Site", "none") in ("cross-site", "same-site"):
        return True
    origin = request.headers.get("Origin")
    return origin is not None and origin.partition("://")[2] != request.host


def callers_middleware(networks: Networks, names: frozenset[str]) -> Middleware:
    """Return the middleware; `names`: what this machine is called, in lower case."""

    @web.middleware
    async def callers(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.remote is not None and not networks.has(request.remote):
            raise NotAllowed(
                f"{request.remote} is not on a network of this machine.",
                remedy="Call from a machine on the same network, or through one.",
            )
        if not own_name(request.host, names):
            raise NotAllowed(
                f"“{request.host}” is not a name of this machine.",
                remedy="Use its address, its plain host name, or its name ending in .local; "
                "or add the name to the setting `names` of the node.",
            )
        if request.method not in READING and from_another_site(request):
            raise NotAllowed(
                "A web page of another site must not change this farm.",
                remedy="Use the farm's own page, or a program.",
            )
        return await handler(request)

    return callers
