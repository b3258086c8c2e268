"""What all recognizers owe: their examples, bounds, linear time, and a true word on what is still open."""

import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexxi_cli.core.types import Finding
from nexxi_cli.infrastructure.recognizers import RECOGNIZERS
from tests.infrastructure.recognizers.examples import ALL, IN_CONTEXT, PEM_LINE
from tests.infrastructure.recognizers.texts import TEXTS


def found(text: str) -> list[Finding]:
    return [finding for recognizer in RECOGNIZERS for finding in recognizer.find(text)]


@pytest.mark.parametrize(("type_", "example"), ALL)
@pytest.mark.parametrize("frame", ["{}", "is {}, yes", "<{}>", '{{"x":"{}"}}', "是{}吗", "x={};", "({})", "{}."])
def test_an_example_is_found_as_a_whole_wherever_it_stands(type_: str, example: str, frame: str) -> None:
    text = frame.format(example)
    spans = {(text[finding.start : finding.end], finding.type) for finding in found(text)}
    assert (example, type_) in spans


@pytest.mark.parametrize(("type_", "before", "data", "after"), IN_CONTEXT)
@pytest.mark.parametrize("frame", ["{}", "is {}, yes", "<{}>", "\n{}\n"])
def test_data_is_found_beside_its_words_and_not_without(
    type_: str, before: str, data: str, after: str, frame: str
) -> None:
    text = frame.format(before + data + after)
    assert (data, type_) in {(text[finding.start : finding.end], finding.type) for finding in found(text)}
    alone = frame.format(data)
    assert (data, type_) not in {(alone[finding.start : finding.end], finding.type) for finding in found(alone)}


@given(TEXTS)
def test_a_finding_is_no_longer_than_its_recognizer_says_and_of_its_types(text: str) -> None:
    for recognizer in RECOGNIZERS:
        for finding in recognizer.find(text):
            assert 0 < finding.end - finding.start <= recognizer.max_chars
            assert finding.type in recognizer.types
            assert 0 < finding.confidence <= 1


@given(TEXTS, TEXTS)
def test_what_begins_before_the_open_part_is_final(text: str, more: str) -> None:
    for recognizer in RECOGNIZERS:
        place = max(recognizer.open_from(text, 0), len(text) - recognizer.max_chars)
        before = [finding for finding in recognizer.find(text) if finding.start < place]
        assert before == [finding for finding in recognizer.find(text + more) if finding.start < place]


@given(TEXTS, st.integers(0, 200))
def test_a_search_that_begins_outside_of_findings_finds_the_same(text: str, start: int) -> None:
    for recognizer in RECOGNIZERS:
        whole = list(recognizer.find(text))
        if not any(finding.start < start < finding.end for finding in whole):
            assert list(recognizer.find(text, start)) == [finding for finding in whole if finding.start >= start]


@pytest.mark.parametrize(
    "text",
    [
        "a" * 200_000,
        "a." * 100_000,
        "a@" * 100_000,
        "a@a." * 50_000,
        "1 " * 100_000,
        "+1" * 100_000,
        "(0" * 100_000,
        ":" * 200_000,
        "AB12 " * 40_000,
        "-eyJ" * 50_000,
        ".eyJaaaaaaaa" * 16_000,
        "phone " * 33_000,
        "phone 12 " * 22_000,
        "password=" * 22_000,
        "password='" * 20_000,
        "a://b:c@" * 25_000,
        "1 Rue " * 33_000,
        "1 A B C D " * 20_000,
        "Calle de la " * 16_000,
        "12 of jan " * 20_000,
        "lat=1.23," * 22_000,
        "1." * 100_000,
        "A1" * 100_000,
        "12-" * 66_000,
        "bc1q" * 50_000,
        "-sk-" * 50_000,
        "-----BEGIN " * 18_000,
        "-----BEGIN PRIVATE KEY-----\n" * 7_000,
        "-----BEGIN PRIVATE KEY-----\n" + " a: b" * 40_000,
        ("-----BEGIN PRIVATE KEY-----\n" + PEM_LINE) * 2_000,
    ],
    ids=lambda text: text[:12],
)
def test_hostile_text_takes_linear_time(text: str) -> None:
    began = time.process_time()
    found(text)
    assert time.process_time() - began < 10  # quadratic would be minutes


def test_importing_the_recognizers_compiles_none_of_their_rules() -> None:
    code = (
        "import re, nexxi_cli.core.types, ipaddress; compiled = []; real = re.compile; "
        "re.compile = lambda *a, **k: compiled.append(a[0]) or real(*a, **k); "
        "import nexxi_cli.infrastructure.recognizers; print(len(compiled))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) <= 3  # the short ones that check what was found
