"""Answers and notes, as text."""

import pytest

from nexxi_cli.cli.render import (
    PlainPrinter,
    answer_printer,
    dropped_note,
    error_line,
    note,
    redacted_note,
    reply_notes,
    tokens_per_second,
    usage_line,
)
from nexxi_cli.core.types import Finding, Timing
from tests.cli.examples import EMAIL, a_response

Captured = pytest.CaptureFixture[str]


def test_without_a_terminal_the_text_goes_out_as_it_is(capsys: Captured) -> None:
    printer = answer_printer(plain=False)
    for piece in ("# He", "", "llo\x1b[0m"):
        printer.write(piece)
    printer.end()
    assert capsys.readouterr().out == "# Hello\x1b[0m\n"


def test_a_reply_that_ends_its_line_gets_no_second_end(capsys: Captured) -> None:
    printer = PlainPrinter()
    printer.write("code\n")
    printer.end()
    assert capsys.readouterr().out == "code\n"


def test_no_reply_is_no_line(capsys: Captured) -> None:
    printer = PlainPrinter()
    printer.wait()
    printer.end()
    assert capsys.readouterr().out == ""


def test_a_note_goes_to_standard_error_without_controls(capsys: Captured) -> None:
    note("a \x1b[31mred\x07 note")
    note("never", quiet=True)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "a [31mred note\n")


def test_an_error_is_one_line_with_its_notes() -> None:
    error = ValueError("first\nsecond")
    error.add_note("and a note")
    assert error_line(error) == "first second; and a note"


@pytest.mark.parametrize(("turns", "begins"), [(1, "the oldest turn did"), (3, "the 3 oldest turns did")])
def test_dropped_turns_are_counted(turns: int, begins: str) -> None:
    assert dropped_note(turns).startswith(begins)


def test_redactions_are_counted_by_type() -> None:
    findings = (EMAIL, Finding(30, 40, "IP", 1.0, "ip"), EMAIL)
    assert redacted_note(findings, where="the prompt") == "redacted in the prompt: 2 EMAIL, 1 IP"


def test_a_reply_at_the_limit_says_so() -> None:
    assert list(reply_notes(a_response())) == []
    assert [line[:21] for line in reply_notes(a_response(finish="length"))] == ["stopped after 5 tokens"[:21]]


def test_the_usage_line_has_tokens_time_and_speed() -> None:
    assert usage_line(a_response()) == "10 + 5 tokens, first token 0.50 s, 4.0 tokens/s, stop"


def test_the_speed_of_no_reply_is_nought() -> None:
    from dataclasses import replace

    silent = replace(a_response(), timing=Timing(first_token_s=None, total_s=1.0))
    assert tokens_per_second(silent) == 0
    assert "no token" in usage_line(silent)
