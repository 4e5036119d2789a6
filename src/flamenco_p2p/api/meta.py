"""Doors that say what this is: version, farm status, cluster, description of the API.

Is: parse, ask once, render. Is not: a check of the node's health (cli/doctor, later).
"""

from __future__ import annotations

from aiohttp import web

from flamenco_p2p.api.doors import FARM, answer
from flamenco_p2p.api.openapi import document
from flamenco_p2p.farm.ids import text_of
from flamenco_p2p.wire.meta import (
    Cluster,
    ClusterNode,
    FarmStatusReport,
    FlamencoVersion,
    ManagerNode,
)


async def get_version(request: web.Request) -> web.Response:
    """GET /api/v3/version"""
    farm = request.app[FARM]
    return answer(
        FlamencoVersion(
            version=f"{farm.short_version} (flamenco-p2p {farm.version})",
            shortversion=farm.short_version,
            name=farm.farm_name,
            git=f"flamenco-p2p-{farm.version}",
        )
    )


async def get_farm_status(request: web.Request) -> web.Response:
    """GET /api/v3/status"""
    return answer(FarmStatusReport(status=request.app[FARM].manager.watch.status))


async def get_cluster(request: web.Request) -> web.Response:
    """GET /api/p2p/v1/cluster"""
    farm = request.app[FARM]
    url = f"http://{request.host}/"
    node = text_of(farm.node_id)
    return answer(
        Cluster(
            farm=farm.farm_name,
            generation=text_of(farm.farm_id),
            term=1,
            manager=ManagerNode(id=node, name=farm.node_name, url=url),
            nodes=(
                ClusterNode(
                    id=node, name=farm.node_name, url=url, role="leader", online=True,
                    applied=farm.applied_index(), lag=0,
                ),
            ),
        )
    )  # fmt: skip


async def get_openapi(request: web.Request) -> web.Response:
    """GET /api/p2p/v1/openapi and /api/v3/openapi3.json"""
    body = document(request.app[FARM].version)
    return web.Response(body=body, content_type="application/json")
