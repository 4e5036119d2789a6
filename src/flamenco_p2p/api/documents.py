"""The door to the documents that come with the program: they must be readable offline.

Is: Markdown files as plain text, and a list of them. Is not: a web site.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import web

from flamenco_p2p.farm.errors import Unknown

FOLDER = Path(__file__).parents[1] / "docs"


def _names() -> list[str]:
    return sorted(path.name for path in FOLDER.glob("*.md"))


async def list_documents(_: web.Request) -> web.Response:
    """GET /docs"""
    names = await asyncio.to_thread(_names)
    items = "".join(
        f'<li><a href="/docs/{name}">{name.removesuffix(".md")}</a></li>' for name in names
    )
    page = f"<!doctype html><meta charset=utf-8><title>flamenco-p2p</title><ul>{items}</ul>"
    return web.Response(text=page, content_type="text/html")


async def document(request: web.Request) -> web.StreamResponse:
    """GET /docs/{name}"""
    name = request.match_info["name"]
    if name not in await asyncio.to_thread(_names):
        raise Unknown("There is no such document.", remedy="See the list at /docs.")
    return web.FileResponse(FOLDER / name, headers={"Content-Type": "text/plain; charset=utf-8"})
