"""The OpenAPI document: FastAPI's, with what FastAPI cannot know: keys, and that every error has our envelope."""

from typing import Any

from fastapi import FastAPI

from nexxi_cli.http.exposure import PROBES

DESCRIPTION = """\
Native routes keep conversations on the server; the OpenAI-compatible ones leave them with the client.

Every error, of every status, has the same envelope, and every response an `X-Request-ID`. `429` and `503` say in
`Retry-After` how many seconds to wait. A request whose headers are longer than 32 KiB gets `431`.
"""

TAGS = [
    {"name": "chat", "description": "Conversations that the server keeps."},
    {"name": "OpenAI-compatible", "description": "What OpenAI's clients call: set their base URL to `/v1`."},
    {"name": "sessions", "description": "What the caller's key has said so far."},
    {"name": "safety", "description": "The safety filter by itself."},
    {"name": "operation", "description": "For those who run the server."},
]

SCHEMES = {
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "Prevails if both are sent."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "As OpenAI's clients send it."},
}
REQUIREMENT: list[dict[str, list[str]]] = [{"apiKey": []}, {"bearer": []}]


class DescribedApp(FastAPI):
    """FastAPI with a document that says how this server really answers."""

    def openapi(self) -> dict[str, Any]:
        """The document, built once."""
        if self.openapi_schema is None:
            self.openapi_schema = _completed(super().openapi())
        return self.openapi_schema


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    components = document["components"]
    components["securitySchemes"] = SCHEMES
    for schema in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(schema, None)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            _drop_foreign_error(operation["responses"])
            if path not in PROBES:
                operation["security"] = REQUIREMENT
    return document


def _drop_foreign_error(responses: dict[str, Any]) -> None:
    """FastAPI documents its own 422 wherever a route does not state one."""
    schema = responses.get("422", {}).get("content", {}).get("application/json", {}).get("schema", {})
    if schema.get("$ref", "").endswith("/HTTPValidationError"):
        del responses["422"]
