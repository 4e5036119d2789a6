"""The folder in which a node keeps everything: who it is, and that it is the only one here.

Is: where it is, the exclusive lock, the node's identity. Is not: the
databases in it. Under the platform's data folder each machine has a folder of its own (named by a
hash of the machine's id), so that a home on a network drive serves several machines.
"""

from __future__ import annotations

import hashlib
import os
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec
import platformdirs
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from flamenco_p2p.farm.errors import Broken, Conflict
from flamenco_p2p.farm.ids import NodeId, read_id, text_of

ADDRESS_FILE = "address"


class NodeFile(msgspec.Struct):
    """`node.json`: this node's id and private key (raw Ed25519, hexadecimal)."""

    node_id: str
    private_key: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this node is."""

    node: NodeId
    public_key: bytes


def default_folder() -> Path:
    """Return where this machine's node keeps its data unless told otherwise."""
    machine = hashlib.sha256(_machine_id().encode()).hexdigest()[:12]
    return Path(platformdirs.user_data_dir("flamenco-p2p", appauthor=False)) / machine


def _machine_id() -> str:
    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        try:
            if text := Path(path).read_text(encoding="ascii").strip():
                return text
        except OSError:
            continue
    return f"{uuid.getnode():x}"


class DataFolder:
    """An open data folder; only one process can have it. All methods block."""

    def __init__(self, path: Path) -> None:
        """Create the folder if needed and take it. Raises `Conflict` if a node runs in it."""
        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._lock = (path / "lock").open("a+b")
        try:
            _take(self._lock)
        except OSError:
            self._lock.close()
            raise Conflict(
                f"A node is running already with the data folder {path}.",
                remedy="Use that one, or start another with its own --data-dir.",
            ) from None

    def identity(self) -> Identity:
        """Return who this node is; made once, kept for ever.

        Raises `Broken` if the file is there but the disk does not give it.
        """
        path = self.path / "node.json"
        if (known := _read_node_file(path)) is None:
            known = NodeId(uuid.uuid4().bytes), Ed25519PrivateKey.generate()
            raw = known[1].private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
            _write_secret(path, msgspec.json.encode(NodeFile(text_of(known[0]), raw.hex())))
        node, key = known
        public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return Identity(node, public)

    def say_address(self, url: str) -> None:
        """Note where this node serves, for commands on this machine."""
        part = self.path / f"{ADDRESS_FILE}.part"
        part.write_text(url + "\n", encoding="utf-8")
        part.replace(self.path / ADDRESS_FILE)

    def release(self) -> None:
        """Let others have the folder."""
        (self.path / ADDRESS_FILE).unlink(missing_ok=True)
        self._lock.close()


def address_in(folder: Path) -> str | None:
    """Return where the node with this data folder serves, if it said so."""
    try:
        return (folder / ADDRESS_FILE).read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


def _read_node_file(path: Path) -> tuple[NodeId, Ed25519PrivateKey] | None:
    try:
        file = msgspec.json.decode(path.read_bytes(), type=NodeFile)
        key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(file.private_key))
    except (FileNotFoundError, ValueError, msgspec.MsgspecError):
        return None
    except OSError as error:  # a fresh identity written over it would be another node for ever
        raise Broken(
            f"This node cannot read who it is from {path}: {error.strerror}.",
            remedy="See that the disk works and that the file may be read.",
        ) from error
    node = read_id(file.node_id)
    return None if node is None else (NodeId(node), key)


def _write_secret(path: Path, data: bytes) -> None:
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123 -- a descriptor, for its mode
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _take(lock: IO[bytes]) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
