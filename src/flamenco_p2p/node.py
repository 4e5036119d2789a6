"""One node: builds its parts, starts them in order, stops them in the reverse order.

Is: the only module that knows all rooms. Is not: a decision.
"""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import os
import platform
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from flamenco_p2p import __version__
from flamenco_p2p.api.app import make_app
from flamenco_p2p.api.doors import Farm
from flamenco_p2p.bus import Bus
from flamenco_p2p.cluster.replica import Replica
from flamenco_p2p.compiler.compile import JobCompiler
from flamenco_p2p.config import Config
from flamenco_p2p.data_folder import DataFolder, Identity
from flamenco_p2p.farm.errors import Refused
from flamenco_p2p.farm.events import LifeCycle
from flamenco_p2p.files.layout import JobFiles
from flamenco_p2p.files.previews import Previews
from flamenco_p2p.files.task_logs import TaskLogs
from flamenco_p2p.manager.manager import Manager
from flamenco_p2p.manager.watch import Patience
from flamenco_p2p.rules.failures import Thresholds
from flamenco_p2p.rules.variables import DEFAULT_VARIABLES, VariableTable
from flamenco_p2p.shipped import shipped_folder
from flamenco_p2p.store.farm_reads import FarmReads
from flamenco_p2p.worker.loop import WorkerLoop
from flamenco_p2p.worker.programs import Programs, find_programs

log = logging.getLogger(__name__)

PORTS_TRIED = 100
NAME_SERVER_S = 1.0
LONGEST_WAIT_S = 30.0
PORT_NOT_FREE = frozenset({errno.EADDRINUSE, errno.EACCES})
ANYWHERE = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 -- compared with, not bound to


@dataclass(frozen=True, slots=True)
class Running:
    """A node that serves. `url` is how this machine reaches it; `hands` if it renders, too."""

    url: str
    port: int
    port_was_taken: bool
    hands: Hands | None


def os_name() -> str:
    """Return this platform as the API spells it."""
    return platform.system().lower()


@asynccontextmanager
async def running_node(config: Config, folder: DataFolder) -> AsyncIterator[Running]:
    """Run a node while the context lasts. Raises `FarmError` if it cannot start."""
    async with AsyncExitStack() as stack:
        identity = await asyncio.to_thread(folder.identity)
        bus = Bus()
        replica = Replica(folder.path, identity.node, bus)
        stack.push_async_callback(replica.stop)
        farm_id = await replica.start(
            farm_name=config.farm, node_name=config.name, public_key=identity.public_key
        )
        reads = FarmReads(folder.path / "farm.db")
        stack.push_async_callback(reads.close)
        files = JobFiles(folder.path / "job-files")
        logs, previews = TaskLogs(files, bus), Previews(files, bus)
        stack.push_async_callback(logs.close)
        stack.push_async_callback(previews.close)
        await asyncio.to_thread(previews.load)
        compiler = JobCompiler(await asyncio.to_thread(_script_folders, config, folder.path))
        stack.push_async_callback(compiler.close)
        manager = Manager(
            bridge=replica,
            reads=reads,
            bus=bus,
            logs=logs,
            compiler=compiler,
            thresholds=Thresholds(tries=config.tries, blocked_at=config.blocked_at),
            patience=Patience(
                worker_ms=config.worker_timeout_s * 1000, task_ms=config.task_timeout_s * 1000
            ),
        )
        await manager.load()
        farm = Farm(
            manager=manager,
            reads=reads,
            compiler=compiler,
            bus=bus,
            files=files,
            logs=logs,
            previews=previews,
            variables=VariableTable(DEFAULT_VARIABLES, manager_platform=os_name()),
            farm_id=farm_id,
            farm_name=config.farm,
            node_id=identity.node,
            node_name=config.name,
            version=__version__,
            short_version=config.short_version,
            platform=os_name(),
            own_names=await _own_names(config),
            longest_wait_s=_longest_wait_s(config),
            applied_index=lambda: replica.applied_index,
        )
        port = await stack.enter_async_context(_serving(farm, config))
        url = f"http://{'127.0.0.1' if config.host in ANYWHERE else config.host}:{port}"
        await asyncio.to_thread(folder.say_address, url)
        group = await stack.enter_async_context(_background(manager))
        hands = Hands(config, folder.path / "worker", identity, url) if config.worker else None
        if hands is not None:
            group.create_task(hands.run())
        _settle_memory()
        bus.tell([LifeCycle(starting=True)])
        try:
            yield Running(url, port, config.port not in (0, port), hands)
        finally:
            if hands is not None:
                await hands.stop()
            bus.tell([LifeCycle(starting=False)])
            bus.close()
            manager.bells.ring_all()


