"""The error envelope, for the OpenAPI document."""

from typing import Any

from pydantic import BaseModel, Field


class ErrorOut(BaseModel):
    """What went wrong."""

    message: str = Field(description="one line for people")
    type: str = Field(description="the kind of error", examples=["invalid_request_error"])
    param: str | None = Field(description="the parameter that is wrong")
    code: str | None = Field(description="a word for programs", examples=["context_length_exceeded"])


class ErrorEnvelope(BaseModel):
    """The body of every error."""

    error: ErrorOut


_MEANINGS = {
    400: "The request is malformed, has an unsupported parameter, or was refused by the safety filter",
    401: "No valid key",
    403: "The key is not for this, or HTTPS is required",
    404: "There is no such thing for this caller",
    408: "The body did not arrive in time",
    413: "The body is too long",
    415: "The body is not JSON by its Content-Type, or is compressed",
    422: "A value is not valid",
    429: "Over the key's quota; see Retry-After",
    500: "Internal error",
    503: "Full, loading, draining, or something that is needed is down; see Retry-After",
    504: "The deadline passed",
}


_RETRY_AFTER = {"Retry-After": {"description": "seconds to wait", "schema": {"type": "integer", "minimum": 1}}}
_HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"description": "how to send a key", "schema": {"type": "string"}}},
    429: _RETRY_AFTER,
    503: _RETRY_AFTER,
}

OF_A_BODY = (400, 408, 413, 415)
"""What can be wrong with a body before anybody looks at its values."""


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route: those that every route has, and these."""
    return {
        status: {
            "model": ErrorEnvelope,
            "description": _MEANINGS[status],
            **({"headers": _HEADERS[status]} if status in _HEADERS else {}),
        }
        for status in sorted({401, 403, 429, 500, 503, *statuses})
    }
