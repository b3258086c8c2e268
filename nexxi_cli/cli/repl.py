"""The REPL: reads a line or a command, streams the reply, keeps the session. Knows no business rule."""

import asyncio
import signal
from contextlib import aclosing
from typing import TYPE_CHECKING
from uuid import UUID

from nexxi_cli.cli.chat import ChatOptions
from nexxi_cli.cli.commands import COMMANDS, run_command
from nexxi_cli.cli.editor import new_prompt_session, unwrapped
from nexxi_cli.cli.render import (
    answer_printer,
    dropped_note,
    note,
    redacted_note,
    reply_notes,
    tokens_per_second,
    usage_line,
)
from nexxi_cli.cli.startup import LOCAL_OWNER, cli_app, cli_paths
from nexxi_cli.core.errors import NexxiError
from nexxi_cli.core.types import ChatRequest, ChatResponse, Delta, SessionChoice, Started

if TYPE_CHECKING:
    from nexxi_cli.core.ports import ModelBackend
    from nexxi_cli.core.settings import Settings
    from nexxi_cli.core.types import Session
    from nexxi_cli.wiring import App

LEAVING = ("exit", "quit")


class Repl:
    """The state of one interactive chat; the slash commands read and change it."""

    def __init__(self, app: "App", settings: "Settings", options: ChatOptions) -> None:
        self.app = app
        self.settings = settings
        self.options = options
        self.session = options.session
        self.system = options.system
        self.last: ChatResponse | None = None
        self.running = True
        self.draft = ""
        self.backend: ModelBackend = app.start_backend(settings.model)

    @property
    def session_id(self) -> UUID | None:
        """The session that the next message goes to, once it has one."""
        return UUID(self.session.reference) if self.session.reference and _is_uuid(self.session.reference) else None

    def begin_session(self, choice: SessionChoice) -> None:
        """The next message goes to `choice`; what was counted of the last reply is forgotten."""
        self.session, self.last = choice, None

    async def current_session(self) -> "Session | None":
        """The session as stored, or None while nothing of it is kept."""
        if self.session.last:
            recent = await self.app.conversations.recent(LOCAL_OWNER, limit=1)
            return await self.app.conversations.find(LOCAL_OWNER, str(recent[0].session_id)) if recent else None
        if self.session.reference is None:
            return None
        return await self.app.conversations.find(LOCAL_OWNER, self.session.reference)

    async def use_model(self, name: str) -> None:
        """Answer with another model from now on. Raises what loading raises; the old model then stays."""
        backend = self.app.start_backend(name)
        try:
            await backend.info()
        except BaseException:
            await self.app.stop_backend(backend)
            raise
        old, self.backend = self.backend, backend
        await self.app.stop_backend(old)
        self.settings = self.settings.model_copy(update={"model": name})

    def toolbar(self) -> str:
        """The status bar: model, session, context used, speed."""
        parts = [
            self.settings.model,
            self.session.reference or ("last session" if self.session.last else "new session"),
        ]
        if not self.options.save:
            parts[1] = "not saved"
        if self.last is not None:
            parts.append(f"{self.last.usage.total_tokens} tokens of context")
            parts.append(f"{tokens_per_second(self.last):.0f} tokens/s")
        return " · ".join(parts)

    async def answer(self, text: str) -> None:
        """Stream the reply to `text`. Ctrl-C stops it and keeps what came."""
        reply = asyncio.ensure_future(self._stream(text))
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, reply.cancel)
        try:
            await reply
        except asyncio.CancelledError:
            if not reply.cancelled():
                raise
            note("interrupted" + ("; the part that came is kept" if self.options.save else ""))
        finally:
            loop.remove_signal_handler(signal.SIGINT)

    async def _stream(self, text: str) -> None:
        request = ChatRequest(
            text=text,
            owner=LOCAL_OWNER,
            session=self.session,
            system=self.system,
            sampling=self.settings.sampling(),
            save=self.options.save,
        )
        printer = answer_printer(plain=self.options.plain)
        try:
            async with aclosing(self.app.chat_service(self.backend).stream(request)) as events:
                async for event in events:
                    if isinstance(event, Started):
                        self._begun(event)
                    elif isinstance(event, Delta) and self.options.stream:
                        printer.write(event.text)
                    elif isinstance(event, ChatResponse):
                        self.last = event
                        if not self.options.stream:
                            printer.write(event.text)
        finally:
            printer.end()
        if self.last is not None:
            for line in reply_notes(self.last):
                note(line, quiet=self.options.quiet)
            if self.options.usage:
                note(usage_line(self.last))

    def _begun(self, event: Started) -> None:
        self.system = None  # the session has it now
        if event.session_id is not None and (self.session.last or self.session.reference is None):
            self.session = SessionChoice(reference=str(event.session_id))
        if event.verdict.findings:
            note(redacted_note(event.verdict.findings, where="the prompt"), quiet=self.options.quiet)
        if event.dropped_turns:
            note(dropped_note(event.dropped_turns), quiet=self.options.quiet)


async def run_repl(settings: "Settings", options: ChatOptions) -> None:
    """Chat until the user leaves. The first prompt of the command line is answered first."""
    async with cli_app(settings, quiet=options.quiet, verbose=options.verbose) as app:
        repl = Repl(app, settings, options)
        await repl.backend.info()  # a model that is not there is pulled, or refused, before the first prompt
        if not options.quiet:
            note(f"{settings.model} — /help lists the commands, Ctrl-D leaves")
        if options.words or options.files:
            from nexxi_cli.cli.prompt import read_prompt

            await _take(repl, await read_prompt(options.words, options.files, note=[]))
        prompt_session = new_prompt_session(repl, history=cli_paths().state / "history", commands=COMMANDS)
        while repl.running:
            try:
                line = await prompt_session.prompt_async(default=repl.draft)
            except KeyboardInterrupt:
                note("Ctrl-D or /exit leaves")
                continue
            except EOFError:
                return
            repl.draft = ""
            await _take(repl, unwrapped(line))


async def _take(repl: Repl, line: str) -> None:
    """One line of input: nothing, a command or a message. Errors are a line; the REPL goes on."""
    text = line.strip()
    if not text:
        return
    if text.lower() in LEAVING:
        repl.running = False
        return
    try:
        if text.startswith("/"):
            await run_command(repl, text)
        else:
            await repl.answer(line)
    except NexxiError as error:
        note(f"nexxi: {error}")


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
