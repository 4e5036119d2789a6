"""What a task is made of: the eight commands, under the names job types use.

Is: the table of commands and the door to it, `run_command`. Is not: the order in which a task runs
its commands or what its manager hears of them (worker/loop).

Every command is `async (parameters, around) -> None`: it reads its parameters, does its work
through `Surroundings`, and either returns or raises `CommandFailed`. Cancelling it ends whatever it
started. Names, parameters, argv, log lines and error texts are those of Flamenco 3, because stock
managers, job types and people's scripts know them; where a program lies about its success
(Blender does), the command says so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from flamenco_p2p.worker.commands import blender, ffmpeg, file_management, misc
from flamenco_p2p.worker.commands.surroundings import CommandFailed, Surroundings

__all__ = ["COMMANDS", "CommandFailed", "Surroundings", "run_command"]

COMMANDS: Final[Mapping[str, Callable[[Mapping[str, Any], Surroundings], Awaitable[None]]]] = {
    "blender-render": blender.blender_render,
    "frames-to-video": ffmpeg.frames_to_video,
    "exec": misc.execute,
    "echo": misc.echo,
    "sleep": misc.sleep,
    "make-directory": file_management.make_directory,
    "move-directory": file_management.move_directory,
    "copy-file": file_management.copy_file,
}


async def run_command(name: str, parameters: Mapping[str, Any], around: Surroundings) -> None:
    """Run one command of a task. Raises `CommandFailed`, also for a name nobody knows."""
    command = COMMANDS.get(name)
    if command is None:
        raise CommandFailed(f'unknown command: "{name}"')
    await command(parameters, around)
