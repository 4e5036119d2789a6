"""Runs inside Blender: works out a job type's settings from the open scene.

Is: a script that stands alone: it needs only `bpy` and Python 3.10, reads and answers.
Is not: a part of the daemon (`scene_values` has Blender run it), and it never saves.

    blender -b FILE.blend --python read_scene.py -- request.json answer.json

request  {"job_name": str, "blendfile": path, "settings": […], "given": {key: value}}
answer   {"values": {key: value}, "errors": {key: sentence}, "blender_version": "3.4.1",
          "scene": {…}}

Which value a setting gets: what was given; else its expression, if it is not shown in Blender, is
linked to the scene, is read-only, or has no default that counts; else its default.
"""

from __future__ import annotations

import glob
import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

INT32 = (-(2**31), 2**31 - 1)
UNSET: Mapping[str, Any] = {"string": "", "int32": 0, "float": 0.0, "bool": False}


class NoValue(Exception):
    """A setting cannot have this value. Its text is a sentence."""


def converted(setting: Mapping[str, Any], value: Any) -> Any:
    """Return `value` as the setting's type, within its limits, or raise NoValue."""
    kind = setting.get("type")
    if value is None:
        raise NoValue("there is no value (None).")
    if kind == "bool":
        return bool(value)
    if kind == "string":
        choices = setting.get("choices") or [str(value)]
        if str(value) not in choices:
            raise NoValue(f'"{value}" is not one of {", ".join(choices)}.')
        return str(value)
    if kind not in ("int32", "float"):
        raise NoValue(f'the job type gives it the unknown type "{kind}".')
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise NoValue(f"{value!r} is not a number.") from None
    if not math.isfinite(number):
        raise NoValue(f"{value!r} is not a finite number.")
    limits = setting.get("propargs") or {}
    number = min(max(number, limits.get("min", -math.inf)), limits.get("max", math.inf))
    if kind == "float":
        return number
    if number != int(number) or not INT32[0] <= number <= INT32[1]:
        raise NoValue(f"{value!r} is not a whole number of 32 bits.")
    return int(number)


class Settings:
    """What expressions see as `settings`: every setting is an attribute.

    A value is worked out when it is first asked for, so an expression may use settings that come
    later in the job type.
    """

    def __init__(
        self,
        described: Sequence[Mapping[str, Any]],
        given: Mapping[str, Any],
        names: Mapping[str, Any],
    ) -> None:
        self._described = {setting["key"]: setting for setting in described}
        self._given = given
        self._names = {**names, "settings": self}
        self._values: dict[str, Any] = {}

    def __getattr__(self, key: str) -> Any:
        if key not in self._described:
            raise AttributeError(f'the job type has no setting "{key}"')
        if key not in self._values:
            setting = self._described[key]
            self._values[key] = self._start(
                setting
            )  # what an expression that goes in a circle sees
            try:
                self._values[key] = self._worked_out(setting)
            except BaseException:
                del self._values[key]
                raise
        return self._values[key]

    def _start(self, setting: Mapping[str, Any]) -> Any:
        choices = setting.get("choices") or []
        unset = choices[0] if choices else UNSET.get(setting.get("type", ""))
        default = setting.get("default")
        return converted(setting, unset if default is None else default)

    def _worked_out(self, setting: Mapping[str, Any]) -> Any:
        key, expression = setting["key"], setting.get("eval")
        if key in self._given:
            return converted(setting, self._given[key])
        computed = (
            setting.get("visible", "visible") in ("web", "hidden")
            or (setting.get("evalInfo") or {}).get("showLinkButton")
            or setting.get("editable") is False
            or not self._values[key]
        )
        if not (expression and computed):
            return self._values[key]
        # As globals, so that a comprehension within the expression sees the names as well.
        return converted(setting, eval(expression, dict(self._names)))  # noqa: S307 - the job type's


def worked_out(
    described: Sequence[Mapping[str, Any]], given: Mapping[str, Any], names: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values of all settings, and for each that has none a sentence why."""
    settings = Settings(described, given, names)
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for setting in described:
        key = setting["key"]
        try:
            values[key] = getattr(settings, key)
        except NoValue as error:
            errors[key] = str(error)
        except Exception as error:  # an expression may raise anything
            errors[key] = f"{type(error).__name__}: {error}."
    return values, errors


def last_n_dir_parts_of(blendfile: str) -> Any:
    """Return the function that expressions know as `last_n_dir_parts`."""

    def last_n_dir_parts(n: int, file_path: str | Path | None = None) -> Path:
        folder = Path(file_path or blendfile).parent
        below = folder.relative_to(folder.anchor).parts
        return Path(*below[-n:]) if n > 0 else Path()

    return last_n_dir_parts


def names_for(bpy: Any, blendfile: str, job_name: str) -> dict[str, Any]:
    """Return the names that a job type's expressions may use, without `settings`."""

    def abspath(path: str | Path) -> Path:
        return Path(os.path.abspath(bpy.path.abspath(str(path))))  # noqa: PTH100 - keeps symlinks

    return {
        "bpy": bpy,
        "C": bpy.context,
        "jobname": job_name,
        "Path": Path,
        "abspath": abspath,
        "last_n_dir_parts": last_n_dir_parts_of(blendfile),
    }


def missing_files(bpy: Any) -> list[str]:
    """Return the files that the scene uses, are not packed into it, and do not exist."""
    used = bpy.utils.blend_paths(absolute=True, packed=False, local=False)
    return sorted({path for path in used if not _exists(path)})


def _exists(path: str) -> bool:
    if "<UDIM>" in path or "<UVTILE>" in path:
        tiles = glob.escape(path).replace("<UDIM>", "*").replace("<UVTILE>", "*")
        return bool(glob.glob(tiles))  # noqa: PTH207 - the pattern is a whole path
    return Path(path).exists()


def described_scene(bpy: Any) -> dict[str, Any]:
    """Return what an artist recognises the scene by, and what would go wrong when rendering it."""
    scene = bpy.context.scene
    render = scene.render
    scale = render.resolution_percentage / 100
    return {
        "name": scene.name,
        "frame_start": scene.frame_start,
        "frame_end": scene.frame_end,
        "fps": render.fps / render.fps_base,
        "engine": render.engine,
        "resolution": [int(render.resolution_x * scale), int(render.resolution_y * scale)],
        "format": render.image_settings.file_format,
        "camera": scene.camera is not None,
        "missing_files": missing_files(bpy),
        "scenes": sorted(bpy.data.scenes.keys()),
    }


def main(request_path: str, answer_path: str) -> None:
    """Answer one request. A file that Blender could not open leaves no answer."""
    import bpy

    request = json.loads(Path(request_path).read_text(encoding="utf-8"))
    if not bpy.data.filepath:
        return
    if (chosen := bpy.data.scenes.get(request["scene"])) is not None:
        bpy.context.window.scene = chosen
    names = names_for(bpy, request["blendfile"], request["job_name"])
    values, errors = worked_out(request["settings"], request["given"], names)
    answer = {
        "values": values,
        "errors": errors,
        "blender_version": ".".join(map(str, bpy.app.version)),
        "scene": described_scene(bpy),
    }
    Path(answer_path).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[-2:])
