"""The values of a job's settings: what a person typed, and what the scene says.

Is: our side of `read_scene`, and the reading of settings given as text. Is not: the submission,
or a check that a job can be compiled from them (the manager's intake).
"""

from __future__ import annotations

import asyncio
import math
import os
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from flamenco_p2p.farm.errors import Refused
from flamenco_p2p.files.blend_file import recognised

_SCRIPT: Final = Path(__file__).with_name("read_scene.py")
Number = TypeVar("Number", int, float)

_YES: Final = frozenset({"true", "yes", "on", "1"})
_NO: Final = frozenset({"false", "no", "off", "0"})


@dataclass(frozen=True, slots=True)
class SceneSummary:
    """What an artist recognises the scene by. `resolution` is in pixels, as rendered."""

    name: str
    frame_start: int
    frame_end: int
    fps: float
    engine: str
    resolution: tuple[int, int]
    format: str
    camera: bool
    missing_files: tuple[str, ...]
    scenes: tuple[str, ...]  # names of all there are


@dataclass(frozen=True, slots=True)
class SceneAnswer:
    """The settings to submit, complete and of their types, and the scene they are for."""

    values: dict[str, Any]
    blender_version: str  # of the Blender that read the file: "3.4.1"
    scene: SceneSummary


class _Answer(msgspec.Struct, frozen=True):
    """The answer file of `read_scene`."""

    values: dict[str, Any]
    errors: dict[str, str]
    blender_version: str
    scene: SceneSummary


def default_output_root(blendfile: Path) -> str:
    """The folder for rendered frames when nobody chose one: `render`, beside the .blend."""
    return str(blendfile.parent / "render")


def parse_setting(job_type: Mapping[str, Any], key: str, text: str) -> str | int | float | bool:
    """Read `text` as the value of the job type's setting `key`. Raises `Refused`."""
    setting = _described(job_type, key)
    match setting.get("type"):
        case "string":
            choices = setting.get("choices")
            if choices and text not in choices:
                raise _unfitting(key, text, f"Choose one of: {', '.join(choices)}.")
            return text
        case "bool":
            word = text.strip().lower()
            if word not in _YES | _NO:
                raise _unfitting(key, text, "Write true or false.")
            return word in _YES
        case "int32":
            return _within_limits(setting, text, _whole_number(key, text))
        case "float":
            return _within_limits(setting, text, _number(key, text))
        case other:
            raise Refused(
                f'The job type gives the setting "{key}" a type nobody knows: {other}.',
                remedy="Use string, int32, float or bool in the job type.",
            )


async def evaluate_settings(
    *,
    blender_argv: Sequence[str],
    blendfile: Path,
    job_type: Mapping[str, Any],
    given: Mapping[str, Any],
    job_name: str,
    timeout_s: float = 60,
) -> SceneAnswer:
    """Let Blender open `blendfile` and work out what `given` leaves open.

    `job_type` is an AvailableJobType as it comes over the wire; `given` has values of the settings'
    types. Values that were given stay; only `blendfile` is always the file's own path, and a given
    name of the scene chooses the one that is asked. Raises `Refused` if the file is no .blend or
    lacks that scene, if Blender does not manage to read it in `timeout_s` seconds, or if a setting
    gets no value.
    """
    for key in given:
        _described(job_type, key)
    blendfile, saved_by = await asyncio.to_thread(recognised, blendfile)
    settings = [dict(setting) for setting in job_type.get("settings") or ()]
    given = dict(given)
    if any((s["key"], s.get("type")) == ("blendfile", "string") for s in settings):
        given["blendfile"] = str(blendfile)
    folder = await asyncio.to_thread(lambda: tempfile.TemporaryDirectory(prefix="flamenco-p2p-"))
    try:
        exchange = _Exchange(Path(folder.name))
        request = {
            "job_name": job_name,
            "scene": _chosen_scene(settings, given),
            "blendfile": str(blendfile),
            "settings": settings,
            "given": given,
        }
        await asyncio.to_thread(exchange.request.write_bytes, msgspec.json.encode(request))
        status = await _run(
            [*blender_argv, *exchange.arguments(blendfile)], exchange.log, timeout_s
        )
        answer = await asyncio.to_thread(exchange.read_answer)
        if answer is None:
            log = await asyncio.to_thread(exchange.last_words)
            raise _no_answer(blendfile, saved_by, status, log)
    finally:
        await asyncio.to_thread(folder.cleanup)
    if (chosen := _chosen_scene(settings, given)) and chosen != answer.scene.name:
        has = ", ".join(answer.scene.scenes)
        raise Refused(f'“{blendfile}” has no scene "{chosen}".', remedy=f"It has: {has}.")
    if answer.errors:
        raise _no_values(answer.errors)
    return SceneAnswer(answer.values, answer.blender_version, answer.scene)


