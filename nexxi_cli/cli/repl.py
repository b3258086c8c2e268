"""The REPL: reads a line or a command, streams the reply, keeps the session. Knows no business rule."""

import asyncio
import signal
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from nexxi_cli.cli.chat import ChatOptions
from nexxi_cli.cli.commands import COMMANDS, run_command
from nexxi_cli.cli.editor import new_prompt_session, unwrapped
from nexxi_cli.cli.keys import held_keys
from nexxi_cli.cli.outage import show_outage
from nexxi_cli.cli.prompt import Prompt
from nexxi_cli.cli.render import error_line, note, tokens_per_second
from nexxi_cli.cli.reply import Reply
from nexxi_cli.cli.startup import LOCAL_OWNER, cli_app
from nexxi_cli.core.errors import NexxiError, NotFound
from nexxi_cli.core.types import ChatRequest, ChatResponse, Session, SessionChoice
from nexxi_cli.service.redaction.pseudonyms import Pseudonyms
from nexxi_cli.service.redaction.restoring import restored

if TYPE_CHECKING:
    from nexxi_cli.core.ports import ModelBackend
    from nexxi_cli.core.settings import Settings
    from nexxi_cli.service.conversations import ConversationManager
    from nexxi_cli.service.private_chat import Answering
    from nexxi_cli.wiring import App

LEAVING = ("exit", "quit")


class Repl:
    """The state of one interactive chat; the slash commands read and change it.

    conversations: those that keep this chat, the App's or, with --no-save, some in memory; system: what the next
    message makes the session's system prompt; draft: what the next prompt begins with.
    """

    def __init__(self, app: "App", settings: "Settings", options: ChatOptions, backend: "ModelBackend") -> None:
        self.app = app
        self.settings = settings
        self.options = options
        self.backend = backend
        self.conversations: ConversationManager = app.conversations
        self.session = options.session
        self.label = ""
        self.system = options.system
        self.last: ChatResponse | None = None
        self.context_tokens = (0, 0)
        self.draft = ""
        self.pseudonyms = Pseudonyms()
        self.running = True

    async def begin(self) -> None:
        """Settle which session the first message continues. Raises as `ConversationManager.resume` does."""
        found = await self.app.conversations.resume(LOCAL_OWNER, self.session)
        if found is None:
            await self.begin_session(self.session.reference)
        else:
            await self.continue_session(found)
        if self.options.system is not None:
            self.system = self.options.system

    async def begin_session(self, name: str | None = None) -> None:
        """The next message begins a session."""
        self.session, self.label = SessionChoice(reference=name), name or "new session"
        self.system, self.last = self.options.system, None
        if not self.options.save:
            self.conversations = await self.app.unsaved_conversations()
        await self.measure()

    async def continue_session(self, session: Session) -> None:
        """The next message goes on with `session`; with --no-save, with a copy of it."""
        self._adopt(session)
        self.system, self.last = None, None
        if not self.options.save:
            self.conversations = await self.app.unsaved_conversations(session)
        await self.measure()

    async def current_session(self) -> Session:
        """The session as it is kept. Raises NotFound while nothing of it is."""
        found = None
        if self.session.reference is not None:
            with suppress(NotFound):
                found = await self.conversations.resume(LOCAL_OWNER, self.session)
        if found is None:
            raise NotFound("nothing was said in this session yet")
        return found

    async def measure(self) -> None:
        """Count how much of the model's context the session takes."""
        info = await self.backend.info()
        used = 0
        with suppress(NotFound):
            used = await self.backend.count_tokens((await self.current_session()).messages)
        self.context_tokens = (used, info.context_length)

    async def use_model(self, name: str) -> None:
        """Answer with another model from now on. Raises what loading raises; the old model then stays."""
        backend = self.app.find_backend(name)
        try:
            await backend.info()
        except BaseException:
            await self.app.stop_backend(backend)
            note(f"{self.settings.model} stays")
            raise
        old, self.backend = self.backend, backend
        await self.app.stop_backend(old)
        self.settings = self.settings.model_copy(update={"model": name})
        await self.measure()

    async def words(self, command: str) -> Sequence[str]:
        """What may stand after the command, for completion."""
        known = COMMANDS.get(command)
        if known is None or known.words is None:
            return ()
        try:
            return await known.words(self)
        except NexxiError:
            return ()

    def shown(self, text: str) -> str:
        """A text of the session as the user may see it: with --private, with the originals that are known."""
        return restored(text, self.pseudonyms.value_of) if self.options.private else text

    def toolbar(self) -> str:
        """The status bar: model, session, context used, speed."""
        used, length = self.context_tokens
        parts = [self.settings.model, self.label if self.options.save else "not saved"]
        if self.options.private:
            parts.append("private")
        parts.append(f"{used:,} of {length:,} tokens")
        if self.last is not None:
            parts.append(f"{tokens_per_second(self.last):.0f} tokens/s")
        return " · ".join(parts)

    async def answer(self, text: str, *, replaces_last: bool = False) -> None:
        """Stream the reply to `text`. When it is cancelled, what came is kept."""
        request = ChatRequest(
            text=text,
            owner=LOCAL_OWNER,
            session=self.session,
            system=self.system,
            sampling=self.options.sampling(self.settings),
            replaces_last=replaces_last,
        )
        service: Answering = self.app.chat_service(self.backend, conversations=self.conversations)
        if self.options.private:
            service = self.app.private_chat(service, self.pseudonyms, conversations=self.conversations)
        reply = Reply(self.options, kept=self.options.save)
        try:
            await reply.show(service.stream(request))
        finally:
            await self._settle(reply)

    async def _settle(self, reply: Reply) -> None:
        """After a reply, whole or not: which session has it, if any, and how long that is now."""
        if reply.started is None:
            return
        if self.session.reference is None:
            id_ = reply.response.session_id if reply.response else reply.started.session_id
            with suppress(NexxiError):  # nothing came, or it could not be kept, as the user was told: no such session
                self._adopt(await self.conversations.find(LOCAL_OWNER, str(id_)))
        if not reply.text:  # what was held back when it failed is kept, but nobody has seen it
            return
        self.system = None  # the session has it now
        if reply.response is not None:
            self.last = reply.response
            self.context_tokens = (reply.response.usage.total_tokens, self.context_tokens[1])
        else:
            with suppress(NexxiError):
                await self.measure()

    def _adopt(self, session: Session) -> None:
        self.session = SessionChoice(reference=str(session.session_id))
        self.label = session.info.name or str(session.session_id)[:8]


