"""Middleware: errors to status and JSON, so that no traceback and no HTML reaches a client.

Is: FarmError -> `{code, message}`. Is not: a judgement of what is an error.
While the farm cannot decide (`NotYet`), Flamenco's worker survives a broken connection but loses
data on any status; so its reports are answered by closing the connection, and it sends them again.
"""

from __future__ import annotations

import logging

from aiohttp import web
from aiohttp.typedefs import Handler

from flamenco_p2p.api.doors import answer, has_gone, nothing
from flamenco_p2p.farm.errors import FarmError, NotYet
from flamenco_p2p.wire.meta import Error

log = logging.getLogger(__name__)

KEPT_BY_WORKERS = frozenset({"taskUpdate", "workerStateChanged", "signOff", "taskOutputProduced"})
WORDS = {
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
    413: "The request is too large.",
}


@web.middleware
async def failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what a handler raises into an answer."""
    try:
        return await handler(request)
    except NotYet as error:
        return _not_yet(request, error)
    except FarmError as error:
        return error_answer(error.status, str(error))
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return error_answer(error.status, WORDS.get(error.status, error.reason), error)
    except Exception as error:
        if isinstance(error, ConnectionError) and has_gone(request):
            return nothing()  # to nobody
        log.exception("%s %s failed", request.method, request.path)
        return error_answer(500, "Something went wrong in this node; its log file says what.")


def _not_yet(request: web.Request, error: NotYet) -> web.Response:
    operation = request.match_info.route.name
    if operation == "scheduleTask":
        return nothing()
    if operation in KEPT_BY_WORKERS and error.status == 503:
        if request.transport is not None:
            request.transport.close()
        return nothing()
    response = error_answer(error.status, str(error))
    response.headers["Retry-After"] = "1"
    return response


def error_answer(status: int, message: str, cause: web.HTTPException | None = None) -> web.Response:
    """Answer with an error; `cause` may carry headers such as `Allow`."""
    response = answer(Error(code=status, message=message), status=status)
    if cause is not None and "Allow" in cause.headers:
        response.headers["Allow"] = cause.headers["Allow"]
    return response
