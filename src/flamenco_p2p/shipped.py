"""Where the files that come with the program are: job types, example scenes.

Is: the one answer to "installed wheel or checkout?". Is not: a reader of those files.
"""

from __future__ import annotations

from pathlib import Path


def shipped_folder(name: str) -> Path:
    """Return the folder `name` ("jobtypes", "examples") of the package or of the checkout."""
    inside = Path(__file__).parent / name
    return inside if inside.is_dir() else Path(__file__).parents[2] / name
