"""What was made durable is there again, in order, or the log says that it is not."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from flamenco_p2p.farm.ids import NodeId
from flamenco_p2p.store.decision_log import DamagedLog, DecisionLog, Entry

NODE = NodeId(b"0123456789abcdef")


def entry(index: int, size: int = 20) -> Entry:
    """Return the entry that a test puts at this place."""
    return Entry(index, 1 + index // 3, NODE, bytes([index % 251]) * size)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the log lies."""
    return tmp_path / "raft.db"


@pytest.fixture
def log(path: Path) -> Iterator[DecisionLog]:
    """A log of ten entries."""
    log = DecisionLog(path)
    for index in range(1, 11):
        log.append(entry(index))
    yield log
    log.close()


def change(path: Path, sql: str, *values: object) -> None:
    """Let another program change the file."""
    with closing(sqlite3.connect(path)) as db:
        db.execute(sql, values)
        db.commit()


def test_a_new_log_is_empty(path: Path) -> None:
    log = DecisionLog(path)
    assert (log.last_index, list(log.after(0))) == (0, [])
    log.close()


def test_entries_come_back_in_order_from_where_one_asks(log: DecisionLog) -> None:
    assert list(log.after(0)) == [entry(index) for index in range(1, 11)]
    assert [found.index for found in log.after(7)] == [8, 9, 10]
    assert list(log.after(10)) == []


def test_a_reopened_log_knows_where_it_has_got_to(log: DecisionLog, path: Path) -> None:
    log.close()
    again = DecisionLog(path)
    assert again.last_index == 10
    again.append(entry(11))
    assert list(again.after(9)) == [entry(10), entry(11)]
    again.close()


def test_an_index_is_used_once(log: DecisionLog) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        log.append(Entry(10, 9, NODE, b"another"))
    assert list(log.after(9)) == [entry(10)]
    assert log.last_index == 10


def test_a_cut_log_has_only_its_newer_part(log: DecisionLog) -> None:
    log.cut(8)
    assert [found.index for found in log.after(7)] == [8, 9, 10]
    with pytest.raises(DamagedLog, match="entry 6 "):
        list(log.after(5))


def test_a_log_that_is_cut_entirely_still_knows_where_it_has_got_to(
    log: DecisionLog, path: Path
) -> None:
    log.cut(99)
    log.close()
    again = DecisionLog(path)
    assert again.last_index == 10
    assert list(again.after(9)) == [entry(10)]
    again.close()


def test_cutting_an_empty_log_is_harmless(path: Path) -> None:
    log = DecisionLog(path)
    log.cut(5)
    log.append(entry(1))
    assert list(log.after(0)) == [entry(1)]
    log.close()


def test_a_missing_entry_is_noticed(log: DecisionLog, path: Path) -> None:
    change(path, "DELETE FROM log WHERE idx = 5")
    found = log.after(0)
    assert [next(found).index for _ in range(4)] == [1, 2, 3, 4]
    with pytest.raises(DamagedLog, match="entry 5 "):
        next(found)


@pytest.mark.parametrize(
    "damage",
    [
        "payload = CAST(x'00' || substr(payload, 2) AS BLOB)",
        "payload = substr(payload, 2)",
        "payload = x''",
        "node_id = CAST(x'00' || substr(node_id, 2) AS BLOB)",
        "term = term + 1",
        "term = -1",
        "crc32 = crc32 + 1",
        "crc32 = -crc32",
        "idx = 50",
    ],
)
def test_a_damaged_entry_is_noticed_and_not_skipped(
    log: DecisionLog, path: Path, damage: str
) -> None:
    change(path, f"UPDATE log SET {damage} WHERE idx = 5")  # noqa: S608 -- from the list above
    with pytest.raises(DamagedLog, match="entry 5 "):
        list(log.after(0))


def test_a_byte_that_flips_in_the_file_never_gives_a_wrong_entry(path: Path) -> None:
    log = DecisionLog(path)
    written = [entry(index, size=300) for index in range(1, 41)]
    for one in written:
        log.append(one)
    log.close()
    whole = path.read_bytes()
    dice = random.Random(7)
    noticed = 0
    for _ in range(150):
        damaged = bytearray(whole)
        damaged[dice.randrange(len(whole))] ^= 1 << dice.randrange(8)
        copy = path.with_name("copy.db")
        copy.write_bytes(damaged)
        read, fault = _read_all(copy)
        assert read == (written[: len(read)] if fault else written)
        noticed += fault
        for side in path.parent.glob("copy.db*"):
            side.unlink()
    assert noticed > 50


def _read_all(path: Path) -> tuple[list[Entry], bool]:
    read: list[Entry] = []
    try:
        log = DecisionLog(path)
    except sqlite3.DatabaseError:
        return read, True
    try:
        read.extend(log.after(0))
    except (DamagedLog, sqlite3.DatabaseError):
        return read, True
    finally:
        log.close()
    return read, False


WRITER = """
import sys
from pathlib import Path
from flamenco_p2p.farm.ids import NodeId
from flamenco_p2p.store.decision_log import DecisionLog, Entry
log = DecisionLog(Path(sys.argv[1]))
while True:
    index = log.last_index + 1
    payload = bytes([index % 251]) * 5000
    log.append(Entry(index, 1 + index // 3, NodeId(b"0123456789abcdef"), payload))
    print(index, flush=True)
"""


def test_what_was_acknowledged_survives_the_end_of_the_process_at_any_moment(path: Path) -> None:
    acknowledged = 0
    for lines in (1, 7, 30):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        for _ in range(lines):
            acknowledged = int(writer.stdout.readline())
        writer.kill()
        rest = writer.stdout.read().split("\n")[:-1]  # a line that was cut off says nothing
        writer.wait()
        writer.stdout.close()
        acknowledged = int(rest[-1]) if rest else acknowledged
        copy = path.with_name("seen.db")  # as another process would find it
        for side in path.parent.glob("raft.db*"):
            shutil.copy(side, copy.with_name(side.name.replace("raft", "seen")))
        log = DecisionLog(copy)
        assert log.last_index >= acknowledged
        assert list(log.after(0)) == [
            entry(index, size=5000) for index in range(1, log.last_index + 1)
        ]
        log.close()
        for side in path.parent.glob("seen.db*"):
            side.unlink()
