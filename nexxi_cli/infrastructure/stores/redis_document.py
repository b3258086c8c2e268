"""A session as one JSON document that any program can read. Knows its layout; the scripts rely on it.

The messages come last and the head before them is filled up with JSON white space, so that a turn is written at the end
of the document and into the head without touching what lies between. All of it is ASCII: characters are bytes.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from nexxi_cli.core.types import Message, Role, Session, SessionInfo, Summary
from nexxi_cli.infrastructure.stores.fields import time_text

MESSAGES = ', "messages": ['  # ends the head: inside a string its quotes would be escaped
TURN = '{"role": "user", '  # begins a turn, and for the same reason nothing else
END = "]}"
BLOCK_CHARS = 256  # the head is filled up to a multiple of it
ROLES = frozenset(get_args(Role))


class MalformedDocument(ValueError):
    """The text is not a session."""


def document_of(session: Session) -> str:
    """The whole document, with room in its head."""
    info = session.info
    head = json.dumps(
        {
            "session_id": str(info.session_id),
            "created_at": time_text(info.created_at),
            "updated_at": time_text(info.updated_at),
            "turn_count": info.turn_count,
            "owner": info.owner,
            "name": info.name,
            "title": info.title,
            "model": info.model,
        }
    ).removesuffix("}")
    width = len(head) + -len(head) % BLOCK_CHARS
    return head.ljust(width) + MESSAGES + messages_text(session.messages) + END


def messages_text(messages: Iterable[Message]) -> str:
    """Messages as they stand between the brackets."""
    return ", ".join(json.dumps(_fields_of(message)) for message in messages)


def session_from(document: bytes) -> Session:
    """Read a whole document. Raises MalformedDocument."""
    try:
        fields = json.loads(document)
        return Session(_info(fields), tuple(_message(message) for message in fields["messages"]))
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise MalformedDocument("this is not a session") from error


def info_from(head: bytes) -> SessionInfo:
    """Read a document's head: all before MESSAGES. Raises MalformedDocument."""
    try:
        return _info(json.loads(head + b"}"))
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise MalformedDocument("this is not the head of a session") from error


def summary_from(document: bytes) -> Summary:
    """Read a summary. Raises MalformedDocument."""
    try:
        fields = json.loads(document)
        return Summary(int(fields["turns"]), str(fields["text"]))
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise MalformedDocument("this is not a summary") from error


def _fields_of(message: Message) -> Mapping[str, str]:
    fields = {"role": message.role, "content": message.content}
    return fields if message.finish is None else fields | {"finish_reason": message.finish}


def _info(fields: Mapping[str, Any]) -> SessionInfo:
    return SessionInfo(
        session_id=UUID(fields["session_id"]),
        owner=fields["owner"],
        created_at=datetime.fromisoformat(fields["created_at"]),
        updated_at=datetime.fromisoformat(fields["updated_at"]),
        turn_count=fields["turn_count"],
        name=fields["name"],
        title=fields["title"],
        model=fields["model"],
    )


def _message(fields: Any) -> Message:
    role, content = fields["role"], fields["content"]  # not a `match`, which takes four times as long
    if role not in ROLES or not isinstance(content, str):
        raise ValueError("this is not a message")
    return Message(role, content, fields.get("finish_reason"))
