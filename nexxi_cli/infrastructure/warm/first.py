"""The chat's choice: a warm engine while there is one, a model of one's own from the moment in which there is none."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from typing import TypeVar

from nexxi_cli.core.errors import ModelUnavailable, NexxiError
from nexxi_cli.core.events import WarmEngineLost, WarmEngineUsed
from nexxi_cli.core.ports import ModelBackend, Observer
from nexxi_cli.core.types import Delta, Message, ModelInfo, Sampling
from nexxi_cli.infrastructure.warm.client import WarmEngine
from nexxi_cli.infrastructure.warm.place import EngineGone

T = TypeVar("T")


class WarmFirst:
    """A ModelBackend that asks `engine`, and its own model once that is gone. It never goes back."""

    def __init__(
        self,
        engine: WarmEngine,
        *,
        name: str,
        own: Callable[[], ModelBackend],
        prepare: Callable[[], Awaitable[None]] | None = None,
        observer: Observer,
    ) -> None:
        """`own` begins to load the model in this process. `prepare` comes before the first call and begins at once: it
        starts the engine, or has it stay; it raises EngineGone when it cannot, or what is wrong with the model.
        """
        self._engine = engine
        self._name = name
        self._make_own = own
        self._own: ModelBackend | None = None
        self._observer = observer
        self._told = False
        self._preparing = None if prepare is None else asyncio.ensure_future(prepare())

    @property
    def is_down(self) -> bool:
        """Never: its own model is there."""
        return False

    async def info(self) -> ModelInfo:
        """Name and context length."""
        return await self._asked(lambda backend: backend.info())

    async def ready(self) -> None:
        """Wait until the model can answer at once."""
        await self._asked(lambda backend: backend.ready())

    async def count_tokens(self, messages: Sequence[Message], *, budget: int | None = None) -> int:
        """Length of the prompt in the model's own template."""
        return await self._asked(lambda backend: backend.count_tokens(messages, budget=budget))

    async def generate(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[Delta, None]:
        """Answer `messages`. Raises ModelUnavailable for an engine that ends once the reply has begun; before, nobody
        misses it.
        """
        backend, has_begun = await self._backend(), False
        try:
            async with aclosing(backend.generate(messages, sampling)) as deltas:
                async for delta in deltas:
                    self._tell()
                    has_begun = True
                    yield delta
            return
        except EngineGone as gone:
            if has_begun:
                raise ModelUnavailable("the warm engine ended in the middle of the reply: ask again") from gone
            own = self._without_engine(gone)
        async with aclosing(own.generate(messages, sampling)) as deltas:
            async for delta in deltas:
                yield delta

    async def aclose(self) -> None:
        """Free the model of this process, if there is one; the engine stays."""
        if self._preparing is not None:
            self._preparing.cancel()
            with suppress(asyncio.CancelledError, NexxiError):
                await self._preparing
        if self._own is not None:
            await self._own.aclose()

    async def _asked(self, ask: Callable[[ModelBackend], Awaitable[T]]) -> T:
        try:
            answer = await ask(await self._backend())
        except EngineGone as gone:
            return await ask(self._without_engine(gone))
        self._tell()
        return answer

    async def _backend(self) -> ModelBackend:
        if self._own is None and self._preparing is not None:
            try:
                await asyncio.shield(self._preparing)
            except EngineGone as gone:
                return self._without_engine(gone)
        return self._own or self._engine

    def _without_engine(self, gone: EngineGone) -> ModelBackend:
        if self._own is None:
            self._observer.notify(WarmEngineLost(self._name, str(gone)))
            self._own = self._make_own()
        return self._own

    def _tell(self) -> None:
        """Say once that an engine answers."""
        if self._own is None and not self._told and self._engine.pid is not None:
            self._told = True
            self._observer.notify(WarmEngineUsed(self._name, self._engine.pid))
