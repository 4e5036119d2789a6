"""Opening a file: new, known, newer than this program, damaged."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from flamenco_p2p.farm.errors import Broken
from flamenco_p2p.store import database
from flamenco_p2p.store.database import is_full, open_database, queries, set_aside

KINDS = ["farm", "log", "outbox"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_database_opens_new_and_again(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "folder" / "x.db"
    schemas = []
    for _ in range(2):
        with closing(open_database(path, kind, durable=True)) as db:
            schemas.append(db.execute("SELECT sql FROM sqlite_schema ORDER BY name").fetchall())
    assert schemas[0] == schemas[1] != []


@pytest.mark.parametrize(("durable", "synchronous"), [(True, 2), (False, 1)])
def test_a_durable_database_waits_for_the_disk(
    tmp_path: Path, durable: bool, synchronous: int
) -> None:
    with closing(open_database(tmp_path / "x.db", "log", durable=durable)) as db:
        assert db.execute("PRAGMA synchronous").fetchone() == (synchronous,)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("PRAGMA wal_autocheckpoint").fetchone() == (0,)


def test_a_database_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with closing(open_database(path, "log", durable=True)) as db:
        db.execute("PRAGMA user_version = 999")
    with pytest.raises(Broken, match="newer version") as refusal:
        open_database(path, "log", durable=True)
    assert "Update" in refusal.value.remedy


def test_a_step_that_fails_half_way_leaves_the_database_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = tmp_path / "migrations" / "toy"
    steps.mkdir(parents=True)
    (steps / "0001_first.sql").write_text("CREATE TABLE kept (x);")
    (steps / "0002_second.sql").write_text("CREATE TABLE half (x);\nCREATE TABLE kept (x);")
    monkeypatch.setattr(database, "HERE", tmp_path)
    path = tmp_path / "x.db"
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        open_database(path, "toy", durable=False)
    (steps / "0002_second.sql").write_text("ALTER TABLE kept ADD COLUMN y;")
    with closing(open_database(path, "toy", durable=False)) as db:
        tables = db.execute("SELECT name FROM sqlite_schema").fetchall()
        assert tables == [("kept",)]
        assert db.execute("PRAGMA user_version").fetchone() == (2,)


def test_a_damaged_database_is_moved_aside_and_none_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "farm.db"
    assert set_aside(path) is None
    for content in (b"one", b"two"):
        path.write_bytes(content)
        path.with_name("farm.db-wal").write_bytes(content + b" wal")
        target = set_aside(path)
        assert target is not None
        assert target.read_bytes() == content
        assert target.with_name(target.name + "-wal").read_bytes() == content + b" wal"
        assert not path.exists()
    assert len(list((tmp_path / "attic").iterdir())) == 4


def test_a_full_disk_is_told_from_other_faults(tmp_path: Path) -> None:
    with closing(open_database(tmp_path / "x.db", "log", durable=False)) as db:
        db.execute("PRAGMA max_page_count = 4")
        with pytest.raises(sqlite3.OperationalError) as full:
            db.execute("INSERT INTO log VALUES (1, 1, x'', zeroblob(99999), 0)")
        with pytest.raises(sqlite3.OperationalError) as typo:
            db.execute("SELEKT")
    assert is_full(full.value)
    assert not is_full(typo.value)
    assert not is_full(sqlite3.IntegrityError("disk is not full"))


def test_queries_are_found_by_their_names() -> None:
    assert queries("log")["last_index"].startswith("SELECT")
    with pytest.raises(TypeError):
        queries("log")["last_index"] = ""  # type: ignore[index]
