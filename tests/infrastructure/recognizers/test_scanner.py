"""The scanner finds what its families find, wherever it looks, with its prefilter and without."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexxi_cli.core.types import Finding
from nexxi_cli.infrastructure.recognizers import RECOGNIZERS, SCANNER
from nexxi_cli.infrastructure.recognizers.scanner import Scanner
from tests.infrastructure.recognizers.examples import ALL
from tests.infrastructure.recognizers.texts import TEXTS

PLAIN = Scanner(RECOGNIZERS, prefilter=lambda: False)


def ordered(findings: object) -> list[Finding]:
    return sorted(findings, key=lambda finding: (finding.start, finding.end, finding.rule))  # type: ignore[call-overload]


@given(TEXTS, st.integers(0, 200))
@settings(deadline=None)  # the first one compiles
def test_the_prefilter_misses_nothing_and_adds_nothing(text: str, start: int) -> None:
    assert ordered(SCANNER.find(text, start)) == ordered(PLAIN.find(text, start))


@pytest.mark.parametrize("seed", range(20))
def test_examples_in_a_crowd_are_found_with_the_prefilter_as_without(seed: int) -> None:
    rng = random.Random(seed)
    gaps = [" ", ", ", "\n", "", ": ", " \u2013 ", "é", "你好", "\u00a0", "=", '"', "_", "\u2011", "\udc80"]
    text = "".join(rng.choice(ALL)[1] + rng.choice(gaps) for _ in range(300))
    found = ordered(SCANNER.find(text))
    assert found == ordered(PLAIN.find(text))
    assert len(found) > 100


@pytest.mark.parametrize(("type_", "example"), ALL)
def test_the_prefilter_sees_an_example_at_either_end_of_a_text(type_: str, example: str) -> None:
    for text in (example, f"{example} x", f"x {example}"):
        assert type_ in {finding.type for finding in SCANNER.find(text)}


def test_threads_share_a_scanner() -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda number: len(list(SCANNER.find(f"ada{number}@example.com " * 500))), range(40))
    assert set(found) == {500}


@pytest.mark.parametrize("unit", ["1 ", "a@", "+1", "00 1", "1.", "a:", "AB12 ", "-----BEGIN ", "password=", "ssn 1 "])
def test_the_time_grows_with_the_text_and_no_faster(unit: str) -> None:
    def seconds(count: int) -> float:
        text = unit * count
        began = time.process_time()
        list(SCANNER.find(text))
        return time.process_time() - began

    seconds(10)
    assert seconds(80_000) < 4 * (2 * seconds(20_000)) + 0.5  # 16 times as long were quadratic
