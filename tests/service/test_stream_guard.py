"""A redacted stream is the redacted text, however it was cut, and is hardly late."""

import json
import re
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexxi_cli.core.settings import Mode
from nexxi_cli.core.types import Finding
from nexxi_cli.service.stream_guard import StreamGuard
from tests.infrastructure.recognizers.examples import ALL, IN_CONTEXT, PEM_LINE
from tests.service.screening import EXAMPLES, TEXTS, a_filter

PROSE = (
    "In 2024, the Analytical Engine (a machine by Babbage) had 25 000 parts; Ada wrote note G. "
    "It is 3.5 times as long as its text, and e.g. the LONGEST NOTE OF ALL seven: A to G - the tee and the exit too. "
)


def joined(guard: StreamGuard, pieces: list[str]) -> str:
    return "".join(guard.push(piece) for piece in pieces) + guard.finish()


def in_steps(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize("frame", ["{}", "call {} now", "x: {}, y", "{}\n{}", "({})", "12: {} - 34"])
def test_data_split_over_two_deltas_never_leaves(example: str, frame: str) -> None:
    text = frame.format(example, example)
    whole = a_filter().check(text)
    assert example not in whole.text
    for at in range(len(text) + 1):
        guard = a_filter().stream_guard()
        assert joined(guard, [text[:at], text[at:]]) == whole.text
        assert guard.findings == whole.findings


@pytest.mark.parametrize(("type_", "example"), ALL)
def test_nothing_of_data_that_comes_letter_by_letter_leaves(type_: str, example: str) -> None:
    guard = a_filter().stream_guard()
    assert "".join(map(guard.push, f"see {example}")) == "see "
    assert guard.finish() == f"<{type_}>"


@pytest.mark.parametrize(("type_", "before", "data", "after"), IN_CONTEXT)
def test_data_beside_words_that_are_split_from_it_never_leaves(type_: str, before: str, data: str, after: str) -> None:
    text = before + data + after
    for at in range(len(text) + 1):
        assert joined(a_filter().stream_guard(), [text[:at], text[at:]]) == f"{before}<{type_}>{after}"
    assert joined(a_filter().stream_guard(), list(text)) == f"{before}<{type_}>{after}"


@given(TEXTS, st.lists(st.integers(0, 400), max_size=12))
def test_any_chunking_gives_what_the_whole_text_gives(text: str, cuts: list[int]) -> None:
    whole = a_filter().check(text)
    bounds = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    guard = a_filter().stream_guard()
    assert joined(guard, [text[start:end] for start, end in pairwise(bounds)]) == whole.text
    assert guard.findings == whole.findings


@given(TEXTS)
def test_letter_by_letter_gives_what_the_whole_text_gives(text: str) -> None:
    assert joined(a_filter().stream_guard(), list(text)) == a_filter().check(text).text


@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize("before", ["", "to ", '"', "\\", "/", '\\"', "("])
def test_a_placeholder_in_a_string_leaves_json_whole(example: str, before: str) -> None:
    reply = json.dumps({"text": f"{before}{example}{before}", "next": [1]}, ensure_ascii=False)
    guard = a_filter().stream_guard()
    document = json.loads("".join(guard.push(char) for char in reply) + guard.finish())
    assert document["next"] == [1]


def test_prose_is_at_most_a_word_or_a_capitalised_name_late() -> None:
    guard = a_filter().stream_guard()
    pushed = out = ""
    for word in PROSE.split(" "):
        out += guard.push(word + " ")
        pushed += word + " "
        assert len(pushed) - len(out) <= len("LONGEST NOTE OF ALL ")  # it may be a street, if a number follows
    assert out + guard.finish() == pushed


@pytest.mark.parametrize("word", ["The", "If", "How", "They", "Wenn", "Cómo", "Pourquoi"])
def test_a_word_that_sentences_begin_with_goes_as_soon_as_it_is_over(word: str) -> None:
    guard = a_filter().stream_guard()
    assert guard.push(f"so it is. {word} ") == f"so it is. {word} "


def test_a_name_goes_as_soon_as_what_follows_is_in_no_address() -> None:
    guard = a_filter().stream_guard()
    assert guard.push("i met Ada la") == "i met "  # `Ada la Calle 5` may come
    assert guard.push("st") == "Ada "


def test_text_without_blanks_flows_too() -> None:
    guard = a_filter().stream_guard()
    assert guard.push("埃达写了笔记。") == "埃达写了笔记。"


def test_a_blob_is_held_back_no_longer_than_the_longest_address() -> None:
    guard = a_filter().stream_guard()
    out = "".join(guard.push(piece) for piece in in_steps("QUJD" * 1000, 7))
    assert len(out) > 4000 - 700


def test_off_lets_everything_through_at_once() -> None:
    guard = a_filter(pii="off").stream_guard()
    assert [guard.push("ada@"), guard.push("example.com"), guard.finish()] == ["ada@", "example.com", ""]
    assert guard.findings == ()


def test_observe_lets_everything_through_at_once_and_records() -> None:
    guard = a_filter(pii="observe").stream_guard()
    assert [guard.push("ada@"), guard.push("example.com"), guard.finish()] == ["ada@", "example.com", ""]
    assert guard.findings == (Finding(0, 15, "EMAIL", 0.95, "email.address"),)


@pytest.mark.parametrize("mode", ["redact", "block"])
def test_redact_and_block_redact_a_reply(mode: Mode) -> None:
    assert joined(a_filter(pii=mode).stream_guard(), ["to ada@", "example.com."]) == "to <EMAIL>."


def test_findings_are_in_the_whole_text_as_it_was_pushed() -> None:
    guard = a_filter().stream_guard()
    text = PROSE * 3 + "ada@example.com and 192.168.0.1"
    joined(guard, in_steps(text, 3))
    assert [text[finding.start : finding.end] for finding in guard.findings] == ["ada@example.com", "192.168.0.1"]


def test_a_listener_hears_of_findings_instead_of_the_list() -> None:
    heard: list[str] = []
    guard = a_filter().stream_guard(on_finding=lambda finding: heard.append(finding.type))
    joined(guard, ["ada@example.com 192.168.", "0.1"])
    assert (heard, guard.findings) == (["EMAIL", "IP"], ())


@pytest.mark.parametrize(
    "text",
    [
        (PROSE + "ada@example.com ") * 800,
        "QUJD" * 40_000,
        "eyJ" + "a" * 1000 + "." + "b" * 150_000,
        ".eyJaaaaaaaa" * 10_000,
        ("-----BEGIN PRIVATE KEY-----\n" + f"{PEM_LINE}\n" * 200) * 10,
        "1 " * 80_000,
    ],
    ids=lambda text: text[:12],
)
def test_a_long_reply_takes_linear_time(text: str) -> None:
    guard = a_filter().stream_guard()
    began = time.process_time()
    assert joined(guard, in_steps(text, 20)) == a_filter().check(text).text
    assert time.process_time() - began < 20  # reading all of it at each delta would take minutes


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"{number}. {number}\n" for number in range(1, 60)),
        "".join(f"{number} {number * 2} {number * 3}\n" for number in range(1, 60)),
        "id,name,value\n1,foo,3.5\n2,bar,4.5\n3,baz,5.5\n" * 8,
        "In 2024 The United States And Germany Signed A Treaty. Then it rests for 12 days. " * 5,
        "Am 3. Oktober 1990 wurde Deutschland vereinigt. Die Hauptstadt ist Berlin. " * 5,
    ],
    ids=["list", "table", "csv", "titles", "german"],
)
def test_ordinary_text_is_hardly_held_back(text: str) -> None:
    guard = a_filter().stream_guard()
    out = pushed = 0
    for piece in re.findall(r"\s*\S+|\s+", text):
        pushed += len(piece)
        out += len(guard.push(piece))
        assert pushed - out <= 64
