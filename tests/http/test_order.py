"""The lifecycle of a request: each step in its place."""

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from nexxi_cli.core.access import Allowance, Caller
from nexxi_cli.core.events import Event, RequestAdmitted, RequestScreened, RequestServed
from nexxi_cli.core.types import Delta, Message, Sampling, Session, Turn
from nexxi_cli.wiring import App
from tests.http.scripted import ScriptedBackend
from tests.http.serving import serving


class Noting:
    """Stands before another object and notes the calls that matter here."""

    def __init__(self, inner: Any, steps: list[str]) -> None:
        self._inner = inner
        self._steps = steps

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class NotingKeys(Noting):
    async def caller(self, presented: str) -> Caller:
        self._steps.append("key")
        caller: Caller = await self._inner.caller(presented)
        return caller


class NotingLimiter(Noting):
    async def take(self, name: str, *, limit: int, amount: int = 1) -> Allowance:
        self._steps.append(f"quota of {name.rpartition(':')[2]}")
        allowance: Allowance = await self._inner.take(name, limit=limit, amount=amount)
        return allowance

    async def settle(self, name: str, allowance: Allowance, *, amount: int) -> None:
        self._steps.append("quota settled")
        await self._inner.settle(name, allowance, amount=amount)


class NotingStore(Noting):
    async def load(self, session_id: UUID) -> Session | None:
        self._steps.append("history")
        session: Session | None = await self._inner.load(session_id)
        return session

    async def append(self, session_id: UUID, turn: Turn, **how: Any) -> int:
        self._steps.append("turn stored")
        count: int = await self._inner.append(session_id, turn, **how)
        return count


EVENTS: dict[type[Event], str] = {
    RequestAdmitted: "place",
    RequestScreened: "safety",
    RequestServed: "logged and counted",
}


class NotingObserver(Noting):
    def notify(self, event: Event) -> None:
        if type(event) in EVENTS:
            self._steps.append(EVENTS[type(event)])
        self._inner.notify(event)


class NotingBackend(ScriptedBackend):
    def __init__(self, steps: list[str]) -> None:
        super().__init__()
        self._steps = steps

    async def count_tokens(self, messages: Sequence[Message], *, budget: int | None = None) -> int:
        if "prompt" not in self._steps:
            self._steps.append("prompt")
        return await super().count_tokens(messages, budget=budget)

    async def generate(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[Delta, None]:
        self._steps.append("model")
        async for delta in super().generate(messages, sampling):
            yield delta


@pytest.mark.parametrize("stream", [False, True])
async def test_a_request_goes_through_its_steps_in_order(home: Path, stream: bool) -> None:  # noqa: FBT001
    steps: list[str] = []

    def note(app: App) -> None:
        app._key_ring = NotingKeys(app.key_ring(), steps)  # type: ignore[assignment]
        app._rate_limiter = NotingLimiter(app.rate_limiter(), steps)
        app.conversations._store = NotingStore(app.store, steps)  # type: ignore[assignment]
        app.observer = NotingObserver(app.observer, steps)

    async with serving(NotingBackend(steps), prepare=note, tokens_per_minute=100_000) as api:
        await api.client.post("/v1/chat", json={"message": "Why?", "session_id": "work"})
        steps.clear()
        answer = await api.client.post("/v1/chat", json={"message": "Why?", "session_id": "work", "stream": stream})
        assert answer.status_code == 200
    assert steps == [
        "key",
        "quota of requests",
        "quota of tokens",
        "place",
        "safety",
        "history",
        "prompt",
        "model",
        "turn stored",
        "quota settled",
        "logged and counted",
    ]
