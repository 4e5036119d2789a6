"""What `{blender}` and shared folders are called on each platform.

Is: the farm's variables, as a table that fills them in for a worker, and finds them in the paths
that an artist submits. Is not: where they are kept, nor the files behind the paths.

A one-way variable (`{blender}`) is only ever filled in. A two-way variable names one folder as each
platform sees it: a path that lies in it is stored as `{name}/…` and filled in for whoever reads it.
Platforms are free words ("linux", "windows", "darwin"); "all" stands for any, and an exact
platform's value wins over it. Of two variables with one name the later one counts, which is how the
farm's variables override `DEFAULT_VARIABLES` and nothing overrides `{jobs}`, given last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from flamenco_p2p.farm.errors import Refused

AUDIENCES: Final = ("workers", "users")
ALL: Final = "all"

_REFERENCE: Final = re.compile(r"\{([^{}]+)\}")
_SEPARATORS: Final = "/\\"


class BadVariable(Refused):
    """A variable that could not be told apart from other text, or would match any path."""


@dataclass(frozen=True, slots=True)
class VariableValue:
    """What a variable stands for on some platforms, for the "workers", the "users" or "all"."""

    value: str
    platforms: tuple[str, ...] = (ALL,)
    audience: str = ALL


@dataclass(frozen=True, slots=True)
class Variable:
    """One name and its values; where two of them fit equally well, the later one counts."""

    name: str
    is_twoway: bool
    values: tuple[VariableValue, ...]

    def __post_init__(self) -> None:
        if not _REFERENCE.fullmatch(f"{{{self.name}}}"):
            raise BadVariable(
                f'"{self.name}" cannot be the name of a variable.',
                remedy="Choose a name without curly braces.",
            )
        if self.is_twoway and not all(value.value.strip() for value in self.values):
            raise BadVariable(
                f"The two-way variable {{{self.name}}} has an empty value.",
                remedy="Enter the folder it stands for, or remove that value.",
            )


DEFAULT_VARIABLES: Final = (
    Variable(
        name="blender",
        is_twoway=False,
        values=(
            VariableValue("blender", ("linux",)),
            VariableValue("blender.exe", ("windows",)),
            VariableValue("blender", ("darwin",)),
        ),
    ),
    Variable(name="blenderArgs", is_twoway=False, values=(VariableValue("-b -y"),)),
)


class VisibleVariable(NamedTuple):
    """A variable as one audience on one platform sees it."""

    value: str
    is_twoway: bool


class VariableTable:
    """All variables of a farm whose manager runs on `manager_platform`.

    The manager's platform matters because paths that never became variables (and `{jobs}`) are
    written the manager's way.
    """

    def __init__(self, variables: Iterable[Variable], *, manager_platform: str) -> None:
        by_name = {variable.name: variable for variable in variables}
        self._variables = [by_name[name] for name in sorted(by_name)]
        self._manager_platform = manager_platform

    def visible(self, audience: str, platform: str) -> dict[str, VisibleVariable]:
        """By name, what has a value there. Two-way values come without a separator at their end."""
        visible = {}
        for variable in self._variables:
            value = _value_for(variable, audience, platform)
            if value is not None and variable.is_twoway:
                value = _without_end(value) or value[0]
            if value is not None:
                visible[variable.name] = VisibleVariable(value, variable.is_twoway)
        return visible

    def expand(self, text: str, *, platform: str, audience: str = "workers") -> str:
        """`text` as that audience on that platform can use it.

        Names without a value stay as they are. As soon as a shared folder was involved, `text` is
        taken for a path and gets the platform's separators throughout; otherwise (say, in an FFmpeg
        filter) separators are left alone.
        """
        visible = self.visible(audience, platform)
        words = {name: seen.value for name, seen in visible.items() if not seen.is_twoway}
        text = _fill_in(text, words)
        folders = self._folders(audience, platform)
        managers = self._folders(audience, self._manager_platform)
        known = {name: folder for name, folder in managers.items() if name in folders}
        named = _name_folder(text, known, self._manager_platform, ignore_case=False)
        if folders.keys().isdisjoint(_REFERENCE.findall(named)):
            return text
        return path_on(platform, _fill_in_folders(named, folders))

    def expand_parameters(
        self, parameters: Mapping[str, object], *, platform: str, audience: str = "workers"
    ) -> dict[str, object]:
        """A command's parameters with each string, and each string in a list, filled in.

        Keys, and what lies deeper than that, stay as they are.
        """

        def filled(value: object) -> object:
            if isinstance(value, str):
                return self.expand(value, platform=platform, audience=audience)
            return value

        return {
            key: [filled(item) for item in value] if isinstance(value, list) else filled(value)
            for key, value in parameters.items()
        }

    def recognise(self, text: str, *, platform: str, audience: str = "workers") -> str:
        """`text` with the shared folder it begins with replaced by `{name}`, if there is one.

        The most specific folder wins. Upper and lower case count as equal, on every platform.
        """
        folders = self._folders(audience, platform)
        return _name_folder(text, folders, platform, ignore_case=True)

    def _folders(self, audience: str, platform: str) -> dict[str, str]:
        visible = self.visible(audience, platform)
        return {name: seen.value for name, seen in visible.items() if seen.is_twoway}


def path_on(platform: str, path: str) -> str:
    """`path` with the platform's separators: single ones (but at the start), none at the end.

    On Windows a drive gets the separator that makes it absolute: `F:` and `F:x` become `F:\\` and
    `F:\\x`.
    """
    separator = "\\" if platform == "windows" else "/"
    inner = path.lstrip(_SEPARATORS)
    start = separator * (len(path) - len(inner))
    parts = [part for part in re.split(r"[/\\]+", inner) if part]
    if platform == "windows" and not start and parts:
        drive = re.match(r"([A-Za-z]:)(.*)", parts[0], re.DOTALL)
        if drive:
            start, parts[0] = f"{drive[1]}{separator}", drive[2]
    return start + separator.join(part for part in parts if part)


def _value_for(variable: Variable, audience: str, platform: str) -> str | None:
    fitting = [
        value
        for value in variable.values
        if audience in AUDIENCES and value.audience in (audience, ALL)
    ]
    for wanted in (platform, ALL):
        for value in reversed(fitting):
            if wanted in value.platforms:
                return value.value
    return None


def _fill_in(text: str, values: Mapping[str, str], within: frozenset[str] = frozenset()) -> str:
    """`text` with its names filled in, and theirs; a name within its own value stays."""

    def value_of(reference: re.Match[str]) -> str:
        name = reference[1]
        if name not in values or name in within:
            return reference[0]
        return _fill_in(values[name], values, within | {name})

    return _REFERENCE.sub(value_of, text)


def _fill_in_folders(text: str, folders: Mapping[str, str]) -> str:
    """`text` with its folders filled in; a root (`/`) does not double the separator after it."""

    def path_of(reference: re.Match[str]) -> str:
        folder = folders.get(reference[1])
        if folder is None:
            return reference[0]
        more_follows = text[reference.end() :].startswith(("/", "\\"))
        return _without_end(folder) if more_follows else folder

    return _REFERENCE.sub(path_of, text)


def _name_folder(text: str, folders: Mapping[str, str], platform: str, *, ignore_case: bool) -> str:
    """`text` with the folder it lies in, or is, named; the longest one, then the first by name."""
    lengths = {
        name: len(_without_end(folder))
        for name, folder in folders.items()
        if _lies_in(text, folder, platform, ignore_case=ignore_case)
    }
    if not lengths:
        return text
    name = min(lengths, key=lambda name: (-lengths[name], name))
    return f"{{{name}}}{text[lengths[name] :]}"


def _lies_in(text: str, folder: str, platform: str, *, ignore_case: bool) -> bool:
    if not text:
        return False
    start = _without_end(folder)
    if platform == "windows" or "\\" in folder:
        text, start = text.replace("\\", "/"), start.replace("\\", "/")
    if ignore_case:
        same = text[: len(start)].casefold() == start.casefold()
    else:
        same = text.startswith(start)
    return same and text[len(start) : len(start) + 1] in ("", "/")


def _without_end(folder: str) -> str:
    return folder.rstrip(_SEPARATORS)
