"""What the recognizer of names owes its port: whole names, bounds, linear time, a true word on what is still open."""

import random
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexxi_cli.core.types import Finding
from nexxi_cli.infrastructure.names import NAMES
from nexxi_cli.infrastructure.recognizers import SCANNER
from nexxi_cli.service.safety import SafetyFilter
from tests.infrastructure.names.texts import NAMED, ORDINARY, TEXTS

PROSE = "the dog sleeps on the sofa and the cat is in the garden of the house where it likes to be when it rains"
ALL_NAMES = " ".join(text for text, _ in NAMED)


def a_filter() -> SafetyFilter:
    return SafetyFilter((SCANNER,), "off", "redact", None, name_recognizers=(NAMES,), names="redact")


@pytest.mark.parametrize(("text", "names"), NAMED)
def test_a_name_is_found_as_a_whole(text: str, names: dict[str, str]) -> None:
    found = {(finding.type, text[finding.start : finding.end]) for finding in NAMES.find(text)}
    assert set(names.items()) <= found


@pytest.mark.parametrize("text", ORDINARY)
def test_an_ordinary_text_holds_no_names(text: str) -> None:
    assert list(NAMES.find(text)) == []


@given(TEXTS)
@settings(deadline=None)  # the first one loads the weights
def test_findings_are_in_order_apart_and_no_longer_than_promised(text: str) -> None:
    found = list(NAMES.find(text))
    assert all(one.end <= other.start for one, other in pairwise(found))
    for finding in found:
        assert 0 < finding.end - finding.start <= NAMES.max_chars
        assert finding.type in NAMES.types
        assert 0.5 <= finding.confidence < 1


@given(TEXTS, TEXTS)
@settings(deadline=None)
def test_what_begins_before_the_open_part_is_final(text: str, more: str) -> None:
    place = max(NAMES.open_from(text, 0), len(text) - NAMES.max_chars)
    before = [finding for finding in NAMES.find(text) if finding.start < place]
    assert before == [finding for finding in NAMES.find(text + more) if finding.start < place]


@given(TEXTS, st.integers(0, 400))
@settings(deadline=None)
def test_a_search_that_begins_outside_of_findings_finds_the_same(text: str, start: int) -> None:
    whole = list(NAMES.find(text))
    if not any(finding.start < start < finding.end for finding in whole):
        assert list(NAMES.find(text, start)) == [finding for finding in whole if finding.start >= start]


@given(TEXTS, st.integers(0, 400))
@settings(deadline=None)
def test_no_more_than_64_characters_of_context_count(text: str, start: int) -> None:
    whole = list(NAMES.find(text))
    cut = max(0, start - 64)
    if not any(finding.start < start < finding.end for finding in whole):
        moved = [
            Finding(one.start + cut, one.end + cut, one.type, one.confidence, one.rule)
            for one in NAMES.find(text[cut:], start - cut)
        ]
        assert moved == [finding for finding in whole if finding.start >= start]


@pytest.mark.parametrize("seed", range(3))
def test_names_on_the_border_of_two_blocks_are_found_as_elsewhere(seed: int) -> None:
    rng = random.Random(seed)
    pieces = [text for text, _ in NAMED] + list(ORDINARY)
    text = " ".join(rng.choice(pieces) for _ in range(3000))
    whole = list(NAMES.find(text))
    for start in range(0, len(text), 20_011):
        if not any(finding.start < start < finding.end for finding in whole):
            assert next(iter(NAMES.find(text, start))) == next(one for one in whole if one.start >= start)


@pytest.mark.parametrize("text", [text for text, _ in NAMED])
def test_a_name_split_over_two_deltas_never_leaves(text: str) -> None:
    whole = a_filter().check(text)
    for at in range(len(text) + 1):
        guard = a_filter().stream_guard()
        assert guard.push(text[:at]) + guard.push(text[at:]) + guard.finish() == whole.text
        assert guard.findings == whole.findings


@given(TEXTS, st.lists(st.integers(0, 500), max_size=12))
@settings(deadline=None)
def test_any_chunking_gives_what_the_whole_text_gives(text: str, cuts: list[int]) -> None:
    whole = a_filter().check(text)
    bounds = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    guard = a_filter().stream_guard()
    assert "".join(guard.push(text[a:b]) for a, b in pairwise(bounds)) + guard.finish() == whole.text
    assert guard.findings == whole.findings


@given(TEXTS)
@settings(deadline=None)
def test_letter_by_letter_gives_what_the_whole_text_gives(text: str) -> None:
    guard = a_filter().stream_guard()
    assert "".join(map(guard.push, text)) + guard.finish() == a_filter().check(text).text


def test_prose_without_names_is_at_most_three_words_late() -> None:
    guard = a_filter().stream_guard()
    pushed = out = ""
    for word in PROSE.split():
        out += guard.push(word + " ")
        pushed += word + " "
        assert len(pushed) - len(out) <= len("garden of the ")
    assert out + guard.finish() == pushed


@pytest.mark.parametrize(
    "text",
    [
        "A" * 300_000,
        "Ada " * 60_000,
        "Ada-" * 60_000,
        "A.B." * 60_000,
        "1 " * 100_000,
        "1" * 300_000,
        "Street 1, " * 30_000,
        "de la " * 50_000,
        "\n" * 300_000,
        "".join(f"Xy{number:x} " for number in range(40_000)),
        "".join(
            f"{chr(65 + a)}{chr(97 + b)}{chr(97 + c)}{chr(97 + d)} "
            for a in range(26)
            for b in range(26)
            for c in range(26)
            for d in range(2)
        ),
    ],
    ids=lambda text: text[:8],
)
def test_hostile_text_takes_linear_time(text: str) -> None:
    began = time.process_time()
    for _ in NAMES.find(text):
        pass
    assert time.process_time() - began < 15  # quadratic would be minutes


def test_threads_share_the_tagger() -> None:
    from concurrent.futures import ThreadPoolExecutor

    expected = list(NAMES.find(ALL_NAMES))
    with ThreadPoolExecutor(4) as pool:
        assert all(found == expected for found in pool.map(lambda _: list(NAMES.find(ALL_NAMES)), range(40)))
