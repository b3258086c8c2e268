"""The JSON that `--json` prints, and what is read out of a reply's Markdown."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from nexxi_cli.core.access import ApiKey
from nexxi_cli.core.archived import MATCH_END, MATCH_START, SearchHit
from nexxi_cli.core.types import ChatResponse, ListedModel
from nexxi_cli.service.transfer import info_document


def to_json(document: object) -> str:
    """One document on lines of its own, readable by people too."""
    return json.dumps(document, ensure_ascii=False, indent=2)


def response_document(response: ChatResponse) -> dict[str, Any]:
    """A reply of `chat --once --json`."""
    return {
        "response": response.text,
        "model": response.model,
        "session_id": str(response.session_id) if response.session_id else None,
        "saved": response.saved,
        "finish_reason": response.finish,
        "usage": {**asdict(response.usage), "total_tokens": response.usage.total_tokens},
        "timing": asdict(response.timing),
        "dropped_turns": response.dropped_turns,
        "summarised_turns": response.summarised_turns,
        "redacted": [finding._asdict() for finding in response.verdict.findings],
    }


def hit_document(hit: SearchHit) -> dict[str, Any]:
    """A turn that was searched for; its matches stand between ** and **."""
    snippet = hit.snippet.replace(MATCH_START, "**").replace(MATCH_END, "**")
    return {"session": info_document(hit.session), "turn": hit.number, "snippet": snippet, "rank": hit.rank}


def model_document(model: ListedModel) -> dict[str, Any]:
    """A model in a list."""
    return asdict(model) | {"path": str(model.path) if model.path else None}


def key_document(key: ApiKey, now: datetime) -> dict[str, Any]:
    """A key in a list, without its digest; limits of null are the settings'."""
    return {
        "id": key.key_id,
        "name": key.name,
        "owner": key.owner,
        "scopes": sorted(key.scopes),
        "requests_per_minute": key.requests_per_minute,
        "tokens_per_minute": key.tokens_per_minute,
        "created_at": key.created_at.isoformat(),
        "expires_at": key.expires_at.isoformat() if key.expires_at else None,
        "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
        "state": key.state(now),
    }


def first_code_block(markdown: str) -> str | None:
    """Content of the first fenced block, without its fences (CommonMark 0.31, 4.5)."""
    from markdown_it import MarkdownIt

    for token in MarkdownIt().parse(markdown):
        if token.type == "fence":
            return token.content
    return None
