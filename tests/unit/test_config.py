"""Settings of this machine: where they come from, and what happens to wrong ones."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from flamenco_p2p.config import BOUNDS, FILE_NAME, TEMPLATE, Config, read_settings, write_template


def written(folder: Path, text: str) -> Path:
    (folder / FILE_NAME).write_text(text, encoding="utf-8")
    return folder


def test_a_node_needs_no_settings(tmp_path: Path) -> None:
    settings = read_settings(tmp_path, {}, {})
    assert settings.warnings == ()
    assert settings.config == Config()
    assert settings.config.name


def test_the_file_gives_way_to_the_environment_and_that_to_flags(tmp_path: Path) -> None:
    written(tmp_path, 'port = 1\nhost = "file"\nname = "file"')
    environ = {"FLAMENCO_P2P_PORT": "2", "FLAMENCO_P2P_HOST": "environment", "PORT": "9"}
    config = read_settings(tmp_path, environ, {"port": 3, "name": None}).config
    assert (config.port, config.host, config.name) == (3, "environment", "file")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("WORKER", "no", False),
        ("WORKER", " TRUE ", True),
        ("PORT", " 81 ", 81),
        ("TASK_TYPES", "blender:misc", ("blender", "misc")),
        ("TASK_TYPES", "", ()),
        ("BLENDERS", "/a b/blender", ("/a b/blender",)),
        ("NAME", "änna", "änna"),
    ],
)
def test_the_environment_is_text_and_is_read_as_what_is_meant(
    tmp_path: Path, name: str, text: str, value: object
) -> None:
    settings = read_settings(tmp_path, {f"FLAMENCO_P2P_{name}": text}, {})
    assert settings.warnings == ()
    assert getattr(settings.config, name.lower()) == value


@pytest.mark.parametrize(
    "line",
    [
        'port = "many"', "port = -1", "port = 65536", "port = 80.5", "port = true", "port = []",
        'port = "²"', "tries = 0", "blocked_at = 0", 'worker = "perhaps"', "worker = 2", "name = 5",
        "task_types = 5", "task_types = [5]", 'blenders = {a = "b"}',
    ],
)  # fmt: skip
def test_a_wrong_value_is_said_and_not_used(tmp_path: Path, line: str) -> None:
    settings = read_settings(written(tmp_path, line), {}, {})
    key = line.split(" ")[0]
    (warning,) = settings.warnings
    assert key in warning
    assert "is not used" in warning
    assert getattr(settings.config, key) == getattr(Config(), key)


def test_an_unknown_setting_is_said_with_the_known_ones(tmp_path: Path) -> None:
    (warning,) = read_settings(written(tmp_path, "prot = 5"), {}, {}).warnings
    assert "“prot”" in warning
    assert "port" in warning


@pytest.mark.parametrize("content", [b"port =", b"\xff\xfe", b"port = 1\nport = 2"])
def test_a_file_that_cannot_be_read_is_said_and_not_used(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    settings = read_settings(tmp_path, {"FLAMENCO_P2P_PORT": "81"}, {})
    (warning,) = settings.warnings
    assert FILE_NAME in warning
    assert settings.config.port == 81


def test_a_folder_in_the_files_place_is_said(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    assert len(read_settings(tmp_path, {}, {}).warnings) == 1


def test_a_file_of_a_later_format_is_said(tmp_path: Path) -> None:
    (warning,) = read_settings(written(tmp_path, "format = 2\nport = 81"), {}, {}).warnings
    assert "format 2" in warning


def test_the_template_shows_every_setting_with_its_default(tmp_path: Path) -> None:
    write_template(tmp_path)
    assert (tmp_path / FILE_NAME).read_text(encoding="utf-8") == TEMPLATE
    assert read_settings(tmp_path, {}, {}).warnings == ()
    shown = tomllib.loads(TEMPLATE.replace("\n# ", "\n").split("\n\n", 1)[1])
    assert {*shown} == {setting.name for setting in fields(Config)} | {"format"}
    settings = read_settings(
        written(tmp_path, TEMPLATE.replace("\n# ", "\n").split("\n\n", 1)[1]), {}, {}
    )
    assert settings.warnings == ()
    for name in {*shown} - {"format", "name", "names", "blenders", "job_types"}:
        assert getattr(settings.config, name) == getattr(Config(), name), name


def test_the_template_never_replaces_a_file(tmp_path: Path) -> None:
    written(tmp_path, "port = 5")
    write_template(tmp_path)
    assert (tmp_path / FILE_NAME).read_text(encoding="utf-8") == "port = 5"


def test_defaults_are_within_their_bounds() -> None:
    for name, (least, most) in BOUNDS.items():
        assert least <= getattr(Config(), name) <= most
