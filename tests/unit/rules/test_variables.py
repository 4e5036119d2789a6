"""Variables: one name for what each platform calls differently."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flamenco_p2p.rules.variables import (
    DEFAULT_VARIABLES,
    BadVariable,
    Variable,
    VariableTable,
    VariableValue,
    VisibleVariable,
    path_on,
)

PLATFORMS = ("linux", "windows", "darwin")


def folder(name: str, *, linux: str = "", windows: str = "", darwin: str = "") -> Variable:
    paths = {"linux": linux, "windows": windows, "darwin": darwin}
    values = [VariableValue(path, (platform,)) for platform, path in paths.items() if path]
    return Variable(name, is_twoway=True, values=tuple(values))


def word(name: str, value: str) -> Variable:
    return Variable(name, is_twoway=False, values=(VariableValue(value),))


RENDER = folder("render", linux="/render", windows="R:\\", darwin="/Volumes/render/")
SHOTS = folder("shots", linux="/render/shots", windows="S:\\shots")
SERVER = folder("server", linux="/srv", windows="\\\\server\\share")
JOBS = word("jobs", "/render/jobs")


def table(*variables: Variable, manager: str = "linux") -> VariableTable:
    return VariableTable([*DEFAULT_VARIABLES, *variables], manager_platform=manager)


FARM = table(RENDER, SHOTS, SERVER, JOBS)


@pytest.mark.parametrize(
    ("platform", "text", "expanded"),
    [
        ("linux", "{blender}", "blender"),
        ("windows", "{blender}", "blender.exe"),
        ("windows", "{blender} {blenderArgs} {blender}", "blender.exe -b -y blender.exe"),
        ("linux", "{blenderargs} {timestamp}", "{blenderargs} {timestamp}"),
        ("haiku", "{blender} {blenderArgs}", "{blender} -b -y"),
        ("haiku", "{render}//x", "{render}//x"),
        ("linux", "{render}/a//b/", "/render/a/b"),
        ("windows", "{render}/a//b/", "R:\\a\\b"),
        ("windows", "{render}", "R:\\"),
        ("windows", "{render}a", "R:\\a"),
        ("windows", "{server}/a", "\\\\server\\share\\a"),
        ("darwin", "{render}\\a", "/Volumes/render/a"),
        ("windows", "--out={render}/a/b", "--out=R:\\a\\b"),
        ("windows", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "pad=ceil(iw/2)*2:ceil(ih/2)*2"),
    ],
)
def test_names_are_filled_in_for_the_worker(platform: str, text: str, expanded: str) -> None:
    assert FARM.expand(text, platform=platform) == expanded


@pytest.mark.parametrize(
    ("platform", "text", "expanded"),
    [
        ("windows", "{jobs}/j-1/shot.blend", "R:\\jobs\\j-1\\shot.blend"),
        ("darwin", "{jobs}/j-1/shot.blend", "/Volumes/render/jobs/j-1/shot.blend"),
        ("windows", "/render/shots/sc01", "S:\\shots\\sc01"),
        ("darwin", "/render/shots/sc01", "/Volumes/render/shots/sc01"),
        ("windows", "/render", "R:\\"),
        ("windows", "/renderfarm/x", "/renderfarm/x"),
        ("windows", "/Render/x", "/Render/x"),
        ("windows", "/backup/render/x", "/backup/render/x"),
    ],
)
def test_the_managers_paths_work_on_other_platforms(
    platform: str, text: str, expanded: str
) -> None:
    assert FARM.expand(text, platform=platform) == expanded


def test_a_windows_managers_paths_work_elsewhere_however_their_slashes_lean() -> None:
    farm = table(RENDER, SHOTS, manager="windows")
    assert farm.expand("S:\\shots\\sc01\\a", platform="linux") == "/render/shots/sc01/a"
    assert farm.expand("S:/shots/sc01/a", platform="linux") == "/render/shots/sc01/a"


def test_a_filled_in_path_is_not_taken_for_the_managers_own() -> None:
    farm = table(
        folder("a", linux="/mnt/a", darwin="/x"),
        folder("b", linux="/data", darwin="/mnt"),
        manager="darwin",
    )
    assert farm.expand("{a}/file", platform="linux") == "/mnt/a/file"


def test_a_word_may_use_other_variables_and_never_loops() -> None:
    farm = table(RENDER, word("x", "{y}!"), word("y", "{render}/{x}"))
    assert farm.expand("{x}", platform="windows") == "R:\\{x}!"


def test_only_strings_and_strings_in_lists_are_filled_in() -> None:
    parameters = {
        "{blender}": "{blender}",
        "args": ["{render}/a", 4, ["{blender}"], None],
        "nested": {"exe": "{blender}"},
        "fps": 24.0,
    }
    assert FARM.expand_parameters(parameters, platform="windows") == {
        "{blender}": "blender.exe",
        "args": ["R:\\a", 4, ["{blender}"], None],
        "nested": {"exe": "{blender}"},
        "fps": 24.0,
    }


@pytest.mark.parametrize(
    ("platform", "text", "named"),
    [
        ("linux", "/render/a", "{render}/a"),
        ("linux", "/render", "{render}"),
        ("linux", "/RENDER/A//b", "{render}/A//b"),
        ("linux", "/render/shots/a", "{shots}/a"),
        ("linux", "/render/shotsB", "{render}/shotsB"),
        ("linux", "/renderfarm/x", "/renderfarm/x"),
        ("linux", "/backup/render/x", "/backup/render/x"),
        ("windows", "r:/x\\y", "{render}/x\\y"),
        ("windows", "s:/Shots\\y", "{shots}\\y"),
        ("windows", "//server/share/x", "{server}/x"),
        ("windows", "/render/a", "/render/a"),
        ("darwin", "/Volumes/render/a", "{render}/a"),
        ("haiku", "/render/a", "/render/a"),
        ("linux", "", ""),
        ("linux", "blender", "blender"),
    ],
)
def test_a_submitted_path_is_recognised(platform: str, text: str, named: str) -> None:
    assert FARM.recognise(text, platform=platform) == named


def test_a_whole_disk_may_be_shared() -> None:
    farm = table(folder("disk", linux="/", windows="F:\\"))
    assert farm.recognise("/a/b", platform="linux") == "{disk}/a/b"
    assert farm.recognise("a/b", platform="linux") == "a/b"
    assert farm.expand("{disk}/a/b", platform="linux") == "/a/b"
    assert farm.expand("{disk}", platform="linux") == "/"
    assert farm.expand("{disk}/a/b", platform="windows") == "F:\\a\\b"
    assert farm.expand("/a/b", platform="windows") == "F:\\a\\b"


def test_each_audience_sees_its_own_values() -> None:
    variable = Variable(
        "store",
        is_twoway=True,
        values=(
            VariableValue("/all/", audience="all"),
            VariableValue("/workers/", ("linux", "darwin"), "workers"),
            VariableValue("/early", ("linux",), "users"),
            VariableValue("/late", ("linux",), "users"),
        ),
    )
    farm = VariableTable([variable], manager_platform="linux")
    assert farm.visible("workers", "linux") == {"store": VisibleVariable("/workers", True)}
    assert farm.visible("users", "linux") == {"store": VisibleVariable("/late", True)}
    assert farm.visible("users", "darwin") == {"store": VisibleVariable("/all", True)}
    assert farm.visible("nobody", "linux") == {}


def test_a_later_variable_replaces_an_earlier_one_of_that_name() -> None:
    farm = table(word("blender", "/opt/blender"), word("jobs", "/mine"), JOBS)
    assert farm.expand("{blender} {jobs}", platform="haiku") == "/opt/blender /render/jobs"


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_shared_folder_is_refused_as_it_would_match_every_path(value: str) -> None:
    with pytest.raises(BadVariable, match="empty value") as refusal:
        Variable("x", is_twoway=True, values=(VariableValue("/a"), VariableValue(value)))
    assert refusal.value.remedy


@pytest.mark.parametrize("name", ["", "{x}", "a}b"])
def test_a_name_that_cannot_be_told_from_text_is_refused(name: str) -> None:
    with pytest.raises(BadVariable, match="cannot be the name"):
        word(name, "x")


@pytest.mark.parametrize(
    ("platform", "path", "expected"),
    [
        ("linux", "/", "/"),
        ("linux", "", ""),
        ("linux", "\\\\server\\a\\\\b\\", "//server/a/b"),
        ("linux", "F:\\a", "F:/a"),
        ("windows", "//server/a//b/", "\\\\server\\a\\b"),
        ("windows", "f:", "f:\\"),
        ("windows", "F:x/y", "F:\\x\\y"),
        ("windows", "FF:x/y", "FF:x\\y"),
    ],
)
def test_a_path_takes_the_platforms_separators(platform: str, path: str, expected: str) -> None:
    assert path_on(platform, path) == expected


TEXTS = st.text(alphabet="ab/\\{}:R", max_size=30) | st.sampled_from(["{render}/a", "/render/b"])
BELOW = st.lists(st.text(alphabet="abcR", min_size=1), max_size=4).map(
    lambda parts: "".join(f"/{part}" for part in parts)
)


@given(st.permutations([*DEFAULT_VARIABLES, RENDER, SHOTS, SERVER, JOBS]), TEXTS)
def test_the_order_of_variables_changes_nothing(variables: Sequence[Variable], text: str) -> None:
    shuffled = VariableTable(variables, manager_platform="linux")
    for platform in PLATFORMS:
        assert shuffled.expand(text, platform=platform) == FARM.expand(text, platform=platform)
        assert shuffled.recognise(text, platform=platform) == FARM.recognise(
            text, platform=platform
        )


@given(st.sampled_from(PLATFORMS), st.sampled_from(["{render}", "{server}", "{shots}"]), BELOW)
def test_a_recognised_path_leads_its_owner_to_the_same_file(
    platform: str, name: str, below: str
) -> None:
    path = FARM.expand(name + below, platform=platform)
    assert FARM.expand(FARM.recognise(path, platform=platform), platform=platform) == path


@given(BELOW, st.sampled_from(PLATFORMS), st.sampled_from(PLATFORMS))
def test_a_path_from_one_platform_names_the_same_file_on_another(
    below: str, artist: str, worker: str
) -> None:
    farm = table(RENDER)
    path = farm.expand("{render}" + below, platform=artist)
    named = farm.recognise(path, platform=artist)
    assert farm.expand(named, platform=worker) == farm.expand("{render}" + below, platform=worker)


@given(TEXTS, st.sampled_from(PLATFORMS))
def test_a_farm_without_shared_folders_leaves_paths_alone(text: str, platform: str) -> None:
    farm = table()
    assert farm.recognise(text, platform=platform) == text
    assert farm.expand(text, platform=platform) == text
