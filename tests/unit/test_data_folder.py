"""The folder in which a node keeps everything."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from flamenco_p2p import data_folder
from flamenco_p2p.data_folder import DataFolder, address_in, default_folder
from flamenco_p2p.farm.errors import Broken, Conflict


def test_a_second_node_in_the_same_folder_is_refused_in_words(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "a" / "b")
    with pytest.raises(Conflict, match="already") as refused:
        DataFolder(tmp_path / "a" / "b")
    assert str(tmp_path) in str(refused.value)
    assert "--data-dir" in refused.value.remedy
    folder.release()
    DataFolder(tmp_path / "a" / "b").release()


def test_another_process_is_refused_too_until_this_one_is_gone(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from flamenco_p2p.data_folder import DataFolder\n"
        "folder = DataFolder(Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()"
    )
    argv = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(Conflict):
            DataFolder(tmp_path)
        other.kill()
    DataFolder(tmp_path).release()


def test_a_node_is_the_same_one_for_ever(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    first = folder.identity()
    assert folder.identity() == first
    folder.release()
    folder = DataFolder(tmp_path)
    assert folder.identity() == first
    assert len(first.public_key) == 32
    folder.release()


def test_two_folders_are_two_nodes(tmp_path: Path) -> None:
    folders = [DataFolder(tmp_path / name) for name in "ab"]
    one, other = (folder.identity() for folder in folders)
    assert one.node != other.node
    assert one.public_key != other.public_key
    for folder in folders:
        folder.release()


@pytest.mark.parametrize("content", [b"", b"{}", b"nonsense", b'{"node_id":"x","private_key":"y"}'])
def test_a_damaged_identity_is_replaced(tmp_path: Path, content: bytes) -> None:
    folder = DataFolder(tmp_path)
    (tmp_path / "node.json").write_bytes(content)
    made = folder.identity()
    assert folder.identity() == made
    folder.release()


def test_an_identity_that_cannot_be_read_is_not_replaced(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    (tmp_path / "node.json").mkdir()  # reading it fails as on a bad disk
    with pytest.raises(Broken, match="cannot read who it is"):
        folder.identity()
    assert (tmp_path / "node.json").is_dir()
    folder.release()


def test_secrets_are_for_nobody_else(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.identity()
    if sys.platform != "win32":
        assert stat.S_IMODE((tmp_path / "node.json").stat().st_mode) == 0o600
    assert not list(tmp_path.glob("*.part"))
    folder.release()


def test_the_address_is_there_while_the_node_is(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    assert address_in(tmp_path) is None
    folder.say_address("http://127.0.0.1:8080")
    assert address_in(tmp_path) == "http://127.0.0.1:8080"
    folder.release()
    assert address_in(tmp_path) is None
    assert address_in(tmp_path / "nowhere") is None


def test_machines_that_share_a_home_do_not_share_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_folder, "_machine_id", lambda: "one")
    one = default_folder()
    monkeypatch.setattr(data_folder, "_machine_id", lambda: "other")
    assert default_folder() != one
    assert default_folder().parent == one.parent
