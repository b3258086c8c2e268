"""RequestRecord: what is noted of one request while it goes through the layers, for its log line and the metrics."""

from dataclasses import dataclass, field

from nexxi_cli.core.access import Caller
from nexxi_cli.core.errors import NexxiError, Unavailable
from nexxi_cli.http.asgi import Scope

ROUTE_UNKNOWN = "other"


@dataclass(slots=True)
class RequestRecord:
    """One request. The layers fill it in; the RequestLoggingMiddleware reads it at the end."""

    request_id: str
    caller: Caller | None = None
    error: str | None = None
    limit_headers: dict[str, str] = field(default_factory=dict)
    queued_s: float | None = None
    first_token_s: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    reason: str | None = None

    def failed(self, error: NexxiError) -> None:
        """Note what the request came to."""
        self.error = error.kind
        if isinstance(error, Unavailable):
            self.reason = str(error)


def record_of(scope: Scope) -> RequestRecord:
    """The record of the request that this scope describes."""
    found: RequestRecord = scope["state"]["record"]
    return found


def route_of(scope: Scope) -> str:
    """The template of the path, such as /v1/sessions/{session_id}: a closed set, whatever clients ask for."""
    return getattr(scope.get("route"), "path", ROUTE_UNKNOWN)
