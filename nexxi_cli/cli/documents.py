"""The JSON that `--json` prints, and what is read out of a reply's Markdown."""

import json
from dataclasses import asdict
from typing import Any

from nexxi_cli.core.types import ChatResponse, Session, SessionInfo


def to_json(document: object) -> str:
    """One document on lines of its own, readable by people too."""
    return json.dumps(document, ensure_ascii=False, indent=2)


def response_document(response: ChatResponse) -> dict[str, Any]:
    """A reply of `chat --once --json`."""
    return {
        "response": response.text,
        "model": response.model,
        "session_id": str(response.session_id) if response.session_id else None,
        "finish_reason": response.finish,
        "usage": {**asdict(response.usage), "total_tokens": response.usage.total_tokens},
        "timing": asdict(response.timing),
        "dropped_turns": response.dropped_turns,
        "redacted": [asdict(finding) for finding in response.verdict.findings],
    }


def info_document(info: SessionInfo) -> dict[str, Any]:
    """A session in a list."""
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


def session_markdown(session: Session) -> str:
    """A session to read: each message under its role."""
    title = session.info.name or session.info.title or str(session.info.session_id)
    parts = [f"# {title}"]
    for message in session.messages:
        mark = f" ({message.finish})" if message.finish else ""
        parts.append(f"## {message.role}{mark}\n\n{message.content}")
    return "\n\n".join(parts) + "\n"


def first_code_block(markdown: str) -> str | None:
    """Content of the first fenced block, without its fences (CommonMark 0.31, 4.5)."""
    from markdown_it import MarkdownIt

    for token in MarkdownIt().parse(markdown):
        if token.type == "fence":
            return token.content
    return None
