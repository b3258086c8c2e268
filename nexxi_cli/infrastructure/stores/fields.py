"""How every store writes a session's fields, so that a session reads the same wherever it is kept."""

import re
from dataclasses import replace
from datetime import UTC, datetime

from nexxi_cli.core.types import Session, SessionInfo

TITLE_CHARS = 60
MAX_CANDIDATES = 10  # ids that one beginning of an id finds at most


def time_text(moment: datetime) -> str:
    """`moment` as ISO 8601 in UTC, always to the microsecond: the texts are of one width and sort as the times do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def title_of(question: str) -> str | None:
    """The first line of `question` that is not blank, at most TITLE_CHARS characters; None without one."""
    for line in question.splitlines():
        words = " ".join(line.split())
        if words:
            return words if len(words) <= TITLE_CHARS else words[: TITLE_CHARS - 1] + "…"
    return None


def id_start(reference: str) -> str | None:
    """`reference` as ids begin, in lower case and with its dashes in their places; None if no id can begin so."""
    digits = reference.replace("-", "").lower()
    if not re.fullmatch("[0-9a-f]{1,32}", digits):
        return None
    groups = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])  # RFC 9562 section 4
    return "-".join(group for group in groups if group)


def is_replaced(stored: SessionInfo, replaces_last_of: SessionInfo | None) -> bool:
    """Whether a turn takes the place of the last one that is stored; see SessionStore.append."""
    return replaces_last_of is not None and stored.turn_count > 0 and stored.last_turn == replaces_last_of.last_turn


def counted(session: Session) -> Session:
    """A new session with the turns that it comes with counted, and titled by the first."""
    questions = [message.content for message in session.messages if message.role == "user"]
    title = session.info.title or (title_of(questions[0]) if questions else None)
    return replace(session, info=replace(session.info, turn_count=len(questions), title=title))