class Hands:
    """This machine's worker: looks for programs, then works until told to leave."""

    def __init__(self, config: Config, folder: Path, identity: Identity, url: str) -> None:
        self._config = config
        self._folder = folder
        self._identity = identity
        self._url = url
        self._worker: WorkerLoop | None = None
        self._ended = asyncio.Event()
        self._stopping = False
        self.programs: asyncio.Future[Programs] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Work. A fault here ends this machine's work, not the node."""
        try:
            programs = await find_programs(self._config.blenders)
            self.programs.set_result(programs)
            if self._stopping:
                return
            self._worker = WorkerLoop(
                client_url=self._url,
                folder=self._folder,
                name=self._config.name,
                software=f"flamenco-p2p {__version__}",
                programs=programs,
                task_types=programs.able(self._config.task_types),
                node_id=self._identity.node,
            )
            left = await self._worker.run()
            if not self._stopping:
                log.warning(
                    "the worker of this machine was told to go (%s); to have it back, "
                    "restart the node",
                    left.why,
                )
        except Exception:
            log.exception("this machine renders nothing any more; restart the node")
        finally:
            self.programs.cancel()
            self._ended.set()

    async def stop(self) -> None:
        """Leave in an orderly way."""
        self._stopping = True
        if self._worker is not None:
            await self._worker.stop()
        await self._ended.wait()


def _longest_wait_s(config: Config) -> float:
    """Return how long a question may be held: who waits must not come to count as silent."""
    return min(LONGEST_WAIT_S, config.worker_timeout_s / 2 or LONGEST_WAIT_S)


async def _own_names(config: Config) -> frozenset[str]:
    """Return what this machine is called; a name server that does not answer is not waited for."""
    names = {"", socket.gethostname(), *config.names}
    with suppress(TimeoutError):
        async with asyncio.timeout(NAME_SERVER_S):
            names.add(await asyncio.to_thread(socket.getfqdn))
    return frozenset(name.lower() for name in names)


def _script_folders(config: Config, folder: Path) -> list[Path]:
    own = Path(config.job_types) if config.job_types else folder / "job-types"
    return [own, shipped_folder("jobtypes")]


@asynccontextmanager
async def _serving(farm: Farm, config: Config) -> AsyncIterator[int]:
    runner = web.AppRunner(make_app(farm), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        yield await _bind(runner, config)
    finally:
        await runner.cleanup()


async def _bind(runner: web.AppRunner, config: Config) -> int:
    """Serve on the wanted port or the next free one; return which. Raises `Refused`."""
    last = min(config.port + PORTS_TRIED, 65535) if config.port else 0
    for port in range(config.port, last + 1):
        site = web.TCPSite(runner, config.host or None, port)
        try:
            await site.start()
        except OSError as error:
            await site.stop()
            if port == last or error.errno not in PORT_NOT_FREE:
                raise Refused(
                    f"This node cannot serve on {config.host or 'any address'}, port {port}: "
                    f"{_plainly(error)}.",
                    remedy="Choose another address or port (--host, --port).",
                ) from error
            log.info("port %d is taken: %s", port, error)
            continue
        address = runner.addresses[0]
        return int(address[1])
    raise AssertionError("no port was tried")


def _plainly(error: OSError) -> str:
    """Return the system's own words, without the library's; of names that it does not know, too."""
    number = error.errno or 0
    return os.strerror(number) if number > 0 else str(error.strerror)


@asynccontextmanager
async def _background(manager: Manager) -> AsyncIterator[asyncio.TaskGroup]:
    """Own everything that runs beside the requests."""
    async with asyncio.TaskGroup() as group:
        watch = group.create_task(manager.watch.run())
        try:
            yield group
        finally:
            watch.cancel()


def _settle_memory() -> None:
    """Let the collector look at what lives long as rarely as it deserves."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
