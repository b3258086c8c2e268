"""JSON on its way out."""

from typing import Any

from pydantic_core import to_json
from starlette.responses import Response


class JsonResponse(Response):
    """A document of plain values, as compact UTF-8 JSON. Halves of surrogate pairs become U+FFFD."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The body's bytes."""
        return json_bytes(content)


def json_bytes(document: Any) -> bytes:
    """A document of plain values as compact UTF-8 JSON."""
    try:
        return to_json(document)
    except ValueError:  # a lone surrogate, which a prompt in JSON can carry
        return to_json(_printable(document))


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_printable(key): _printable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(inner) for inner in value]
    return value
