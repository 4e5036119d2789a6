"""A small real HTTP server with the worker operations, whose answers a test decides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec
from aiohttp import web

WORKER: Final = "0193-worker"
CUT: Final = -1
"""As an answer's status: the connection is closed without a word."""

Answer = tuple[int, Any]

_HELD_UNTIL_A_TEST_ANSWERS: Final = ("task", "state", "may-i-run")
_USUAL: Final[dict[str, Answer]] = {
    "register-worker": (200, {"uuid": WORKER}),
    "sign-on": (200, {"status_requested": "awake"}),
    "sign-off": (204, None),
    "state-changed": (204, None),
    "update": (204, None),
    "output-produced": (202, None),
}


class StandIn:
    """`answers[route].put_nowait(...)` decides the next answer; `heard` returns the next call."""

    def __init__(self) -> None:
        routes = (*_HELD_UNTIL_A_TEST_ANSWERS, *_USUAL)
        self.answers: dict[str, asyncio.Queue[Answer]] = {name: asyncio.Queue() for name in routes}
        self._calls: dict[str, asyncio.Queue[Any]] = {name: asyncio.Queue() for name in routes}
        self.updates: list[dict[str, Any]] = []  # those that were taken, in order
        self.order: list[str] = []  # the routes that were called
        self.headers: dict[str, dict[str, str]] = {}  # of the last call to each route
        self.away = False  # every call is cut off
        self.url = ""

    async def heard(self, route: str) -> Any:
        """The body of the next call to this route."""
        async with asyncio.timeout(20):
            return await self._calls[route].get()

    async def heard_update(self, **expected: object) -> dict[str, Any]:
        """The next update that has these values; others before it are skipped."""
        while True:
            update = await self.heard("update")
            if all(update.get(name) == value for name, value in expected.items()):
                return dict(update)

    def give(self, *commands: dict[str, Any], **more: object) -> None:
        """Answer the next request for a task."""
        task = {"uuid": "task-1", "job": "job-1", "name": "a task", "commands": commands, **more}
        self.answers["task"].put_nowait((200, task))

    def statuses(self) -> list[str]:
        return [update["taskStatus"] for update in self.updates if "taskStatus" in update]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        route = _route(request)
        raw = await request.read()
        is_json = request.content_type == "application/json" and raw
        body: Any = msgspec.json.decode(raw) if is_json else raw
        if self.away:
            return _cut(request)
        self.order.append(route)
        self.headers[route] = dict(request.headers)
        self._calls[route].put_nowait(body)
        if route in _HELD_UNTIL_A_TEST_ANSWERS:
            status, answer = await self.answers[route].get()
        else:
            queue = self.answers[route]
            status, answer = _USUAL[route] if queue.empty() else queue.get_nowait()
        if status == CUT:
            return _cut(request)
        if route == "update" and status == 204:
            self.updates.append(body)
        if answer is None:
            return web.Response(status=status, headers={"Preference-Applied": "wait"})
        return web.json_response(answer, status=status)


def _route(request: web.Request) -> str:
    *_, last = request.path.split("/")
    return "update" if last.startswith("task-") else last


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.close()
    return web.Response(status=500)


@asynccontextmanager
async def stand_in() -> AsyncIterator[StandIn]:
    """Serve on a free port of the loopback interface."""
    farm = StandIn()
    app = web.Application(client_max_size=32 * 1024 * 1024)
    app.router.add_route("*", "/{tail:.*}", farm.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        farm.url = f"http://{host}:{port}"
        yield farm
    finally:
        await runner.cleanup()
