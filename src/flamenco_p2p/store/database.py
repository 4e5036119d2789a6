"""Opening a SQLite file the way this project needs it.

Is: connections, pragmas, migrations, and what to do with a broken file. Is not: any table.
"""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from flamenco_p2p.farm.errors import Broken

log = logging.getLogger(__name__)

HERE = Path(__file__).parent


def open_database(path: Path, kind: str, *, durable: bool) -> sqlite3.Connection:
    """Open the database for its one writing thread, creating or migrating its tables.

    `kind` names a folder of migrations. `durable`: each commit waits for the disk.
    Raises `sqlite3.DatabaseError` if the file is damaged and `Broken` if it is from the future.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=20)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        db.execute("PRAGMA fullfsync = 1")
        db.execute("PRAGMA checkpoint_fullfsync = 1")
        db.execute("PRAGMA wal_autocheckpoint = 0")
        db.execute("PRAGMA cache_size = -16384")
        _migrate(db, kind)
    except BaseException:
        db.close()
        raise
    return db


def _migrate(db: sqlite3.Connection, kind: str) -> None:
    steps = sorted((HERE / "migrations" / kind).glob("*.sql"))
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > len(steps):
        raise Broken(
            f"The {kind} database was written by a newer version of this program.",
            remedy="Update flamenco-p2p on this machine.",
        )
    for number, step in enumerate(steps[version:], start=version + 1):
        script = step.read_text(encoding="utf-8")
        db.executescript(f"BEGIN;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")
        log.info("%s database: now at version %d (%s)", kind, number, step.stem)


def set_aside(path: Path) -> Path | None:
    """Move a damaged database, with its side files, into the attic; return where it is now."""
    if not path.exists():
        return None
    attic = path.parent / "attic"
    attic.mkdir(exist_ok=True)
    number = 1
    while (target := attic / f"{path.name}.{number}").exists():
        number += 1
    path.rename(target)
    for suffix in ("-wal", "-shm"):
        side = path.with_name(path.name + suffix)
        if side.exists():
            side.rename(target.with_name(target.name + suffix))
    return target


def is_full(error: sqlite3.Error) -> bool:
    """Say whether the disk has no room: the one fault that waiting and tidying can mend."""
    return isinstance(error, sqlite3.OperationalError) and (
        getattr(error, "sqlite_errorname", "") in ("SQLITE_FULL", "SQLITE_IOERR_WRITE")
        or "disk is full" in str(error)
    )


def is_damage(error: sqlite3.Error) -> bool:
    """Say whether the file's content is at fault, and not the disk, other users of it, or we."""
    name = getattr(error, "sqlite_errorname", "")
    return name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB"))


@cache
def queries(noun: str) -> Mapping[str, str]:
    """Return the named queries of `sql/<noun>.sql`: each follows a line `-- name: some_name`."""
    text = (HERE / "sql" / f"{noun}.sql").read_text(encoding="utf-8")
    parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)
    return MappingProxyType(dict(zip(parts[1::2], parts[2::2], strict=True)))
