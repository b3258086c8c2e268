"""How text appears: answers on standard output, notes on standard error."""

import os
import re
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from nexxi_cli.core.types import ChatResponse, Finding

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

FRAME_S = 1 / 15

# A model's reply must not move the cursor, ring the bell or retitle the window: all of C0 and C1 but tab and newline.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class AnswerPrinter(Protocol):
    """Shows a reply piece by piece."""

    def write(self, text: str) -> None:
        """Show the next piece."""

    def end(self) -> None:
        """The reply is over, whole or not: finish its last line."""


def answer_printer(*, plain: bool) -> AnswerPrinter:
    """Markdown on a terminal, the raw text elsewhere and with `plain`."""
    if plain or not sys.stdout.isatty():
        return PlainPrinter()
    from rich.console import Console

    return MarkdownPrinter(Console(highlight=False))


class PlainPrinter:
    """Writes the text as it comes and ends it with one newline."""

    def __init__(self) -> None:
        self._last = "\n"
        self._on_terminal = sys.stdout.isatty()

    def write(self, text: str) -> None:
        """Write at once, so that a pipe sees each token."""
        if text:
            sys.stdout.write(without_controls(text) if self._on_terminal else text)
            sys.stdout.flush()
            self._last = text[-1]

    def end(self) -> None:
        """Add the newline that the reply lacks."""
        if self._last != "\n":
            sys.stdout.write("\n")
            sys.stdout.flush()
            self._last = "\n"


class MarkdownPrinter:
    """Renders Markdown while it grows, without flicker.

    Blocks that can no longer change are printed for good; only the last block is redrawn, and of it only what fits
    on the screen.
    """

    def __init__(self, console: "Console") -> None:
        from rich.live import Live

        self._console = console
        self._text = ""
        self._printed_any = False
        self._drawn_at = 0.0
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def write(self, text: str) -> None:
        """Take the next piece and redraw, at most 15 times a second."""
        if not self._live.is_started:
            self._live.start()
        self._text += without_controls(text)
        settled = _settled_chars(self._text)
        if settled:
            self._print(self._text[:settled])
            self._text = self._text[settled:]
        now = time.monotonic()
        if settled or now - self._drawn_at >= FRAME_S:
            self._live.update(_Tail(self._text), refresh=True)
            self._drawn_at = now

    def end(self) -> None:
        """Replace the moving part by its final form."""
        self._live.update("", refresh=True)
        self._live.stop()
        if self._text.strip():
            self._print(self._text)
        self._text = ""

    def _print(self, text: str) -> None:
        from rich.markdown import Markdown

        if self._printed_any:
            self._console.print()
        self._console.print(Markdown(text))
        self._printed_any = True


class _Tail:
    """The last lines of a Markdown text, as many as the screen holds."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        from rich.markdown import Markdown
        from rich.segment import Segment

        lines = console.render_lines(Markdown(self._text), options, pad=False)
        for line in lines[-max(1, console.height - 2) :]:
            yield from line
            yield Segment.line()


def _settled_chars(text: str) -> int:
    """Length of the leading blocks that more text cannot change: all but the last top-level block."""
    from markdown_it import MarkdownIt

    tokens = MarkdownIt().enable("table").parse(text)
    starts = [token.map[0] for token in tokens if token.level == 0 and token.map]
    if not starts or not starts[-1]:
        return 0
    return sum(len(line) for line in text.splitlines(keepends=True)[: starts[-1]])


def without_controls(text: str) -> str:
    """`text` without characters that command a terminal."""
    return _CONTROLS.sub("", text)


def note(text: str, *, quiet: bool = False) -> None:
    """One dim line on standard error."""
    if quiet:
        return
    dim = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    sys.stderr.write(f"\x1b[2m{text}\x1b[0m\n" if dim else f"{text}\n")
    sys.stderr.flush()


def dropped_note(turns: int) -> str:
    """What the user reads when history was left out."""
    return (
        f"the {turns} oldest turns did not fit into the model's context and were left out"
        if turns > 1
        else ("the oldest turn did not fit into the model's context and was left out")
    )


def redacted_note(findings: tuple[Finding, ...], *, where: str) -> str:
    """What the user reads when personal data was replaced."""
    counts: dict[str, int] = {}
    for finding in findings:
        counts[finding.type] = counts.get(finding.type, 0) + 1
    return f"redacted in {where}: " + ", ".join(f"{count} {type_}" for type_, count in sorted(counts.items()))


def reply_notes(response: ChatResponse) -> Iterator[str]:
    """What the user must know of a finished reply."""
    if response.finish == "length":
        yield f"stopped after {response.usage.completion_tokens} tokens (--max-tokens)"
    if response.output_findings:
        yield redacted_note(response.output_findings, where="the reply")


def usage_line(response: ChatResponse) -> str:
    """Tokens and speed of one reply, for `-u`."""
    usage, timing = response.usage, response.timing
    first = f"first token {timing.first_token_s:.2f} s" if timing.first_token_s is not None else "no token"
    return (
        f"{usage.prompt_tokens} + {usage.completion_tokens} tokens, {first}, "
        f"{tokens_per_second(response):.1f} tokens/s, {response.finish}"
    )


def tokens_per_second(response: ChatResponse) -> float:
    """Speed of the reply after its first token."""
    timing, tokens = response.timing, response.usage.completion_tokens
    if timing.first_token_s is None or tokens < 2:
        return 0.0
    return (tokens - 1) / max(timing.total_s - timing.first_token_s, 1e-9)
