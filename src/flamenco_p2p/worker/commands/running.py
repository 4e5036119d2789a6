"""Running a program on behalf of a task.

Is: what the three commands with a program share: the log entry that says what will run, the log
line per output line, and the text of an unhappy end. Is not: ending programs (worker/process) or
understanding their output (each command).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from flamenco_p2p.rules import shell_words
from flamenco_p2p.worker import process
from flamenco_p2p.worker.commands.surroundings import CommandFailed, Surroundings


async def run_logged(
    argv: Sequence[str],
    around: Surroundings,
    *,
    understand: Callable[[str], Awaitable[None]] | None = None,
) -> int:
    """Run `argv` with its output in the task's log; return its exit status as `process.run` does.

    `understand` hears each line before the log does; what it raises ends the program.
    Raises `CommandFailed` if the program cannot be started.
    """
    pid = 0

    def on_start(started: int) -> None:
        nonlocal pid
        pid = started
        around.on_start(started)

    async def on_line(line: str) -> None:
        try:
            if understand is not None:
                await understand(line)
        finally:
            await around.log(f"pid={pid} > {line}")

    for line in ("going to run:", "", f"    {shell_words.join(argv)}", ""):
        await around.log(line)
    try:
        return await process.run(argv, on_line=on_line, on_start=on_start, on_end=around.on_end)
    except process.CannotStart as error:
        raise CommandFailed(str(error)) from error


def abnormal_exit(status: int) -> str:
    """The text job types and people look for; every signal is reported as -1."""
    return f"command exited abnormally with code {max(status, -1)}"
