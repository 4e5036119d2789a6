"""The door through which events leave: a stream for pages, add-ons, commands and scripts.

Is: server-sent events with Flamenco's topics and payloads. Is not: memory: a client that was away
asks for the present state, then listens again.
"""

from __future__ import annotations

import asyncio

from aiohttp import web
from msgspec import structs

from flamenco_p2p.api.doors import FARM, Farm
from flamenco_p2p.bus import Stream
from flamenco_p2p.farm.events import Event, JobChanged
from flamenco_p2p.farm.ids import WorkerId
from flamenco_p2p.wire.events import Message, render_event

ALWAYS = frozenset({"/lifecycle", "/status"})
BEAT_S = 15.0
TAKEN_WITHIN_S = 20.0


async def events(request: web.Request) -> web.StreamResponse:
    """GET /api/p2p/v1/events?topics=/jobs,/jobs/{id},/tasklog/{id},/workers,…; without: all."""
    farm = request.app[FARM]
    asked = {topic for topic in request.query.get("topics", "").split(",") if topic}
    wanted = ALWAYS | asked if asked else None
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    )
    with farm.bus.stream() as stream:
        await response.prepare(request)
        await response.write(b"retry: 1000\n: hello\n\n")
        try:
            while (batch := await _next_batch(stream)) is not None:
                lines = b"".join(_as_text(m) for e in batch for m in _messages(farm, e, wanted))
                async with asyncio.timeout(TAKEN_WITHIN_S):
                    await response.write(lines or b": still here\n\n")
        except TimeoutError:  # what it does not take piles up here, so it is let go
            if request.transport is not None:
                request.transport.abort()
    return response


async def _next_batch(stream: Stream) -> list[Event] | None:
    """Return what has happened; empty: nothing for a while; None: the stream is over."""
    try:
        async with asyncio.timeout(BEAT_S):
            first = await stream.next()
    except TimeoutError:
        return []
    return None if first is None else [first, *stream.waiting()]


def _messages(farm: Farm, event: Event, wanted: frozenset[str] | None) -> list[Message]:
    if isinstance(event, JobChanged):
        job = farm.manager.roster.with_steps_under_way(event.job)
        event = structs.replace(event, job=job)
    messages = render_event(event, lambda worker: _worker_name(farm, worker))
    return [m for m in messages if wanted is None or m.topic in wanted]


def _worker_name(farm: Farm, worker: WorkerId) -> str | None:
    found = farm.manager.roster.workers.get(worker)
    return None if found is None else found.name


def _as_text(message: Message) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (message.name.encode(), message.payload)
