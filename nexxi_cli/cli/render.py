"""How text appears: answers on standard output, notes on standard error."""

import os
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from nexxi_cli.core.types import ChatResponse, Finding

# A model's reply must not move the cursor, ring the bell or retitle the window: all of C0 and C1 but tab and newline.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class AnswerPrinter(Protocol):
    """Shows a reply piece by piece."""

    def wait(self) -> None:
        """The model is at work, the first piece is to come."""

    def write(self, text: str) -> None:
        """Show the next piece."""

    def end(self) -> None:
        """The reply is over, whole or not: finish its last line."""


def answer_printer(*, plain: bool) -> AnswerPrinter:
    """Markdown on a terminal that can move its cursor, the raw text elsewhere and with `plain`."""
    if plain or not sys.stdout.isatty() or os.environ.get("TERM") in (None, "", "dumb", "unknown"):
        return PlainPrinter()
    from rich.console import Console

    from nexxi_cli.cli.markdown import MarkdownPrinter

    return MarkdownPrinter(Console(highlight=False))


class PlainPrinter:
    """Writes the text as it comes and ends it with one newline."""

    def __init__(self) -> None:
        self._last = "\n"
        self._on_terminal = sys.stdout.isatty()

    def wait(self) -> None:
        """Say nothing."""

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


def without_controls(text: str) -> str:
    """`text` without characters that command a terminal."""
    return _CONTROLS.sub("", text)


def note(text: str, *, quiet: bool = False) -> None:
    """One dim line on standard error."""
    if quiet:
        return
    sys.stderr.write(dim(text) + "\n")
    sys.stderr.flush()


def dim(text: str) -> str:
    """`text` as notes on standard error look, without characters that command a terminal."""
    text = without_controls(text)
    is_dimmed = sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return f"\x1b[2m{text}\x1b[0m" if is_dimmed else text


def error_line(error: BaseException) -> str:
    """An error as one line, with what was noted on it."""
    return " ".join("; ".join((str(error), *getattr(error, "__notes__", ()))).split())


def dropped_note(turns: int) -> str:
    """What the user reads when history was left out."""
    which = f"the {turns} oldest turns" if turns > 1 else "the oldest turn"
    return f"{which} did not fit into the model's context and {'were' if turns > 1 else 'was'} left out"


def summarised_note(turns: int) -> str:
    """What the user reads when a summary stands for the oldest turns."""
    which = "the oldest turn" if turns == 1 else f"the {turns} oldest turns"
    return f"the model sees a summary of {which}"


def redacted_note(findings: "tuple[Finding, ...]", *, where: str) -> str:
    """What the user reads when personal data was replaced."""
    counts: dict[str, int] = {}
    for finding in findings:
        counts[finding.type] = counts.get(finding.type, 0) + 1
    return f"redacted in {where}: " + ", ".join(f"{count} {type_}" for type_, count in sorted(counts.items()))


def reply_notes(response: "ChatResponse") -> Iterator[str]:
    """What the user must know of a finished reply."""
    if response.finish == "length":
        tokens = response.usage.completion_tokens
        yield f"stopped after {tokens} tokens, the most that max_tokens or the model's context allows"
    if response.output_findings:
        yield redacted_note(response.output_findings, where="the reply")


def usage_line(response: "ChatResponse") -> str:
    """Tokens and speed of one reply, for `-u`."""
    usage, timing = response.usage, response.timing
    first = f"first token {timing.first_token_s:.2f} s" if timing.first_token_s is not None else "no token"
    return (
        f"{usage.prompt_tokens} + {usage.completion_tokens} tokens, {first}, "
        f"{tokens_per_second(response):.1f} tokens/s, {response.finish}"
    )


def tokens_per_second(response: "ChatResponse") -> float:
    """Speed of the reply after its first token."""
    timing, tokens = response.timing, response.usage.completion_tokens
    if timing.first_token_s is None or tokens < 2:
        return 0.0
    return (tokens - 1) / max(timing.total_s - timing.first_token_s, 1e-9)
