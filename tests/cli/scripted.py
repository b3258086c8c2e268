"""A chat whose model says what the test wrote; everything else is real: REPL, service, conversations, SQLite."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager

from nexxi_cli.cli.chat import ChatOptions
from nexxi_cli.cli.repl import Repl
from nexxi_cli.cli.startup import LOCAL_OWNER, cli_app, read_settings
from nexxi_cli.core.types import Delta, Message, ModelInfo, Sampling, Session, SessionChoice, Usage

Piece = str | Exception | asyncio.Event


class ScriptedBackend:
    """Answers with one script after the other: pieces of text, an error, or an event on which it waits.

    asked: the prompts; waiting: set while a script waits for its event.
    """

    def __init__(self, *scripts: Sequence[Piece], context_length: int = 1000) -> None:
        self.scripts = list(scripts)
        self.asked: list[Sequence[Message]] = []
        self.samplings: list[Sampling] = []
        self.waiting = asyncio.Event()
        self._context_length = context_length

    @property
    def is_down(self) -> bool:
        return False

    async def info(self) -> ModelInfo:
        return ModelInfo("scripted", self._context_length)

    async def count_tokens(self, messages: Sequence[Message], *, budget: int | None = None) -> int:
        return sum(len(message.content.split()) for message in messages)

    async def ready(self) -> None:
        pass

    async def generate(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[Delta, None]:
        self.asked.append(messages)
        self.samplings.append(sampling)
        script = self.scripts.pop(0)
        for piece in script:
            if isinstance(piece, Exception):
                raise piece
            if isinstance(piece, asyncio.Event):
                self.waiting.set()
                await piece.wait()
            else:
                yield Delta(piece)
        yield Delta("", "stop", Usage(await self.count_tokens(messages), len(script)))

    async def aclose(self) -> None:
        pass


@asynccontextmanager
async def a_repl(backend: ScriptedBackend, options: ChatOptions | None = None, **flags: object) -> AsyncIterator[Repl]:
    """A REPL at its first prompt, in the home of the test."""
    options = options or ChatOptions(session=SessionChoice())
    settings = read_settings(flags)
    async with cli_app(settings) as app:
        repl = Repl(app, settings, options, backend)
        await repl.begin()
        yield repl


async def stored(repl: Repl) -> Session:
    """The newest session of the file, whatever the REPL is at."""
    newest, *_ = await repl.app.conversations.recent(LOCAL_OWNER, limit=1)
    return await repl.app.conversations.find(LOCAL_OWNER, str(newest.session_id))


def said(session: Session) -> list[str]:
    """What was said in it, without the system prompt."""
    return [message.content for message in session.messages if message.role != "system"]
