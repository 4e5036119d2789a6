"""Which files are job types, and under which names."""

from __future__ import annotations

from pathlib import Path

import pytest

from flamenco_p2p.compiler.job_types import (
    UnreadableScript,
    find_scripts,
    fingerprint,
    job_type_name,
    read_modules,
    read_script,
)

TEXT = "const JOB_TYPE = {};"


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("simple_blender_render.js", "simple-blender-render"),
        ("Mixed_Case.js", "Mixed-Case"),
        ("a.b.c.js", "a.b.c"),
        ("space name.js", "space name"),
    ],
)
def test_a_file_names_its_job_type(file: str, name: str) -> None:
    assert job_type_name(file) == name


def test_of_two_files_with_one_name_the_underscore_wins(tmp_path: Path) -> None:
    for file in ("dash-one.js", "dash_one.js"):
        (tmp_path / file).write_text(TEXT)
    assert [path.name for path in find_scripts([tmp_path])["dash-one"]] == [
        "dash_one.js",
        "dash-one.js",
    ]


def test_of_two_folders_the_first_wins(tmp_path: Path) -> None:
    for folder in ("mine", "shipped"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.js").write_text(TEXT)
    found = find_scripts([tmp_path / "mine", tmp_path / "shipped"])
    assert [path.parent.name for path in found["a"]] == ["mine", "shipped"]


def test_linked_scripts_count_and_dead_links_do_not(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "elsewhere.txt").write_text(TEXT)
    (tmp_path / "scripts" / "linked.js").symlink_to(tmp_path / "elsewhere.txt")
    (tmp_path / "scripts" / "dead.js").symlink_to(tmp_path / "nowhere.js")
    (tmp_path / "scripts" / "folder.js").mkdir()
    assert list(find_scripts([tmp_path / "scripts"])) == ["linked"]


def test_a_script_that_vanished_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(UnreadableScript, match=r"gone\.js cannot be read"):
        read_script(tmp_path / "gone.js")


def test_modules_are_all_scripts_and_json_below_the_folders(tmp_path: Path) -> None:
    for folder, text in {"mine": "1", "shipped": "2"}.items():
        (tmp_path / folder / "lib").mkdir(parents=True)
        (tmp_path / folder / "lib" / "a.js").write_text(text)
    (tmp_path / "shipped" / "lib" / "b.json").write_text("{}")
    (tmp_path / "shipped" / "lib" / "notes.txt").write_text("x")
    (tmp_path / "shipped" / "lib" / "latin.js").write_bytes(b"\xe9")
    modules = read_modules([tmp_path / "mine", tmp_path / "shipped"])
    assert modules == {"lib/a.js": "1", "lib/b.json": "{}"}


def test_a_folder_with_far_too_much_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "huge.json").write_bytes(b" " * (9 << 20))
    with pytest.raises(UnreadableScript, match="too much for require"):
        read_modules([tmp_path])


def test_the_fingerprint_follows_the_script_and_its_modules(tmp_path: Path) -> None:
    script, module = tmp_path / "a.js", tmp_path / "lib.js"
    seen = set()
    for text, lib in [
        (TEXT, "1"),
        (TEXT, "2"),
        (TEXT + "require('./lib')", "2"),
        (TEXT + "require('./lib')", "3"),
    ]:
        script.write_text(text)
        module.write_text(lib)
        seen.add(fingerprint([script], [tmp_path]))
    assert len(seen) == 3  # a script without require does not care about other files
