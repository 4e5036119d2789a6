"""Where job-type scripts are, and what they are called.

Is: the rules for files: which count, their names, which of several wins, what `require` can reach.
Read on every question, so that an edited script counts at once. Is not: running them (engine.py).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SMALLEST_SCRIPT_BYTES: Final = 8
_MODULES_AT_MOST: Final = 2000
_MODULE_BYTES_AT_MOST: Final = 8 << 20


class UnreadableScript(Exception):
    """This file cannot be a script; the text says why."""


@dataclass(frozen=True, slots=True)
class Script:
    """One script file: its file name, and its text as the engine wants it."""

    file: str
    text: str

    @property
    def wants_modules(self) -> bool:
        """Whether the script may use `require`."""
        return "require" in self.text


def job_type_name(file: str) -> str:
    """Return the job type's name for a file name: `my_job.js` is `my-job`."""
    return Path(file).stem.replace("_", "-")


def find_scripts(folders: Sequence[Path]) -> dict[str, list[Path]]:
    """Return every job type's name with its script files, the one that counts first.

    Of two folders the first wins; within a folder the name that sorts last.
    """
    found: dict[str, list[Path]] = {}
    for folder in folders:
        if not folder.is_dir():
            continue
        names = sorted((entry.name for entry in os.scandir(folder)), key=os.fsencode, reverse=True)
        for path in (folder / name for name in names):
            if path.suffix == ".js" and path.is_file() and _size(path) >= _SMALLEST_SCRIPT_BYTES:
                found.setdefault(job_type_name(path.name), []).append(path)
    return dict(sorted(found.items(), key=lambda item: item[0].encode("utf-8", "replace")))


def read_script(path: Path) -> Script:
    """Return a script; UnreadableScript if it is not there any more or not UTF-8."""
    try:
        return Script(file=path.name, text=_source_text(path.read_bytes()))
    except OSError as error:
        raise UnreadableScript(f"{path.name} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UnreadableScript(f"{path.name} is not UTF-8 text") from error


def read_modules(folders: Sequence[Path]) -> dict[str, str]:
    """Return all that `require` can load: paths below the folders ("lib/x.js") and their texts.

    Linked folders are not entered; files that are not UTF-8 are left out.
    """
    modules: dict[str, str] = {}
    room = _MODULE_BYTES_AT_MOST
    for folder in reversed(folders):  # so that the first folder has the last word
        for parent, _, files in os.walk(folder):
            for path in (Path(parent, file) for file in files if file.endswith((".js", ".json"))):
                try:
                    content = path.read_bytes()
                    text = _source_text(content)
                except (OSError, UnicodeDecodeError):
                    continue
                room -= len(content)
                modules[path.relative_to(folder).as_posix()] = text
                if room < 0 or len(modules) > _MODULES_AT_MOST:
                    raise UnreadableScript(
                        f"{folder} holds more than {_MODULES_AT_MOST} scripts or"
                        f" {_MODULE_BYTES_AT_MOST >> 20} MB, too much for require()"
                    )
    return modules


def fingerprint(paths: Sequence[Path], folders: Sequence[Path]) -> str:
    """Return a digest that changes whenever what these scripts say may have changed."""
    digest = hashlib.sha256()
    for path in paths:
        try:
            script = read_script(path)
            digest.update(f"{path}\0{script.text}\0".encode())
            if script.wants_modules:
                digest.update(repr(sorted(read_modules(folders).items())).encode())
        except UnreadableScript as error:
            digest.update(f"{path}\0{error}\0".encode("utf-8", "replace"))
    return digest.hexdigest()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _source_text(content: bytes) -> str:
    """Decode a source file; a `#!` line becomes a comment, as something will precede it."""
    text = content.decode("utf-8-sig")
    return f"//{text[2:]}" if text.startswith("#!") else text
