"""One job-type script in one sandbox.

Is: a fresh QuickJS context with limits, and the questions that can be put to the script in it.
Is not: finding scripts (job_types.py), the script API (prelude.js), or the process around it.
Create, use and drop an Engine in one thread whose stack is larger than `Limits.stack_mib`.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
import quickjs

from flamenco_p2p.compiler.job_types import Script, job_type_name
from flamenco_p2p.compiler.messages import CompileRequest, Limits

_BEGIN_MARKER: Final = "__flamencoP2pScriptBegins__"
_PLATFORMS: Final = {"win32": "windows", "cygwin": "windows"}  # others: sys.platform, no digits
_THROWN: Final = re.compile(
    r"(?P<text>.*?)\n(?:undefined|(?P<stack>(?: +at [^\n]*\n?)+))\Z", re.DOTALL
)
_LINE: Final = re.compile(r"<input>:(\d+)")


class ScriptError(Exception):
    """The script failed, in words for people; the first are its own.

    `outran`: it used up a limit. `parsed`: it got as far as its first statement.
    """

    def __init__(self, problem: str, *, remedy: str = "", outran: bool = False) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
        self.outran = outran
        self.parsed = True


@dataclass(frozen=True, slots=True)
class Description:
    """A job type as its script describes it; `raw` is JSON text with the etag in it."""

    label: str
    description: str
    etag: str
    raw: bytes


class CompiledHeader(msgspec.Struct, frozen=True):
    """What is known of a compiled job before its tasks are handed over."""

    name: str
    priority: int
    settings: str
    metadata: dict[str, str]
    task_count: int
    steps_total: int
    warnings: list[str]


class Engine:
    """A script that has been run up to its last top-level statement."""

    def __init__(
        self, script: Script, modules: Mapping[str, str], limits: Limits, *, job_id: str = ""
    ) -> None:
        """Run the script. Raises ScriptError if it cannot be parsed or fails."""
        self._limits = limits
        self._budget_s = limits.describe_time_s
        self._until = time.process_time() + self._budget_s
        self._context = quickjs.Context()
        self._context.set_max_stack_size(limits.stack_mib << 20)
        prelude, host = _own_sources()
        self._first_line = prelude.count("\n") + host.count("\n") + 3
        config = {
            "script": script.file,
            "name": job_type_name(script.file),
            "jobId": job_id or "00000000-0000-0000-0000-000000000000",
            "platform": _PLATFORMS.get(sys.platform) or sys.platform.rstrip("0123456789"),
            "cwd": os.getcwd(),  # noqa: PTH109 - the text as the system gives it
            "frames": limits.frames,
            "tasks": limits.tasks,
            "taskBytes": limits.task_bytes,
            "files": modules,
            "sources": [(self._first_line, script.file)],
            "nextLine": self._first_line + script.text.count("\n") + 2,
            "beginMarker": _BEGIN_MARKER,
        }
        make_prelude = self._context.eval(prelude)
        parts = make_prelude(self._context.parse_json(msgspec.json.encode(config).decode()))
        self._ask_host = self._context.eval("\n" * prelude.count("\n") + host)(parts)
        self._context.set_memory_limit(limits.memory_mib << 20)
        self._run(script)

    def describe(self) -> Description:
        """Return what JOB_TYPE says."""
        answer = self._ask("describe")
        unsigned = answer["text"].encode()
        etag = hashlib.sha1(unsigned, usedforsecurity=False).hexdigest()
        # Keys are sorted and quotes in texts escaped, so the first match is the job type's own.
        raw = unsigned.replace(b'"etag":""', f'"etag":"{etag}"'.encode(), 1)
        return Description(answer["label"], answer["description"], etag, raw)

    def compile(self, request: CompileRequest) -> CompiledHeader:
        """Call compileJob, wait for its promises, check what it made. Call `describe` first."""
        self._budget_s = self._limits.time_s
        self._until = time.process_time() + self._budget_s
        argument = {
            "name": request.name,
            "priority": request.priority,
            "settings": request.settings.decode(errors="replace"),
            "metadata": request.metadata,
            "created_ms": int(request.created.timestamp() * 1000),
            "shaman_checkout_id": request.shaman_checkout_id,
            "worker_tag": request.worker_tag,
        }
        self._ask("compile", msgspec.json.encode(argument).decode())
        while self._within_limits(self._context.execute_pending_job):
            pass
        return msgspec.convert(self._ask("finish"), CompiledHeader)

    def batches(self) -> Iterator[str]:
        """Yield the tasks in batches: a line of heads, one of dependencies, one per task."""
        while batch := self._within_limits(lambda: self._ask_host("batch")):
            yield batch
            self._until = time.process_time() + self._budget_s

    def printed(self) -> list[tuple[str, str]]:
        """Return what the script said with print and alert: (level, text)."""
        try:
            return msgspec.convert(self._ask("printed"), list[tuple[str, str]])
        except ScriptError:
            return []  # it used up all its memory or time; nothing more can be asked

    def _run(self, script: Script) -> None:
        source = f'"use strict";{_BEGIN_MARKER}();{script.text}'
        padding = "\n" * (self._first_line - 1)
        try:
            self._within_limits(lambda: self._context.eval(padding + source))
        except ScriptError as error:
            error.parsed = error.outran or self._ask("begun")
            raise

    def _ask(self, what: str, argument: str = "") -> Any:
        text = self._within_limits(lambda: self._ask_host(what, argument))
        answer = msgspec.json.decode(text)
        if (error := answer.get("error")) is not None:
            raise self._located(error["text"], error["stack"], error["sources"])
        return answer.get("value")

    def _within_limits(self, call: Callable[[], Any]) -> Any:
        """Enter JavaScript with the time that is left."""
        left_s = self._until - time.process_time()
        if left_s <= 0:
            raise self._too_slow()
        self._context.set_time_limit(left_s)
        try:
            return call()
        except quickjs.JSException as error:
            if time.process_time() >= self._until:
                raise self._too_slow() from error
            raise self._thrown(str(error)) from error

    def _thrown(self, message: str) -> ScriptError:
        """Return the error for what left JavaScript as an exception: text, line end, stack."""
        parts = _THROWN.match(message)
        text, stack = (parts["text"], parts["stack"] or "") if parts else (message, "")
        if self._is_out_of_memory(text):
            return self._too_big()  # not even its own sources could be asked for
        return self._located(text.removeprefix("GoError: "), stack, self._ask("sources"))

    def _too_slow(self) -> ScriptError:
        return ScriptError(
            f"The script ran longer than {self._budget_s:g} s.",
            remedy="Look for a loop that does not end.",
            outran=True,
        )

    def _too_big(self) -> ScriptError:
        return ScriptError(
            f"The script needed more than {self._limits.memory_mib} MB.",
            remedy="Use larger chunks, or split the job.",
            outran=True,
        )

    def _is_out_of_memory(self, text: str) -> bool:
        """Whether the engine ran out of memory; with none left for an error it throws null."""
        full = self._context.memory()["malloc_size"] > self._limits.memory_mib << 19
        return text == "InternalError: out of memory" or (text == "null" and full)

    def _located(self, text: str, stack: str, sources: list[tuple[int, str]]) -> ScriptError:
        """Return the error with the file and line of the innermost frame that is not ours."""
        if self._is_out_of_memory(text):
            return self._too_big()
        for line in map(int, _LINE.findall(stack)):
            if line >= self._first_line:
                first, file = max(source for source in sources if source[0] <= line)
                return ScriptError(f"{text} ({file}, line {line - first + 1})")
        return ScriptError(f"{text} ({sources[0][1]})")


@cache
def _own_sources() -> tuple[str, str]:
    folder = Path(__file__).parent
    return (folder / "prelude.js").read_text("utf-8"), (folder / "host.js").read_text("utf-8")
