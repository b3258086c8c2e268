"""Every error that Nexxi raises on purpose.

NexxiError                        exit 1   500
    UsageError                    exit 2   400
        SettingsError                            a flag, variable or file holds a bad value
        ContextLengthExceeded                    the prompt does not fit into the model
    Refused                       exit 3   400   the safety filter said no
    NotAuthorised                 exit 4   401
        Forbidden                          403   the key is valid, but not for this
    QuotaExceeded                 exit 5   429   yours is used up
    Overloaded                    exit 5   503   ours is
    DeadlineExceeded              exit 5   504   the request took longer than it may
    NotFound                      exit 1   404
    MissingExtra                  exit 1   500   an optional library is not installed
    UnsupportedModel              exit 1   400   a model of a kind that cannot be run
    OutOfSpace                    exit 1   500   the disk has no room
    Unavailable                   exit 6   503   something we need is down
        StoreUnavailable, ArchiveUnavailable
        ModelUnavailable
            ModelServerUnavailable               it runs elsewhere, and where is nobody's business
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nexxi_cli.core.types import ChatResponse


class NexxiError(Exception):
    """Base of the tree. `str(error)` is one line for people: what failed, with which value, what to try.

    status, kind, code: as the API answers; code is the word of OpenAI's API where that has one.
    unkept: the whole reply, when this came in the way of keeping it; its `saved` says how far that had got.
    """

    exit_code = 1
    status = 500
    kind = "api_error"
    code: str | None = None
    unkept: "ChatResponse | None" = None


class UsageError(NexxiError):
    """The caller asked for something that cannot be."""

    exit_code, status, kind = 2, 400, "invalid_request_error"


class SettingsError(UsageError):
    """A flag, a NEXXI_* variable or the config file names an unknown setting or holds a bad value."""


class ContextLengthExceeded(UsageError):
    """The prompt alone is longer than the model's context."""

    code = "context_length_exceeded"


class Refused(NexxiError):
    """The safety filter refused the text; `finding_types` says what it found."""

    exit_code, status, kind = 3, 400, "invalid_request_error"
    code = "content_filter"

    def __init__(self, message: str, *, finding_types: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.finding_types = finding_types


class NotAuthorised(NexxiError):
    """No valid key came with the request."""

    exit_code, status, kind = 4, 401, "authentication_error"
    code: str | None = "invalid_api_key"


class Forbidden(NotAuthorised):
    """The key is valid, but not for this."""

    status, kind, code = 403, "permission_error", None


class QuotaExceeded(NexxiError):
    """The caller's own quota is used up; `retry_after_s` says for how long."""

    exit_code, status, kind = 5, 429, "rate_limit_error"
    code = "rate_limit_exceeded"

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Overloaded(NexxiError):
    """Every place and the queue are taken; `retry_after_s` is when it is worth trying again."""

    exit_code, status, kind = 5, 503, "overloaded_error"

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class DeadlineExceeded(NexxiError):
    """The request took longer than it may."""

    exit_code, status, kind = 5, 504, "api_error"


class NotFound(NexxiError):
    """No such session, model or file for this caller."""

    status, kind = 404, "not_found_error"


class MissingExtra(NexxiError):
    """A library of an optional extra is not installed."""


class UnsupportedModel(NexxiError):
    """The file is a model, but of a kind that cannot be run here."""

    status, kind = 400, "invalid_request_error"


class OutOfSpace(NexxiError):
    """The disk has no room for what has to be written."""


class Unavailable(NexxiError):
    """Something that is needed does not answer."""

    exit_code, status = 6, 503


class StoreUnavailable(Unavailable):
    """The session store does not answer or cannot be written."""


class ModelUnavailable(Unavailable):
    """The model cannot be fetched, read or run."""


class ModelServerUnavailable(ModelUnavailable):
    """The server that runs the model does not answer, or answers what is none."""


class ArchiveUnavailable(Unavailable):
    """The archive or its outbox does not answer, cannot be written, or has another schema."""
