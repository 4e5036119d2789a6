"""`flamenco-p2p`: run this machine's node until told to stop.

Is: settings, log, signals, and what a person is told at the start. Is not: the node (node.py).
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from flamenco_p2p import __version__
from flamenco_p2p.cli.failures import INTERRUPTED
from flamenco_p2p.cli.node_log import LEVELS, node_log
from flamenco_p2p.cli.output import remark, say
from flamenco_p2p.config import Config, read_settings, write_template
from flamenco_p2p.data_folder import DataFolder
from flamenco_p2p.farm.errors import Refused
from flamenco_p2p.node import ANYWHERE, Running, running_node


def run(data_dir: Path, flags: Mapping[str, Any]) -> None:
    """Run a node with this data folder. Raises `FarmError` if it cannot start."""
    with opened(data_dir) as folder:
        settings = read_settings(data_dir, os.environ, flags)
        config = settings.config
        warnings = [*settings.warnings]
        if config.log_level not in LEVELS:
            warnings.append(f"The log level “{config.log_level}” is none of {', '.join(LEVELS)}.")
        for warning in warnings:
            remark(f"Note: {warning}")
        with node_log(data_dir, config.log_level, terminal=True) as log_file:
            asyncio.run(_run(config, folder, log_file))
    say("The node has stopped.")


@contextmanager
def opened(data_dir: Path) -> Iterator[DataFolder]:
    """Take the data folder, with the commented settings file in it. Raises `Refused`."""
    try:
        folder = DataFolder(data_dir)
        write_template(data_dir)
    except OSError as error:
        raise Refused(
            f"The data folder {data_dir} cannot be used: {error.strerror}.",
            remedy="Name another one with --data-dir.",
        ) from None
    try:
        yield folder
    finally:
        folder.release()


async def _run(config: Config, folder: DataFolder, log_file: Path) -> None:
    stop = asyncio.Event()
    _on_signals(stop)
    async with running_node(config, folder) as node:
        for line in _first_words(config, node, folder.path, log_file):
            say(line)
        async with asyncio.TaskGroup() as group:
            news = group.create_task(_say_programs(node))
            await stop.wait()
            news.cancel()
        remark("Stopping: a task in hand goes back to the farm. Ctrl+C again ends at once.")


def _first_words(config: Config, node: Running, data_dir: Path, log_file: Path) -> Iterator[str]:
    yield f"flamenco-p2p {__version__}: node “{config.name}” of the farm “{config.farm}”"
    yield f"  on this machine  {node.url}"
    for address in _lan_addresses() if config.host in ANYWHERE else ():
        yield f"  on the network   http://{address}:{node.port}"
    if node.port_was_taken:
        yield f"  note             port {config.port} is taken, so this node uses {node.port}"
    yield f"  data folder      {data_dir}"
    yield f"  log              {log_file}"


async def _say_programs(node: Running) -> None:
    if node.hands is None:
        say("  programs         not looked for: this machine does not render")
    else:
        for sentence in (await asyncio.shield(node.hands.programs)).sentences():
            say(f"  programs         {sentence}")
    say("Submit a scene with `flamenco-p2p submit FILE.blend`. Stop with Ctrl+C.")


def _lan_addresses() -> list[str]:
    """This machine's IPv4 addresses that others can reach."""
    return [
        address.address
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family == socket.AF_INET and not address.address.startswith(("127.", "169.254."))
    ]


def _on_signals(stop: asyncio.Event) -> None:
    """The first SIGINT or SIGTERM asks the node to stop, the second one ends it."""
    loop = asyncio.get_running_loop()

    def asked(*_: object) -> None:
        if stop.is_set():
            _end_at_once()
        loop.call_soon_threadsafe(stop.set)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, asked)


def _end_at_once() -> None:
    """Leave nothing running; what was acknowledged is on disk."""
    for child in psutil.Process().children(recursive=True):
        try:
            child.kill()
        except psutil.Error:
            continue
    os._exit(INTERRUPTED)
