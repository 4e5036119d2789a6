"""What can be set on this machine, from one file, the environment and flags.

Is: one frozen record, later sources winning: defaults, `flamenco-p2p.toml` in the data folder,
`FLAMENCO_P2P_*` variables, flags. Is not: needed: a node starts without any of them. Settings of
the whole farm are not here once they are replicated. A wrong value is a sentence, never a reason
not to start: the default is used and the node says so.
"""

from __future__ import annotations

import os
import socket
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

FILE_NAME = "flamenco-p2p.toml"
BOUNDS = {"port": (0, 65535), "tries": (1, 1000), "blocked_at": (1, 1000)}
PREFIX = "FLAMENCO_P2P_"

TEMPLATE = """\
# Settings of flamenco-p2p on this machine. All of them are optional; remove a "#" to set one.
# Each is also an environment variable (FLAMENCO_P2P_PORT=8090), and most are flags.

# format = 1                    # of this file
# name = "anna"                 # this machine's name in the farm; default: its host name
# farm = "Flamenco"             # the farm's name, when this node founds it
# host = "0.0.0.0"              # the address to serve on; "127.0.0.1": this machine only
# names = ["farm.studio.lan"]   # other names under which it may be called
# port = 8080                   # if it is taken, the next free one is used
# worker = true                 # whether this machine renders
# task_types = ["blender", "ffmpeg", "file-management", "misc"]   # what it renders
# blenders = ["/opt/blender-4.5/blender"]   # Blenders that are not found by themselves
# job_types = "/path/to/scripts"            # own job types; default: "job-types" beside this file
# short_version = "3.8.5"       # the version that Flamenco's own add-on must have
# worker_timeout_s = 60         # a worker silent for longer loses its task; 0: never
# task_timeout_s = 600          # a task nobody hears of for longer has failed; 0: never
# tries = 3                     # so many workers may fail a task before it is given up
# blocked_at = 3                # so many failed tasks of a type, and a worker gets no more of them
# log_level = "info"            # debug, info, warning, error
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """This machine's settings. Durations in seconds."""

    name: str = field(default_factory=lambda: socket.gethostname().split(".")[0] or "node")
    farm: str = "Flamenco"
    names: tuple[str, ...] = ()
    host: str = "0.0.0.0"  # noqa: S104 -- a farm is for the local network
    port: int = 8080
    worker: bool = True
    task_types: tuple[str, ...] = ("blender", "ffmpeg", "file-management", "misc")
    blenders: tuple[str, ...] = ()
    job_types: str = ""
    short_version: str = "3.8.5"
    worker_timeout_s: int = 60
    task_timeout_s: int = 600
    tries: int = 3
    blocked_at: int = 3
    log_level: str = "info"


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration, and what is to be said about it."""

    config: Config
    warnings: tuple[str, ...]


def read_settings(folder: Path, environ: Mapping[str, str], flags: Mapping[str, Any]) -> Settings:
    """Return the settings of the node whose data folder this is. Blocks; raises nothing."""
    warnings: list[str] = []
    config = Config()
    for source, values in (
        (FILE_NAME, _read_file(folder / FILE_NAME, warnings)),
        ("environment", _read_environment(environ)),
        ("flag", {key: value for key, value in flags.items() if value is not None}),
    ):
        config = _merge(config, source, values, warnings)
    return Settings(config, tuple(warnings))


def write_template(folder: Path) -> None:
    """Put a commented file into the data folder, unless there is one. Blocks."""
    path = folder / FILE_NAME
    if not path.exists():
        path.write_text(TEMPLATE, encoding="utf-8")


def _read_file(path: Path, warnings: list[str]) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
        warnings.append(f"{path} is not used: {error}. Correct it, then restart.")
        return {}
    if (version := values.pop("format", 1)) != 1:
        warnings.append(f"{path} has format {version}, which this version does not know.")
    return values


def _read_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    names = {setting.name for setting in fields(Config)}
    return {
        name: environ[PREFIX + name.upper()] for name in names if PREFIX + name.upper() in environ
    }


def _merge(config: Config, source: str, values: Mapping[str, Any], warnings: list[str]) -> Config:
    known = {setting.name for setting in fields(Config)}
    for key, value in values.items():
        if key not in known:
            warnings.append(
                f"The setting “{key}” ({source}) is not known; known: {', '.join(sorted(known))}."
            )
            continue
        try:
            converted = _convert(getattr(config, key), value)
            least, most = BOUNDS.get(key, (converted, converted))
            if not least <= converted <= most:
                raise ValueError(f"it has to be from {least} to {most}")
            config = replace(config, **{key: converted})
        except ValueError as error:
            warnings.append(f"The setting “{key}” ({source}) is not used: {error}.")
    return config


def _convert(default: object, value: object) -> Any:
    """Return the value as the type that the default has. Raises `ValueError` with a reason."""
    match default:
        case bool():
            if isinstance(value, bool):
                return value
            text = str(value).strip().lower()
            if text in ("1", "true", "yes", "on"):
                return True
            if text in ("0", "false", "no", "off"):
                return False
            raise ValueError(f"{value!r} is neither true nor false")
        case int():
            if isinstance(value, bool) or not str(value).strip().isdecimal():
                raise ValueError(f"{value!r} is not a whole number")
            return int(str(value))
        case tuple():
            parts = list(filter(None, value.split(os.pathsep))) if isinstance(value, str) else value
            if not isinstance(parts, list | tuple) or not all(isinstance(p, str) for p in parts):
                raise ValueError(f"{value!r} is not a list of texts")
            return tuple(parts)
        case _:
            if not isinstance(value, str):
                raise ValueError(f"{value!r} is not a text")
            return value
