"""The backend for model servers, by default of OpenAI's API (vLLM and its kin): its model runs elsewhere."""

import asyncio
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace

import httpx

from nexxi_cli.core.errors import ModelServerUnavailable, NexxiError, NotAuthorised, NotFound, UsageError
from nexxi_cli.core.events import ModelLoaded
from nexxi_cli.core.ports import Observer
from nexxi_cli.core.types import Delta, FinishReason, Message, ModelInfo, Sampling, Usage
from nexxi_cli.infrastructure.model_server.completion import Completion, Models, ModelServer
from nexxi_cli.infrastructure.model_server.connection import ANSWER_S, new_client
from nexxi_cli.infrastructure.model_server.openai import OpenAiServer
from nexxi_cli.infrastructure.model_server.pool import LOOK_EVERY_S, ServerPool, listed, look_at
from nexxi_cli.infrastructure.model_server.requests import estimated_tokens, most_tokens
from nexxi_cli.infrastructure.models.catalogue import KNOWN_MODELS

WAIT_S = 1.0
"""Between two looks at servers none of which has answered yet."""
EVENTS_BESIDE_TOKENS = 64
"""For the role, the finish, the usage and what else a server adds; a stream of more events than tokens were asked for
is one that does not end.
"""
COUNTS_KEPT = 256


class ModelServerBackend:
    """A ModelBackend over the servers at `urls`, with the same model on each.

    It looks which models there are on first use and, from then on, every few seconds who is down or back.
    """

    def __init__(
        self,
        *,
        urls: Sequence[str],
        key: str | None,
        model: str | None,
        context_tokens: int,
        silence_s: float,
        observer: Observer,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        """`model`: None for the only one there is. `context_tokens`: for servers that do not tell. `silence_s`: how
        long a server may send nothing at all. `look_every_s`: between two looks at who is down or back.
        """
        self._client = new_client(key, silence_s=silence_s)
        self._pool = ServerPool([self.new_server(url, self._client) for url in urls], observer)
        self._salt_key = (key or "").encode()
        self._wanted = model
        self._context_tokens = context_tokens
        self._observer = observer
        self._look_every_s = look_every_s
        self._looking = asyncio.Lock()
        self._info: ModelInfo | None = None
        self._watch: asyncio.Task[None] | None = None
        self._counts: OrderedDict[int, int] = OrderedDict()

    @property
    def is_down(self) -> bool:
        """Whether no server has worked of late, as looks and requests found."""
        return self._pool.is_down

    async def info(self) -> ModelInfo:
        """Name and context length, as the servers tell; asked for once.

        Raises ModelServerUnavailable when no server answers, NotAuthorised for a wrong key, NotFound for a model that
        none has, UsageError when there are several and none was named.
        """
        async with self._looking:
            if self._info is None:
                found = await look_at(self._pool.servers)
                try:
                    self._info = self._chosen(found)
                finally:
                    self._pool.note(found, self._info.name if self._info else None)
                self._watch = asyncio.create_task(self._pool.watch(self._info.name, every_s=self._look_every_s))
        return self._info

    async def ready(self) -> None:
        """Wait until a server answers. Raises as `info` does, but for ModelServerUnavailable."""
        began = time.monotonic()
        while self._info is None:
            try:
                await self.info()
            except ModelServerUnavailable:
                await asyncio.sleep(WAIT_S)
        self._observer.notify(ModelLoaded(self._info.name, time.monotonic() - began))

    async def count_tokens(self, messages: Sequence[Message], *, budget: int | None = None) -> int:
        """As the server counts, or else an estimate, rather too high than too low.

        A server that writes for others takes 7 ms to count (vLLM on two cores, 16 streams): it is not asked when the
        prompt is within the budget however it is counted.
        """
        if budget is not None and most_tokens(messages) <= budget:
            return estimated_tokens(messages)
        key = hash(tuple(messages))
        if key in self._counts:
            self._counts.move_to_end(key)
            return self._counts[key]
        info = await self.info()
        count = await self._pool.count_tokens(info.name, messages)
        if count is None:
            return estimated_tokens(messages)
        self._counts[key] = count
        if len(self._counts) > COUNTS_KEPT:
            self._counts.popitem(last=False)
        return count

    async def generate(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[Delta, None]:
        """Answer `messages`; closing the iterator closes the connection to the server.

        Raises, before the first delta, UsageError for what the servers refuse and Overloaded when all are busy.
        """
        info = await self.info()
        limit = await self._limit(messages, sampling.max_new_tokens, info.context_length)
        wanted = Completion(info.name, messages, sampling, limit, self._salt(sampling.prompt_cache_key))
        finish: FinishReason = "length"
        usage: Usage | None = None
        events = tokens = 0
        async with aclosing(self._pool.stream(wanted)) as chunks:
            async for chunk in chunks:
                events += 1
                finish, usage = chunk.finish or finish, chunk.usage or usage
                if chunk.text:
                    tokens += 1
                    yield Delta(chunk.text)
                if events > limit + EVENTS_BESIDE_TOKENS:
                    break
        yield Delta("", finish, usage or Usage(await self.count_tokens(messages), tokens))

    async def aclose(self) -> None:
        """Stop looking, and close the connections."""
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
        await self._client.aclose()

    @staticmethod
    def new_server(url: str, client: httpx.AsyncClient) -> ModelServer:
        """A server of the kind that this backend is for."""
        return OpenAiServer(url, client)

    @classmethod
    async def models_at(cls, urls: Sequence[str], *, key: str | None) -> Mapping[str, Models | NexxiError]:
        """What the server at each of these addresses has, or why it does not say."""
        async with new_client(key, silence_s=ANSWER_S) as client:
            found = await look_at([cls.new_server(url, client) for url in urls])
        return {server.url: models for server, models in found.items()}

    async def _limit(self, messages: Sequence[Message], wanted_tokens: int | None, context_tokens: int) -> int:
        """How long the reply may be: as long as is wanted, if the context has room for it."""
        if wanted_tokens is not None and most_tokens(messages) + wanted_tokens <= context_tokens:
            return wanted_tokens
        room = max(context_tokens - await self.count_tokens(messages), 1)
        return min(wanted_tokens or room, room)

    def _salt(self, cache_key: str | None) -> str:
        """The same for all who have the servers' key, and telling nothing of whose it is; without a key of its own."""
        if cache_key is None:
            return secrets.token_hex()
        return hmac.digest(self._salt_key, cache_key.encode(), "sha256").hex()

    def _chosen(self, found: Mapping[ModelServer, Models | NexxiError]) -> ModelInfo:
        answers = {server: models for server, models in found.items() if not isinstance(models, NexxiError)}
        if not answers:
            errors = [error for error in found.values() if isinstance(error, NexxiError)]
            refused = next((error for error in errors if isinstance(error, NotAuthorised)), None)
            raise refused or ModelServerUnavailable("; ".join(dict.fromkeys(map(str, errors))))
        names: Models = {name: None for models in answers.values() for name in models}
        where = ", ".join(server.url for server in answers)
        name = self._wanted
        if name is None:
            if len(names) != 1:
                raise UsageError(f"{where} has several models, or none: choose one with -m: {listed(names)}")
            name = next(iter(names))
        if name not in names:
            raise NotFound(f"{where} has no model {name!r}: it has {listed(names)}")
        told = [context for models in answers.values() if (context := models.get(name)) is not None]
        known = KNOWN_MODELS.get(name)
        info = ModelInfo(name, min(told, default=self._context_tokens), engine=f"a model server: {where}")
        return replace(info, system=known.system) if known else info
