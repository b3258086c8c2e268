"""What may stand for a session: a name, an id, or the beginning of an id. Knows the rules, not the sessions."""

import re
from uuid import UUID

from nexxi_cli.core.errors import UsageError

MIN_ID_DIGITS = 4  # git's minimum too: git-config(1), core.abbrev

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ID_DIGITS = re.compile(r"[0-9a-fA-F-]{1,36}")
_WHOLE_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SURELY_ID = re.compile(r"[0-9a-fA-F]{8}[0-9a-fA-F-]*")


def check_reference(reference: str) -> None:
    """Raises UsageError for what can be neither a name nor an id: `../../x`, a name with blanks, nothing."""
    if not NAME.fullmatch(reference):
        raise UsageError(
            f"{reference!r} is no session: a name is 1 to 64 letters, digits, dots, dashes and underscores,"
            " and begins with a letter or a digit"
        )


def check_name(name: str) -> None:
    """Raises UsageError for what cannot become a session's name; what looks like an id cannot."""
    check_reference(name)
    if is_id(name):
        raise UsageError(f"{name!r} cannot be a name: 8 or more hexadecimal digits stand for an id")


def is_id(reference: str) -> bool:
    """Whether this can only be an id or its beginning: 8 or more hexadecimal digits."""
    return _SURELY_ID.fullmatch(reference) is not None


def whole_id(reference: str) -> UUID | None:
    """The id, if all of it is here."""
    return UUID(reference) if _WHOLE_ID.fullmatch(reference) else None


def may_be_id(reference: str) -> bool:
    """Whether this is long enough to be looked up as the beginning of an id."""
    return _ID_DIGITS.fullmatch(reference) is not None and len(reference.replace("-", "")) >= MIN_ID_DIGITS
