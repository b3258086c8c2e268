"""`nexxi chat`: one answer for scripts (`--once`), or the REPL on a terminal."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nexxi_cli.cli.options import DebugFlag, JsonFlag, ModelOption, QuietFlag, VerboseFlag, flag
from nexxi_cli.core.errors import UsageError

if TYPE_CHECKING:
    from nexxi_cli.core.settings import Settings
    from nexxi_cli.core.types import Sampling, SessionChoice


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """What the flags of `chat` say beyond the settings and the prompt."""

    session: "SessionChoice"
    system: str | None = None
    stop: tuple[str, ...] = ()
    schema: str | None = None
    stream: bool = True
    save: bool = True
    private: bool = False
    as_json: bool = False
    extract: bool = False
    usage: bool = False
    quiet: bool = False
    plain: bool = False
    verbose: bool = False

    @property
    def shows_text(self) -> bool:
        """Whether the reply is printed as it is, and not something made of it."""
        return not (self.as_json or self.extract)

    def sampling(self, settings: "Settings") -> "Sampling":
        """How replies are sampled under these settings and flags."""
        return replace(settings.sampling(), stop=self.stop, json_schema=self.schema)


def chat(
    prompt: Annotated[list[str] | None, typer.Argument(help="The prompt; piped text goes before it.")] = None,
    *,
    once: Annotated[bool, flag("--once", help="Answer one prompt and exit.")] = False,
    bench: Annotated[bool, flag("--bench", help="Measure the model's speed, in a minute at the most.")] = False,
    model: ModelOption = None,
    system: Annotated[
        str | None, typer.Option("--system", "-s", metavar="TEXT", help="System prompt of the session.")
    ] = None,
    continue_last: Annotated[bool, flag("--continue", "-c", help="Continue the last session.")] = False,
    session: Annotated[
        str | None,
        typer.Option("--session", metavar="NAME", help="Continue or begin the session of this name, or an id."),
    ] = None,
    files: Annotated[
        list[Path] | None, typer.Option("--file", "-f", metavar="FILE", help="Put a file before the prompt.")
    ] = None,
    options: Annotated[
        list[str] | None, typer.Option("--option", "-o", metavar="KEY=VALUE", help="Any setting.")
    ] = None,
    temperature: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="0 is greedy; default: the model's own.")
    ] = None,
    max_tokens: Annotated[str | None, typer.Option(metavar="COUNT", help="Longest reply, in tokens.")] = None,
    seed: Annotated[str | None, typer.Option(metavar="NUMBER", help="Makes sampling repeatable.")] = None,
    stop: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="End the reply before this text; may be repeated.")
    ] = None,
    schema: Annotated[
        str | None, typer.Option(metavar="FILE|json", help="Reply in JSON of this schema; json: any object.")
    ] = None,
    no_stream: Annotated[bool, flag("--no-stream", help="Print the answer when it is whole.")] = False,
    no_save: Annotated[bool, flag("--no-save", "-n", help="Keep nothing of this chat.")] = False,
    private: Annotated[
        bool, flag("--private", help="Model and disk see placeholders such as <EMAIL_1>, you see the originals.")
    ] = False,
    extract: Annotated[bool, flag("--extract", "-x", help="Print only the first code block.")] = False,
    usage: Annotated[bool, flag("--usage", "-u", help="Tokens and speed on standard error.")] = False,
    keep_alive: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Keep the model loaded for the next chat: 10m, 2h; 0: not."),
    ] = None,
    plain: Annotated[bool, flag("--plain", help="No Markdown rendering.")] = False,
    as_json: JsonFlag = False,
    quiet: QuietFlag = False,
    verbose: VerboseFlag = False,
    debug: DebugFlag = False,
) -> None:
    """Chat in the terminal, or answer one prompt with --once."""
    from nexxi_cli.cli.prompt import find_prompt
    from nexxi_cli.cli.running import run_to_end
    from nexxi_cli.cli.schema import read_schema
    from nexxi_cli.cli.startup import read_settings
    from nexxi_cli.core.types import SessionChoice
    from nexxi_cli.service.references import check_reference

    if continue_last and session is not None:
        raise UsageError("--continue and --session exclude each other")
    if session is not None:
        check_reference(session)
    if "" in (stop or ()):
        raise UsageError("--stop: an empty text would end every reply before it begins")
    flags = {
        "model": model,
        "temperature": temperature,
        "max_tokens": max_tokens,
        "seed": seed,
        "keep_alive": keep_alive,
    }
    settings = read_settings(flags, options or ())
    if bench:
        from nexxi_cli.cli.bench import bench as measure
        from nexxi_cli.cli.bench import refuse_beside_bench

        refuse_beside_bench(
            {
                "--once": once,
                "the prompt": prompt,
                "--file": files,
                "--continue": continue_last,
                "--session": session,
                "--system": system,
                "--stop": stop,
                "--schema": schema,
                "--extract": extract,
                "--private": private,
            }
        )
        run_to_end(measure(settings, as_json=as_json, quiet=quiet, verbose=verbose))
        return
    chosen = ChatOptions(
        session=SessionChoice(reference=session, last=continue_last),
        system=system,
        stop=tuple(stop or ()),
        schema=None if schema is None else read_schema(schema),
        stream=not (no_stream or as_json or extract),
        save=not no_save,
        private=private,
        as_json=as_json,
        extract=extract,
        usage=usage,
        quiet=quiet,
        plain=plain,
        verbose=verbose,
    )
    if once or not (sys.stdin.isatty() and sys.stdout.isatty()):
        question = find_prompt(prompt or (), files or ())
        from nexxi_cli.cli.once import answer_once

        run_to_end(answer_once(settings, chosen, question))
        return
    if not chosen.shows_text:
        raise UsageError("--json and --extract need --once")
    first = find_prompt(prompt or (), files or ()) if prompt or files else None
    from nexxi_cli.cli.repl import run_repl

    run_to_end(run_repl(settings, chosen, first))
