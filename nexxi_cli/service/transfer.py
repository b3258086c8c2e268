"""Sessions as text that other programs read and write: Markdown, JSON, JSON lines, llm's logs, ShareGPT."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from nexxi_cli.core.errors import UsageError
from nexxi_cli.core.types import FinishReason, Message, Role, Session, SessionInfo

Format = Literal["md", "json", "jsonl"]

FINISHES: Mapping[str, FinishReason] = {"length": "length", "interrupted": "interrupted", "error": "error"}
ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",  # OpenAI's newer word
    "user": "user",
    "human": "user",  # ShareGPT
    "assistant": "assistant",
    "gpt": "assistant",  # ShareGPT
}

_HEADING = re.compile(r"^(\\*)## (system|user|assistant)(?: \((length|interrupted|error)\))?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Transcript:
    """A conversation from elsewhere: the system message first, if there is one, then user and assistant in turns."""

    messages: tuple[Message, ...]
    title: str | None = None
    model: str | None = None
    created_at: datetime | None = None


def write_session(session: Session, form: Format) -> str:
    """The session as Markdown, as one JSON document, or as one line of JSON with OpenAI's messages."""
    if form == "md":
        return _markdown(session)
    if form == "json":
        return json.dumps(session_document(session), ensure_ascii=False, indent=2) + "\n"
    messages = [{"role": message.role, "content": message.content} for message in session.messages]
    return json.dumps({"messages": messages}, ensure_ascii=False) + "\n"


def info_document(info: SessionInfo) -> dict[str, Any]:
    """A session without its messages, as lists show it."""
    return {
        "session_id": str(info.session_id),
        "name": info.name,
        "title": info.title,
        "model": info.model,
        "turn_count": info.turn_count,
        "created_at": info.created_at.isoformat(),
        "updated_at": info.updated_at.isoformat(),
    }


def session_document(session: Session) -> dict[str, Any]:
    """A session with its messages."""
    messages = [
        {"role": message.role, "content": message.content}
        | ({"finish_reason": message.finish} if message.finish else {})
        for message in session.messages
    ]
    return info_document(session.info) | {"messages": messages}


def read_transcripts(text: str) -> Sequence[Transcript]:
    """Every conversation in `text`, whatever it is of: what `write_session` writes, `llm logs --json`, ShareGPT.

    Raises UsageError for what is none of these, with the place.
    """
    stripped = text.lstrip("\ufeff \t\r\n")
    if stripped[:1] not in ("{", "["):
        return [_from_markdown(text)]
    documents = _documents(stripped)
    if all(isinstance(document, dict) and "role" in document for document in documents):
        return [Transcript(_in_turns(documents, "line 1"))]  # a line a message
    if all(isinstance(document, dict) and "prompt" in document and "response" in document for document in documents):
        return list(_from_llm(documents))
    return [_from_document(document, f"conversation {number}") for number, document in enumerate(documents, 1)]


def _documents(text: str) -> list[Any]:
    """One JSON document, the entries of one array, or one document a line."""
    try:
        whole = json.loads(text)
    except ValueError:
        return [_line(line, number) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    except RecursionError as error:
        raise UsageError("the JSON is nested too deeply") from error
    documents = whole if isinstance(whole, list) else [whole]
    if not documents:
        raise UsageError("there is no conversation in it")
    return documents


def _line(line: str, number: int) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"line {number} is not JSON: {error}") from error


def _from_document(document: object, place: str) -> Transcript:
    match document:
        case {"messages": list(messages)} | {"conversations": list(messages)}:
            assert isinstance(document, dict)
            return Transcript(
                _in_turns(messages, place),
                title=_text_or_none(document.get("name") or document.get("title")),
                model=_text_or_none(document.get("model")),
                created_at=_time_or_none(document.get("created_at")),
            )
    raise UsageError(f"{place} has neither messages nor conversations: it is of no format that is known")


