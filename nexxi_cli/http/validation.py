"""What a request that does not fit its schema is told: the parameter, and what is wrong with it."""

from collections.abc import Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.responses import Response

from nexxi_cli.http.envelope import status_response

_PLACES = ("body", "query", "path", "header")
MALFORMED, UNSUPPORTED, INVALID = 400, 400, 422


def validation_response(error: RequestValidationError, *, openai: bool) -> Response:
    """The response to the first thing that is wrong: 400 for JSON that is none and for a parameter that is not known,
    422 for a value that cannot be; OpenAI's API answers 400 to that too.
    """
    first: Mapping[str, Any] = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    param = _param(first["loc"])
    if first["type"] == "json_invalid":
        return status_response(MALFORMED, f"the body is not valid JSON: {first['ctx']['error']}")
    if first["type"] == "extra_forbidden":
        return status_response(UNSUPPORTED, f"the parameter {param!r} is not supported", param=param)
    reason = str(first["msg"]).removeprefix("Value error, ")
    message = f"{param}: {_lowered(reason)}" if param else _lowered(reason)
    return status_response(400 if openai else INVALID, message, param=param or None)


def _param(location: tuple[int | str, ...]) -> str:
    """`("body", "messages", 0, "content", "str")` is `messages[0].content`; words in brackets are pydantic's own."""
    named = location[1:] if location and location[0] in _PLACES else location
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in named]
    return "".join(parts).removeprefix(".")


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]
