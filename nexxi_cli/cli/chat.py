"""`nexxi chat`: one answer for scripts (`--once`), or the REPL on a terminal."""

import asyncio
import sys
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nexxi_cli.cli.options import DebugFlag, JsonFlag, ModelOption, QuietFlag, VerboseFlag
from nexxi_cli.core.errors import UsageError

if TYPE_CHECKING:
    from nexxi_cli.core.settings import Settings
    from nexxi_cli.core.types import ChatEvent, ChatRequest, ChatResponse, SessionChoice
    from nexxi_cli.service.chat import ChatService


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """What the flags of `chat` say beyond the settings."""

    words: tuple[str, ...]
    files: tuple[Path, ...]
    session: "SessionChoice"
    system: str | None
    stream: bool
    save: bool
    as_json: bool
    extract: bool
    usage: bool
    quiet: bool
    plain: bool
    verbose: bool


def chat(
    prompt: Annotated[list[str] | None, typer.Argument(help="The prompt; piped text goes before it.")] = None,
    *,
    once: Annotated[bool, typer.Option("--once", help="Answer one prompt and exit.")] = False,
    model: ModelOption = None,
    system: Annotated[str | None, typer.Option("--system", "-s", help="System prompt of the session.")] = None,
    continue_last: Annotated[bool, typer.Option("--continue", "-c", help="Continue the last session.")] = False,
    session: Annotated[
        str | None, typer.Option("--session", help="Continue or begin the session of this name, or an id.")
    ] = None,
    files: Annotated[list[Path] | None, typer.Option("--file", "-f", help="Put a file before the prompt.")] = None,
    options: Annotated[list[str] | None, typer.Option("--option", "-o", help="Any setting: key=value.")] = None,
    temperature: Annotated[float | None, typer.Option(help="0 is greedy; default: the model's own.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Longest reply, in tokens.")] = None,
    seed: Annotated[int | None, typer.Option(help="Makes sampling repeatable.")] = None,
    no_stream: Annotated[bool, typer.Option("--no-stream", help="Print the answer when it is whole.")] = False,
    no_save: Annotated[bool, typer.Option("--no-save", "-n", help="Keep nothing of this chat.")] = False,
    extract: Annotated[bool, typer.Option("--extract", "-x", help="Print only the first code block.")] = False,
    usage: Annotated[bool, typer.Option("--usage", "-u", help="Tokens and speed on standard error.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="No Markdown rendering.")] = False,
    as_json: JsonFlag = False,
    quiet: QuietFlag = False,
    verbose: VerboseFlag = False,
    debug: DebugFlag = False,
) -> None:
    """Chat in the terminal, or answer one prompt with --once."""
    from nexxi_cli.cli.startup import parse_assignments, read_settings
    from nexxi_cli.core.types import SessionChoice

    if continue_last and session:
        raise UsageError("--continue and --session exclude each other")
    flags = parse_assignments(options or ())
    flags |= {"model": model, "temperature": temperature, "max_tokens": max_tokens, "seed": seed}
    settings = read_settings({key: value for key, value in flags.items() if value is not None})
    chosen = ChatOptions(
        words=tuple(prompt or ()),
        files=tuple(files or ()),
        session=SessionChoice(reference=session, last=continue_last),
        system=system,
        stream=not (no_stream or as_json or extract),
        save=not no_save,
        as_json=as_json,
        extract=extract,
        usage=usage,
        quiet=quiet,
        plain=plain,
        verbose=verbose,
    )
    if once or not (sys.stdin.isatty() and sys.stdout.isatty()):
        asyncio.run(_answer_once(settings, chosen))
        return
    if as_json or extract:
        raise UsageError("--json and --extract need --once")
    from nexxi_cli.cli.repl import run_repl

    asyncio.run(run_repl(settings, chosen))


async def _answer_once(settings: "Settings", options: ChatOptions) -> None:
    from nexxi_cli.cli.prompt import read_prompt
    from nexxi_cli.cli.render import note
    from nexxi_cli.cli.startup import LOCAL_OWNER, cli_app
    from nexxi_cli.core.types import ChatRequest

    async with cli_app(settings, quiet=options.quiet, verbose=options.verbose) as app:
        backend = app.start_backend()  # the weights load while the prompt is read
        notes: list[str] = []
        text = await read_prompt(options.words, options.files, note=notes)
        for line in notes:
            note(line, quiet=options.quiet)
        request = ChatRequest(
            text=text,
            owner=LOCAL_OWNER,
            session=options.session,
            system=options.system,
            sampling=settings.sampling(),
            save=options.save,
        )
        await _print_answer(app.chat_service(backend), request, options)


async def _print_answer(service: "ChatService", request: "ChatRequest", options: ChatOptions) -> None:
    from nexxi_cli.cli.render import answer_printer, note
    from nexxi_cli.core.types import ChatResponse, Delta

    printer = answer_printer(plain=options.plain)
    try:
        async with aclosing(service.stream(request)) as events:
            async for event in events:
                _note_event(event, options)
                if isinstance(event, Delta) and options.stream:
                    printer.write(event.text)
                elif isinstance(event, ChatResponse):
                    if not options.stream:
                        printer.write(_whole_answer(event, options))
                    printer.end()
                    if options.usage:
                        from nexxi_cli.cli.render import usage_line

                        note(usage_line(event))
    except asyncio.CancelledError:
        printer.end()
        note("interrupted" + ("; the part that came is kept" if options.save else ""), quiet=options.quiet)
        raise


def _note_event(event: "ChatEvent", options: ChatOptions) -> None:
    from nexxi_cli.cli.render import dropped_note, note, redacted_note, reply_notes
    from nexxi_cli.core.types import ChatResponse, Started

    if isinstance(event, Started):
        if event.verdict.findings:
            note(redacted_note(event.verdict.findings, where="the prompt"), quiet=options.quiet)
        if event.dropped_turns:
            note(dropped_note(event.dropped_turns), quiet=options.quiet)
    elif isinstance(event, ChatResponse):
        for line in reply_notes(event):
            note(line, quiet=options.quiet)


def _whole_answer(response: "ChatResponse", options: ChatOptions) -> str:
    if options.as_json:
        from nexxi_cli.cli.documents import response_document, to_json

        return to_json(response_document(response))
    if options.extract:
        from nexxi_cli.cli.documents import first_code_block

        return first_code_block(response.text) or response.text
    return response.text
