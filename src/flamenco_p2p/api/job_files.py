"""The door to logs and pictures: files as they are, with ranges and conditional requests.

Is: three kinds of file names below a job's folder. Is not: a file server: anything else is unknown.
"""

from __future__ import annotations

import asyncio
import re

from aiohttp import web

from flamenco_p2p.api.doors import FARM
from flamenco_p2p.farm.errors import Unknown

UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
PATH = re.compile(
    rf"job-(?P<start>[0-9a-f]{{4}})/(?P<job>{UUID})/"
    rf"(?:task-{UUID}\.txt|last-rendered(?:-small|-tiny)?\.jpg)"
)


async def job_file(request: web.Request) -> web.StreamResponse:
    """GET /job-files/job-xxxx/{job}/{name}"""
    path = request.match_info["path"]
    found = PATH.fullmatch(path)
    if found is None or not found["job"].startswith(found["start"]):
        raise Unknown("There is no such file.")
    kind = "text/plain; charset=utf-8" if path.endswith(".txt") else "image/jpeg"
    file = request.app[FARM].files.root / path
    if not await asyncio.to_thread(file.is_file):
        raise Unknown("There is no such file.", remedy="Its job may have been deleted.")
    return web.FileResponse(
        file,
        headers={"Content-Type": kind, "X-Content-Type-Options": "nosniff"},
    )
