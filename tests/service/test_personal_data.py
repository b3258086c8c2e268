"""Layers of personal data, each with its own mode, in whole texts and in streams."""

import pytest

from nexxi_cli.core.settings import Mode
from nexxi_cli.core.types import Finding
from nexxi_cli.service.safety import SafetyFilter
from tests.service.test_safety import WordRecognizer

TEXT = "ada lives in paris, see x@y"
DATA = WordRecognizer(**{"x@y": ("EMAIL", 0.9), "paris": ("ADDRESS", 0.5)})
NAMES = WordRecognizer(ada=("PERSON", 0.9), lives=("ADDRESS", 0.6))


def a_filter(pii: Mode, names: Mode, *, types: frozenset[str] | None = None) -> SafetyFilter:
    return SafetyFilter((DATA,), "off", pii, None, name_recognizers=(NAMES,), names=names, types=types)


def found(findings: tuple[Finding, ...]) -> list[str]:
    return [TEXT[finding.start : finding.end] for finding in findings]


@pytest.mark.parametrize(
    ("pii", "names", "text", "findings"),
    [
        ("redact", "off", "ada lives in <ADDRESS>, see <EMAIL>", ["paris", "x@y"]),
        ("redact", "redact", "<PERSON> <ADDRESS> in <ADDRESS>, see <EMAIL>", ["ada", "lives", "paris", "x@y"]),
        ("redact", "observe", "ada lives in <ADDRESS>, see <EMAIL>", ["ada", "lives", "paris", "x@y"]),
        ("observe", "redact", "<PERSON> <ADDRESS> in paris, see x@y", ["ada", "lives", "paris", "x@y"]),
        ("off", "redact", "<PERSON> <ADDRESS> in paris, see x@y", ["ada", "lives"]),
        ("off", "observe", TEXT, ["ada", "lives"]),
        ("off", "off", TEXT, []),
    ],
)
def test_each_layer_has_its_mode(pii: Mode, names: Mode, text: str, findings: list[str]) -> None:
    verdict = a_filter(pii, names).check(TEXT)
    assert (verdict.text, found(verdict.findings), verdict.allowed) == (text, findings, True)
    guard = a_filter(pii, names).stream_guard()
    assert "".join(map(guard.push, TEXT)) + guard.finish() == text
    assert guard.findings == verdict.findings


@pytest.mark.parametrize(
    ("pii", "names", "reasons"),
    [
        ("block", "redact", ("pii: ADDRESS, EMAIL",)),
        ("redact", "block", ("names: PERSON",)),
        ("block", "block", ("pii: ADDRESS, EMAIL", "names: PERSON")),
        ("off", "block", ("names: PERSON",)),
    ],
)
def test_a_layer_blocks_for_the_types_that_are_its_own(pii: Mode, names: Mode, reasons: tuple[str, ...]) -> None:
    verdict = a_filter(pii, names).check(TEXT)
    assert (verdict.allowed, verdict.reasons) == (False, reasons)


def test_names_that_nobody_wants_are_not_looked_for() -> None:
    safety = a_filter("redact", "redact").only({"ADDRESS"})
    assert safety.check(TEXT).text == "ada lives in <ADDRESS>, see x@y"
    assert safety.types == {"ADDRESS"}
    assert safety.known_types == {"ADDRESS", "EMAIL", "PERSON"}


def test_a_listener_hears_of_what_is_only_observed() -> None:
    heard: list[str] = []
    guard = a_filter("redact", "observe").stream_guard(on_finding=lambda finding: heard.append(finding.type))
    guard.push(TEXT)
    guard.finish()
    assert sorted(heard) == ["ADDRESS", "ADDRESS", "EMAIL", "PERSON"]
    assert guard.findings == ()
