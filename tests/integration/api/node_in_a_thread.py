"""A node with its own event loop in its own thread, so that tests meet it only over HTTP.

Is: start, stop, and a door to what cannot be reached from outside: the passing of time. Is not: a
worker: the tests are the workers.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import pytest
from aiohttp import web

import flamenco_p2p.node
from flamenco_p2p.api.app import make_app
from flamenco_p2p.api.doors import Farm as BehindTheDoors
from flamenco_p2p.config import Config
from flamenco_p2p.data_folder import DataFolder

T = TypeVar("T")
JOB_TYPES = Path(__file__).parent / "job_types"
LIMIT_S = 20.0


class NodeInAThread:
    """A running node, while the context lasts."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        usual: dict[str, Any] = {
            "worker": False,
            "port": 0,
            "host": "127.0.0.1",
            "job_types": str(JOB_TYPES),
        }
        self.config = Config(**(usual | settings))
        self._folder = folder
        self._thread = threading.Thread(target=self._run, name="node under test")
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self.url = ""
        self.farm: BehindTheDoors

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(LIMIT_S)
        if not self.url:
            self._thread.join(LIMIT_S)
            raise self._failure or TimeoutError("the node did not start")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(LIMIT_S)
        if self._failure is not None:
            raise self._failure

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Let the node do something on its own loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(LIMIT_S)

    def look(self, now_ms: int) -> None:
        """Let the node look after the farm as it does every second, at an instant of ours."""
        self.do(self.farm.manager.watch.look(now_ms))

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # told to whoever started or stops it
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        folder = await asyncio.to_thread(DataFolder, self._folder)
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(flamenco_p2p.node, "make_app", self._make_app)
                async with flamenco_p2p.node.running_node(self.config, folder) as running:
                    self.url = running.url
                    self._ready.set()
                    await self._stop.wait()
        finally:
            await asyncio.to_thread(folder.release)

    def _make_app(self, farm: BehindTheDoors) -> web.Application:
        self.farm = farm
        return make_app(farm)
