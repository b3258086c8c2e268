"""One reply on its way to the user: shown as it comes, with what is to be said of it. Knows no session."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from nexxi_cli.cli.keys import held_keys
from nexxi_cli.cli.render import (
    answer_printer,
    dropped_note,
    note,
    redacted_note,
    reply_notes,
    summarised_note,
    usage_line,
)
from nexxi_cli.core.errors import NexxiError, StoreUnavailable
from nexxi_cli.core.types import ChatEvent, ChatResponse, Delta, Started

if TYPE_CHECKING:
    from nexxi_cli.cli.chat import ChatOptions


class Reply:
    """A reply while it is shown; `text` is what came, `response` is there once it is whole."""

    def __init__(self, options: "ChatOptions", *, kept: bool) -> None:
        """`kept`: whether the session keeps it, which the user is told of a part."""
        self._options = options
        self._kept = kept
        self._printer = answer_printer(plain=options.plain or options.verbose or not options.shows_text)
        self.text = ""
        self.started: Started | None = None
        self.response: ChatResponse | None = None

    async def show(self, events: AsyncGenerator[ChatEvent, None]) -> None:
        """Show the events as they come. Raises what they raise, once the part that came is on the screen."""
        try:
            with held_keys():
                await self._follow(events)
        except asyncio.CancelledError as error:
            self._say_interrupted(error)
            raise
        for line in reply_notes(self.response) if self.response else ():
            note(line, quiet=self._options.quiet)
        if self._options.usage and self.response:
            note(usage_line(self.response))

    async def _follow(self, events: AsyncGenerator[ChatEvent, None]) -> None:
        try:
            async with aclosing(events):
                async for event in events:
                    self._take(event)
        except (NexxiError, asyncio.CancelledError) as error:
            if isinstance(error, StoreUnavailable) and self.text:
                error.add_note("this reply is not kept")
            if not self._options.stream:
                self._printer.write(self._left_of_it(error))
            raise
        finally:
            self._printer.end()

    def _take(self, event: ChatEvent) -> None:
        if isinstance(event, Started):
            self.started = event
            self._say_what_was_settled(event)
            if self._options.shows_text:
                self._printer.wait()
        elif isinstance(event, Delta):
            self.text += event.text
            if self._options.stream:
                self._printer.write(event.text)
        else:
            self.response = event
            if not self._options.stream:
                self._printer.write(_whole(event, self._options))

    def _left_of_it(self, error: BaseException) -> str:
        """What to print of a reply that ended so: it may be all that is left of it. A part makes no document."""
        if isinstance(error, NexxiError) and error.unkept is not None:
            return _whole(error.unkept, self._options)
        return self.text if self._options.shows_text else ""

    def _say_what_was_settled(self, started: Started) -> None:
        if started.verdict.findings:
            note(redacted_note(started.verdict.findings, where="the prompt"), quiet=self._options.quiet)
        for remark in started.verdict.notes:
            note(f"noticed in the prompt: {remark}", quiet=self._options.quiet)
        if started.dropped_turns:
            note(dropped_note(started.dropped_turns), quiet=self._options.quiet)
        if started.summarised_turns:
            note(summarised_note(started.summarised_turns), quiet=self._options.quiet)

    def _say_interrupted(self, error: asyncio.CancelledError) -> None:
        lost = getattr(error, "__notes__", ())
        if lost:
            note("; ".join(("interrupted", *lost)))
        elif self.text and self._kept:
            note("interrupted; the part that came is kept", quiet=self._options.quiet)
        else:
            note("interrupted", quiet=self._options.quiet)


def _whole(response: ChatResponse, options: "ChatOptions") -> str:
    if options.as_json:
        from nexxi_cli.cli.documents import response_document, to_json

        return to_json(response_document(response))
    if options.extract:
        from nexxi_cli.cli.documents import first_code_block

        block = first_code_block(response.text)
        if block is not None:
            return block
        note("the reply has no code block: this is the whole of it", quiet=options.quiet)
    return response.text
