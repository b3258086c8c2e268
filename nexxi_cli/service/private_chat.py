"""PrivateChat: a chat of which the model, the store and the archive see placeholders, and the user the originals.

The placeholders are known to this process alone. In a session that goes on, those of earlier processes stay as they
are, and none of them is given to another value.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

from nexxi_cli.core.errors import NexxiError
from nexxi_cli.core.types import ChatEvent, ChatRequest, ChatResponse, Delta, Finding, Session, Started
from nexxi_cli.service.redaction.operators import Operators
from nexxi_cli.service.redaction.pseudonyms import Pseudonyms
from nexxi_cli.service.redaction.restoring import Restorer, restored
from nexxi_cli.service.redaction.searching import Search


class Answering(Protocol):
    """Answers messages, as ChatService does."""

    def stream(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        """Started, Deltas, the ChatResponse."""


class PrivateChat:
    """Stands before a ChatService, for one user."""

    def __init__(
        self,
        service: Answering,
        search: Search,
        pseudonyms: Pseudonyms,
        session_of: Callable[[ChatRequest], Awaitable[Session | None]],
    ) -> None:
        """`session_of` gives the session that a request continues, if there is one."""
        self._service = service
        self._search = search
        self._pseudonyms = pseudonyms
        self._operators = Operators(pseudonyms)
        self._session_of = session_of

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        """Answer one message, as the service does, with originals in all that it yields. Raises as the service does."""
        session = await self._session_of(request)
        for text in (request.text, *(message.content for message in (session.messages if session else ()))):
            self._pseudonyms.avoid(text)
        hidden, findings = self._hidden(request.text)
        system = request.system and self._hidden(request.system)[0]
        restorer = Restorer(self._pseudonyms.value_of)
        try:
            async with aclosing(self._service.stream(replace(request, text=hidden, system=system))) as events:
                async for event in events:
                    if isinstance(event, Delta):
                        if text := restorer.push(event.text):
                            yield replace(event, text=text)
                    elif isinstance(event, Started):
                        found = (*findings, *event.verdict.findings)
                        yield replace(event, verdict=replace(event.verdict, findings=found))
                    else:
                        if text := restorer.finish():
                            yield Delta(text)
                        yield self._restored(event)
        except NexxiError as error:
            if error.unkept is not None:
                error.unkept = self._restored(error.unkept)
            if text := restorer.finish():
                yield Delta(text)
            raise

    def _hidden(self, text: str) -> tuple[str, tuple[Finding, ...]]:
        findings = self._search.find(text)
        return self._operators.render(text, 0, findings), findings

    def _restored(self, response: ChatResponse) -> ChatResponse:
        return replace(response, text=restored(response.text, self._pseudonyms.value_of))
