"""What every store says when it refuses."""

from uuid import UUID

from nexxi_cli.core.errors import NotFound, UsageError


def no_session(session_id: UUID) -> NotFound:
    """Nothing is kept under this id."""
    return NotFound(f"there is no session {session_id}; it may have been deleted meanwhile")


def id_taken(session_id: UUID) -> UsageError:
    """A new session comes with an id that is in use."""
    return UsageError(f"there is already a session {session_id}")


def name_taken(name: str) -> UsageError:
    """Another session of the same owner has the name."""
    return UsageError(f"another session is already called {name!r}")
