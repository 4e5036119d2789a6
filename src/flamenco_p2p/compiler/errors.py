"""What can go wrong between a submission and its tasks.

Is: the compiler's branch of the farm's errors. Is not: where they are found (engine, compile).
"""

from __future__ import annotations

from flamenco_p2p.farm.errors import Refused, Unknown


class UnknownJobType(Unknown):
    """No script has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is no job type {name!r}.",
            remedy="Refresh the list of job types and choose another one.",
        )


class ScriptFailed(Refused):
    """The job type's script cannot make a job of these settings, or of any.

    The problem begins with the words the script threw, as they are written for artists.
    """
