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
    422: "A value is not valid",
    429: "Over the key's quota; see Retry-After",
    500: "Internal error",
    503: "Full, loading, draining, or something that is needed is down; see Retry-After",
    504: "The deadline passed",
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route: those that every route has, and these."""
    return {
        status: {"model": ErrorEnvelope, "description": _MEANINGS[status]}
        for status in sorted({400, 401, 403, 429, 500, 503, *statuses})
    }
