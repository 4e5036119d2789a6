"""What a worker's status and pending request become.

Is: the table of worker statuses, for all events that change them. Is not: handing back its tasks
(store/apply asks `hands_back` and does it).

    event              status     request
    register           ""         none
    sign on            starting   kept
    reports S          S          kept if it differs from S, else fulfilled
    signs off          offline    offline/restart: fulfilled; if none is left and it was awake or
                                  asleep, that becomes the request, so that it resumes so
    falls silent       error      taken back
    people ask for S   unchanged  S; taken back if the worker is S already
"""

from __future__ import annotations

from flamenco_p2p.farm.statuses import WorkerStatus as W
from flamenco_p2p.farm.workers import StatusRequest


def after_report(status: W, request: StatusRequest | None) -> StatusRequest | None:
    """Return the request that is still open once the worker reports `status`."""
    return request if request is not None and request.status is not status else None


def after_sign_off(before: W, request: StatusRequest | None) -> StatusRequest | None:
    """Return the request that waits for the worker's next sign-on."""
    if request is not None and request.status not in (W.OFFLINE, W.RESTART):
        return request
    if before in (W.AWAKE, W.ASLEEP):
        return StatusRequest(status=before)
    return None


def after_wish(status: W, wish: StatusRequest) -> StatusRequest | None:
    """Return the open request once people have asked for something."""
    return None if wish.status is status else wish


def hands_back(now: W) -> bool:
    """Say whether a worker that reports this status loses its tasks.

    Whatever it was before: one that crashed while awake comes back by way of `starting`, with its
    task, and may then be told to sleep.
    """
    return now is not W.AWAKE


def resumes(request: StatusRequest | None) -> W:
    """Return what a worker that signs on is told to be."""
    return request.status if request is not None else W.AWAKE
