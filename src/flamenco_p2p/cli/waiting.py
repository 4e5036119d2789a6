"""Why a job waits although it might begin.

Is: a sentence for whoever looks at it, from what the API tells of the workers. Is not: the choice
of a worker (rules/scheduling has the rule).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from flamenco_p2p.client.farm_client import FarmClient
from flamenco_p2p.farm.workers import InstalledBlender as Blender
from flamenco_p2p.rules.scheduling import blender_fits
from flamenco_p2p.wire.blenders import BlenderNeed, InstalledBlender, read_installed, read_need


async def why_waiting(farm: FarmClient, need: BlenderNeed | None) -> str:
    """Return what keeps every worker from a job that needs this Blender; empty: nothing does."""
    workers = [await farm.worker(worker["id"]) for worker in await farm.workers()]
    return why_nobody(need, workers)


def why_nobody(need: BlenderNeed | None, workers: Sequence[dict[str, Any]]) -> str:
    """The same of workers as the API shows each."""
    awake = [worker for worker in workers if worker["status"] == "awake"]
    if not awake:
        return (
            "The job waits, as no worker is awake. "
            "Start a node on a machine with Blender: `flamenco-p2p`."
        )
    if need is None or any(_can_render(one, need) for one in awake):
        return ""
    wanted = f"Blender {need.version}{' or newer' if need.newer_allowed else ''}"
    return (
        f"The job waits, as no worker that is awake has {wanted}. "
        "Install it on one of them and restart its node."
    )


def _can_render(worker: dict[str, Any], need: BlenderNeed) -> bool:
    if "blender" not in worker["supported_task_types"]:
        return False
    return blender_fits(read_need(need), _blenders(worker))


def _blenders(worker: dict[str, Any]) -> tuple[Blender, ...]:
    said = msgspec.convert(worker.get("blenders") or (), tuple[InstalledBlender, ...])
    return read_installed(said)
