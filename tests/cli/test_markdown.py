"""Markdown on a screen, whole and while it grows."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from nexxi_cli.cli.markdown import Compact, MarkdownPrinter, settled_chars
from tests.cli.screen import Screen

BLOCKS = (
    "# A heading",
    "A paragraph with **bold** and `code`, long enough that it does not fit on one line of this screen.",
    "日本語の文章は一文字で二桁を使うので、行の折り返しが難しくなることがあります。とても長い文章です。",
    "- one\n- two\n\n  more of two\n- three",
    "1. first\n2. second",
    "```python\ndef f(x):\n    return x\n\nprint(f(1))\n```",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "> quoted\n> text",
    "<div>a tag</div> and <EMAIL>",
    "---",
    "plain\ntext",
)


def drawn(text: str, pieces: int, screen: Screen) -> list[str]:
    printer = MarkdownPrinter(screen.console, frame_s=0)
    printer.wait()
    for start in range(0, len(text), pieces):
        printer.write(text[start : start + pieces])
    printer.end()
    return screen.lines


def whole(text: str, *, columns: int = 60) -> list[str]:
    console = Console(file=io.StringIO(), width=columns)
    with console.capture() as captured:
        console.print(Compact(text))
    return [line.rstrip() for line in captured.get().splitlines()]


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_that_grew_looks_like_one_that_came_at_once(block: str) -> None:
    assert drawn(block, 1, Screen()) == whole(block)


@given(st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=6), st.integers(1, 40))
@settings(max_examples=25, deadline=None)
def test_a_reply_leaves_each_block_once_however_it_came(blocks: list[str], pieces: int) -> None:
    """Blocks that Markdown joins to one (two lists, a paragraph and a rule) are kept apart by a heading."""
    text = "\n\n### and\n\n".join(blocks)
    expected = [line for block in blocks for line in ("### and", *whole(block))][1:]
    shown = [line for line in drawn(text, pieces, Screen(rows=12)) if line]
    assert shown == [line.replace("### and", "and") for line in expected if line]


def test_there_is_one_empty_line_between_blocks() -> None:
    assert drawn("# one\n\n- two\n\n```\nthree\n```\n\nfour", 3, Screen()) == [
        "one",
        "",
        " • two",
        "",
        " three",
        "",
        "four",
    ]


def test_a_block_taller_than_the_screen_is_whole_once_it_is_settled() -> None:
    code = "```\n" + "\n".join(f"line {number}" for number in range(50)) + "\n```\n\nend"
    assert drawn(code, 5, Screen(rows=10)) == [*(f" line {number}" for number in range(50)), "", "end"]


def test_what_grows_takes_at_most_half_of_the_screen() -> None:
    screen = Screen(rows=10)
    printer = MarkdownPrinter(screen.console, frame_s=0)
    printer.write("```\n" + "\n".join(f"line {number}" for number in range(50)))
    assert screen.lines == [f" line {number}" for number in range(45, 50)]


def test_a_narrower_screen_shows_no_line_twice() -> None:
    screen = Screen(columns=60)
    printer = MarkdownPrinter(screen.console, frame_s=0)
    printer.write("a paragraph " * 6)
    screen.resize(columns=40, rows=20)
    printer.write("and its end")
    printer.end()
    assert " ".join(screen.lines).split() == ("a paragraph " * 6 + "and its end").split()


def test_a_reply_cannot_command_the_terminal() -> None:
    assert drawn("red \x1b[31mtext\x07 and \x9b2J more", 1, Screen()) == ["red [31mtext and 2J more"]


def test_the_address_of_a_link_is_shown() -> None:
    assert drawn("[this](https://example.com)", 4, Screen()) == ["this (https://example.com)"]


def test_frames_are_not_drawn_more_often_than_asked() -> None:
    screen = Screen()
    printer = MarkdownPrinter(screen.console, frame_s=60)
    for _ in range(100):
        printer.write("word ")
    assert screen.writes <= 1
    printer.end()
    assert " ".join(screen.lines).split() == ["word"] * 100


def test_a_reply_that_never_came_leaves_nothing() -> None:
    screen = Screen()
    printer = MarkdownPrinter(screen.console)
    printer.wait()
    assert screen.lines == ["…"]
    printer.end()
    assert screen.lines == []


@given(st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=5))
@settings(max_examples=50, deadline=None)
def test_more_text_leaves_settled_blocks_settled(blocks: list[str]) -> None:
    text = "\n\n".join(blocks)
    settled = [settled_chars(text[:end]) for end in range(len(text) + 1)]
    assert settled == sorted(settled)


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85"])
def test_a_unicode_line_separator_ends_no_line(separator: str) -> None:
    text = f"one{separator}two\n\nthree"
    assert text[: settled_chars(text)] == f"one{separator}two\n\n"
