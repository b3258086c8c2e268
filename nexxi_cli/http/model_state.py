"""ModelState: whether the model, and what judges its prompts, is loaded yet, and whether it still answers."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Literal

from nexxi_cli.core.errors import NexxiError, Overloaded
from nexxi_cli.core.ports import ModelBackend

RETRY_S = 5.0
"""A small model is there by then; a large one refuses again."""


class ModelState:
    """Waits for the model in the background. `async with` it.

    `failed` is set when the model cannot be had, `settled` then and when it is there.
    """

    def __init__(
        self,
        backend: ModelBackend,
        others_ready: Callable[[], Awaitable[None]],
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        """`others_ready` waits for what has to be loaded too; `on_ready` is called once, before the first request."""
        self._backend = backend
        self._others_ready = others_ready
        self._on_ready = on_ready
        self._task: asyncio.Task[None]
        self.is_ready = False
        self.error: NexxiError | None = None
        self.failed = asyncio.Event()
        self.settled = asyncio.Event()

    async def __aenter__(self) -> "ModelState":
        self._task = asyncio.create_task(self._wait())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    @property
    def state(self) -> Literal["ok", "loading", "failed", "down"]:
        """In the words of `/ready`. Asks nobody."""
        if self.error is not None:
            return "failed"
        if not self.is_ready:
            return "loading"
        return "down" if self._backend.is_down else "ok"

    def check(self) -> None:
        """Raises Overloaded while the model is loading, and what became of it when it cannot be had."""
        if self.error is not None:
            raise self.error
        if not self.is_ready:
            raise Overloaded("the model is still loading: try again", retry_after_s=RETRY_S)

    async def _wait(self) -> None:
        try:
            await asyncio.gather(self._backend.ready(), self._others_ready())
        except NexxiError as error:
            self.error = error
            self.failed.set()
        else:
            self._on_ready()
            self.is_ready = True
        self.settled.set()
