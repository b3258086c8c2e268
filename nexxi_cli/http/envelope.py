"""The error envelope of OpenAI's API, for every error of every status."""

import math
from typing import Any

from starlette.responses import Response

from nexxi_cli.core.errors import (
    ArchiveUnavailable,
    ModelServerUnavailable,
    NexxiError,
    NotAuthorised,
    StoreUnavailable,
    Unavailable,
)
from nexxi_cli.http.bodies import JsonResponse

UNAVAILABLE_RETRY_S = 5.0
"""When to come back after something that is needed was down: nobody can know; the store is looked at as often."""

INTERNAL = "internal error; the server's log has it under this request's id"

MAX_CHARS = 500
"""Messages repeat what is wrong with a request; of a very long path or name the beginning is enough."""
DOWN: dict[type[NexxiError], str] = {
    StoreUnavailable: "the session store cannot be used at the moment: try again later",
    ArchiveUnavailable: "the database cannot be used at the moment: try again later",
    ModelServerUnavailable: "the model cannot be used at the moment: try again later",
}

KINDS = {  # status -> kind, where no error of ours says it
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    503: "overloaded_error",
}


def envelope(message: str, kind: str, *, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    """The body of an error."""
    return {"error": {"message": _short(message), "type": kind, "param": param and _short(param), "code": code}}


def envelope_of(error: NexxiError) -> dict[str, Any]:
    """The body of an error of ours. Where a store or a model server is, and why it is down, is for the log."""
    message = next((told for kind, told in DOWN.items() if isinstance(error, kind)), str(error))
    if error.unkept is not None and not error.unkept.saved:
        message = f"the reply was complete but is not kept: {message}"
    return envelope(message, error.kind, param=getattr(error, "param", None), code=error.code)


def error_response(error: NexxiError) -> Response:
    """The response that an error of ours becomes."""
    headers = {}
    retry_after_s = getattr(error, "retry_after_s", UNAVAILABLE_RETRY_S if isinstance(error, Unavailable) else None)
    if retry_after_s is not None and math.isfinite(retry_after_s):
        headers["retry-after"] = str(max(1, math.ceil(retry_after_s)))
    if isinstance(error, NotAuthorised) and error.status == 401:
        headers["www-authenticate"] = 'Bearer realm="nexxi"'  # RFC 9110, 11.6.1
    return JsonResponse(envelope_of(error), status_code=error.status, headers=headers)


def status_response(
    status: int, message: str, *, headers: dict[str, str] | None = None, param: str | None = None
) -> Response:
    """The response for a status that no error of ours stands for: 404 of a path, 405, 413, 422."""
    kind = KINDS.get(status, "invalid_request_error" if status < 500 else "api_error")
    return JsonResponse(envelope(message, kind, param=param), status_code=status, headers=headers)


def internal_error() -> Response:
    """The response to an error that is nobody's on purpose."""
    return JsonResponse(envelope(INTERNAL, "api_error"), status_code=500)


def _short(text: str) -> str:
    return text if len(text) <= MAX_CHARS else f"{text[:MAX_CHARS]}..."
