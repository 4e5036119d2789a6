"""Who this worker is: the id the farm gave it and the secret it chose.

Is: one small file that only its owner may read. Is not: registration (loop). Blocks.
"""

from __future__ import annotations

import logging
import os
import secrets
from pathlib import Path
from typing import Final

import msgspec

log = logging.getLogger(__name__)

_NAME: Final = "credentials.json"


class Credentials(msgspec.Struct, frozen=True):
    """`worker` is the farm's id for us; `secret` proves that we are that worker."""

    worker: str
    secret: str


def new_secret() -> str:
    """Return 32 random bytes in hexadecimal."""
    return secrets.token_hex(32)


def load(folder: Path) -> Credentials | None:
    """Return what `save` left here; `None` if there is nothing, or nothing legible."""
    path = folder / _NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=Credentials)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        log.warning("%s cannot be read, so this worker registers anew: %s", path, error)
        return None


def save(folder: Path, credentials: Credentials) -> None:
    """Make them durable: when this returns, a restart finds them."""
    write_whole(folder / _NAME, msgspec.json.encode(credentials))


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file in one step, readable to its owner only. It survives loss of power."""
    path.parent.mkdir(parents=True, exist_ok=True)
    passing = path.with_name(f"{path.name}.new")
    passing.unlink(missing_ok=True)
    with os.fdopen(os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    passing.replace(path)