def _from_llm(rows: Sequence[Mapping[str, Any]]) -> Iterator[Transcript]:
    """`llm logs --json`: a row an exchange, those of one conversation together, oldest first."""
    conversations: dict[str, list[Mapping[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: str(row.get("datetime_utc") or "")):
        conversations.setdefault(str(row.get("conversation_id")), []).append(row)
    for of_one in conversations.values():
        first = of_one[0]
        messages: list[object] = [{"role": "system", "content": first["system"]}] if first.get("system") else []
        for row in of_one:
            messages += {"role": "user", "content": row["prompt"]}, {"role": "assistant", "content": row["response"]}
        yield Transcript(
            _in_turns(messages, f"conversation {first.get('conversation_id')}"),
            title=_text_or_none(first.get("conversation_name")),
            model=_text_or_none(first.get("model")),
            created_at=_time_or_none(first.get("datetime_utc")),
        )


def _in_turns(entries: Sequence[object], place: str) -> tuple[Message, ...]:
    """The messages with every question answered and every answer asked for; what came twice is joined."""
    messages: list[Message] = []
    system = ""
    for number, entry in enumerate(entries, 1):
        message = _message(entry, f"message {number} of {place}")
        if message.role == "system":
            system = f"{system}\n\n{message.content}" if system else message.content
        elif messages and messages[-1].role == message.role:
            messages[-1] = replace(message, content=f"{messages[-1].content}\n\n{message.content}")
        else:
            messages.append(message)
    if messages and messages[0].role == "assistant":
        messages.insert(0, Message("user", ""))
    if messages and messages[-1].role == "user":
        messages.append(Message("assistant", "", "interrupted"))
    if not messages:
        raise UsageError(f"{place} has no messages")
    return (Message("system", system), *messages) if system else tuple(messages)


def _message(entry: object, place: str) -> Message:
    if not isinstance(entry, dict):
        raise UsageError(f"{place} is not an object with a role and content")
    role, content = entry.get("role", entry.get("from")), entry.get("content", entry.get("value"))
    if not isinstance(role, str) or role not in ROLES:
        raise UsageError(f"{place} has the role {role!r}; known are {', '.join(ROLES)}")
    return Message(ROLES[role], _plain(content, place), FINISHES.get(str(entry.get("finish_reason"))))


def _plain(content: object, place: str) -> str:
    """Text, or OpenAI's list of parts, all of which have to be text."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str)]
        if len(parts) == len(content):
            return "\n\n".join(parts)
    raise UsageError(f"{place} has content that is not text")


def _markdown(session: Session) -> str:
    title = session.info.name or session.info.title or str(session.info.session_id)
    parts = [f"# {title}"]
    for message in session.messages:
        mark = f" ({message.finish})" if message.finish else ""
        escaped = _HEADING.sub(lambda heading: "\\" + heading[0], message.content)
        parts.append(f"## {message.role}{mark}\n\n{escaped}")
    return "\n\n".join(parts) + "\n"


def _from_markdown(text: str) -> Transcript:
    headings = [heading for heading in _HEADING.finditer(text) if not heading[1]]
    if not headings:
        raise UsageError("there is no conversation in it: neither JSON nor Markdown with `## user` and `## assistant`")
    entries: list[object] = []
    for heading, following in zip(headings, [*headings[1:], None], strict=True):
        content = text[heading.end() : following.start() if following else len(text)].strip("\n")
        content = _HEADING.sub(lambda escaped: escaped[0][1:] if escaped[1] else escaped[0], content)
        entries.append({"role": heading[2], "content": content, "finish_reason": heading[3]})
    title = re.match(r"\s*# (.+)", text[: headings[0].start()])
    return Transcript(_in_turns(entries, "the Markdown"), title=title[1].strip() if title else None)


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _time_or_none(value: object) -> datetime | None:
    """An ISO 8601 time, in UTC unless it says otherwise."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
