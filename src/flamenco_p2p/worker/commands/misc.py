"""The commands `exec`, `echo` and `sleep`.

Is: running any program, and two commands that try out a farm. Is not: Blender or FFmpeg, whose
commands know more about them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from flamenco_p2p.worker.commands.parameters import Parameters, printed, quoted
from flamenco_p2p.worker.commands.running import abnormal_exit, run_logged
from flamenco_p2p.worker.commands.surroundings import CommandFailed, Surroundings


async def execute(values: Mapping[str, Any], around: Surroundings) -> None:
    """Run any program, without a shell."""
    parameters = Parameters("exec", values)
    argv = [parameters.text("exe"), *parameters.texts("args")]
    status = await run_logged(argv, around)
    if status != 0:
        raise CommandFailed(abnormal_exit(status))


async def echo(values: Mapping[str, Any], around: Surroundings) -> None:
    """Write a message into the task's log."""
    message = Parameters("echo", values).anything("message")
    await around.log(f"echo: {quoted(printed(message))}")


async def sleep(values: Mapping[str, Any], around: Surroundings) -> None:
    """Do nothing for a number of whole seconds; fractions are cut off."""
    parameters = Parameters("sleep", values)
    seconds = int(parameters.number("duration_in_seconds"))
    if seconds < 0:
        raise parameters.invalid("duration_in_seconds", "cannot be negative")
    await asyncio.sleep(seconds)
    await around.log(f"slept {_duration(seconds)}")


def _duration(seconds: int) -> str:
    """`47s`, `1m30s`, `1h0m0s`."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
