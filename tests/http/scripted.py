"""A model that answers what the test wrote, as fast or slowly as it says."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from nexxi_cli.core.types import Delta, Message, ModelInfo, Sampling, Usage

REPLY = ("The", " capital", " of", " France", " is", " Paris", ".")


class ScriptedBackend:
    """Every word of `reply` is a token. It counts who asks, and who has stopped it.

    delay_s: between tokens; endless: the reply begins anew until somebody stops it or max_new_tokens are written;
    error: raised after `error_after` tokens; remembers: keeps what it was asked, which a server of its own must not.
    """

    def __init__(
        self,
        reply: Sequence[str] = REPLY,
        *,
        delay_s: float = 0.0,
        endless: bool = False,
        error: Exception | None = None,
        error_after: int = 0,
        is_ready: bool = True,
        failure: Exception | None = None,
        remembers: bool = True,
    ) -> None:
        self.reply = reply
        self.delay_s = delay_s
        self.endless = endless
        self.error = error
        self.error_after = error_after
        self.failure = failure
        self.remembers = remembers
        self.loaded = asyncio.Event()
        if is_ready:
            self.loaded.set()
        self.asked: list[tuple[Sequence[Message], Sampling]] = []
        self.running = 0
        self.most_running = 0
        self.tokens = 0

    @property
    def is_down(self) -> bool:
        return False

    async def info(self) -> ModelInfo:
        return ModelInfo("scripted", 4096)

    async def ready(self) -> None:
        await self.loaded.wait()
        if self.failure is not None:
            raise self.failure

    async def count_tokens(self, messages: Sequence[Message], *, budget: int | None = None) -> int:
        return sum(len(message.content.split()) for message in messages)

    async def generate(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[Delta, None]:
        if self.remembers:
            self.asked.append((messages, sampling))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        prompt_tokens = await self.count_tokens(messages)
        limit = sampling.max_new_tokens or 1_000_000
        length = limit if self.endless else min(len(self.reply), limit)
        try:
            for number in range(length):
                if self.error is not None and number == self.error_after:
                    raise self.error
                if self.delay_s or self.endless:
                    await asyncio.sleep(self.delay_s)
                self.tokens += 1
                yield Delta(self.reply[number % len(self.reply)])
            whole = not self.endless and length == len(self.reply)
            yield Delta("", "stop" if whole else "length", Usage(prompt_tokens, length))
        finally:
            self.running -= 1

    async def aclose(self) -> None:
        pass
