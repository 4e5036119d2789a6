"""One compiling child, as the daemon sees it.

Is: its start, questions and answers with a deadline, its end. Is not: what the answers mean
(compile.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import Final

import msgspec

from flamenco_p2p.compiler.errors import ScriptFailed
from flamenco_p2p.compiler.messages import (
    FRAME_BYTES_AT_MOST,
    HEAD,
    MESSAGE,
    Answer,
    Forget,
    Question,
    StartUp,
    frame,
)

_answers: Final = msgspec.msgpack.Decoder[Answer](Answer)


class ChildProcess:
    """A running child. Use it from one task at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._between_questions = True

    @classmethod
    async def start(cls, start_up: StartUp) -> ChildProcess:
        """Start a child; it is ready when its first answer comes."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "flamenco_p2p.compiler.child",
            msgspec.json.encode(start_up).decode(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        return cls(process)

    @property
    def usable(self) -> bool:
        """Whether another question can be asked: it lives, and no answer is outstanding."""
        return self._between_questions and self._process.returncode is None

    async def ask(self, question: Question, *, within_s: float) -> Answer | bytes:
        """Ask, and return the answer, or a SLICE frame's payload.

        Raises ScriptFailed when the child dies over it, or is killed as it takes too long.
        """
        self._between_questions = False
        try:
            async with asyncio.timeout(within_s):
                kind, payload = await self._exchange(question)
        except TimeoutError:
            await self.end()
            raise ScriptFailed(
                f"The script ran longer than {within_s:g} s.",
                remedy="Look for a loop that does not end.",
            ) from None
        except (OSError, asyncio.IncompleteReadError) as error:
            await self.end()
            raise ScriptFailed(
                f"The script ended the program that ran it (exit code {self._process.returncode}).",
                remedy="It may need too much memory, or be nested too deeply.",
            ) from error
        self._between_questions = True
        return _answers.decode(payload) if kind == MESSAGE else payload

    def forget(self) -> None:
        """Let the child drop the compiled job it holds."""
        stdin = self._process.stdin
        if self.usable and stdin is not None:
            stdin.write(frame(MESSAGE, msgspec.msgpack.encode(Forget())))

    async def end(self) -> None:
        """Kill the child, whatever it does, and wait until it is gone."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        await self._process.communicate()

    async def _exchange(self, question: Question) -> tuple[bytes, bytes]:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise BrokenPipeError
        stdin.write(frame(MESSAGE, msgspec.msgpack.encode(question)))
        await stdin.drain()
        size, kind = HEAD.unpack(await stdout.readexactly(HEAD.size))
        if size > FRAME_BYTES_AT_MOST:
            raise BrokenPipeError
        return kind, await stdout.readexactly(size)
