"""What a request that does not fit its schema is told: the parameter, and what is wrong with it."""

from collections.abc import Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.responses import Response

from nexxi_cli.http.envelope import status_response

_PLACES = ("body", "query", "path", "header")
UNSUPPORTED, INVALID = 400, 422

_REASONS = {"model_attributes_type": "should be a JSON object"}
"""Pydantic's words where they speak of Python."""


def validation_response(error: RequestValidationError, *, openai: bool) -> Response:
    """The response to the first thing that is wrong: 400 for a parameter that is not known, 422 for a value that
    cannot be; OpenAI's API answers 400 to that too.
    """
    first: Mapping[str, Any] = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    param = _param(first, error.body)
    if first["type"] == "extra_forbidden":
        return status_response(UNSUPPORTED, f"the parameter {param!r} is not supported", param=param)
    reason = _REASONS.get(first["type"]) or _lowered(str(first["msg"]).removeprefix("Value error, "))
    subject = param or ("the body" if first["type"] in ("missing", *_REASONS) else "")
    message = f"{subject}: {reason}" if subject else reason
    return status_response(400 if openai else INVALID, message, param=param or None)


def _param(found: Mapping[str, Any], body: object) -> str:
    """`("body", "messages", 0, "content", "str")` is `messages[0].content`."""
    place, *parts = found["loc"] if found["loc"][0] in _PLACES else ("", *found["loc"])
    if place == "body":
        parts = _parts_of(body, parts, is_missing=found["type"] == "missing")
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).removeprefix(".")


def _parts_of(body: object, parts: list[int | str], *, is_missing: bool) -> list[int | str]:
    """Those that are in the document, and the last one if it should be; the others are pydantic's names of types."""
    named: list[int | str] = []
    for number, part in enumerate(parts, 1):
        match body:
            case dict() if part in body:
                body = body[part]
            case list() if isinstance(part, int) and part < len(body):
                body = body[part]
            case _ if not (is_missing and number == len(parts)):
                continue
        named.append(part)
    return named


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]
