"""What a model server's refusal means, in our errors: status, body and Retry-After. Knows no HTTP library.

UsageError: the request cannot be answered by any server. Overloaded: this one is busy. NotAuthorised: our key is not
its. ModelServerUnavailable: it does not work.
"""

import json
import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from nexxi_cli.core.errors import (
    ContextLengthExceeded,
    ModelServerUnavailable,
    NexxiError,
    NotAuthorised,
    Overloaded,
    UsageError,
)

RETRY_S = 5.0
"""When to come back to a server that is busy and does not say for how long."""
MAX_RETRY_S = 3600.0
MAX_SHOWN_CHARS = 200

TOO_LONG = (
    "context_length_exceeded",
    "maximum context length",
    "maximum model length",
    "longer than the maximum",
    "`inputs` must have less than",
    "`inputs` tokens + `max_new_tokens` must be",
)
"""In a refusal of a prompt that does not fit: OpenAI's code, then the words of vLLM and of TGI (validation.rs)."""

STATUS_OF_TYPE = {"validation": 422, "generation": 424, "overloaded": 429}
"""What TGI's `error_type` would be as a status, which its streams do not have (infer/mod.rs)."""


class NotThere(ModelServerUnavailable):
    """The server works, but has nothing at this address."""


def refusal(status: int, body: bytes, retry_after: str | None, *, now_s: float) -> NexxiError:
    """The error that an answer with this status stands for. `now_s` is Unix time, for a Retry-After that is a date."""
    message = _message(body)
    if status in (429, 503):
        seconds = _seconds(retry_after, now_s)
        return Overloaded(f"the model server is overloaded: try again in {math.ceil(seconds)} s", retry_after_s=seconds)
    if status in (400, 413, 422):
        kind = ContextLengthExceeded if any(word in message for word in TOO_LONG) else UsageError
        return kind(f"the model server refuses the request: {message or status}")
    if status in (401, 403):
        return NotAuthorised(f"the model server refuses the key (status {status}): set NEXXI_MODEL_SERVER_KEY")
    said = f"the model server answered with status {status}{': ' if message else ''}{message}"
    if status in (404, 405, 501):
        return NotThere(said)
    return ModelServerUnavailable(said)


def reported_error(document: Mapping[str, object]) -> NexxiError | None:
    """The error that a document of status 200 reports, if it does: OpenAI's form, TGI's, or vLLM's older one."""
    found = document.get("error") or (document if document.get("object") == "error" else None)
    if found is None:
        return None
    code = found.get("code") if isinstance(found, dict) else None
    status = STATUS_OF_TYPE.get(str(document.get("error_type")), 500)
    if code is not None:
        status = code if isinstance(code, int) else 400 if code in TOO_LONG else 500
    return refusal(status, json.dumps({"error": found}).encode(), None, now_s=0.0)


def _message(body: bytes) -> str:
    """What the body says, on one line; nothing if that is no document of an error."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    found = document.get("error", document) if isinstance(document, dict) else None
    if isinstance(found, dict):
        parts = [found[key] for key in ("message", "detail", "code") if isinstance(found.get(key), str)]
        found = " ".join(parts[:2])
    if not isinstance(found, str):
        return ""
    line = " ".join(found.split())
    return line if len(line) <= MAX_SHOWN_CHARS else f"{line[:MAX_SHOWN_CHARS]}..."


def _seconds(retry_after: str | None, now_s: float) -> float:
    """RFC 9110, 10.2.3: whole seconds, or a date."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:10]), MAX_RETRY_S)
    try:
        return min(max(parsedate_to_datetime(text).timestamp() - now_s, 0.0), MAX_RETRY_S)
    except (ValueError, OverflowError):
        return RETRY_S
