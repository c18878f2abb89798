"""Errors of Stackfold as problem details (RFC 9457)."""

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from stackfold.errors import (
    Busy,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    NothingToChange,
    StackfoldError,
    StalePosition,
    StaleRevision,
    Unavailable,
)

STATUS: dict[type[StackfoldError], int] = {
    NotFound: 404,
    StaleRevision: 412,  # these two answer If-Match
    StalePosition: 412,
    Conflict: 409,
    Invalid: 422,
    Forbidden: 403,
    Busy: 503,
    Unavailable: 503,
}
"""Kind of error → status; the first one that fits. All others are failures of the service."""


async def answer(request: Request, error: Exception) -> Response:
    """The response to a request that an error of Stackfold ended."""
    if isinstance(error, NothingToChange):
        return Response(status_code=204)  # it is as requested
    status = next((STATUS[kind] for kind in STATUS if isinstance(error, kind)), 500)
    problem = {
        "type": f"urn:stackfold:{type(error).__name__}",
        "title": type(error).__name__,
        "status": status,
        "detail": str(error),
    }
    headers = {"Retry-After": "1"} if isinstance(error, Busy) else None
    return JSONResponse(problem, status, headers, media_type="application/problem+json")
