"""The child process that runs scripts: `python -m flamenco_p2p.compiler.child START_UP`.

Is: a loop that reads questions from stdin and writes answers to stdout, one after the other. Is
not: in charge of its own life; the daemon kills it when it takes too long, and it ends when stdin
does.
"""

from __future__ import annotations

import gc
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from flamenco_p2p.compiler.engine import Description, Engine, ScriptError
from flamenco_p2p.compiler.job_types import (
    Script,
    UnreadableScript,
    find_scripts,
    fingerprint,
    read_modules,
    read_script,
)
from flamenco_p2p.compiler.messages import (
    HEAD,
    MESSAGE,
    SLICE,
    Answer,
    Compile,
    Compiled,
    CompileRequest,
    Describe,
    Described,
    EtagDiffers,
    Failed,
    Forget,
    ListNames,
    Names,
    NextSlice,
    NoMoreSlices,
    NoSuchType,
    Question,
    StartUp,
    frame,
)
from flamenco_p2p.compiler.slices import pack_slices
from flamenco_p2p.compiler.time_zones import time_zone

_ADDRESS_SPACE_FOR_PYTHON_MIB: Final = 1024
_questions: Final = msgspec.msgpack.Decoder[Question](Question)


class Child:
    """Answers questions. Holds at most one compiled job, until its slices have been fetched."""

    def __init__(self, start_up: StartUp) -> None:
        self._folders = [Path(folder) for folder in start_up.folders]
        self._limits = start_up.limits
        self._slices: Iterator[tuple[int, bytes]] = iter(())

    def answer(self, question: Question) -> bytes:
        """Return the frame that answers; empty for questions without answer."""
        match question:
            case NextSlice():
                return self._next_slice()
            case Forget():
                self._slices = iter(())
                return b""
            case ListNames():
                return _message(self._names())
            case Describe(name):
                return _message(self._guarded(lambda: self._describe(name)))
            case Compile(request):
                return _message(self._guarded(lambda: self._compile(request)))

    def _next_slice(self) -> bytes:
        try:
            count, payload = next(self._slices)
        except StopIteration:
            return _message(NoMoreSlices())
        except ScriptError as error:
            return _message(_failure(error))
        return frame(SLICE, count.to_bytes(2, "big") + payload)

    def _names(self) -> Names:
        scripts = find_scripts(self._folders)
        return Names({name: fingerprint(paths, self._folders) for name, paths in scripts.items()})

    def _guarded(self, work: Callable[[], Answer]) -> Answer:
        try:
            return work()
        except ScriptError as error:
            return _failure(error)
        except UnreadableScript as error:
            return _failure(ScriptError(f"{error}."))
        except MemoryError:
            return _failure(ScriptError("The script needed more memory than it may.", outran=True))

    def _describe(self, name: str) -> Answer:
        opened = self._open(name)
        if opened is None:
            return NoSuchType()
        _, described, warnings = opened
        return Described(
            name=name,
            label=described.label,
            description=described.description,
            etag=described.etag,
            raw=described.raw,
            warnings=warnings,
        )

    def _compile(self, request: CompileRequest) -> Answer:
        self._slices = iter(())
        with time_zone(request.time_zone) as in_zone:
            opened = self._open(request.type, request.job_id)
            if opened is None:
                return NoSuchType()
            engine, described, warnings = opened
            if request.type_etag not in ("", described.etag):
                return EtagDiffers()
            if not in_zone:
                warnings.append(f"Times are this machine's, not those of {request.time_zone!r}.")
            try:
                header = engine.compile(request)
            except ScriptError as error:
                return _failure(error, engine.printed())
        self._slices = pack_slices(engine.batches(), self._limits)
        return Compiled(
            name=header.name,
            priority=header.priority,
            settings=header.settings.encode(),
            metadata=header.metadata,
            task_count=header.task_count,
            steps_total=header.steps_total,
            warnings=warnings + header.warnings,
            printed=engine.printed(),
        )

    def _open(self, name: str, job_id: str = "") -> tuple[Engine, Description, list[str]] | None:
        """Run the script that counts, and read its JOB_TYPE; None if there is no such script.

        A script that cannot even be parsed gives way to the next one of the same name.
        """
        warnings: list[str] = []
        paths = find_scripts(self._folders).get(name)
        if paths is None:
            return None
        for index, path in enumerate(paths):
            try:
                script = read_script(path)
                engine = Engine(script, self._modules(script), self._limits, job_id=job_id)
                return engine, engine.describe(), warnings
            except (ScriptError, UnreadableScript) as error:
                parsed = isinstance(error, ScriptError) and error.parsed
                if parsed or index + 1 == len(paths):
                    raise
                warnings.append(f"{error}: {paths[index + 1]} is used instead.")
        return None

    def _modules(self, script: Script) -> dict[str, str]:
        return read_modules(self._folders) if script.wants_modules else {}


def main() -> None:
    """Serve until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the daemon, which then ends us
    start_up = msgspec.json.decode(sys.argv[1], type=StartUp)
    gc.disable()  # contexts and slices are freed by reference counts; a pass costs up to a second
    _set_memory_limit(start_up.limits.memory_mib + _ADDRESS_SPACE_FOR_PYTHON_MIB)
    threading.stack_size((start_up.limits.stack_mib + 32) << 20)
    worker = threading.Thread(target=_serve, args=(start_up,))
    worker.start()
    worker.join()


def _serve(start_up: StartUp) -> None:
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    child = Child(start_up)
    limits = start_up.limits
    while (payload := _read_frame(questions)) is not None:
        _set_cpu_limit(limits.time_s + limits.describe_time_s + 2 * limits.grace_s)
        answers.write(child.answer(_questions.decode(payload)))
        answers.flush()


def _read_frame(stream: BinaryIO) -> bytes | None:
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    return stream.read(HEAD.unpack(head)[0])


def _message(answer: Answer) -> bytes:
    return frame(MESSAGE, msgspec.msgpack.encode(answer))


def _failure(error: ScriptError, printed: list[tuple[str, str]] | None = None) -> Failed:
    return Failed(error.problem, error.remedy, error.outran, printed or [])


def _set_memory_limit(mib: int) -> None:
    if sys.platform == "linux":
        import resource

        _lower_limit(resource.RLIMIT_AS, mib << 20)


def _set_cpu_limit(seconds: float) -> None:
    """End this process if the engine fails to stop a script and nobody is left to kill us."""
    if sys.platform != "win32":
        import resource

        _lower_limit(resource.RLIMIT_CPU, int(time.process_time() + seconds) + 1)


def _lower_limit(kind: int, amount: int) -> None:
    import resource

    _, hard = resource.getrlimit(kind)
    allowed = amount if hard == resource.RLIM_INFINITY else min(amount, hard)
    resource.setrlimit(kind, (allowed, hard))


if __name__ == "__main__":
    main()