def _chosen_scene(settings: Sequence[Mapping[str, Any]], given: Mapping[str, Any]) -> str:
    """The scene a person asked for; empty: the one that the file opens with."""
    names = [given.get(one["key"]) for one in settings if one.get("eval") == "C.scene.name"]
    return next((name for name in names if isinstance(name, str)), "")


@dataclass(frozen=True, slots=True)
class _Exchange:
    """The files that go between us and one Blender."""

    folder: Path

    @property
    def request(self) -> Path:
        return self.folder / "request.json"

    @property
    def answer(self) -> Path:
        return self.folder / "answer.json"

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"

    def arguments(self, blendfile: Path) -> list[str]:
        """What follows the Blender. The order matters to it: options hold for what comes later."""
        before = ["-b", "--factory-startup", "--disable-autoexec", str(blendfile)]
        return [*before, "--python", str(_SCRIPT), "--", str(self.request), str(self.answer)]

    def read_answer(self) -> _Answer | None:
        try:
            return msgspec.json.decode(self.answer.read_bytes(), type=_Answer)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def last_words(self) -> str:
        """The last line of Blender's output that speaks of an error, or else the last one."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").split("\n")
        lines = [line.strip() for line in lines if line.strip()]
        return next((line for line in reversed(lines) if "Error" in line), "".join(lines[-1:]))


async def _run(argv: Sequence[str], log: Path, timeout_s: float) -> int:
    """Run Blender to its end and return its exit status. It ends with us in any case."""
    with await asyncio.to_thread(log.open, "wb") as output:
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=sys.platform != "win32",
            )
        except OSError as error:
            raise Refused(
                f'Blender could not be started as "{argv[0]}": {error.strerror}.',
                remedy="Install Blender, or tell where it is.",
            ) from error
    try:
        async with asyncio.timeout(timeout_s):
            return await process.wait()
    except TimeoutError:
        raise Refused(
            f"Blender did not finish reading the file within {timeout_s:g} seconds.",
            remedy="If the file is very large, allow it more time; else open it in Blender once.",
        ) from None
    finally:
        if process.returncode is None:
            _kill(process)
            await process.wait()


def _kill(process: asyncio.subprocess.Process) -> None:
    """End Blender, and the wrapper that some systems start it with."""
    if sys.platform == "win32":
        process.kill()
    else:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _described(job_type: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    settings: Sequence[Mapping[str, Any]] = job_type.get("settings") or ()
    for setting in settings:
        if setting["key"] == key:
            return setting
    known = ", ".join(setting["key"] for setting in settings) or "none at all"
    raise Refused(
        f'The job type "{job_type["name"]}" has no setting "{key}".', remedy=f"It has: {known}."
    )


def _whole_number(key: str, text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise _unfitting(key, text, "Write a whole number.") from None
    if not -(2**31) <= number < 2**31:
        raise _unfitting(key, text, "Write a number of 32 bits.")
    return number


def _number(key: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise _unfitting(key, text, "Write a number.") from None
    if not math.isfinite(number):
        raise _unfitting(key, text, "Write a finite number.")
    return number


def _within_limits(setting: Mapping[str, Any], text: str, number: Number) -> Number:
    limits = setting.get("propargs") or {}
    low, high = limits.get("min", -math.inf), limits.get("max", math.inf)
    if number < low:
        raise _unfitting(setting["key"], text, f"It must be at least {low}.")
    if number > high:
        raise _unfitting(setting["key"], text, f"It must be at most {high}.")
    return number


def _unfitting(key: str, text: str, remedy: str) -> Refused:
    return Refused(f'The setting "{key}" cannot be "{text}".', remedy=remedy)


def _no_answer(blendfile: Path, saved_by: tuple[int, int], status: int, log: str) -> Refused:
    how = f"crashed (signal {-status})" if status < 0 else f"gave no answer (status {status})"
    words = f" Its last words: {log.removesuffix('.')}." if log else ""
    saved = f"Blender {saved_by[0]}.{saved_by[1]}"
    return Refused(
        f'Blender {how} when it should read "{blendfile}".{words}',
        remedy=f"Open it in {saved}, which saved it, or a newer one; if that fails, it is damaged.",
    )


def _no_values(errors: Mapping[str, str]) -> Refused:
    listed = " ".join(f'"{key}": {why}' for key, why in errors.items())
    return Refused(
        f"The scene gives no value for these settings of the job. {listed}",
        remedy="Give them yourself, or correct the job type's expressions.",
    )