async def run_repl(settings: "Settings", options: ChatOptions, first: Prompt | None) -> None:
    """Chat until the user leaves. The prompt of the command line is answered first."""
    async with cli_app(settings, quiet=options.quiet, verbose=options.verbose) as app:
        repl = Repl(app, settings, options, app.find_backend())
        question, _ = await first.complete() if first is not None else ("", None)
        with held_keys():
            if options.save:
                await app.store.recent(LOCAL_OWNER, limit=1)  # a store that is down is found out at once
            await repl.begin()  # a model or session that is not there is pulled, or refused, before the first prompt
            if settings.model_server:  # which has told by now what its model is called
                repl.settings = settings.model_copy(update={"model": (await repl.backend.info()).name})
            _welcome(repl)
            await take(repl, question)
            await _converse(repl)


async def _converse(repl: Repl) -> None:
    history = repl.app.paths.state / "history" if repl.options.save else None
    prompt_session = new_prompt_session(history=history, commands=COMMANDS, words=repl.words, toolbar=repl.toolbar)
    while repl.running:
        draft, repl.draft = repl.draft, ""
        try:
            line = await prompt_session.prompt_async(default=draft)
        except KeyboardInterrupt:
            if not prompt_session.default_buffer.text:
                note("Ctrl-D or /exit leaves")
            continue
        except EOFError:
            return
        await take(repl, unwrapped(line))


def _welcome(repl: Repl) -> None:
    if repl.options.session.last and repl.session.reference is None:
        note("there is no session to continue, a new one begins", quiet=repl.options.quiet)
    session = "" if repl.session.reference is None else f", session {repl.label}"
    note(f"{repl.settings.model}{session}; /help lists the commands, Ctrl-D leaves", quiet=repl.options.quiet)


async def take(repl: Repl, line: str) -> None:
    """One line of input: nothing, a command or a message. Errors are a line; the REPL goes on."""
    text = line.strip()
    if not text:
        return
    if text.lower() in LEAVING:
        repl.running = False
        return
    try:
        if line.startswith("/"):
            await _interruptible(run_command(repl, text))
        else:
            await _interruptible(repl.answer(line))
    except NexxiError as error:
        note(f"nexxi: {error_line(error)}")
    finally:
        show_outage(repl.app.observer)


async def _interruptible(work: Coroutine[Any, Any, None]) -> None:
    """Do `work`; Ctrl-C cancels it, and no more than it."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        current = asyncio.current_task()
        if not task.cancelled() or (current and current.cancelling()):
            raise
    finally:
        loop.remove_signal_handler(signal.SIGINT)
