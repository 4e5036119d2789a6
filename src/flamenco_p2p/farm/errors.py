"""What can go wrong, as facts with a remedy.

Is: the one tree of errors that may reach a person. Is not: their rendering (api/failures, cli).
Three branches, by whose turn it is: `Refused` (the asker must change something), `NotYet` (ask
again later, unchanged), `Broken` (ours; the log has the details).
"""

from __future__ import annotations

from typing import ClassVar


class FarmError(Exception):
    """A problem and what to do about it, both in words an artist understands.

    `status` is the HTTP status the API answers with. `problem` and `remedy` are sentences.
    """

    status: ClassVar[int] = 500

    def __init__(self, problem: str, *, remedy: str = "") -> None:
        super().__init__(f"{problem} {remedy}".strip())
        self.problem = problem
        self.remedy = remedy


class Refused(FarmError):
    """The request cannot be carried out as it is."""

    status = 400


class NotAllowed(Refused):
    """The caller is not who it should be, or not where it should be."""

    status = 403


class Unknown(Refused):
    """No such thing."""

    status = 404


class Conflict(Refused):
    """The farm has moved on: what the caller believes is no longer so."""

    status = 409


class Outdated(Refused):
    """The caller built the request from an older description (a job type's etag)."""

    status = 412


class TooLarge(Refused):
    """More than the farm takes in one request."""

    status = 413


class Unfitting(Refused):
    """Understood, but this thing cannot take that change."""

    status = 422


class NotYet(FarmError):
    """Not now; the same request may well succeed a little later."""

    status = 503


class Broken(FarmError):
    """Our fault; nothing the caller could have done differently."""

    status = 500
