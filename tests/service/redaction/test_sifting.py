"""What does not count is no finding, and hides none."""

import pytest

from nexxi_cli.core.errors import UsageError
from nexxi_cli.service.redaction.searching import Search
from nexxi_cli.service.redaction.sifting import AllowList, parse_allow_list, sifted
from tests.service.redaction.searches import SEARCH


def found(text: str, lines: list[str], *, min_confidence: float = 0.0) -> list[str]:
    allowed = parse_allow_list(lines, name="allowed")
    search = Search(sifted(SEARCH.recognizers, min_confidence=min_confidence, allowed=allowed), SEARCH.types)
    return [text[one.start : one.end] for one in search.find(text)]


def test_values_and_patterns_of_the_list_may_stay() -> None:
    text = "ada@x.org bob@y.org cy@x.org eve@y.orgs"
    assert found(text, ["# ours", "", " ada@x.org ", r"/.*@y\.org/"]) == ["cy@x.org", "eve@y.orgs"]


def test_what_is_less_certain_is_left() -> None:
    assert found("ada@x.org 10.0.0.1", [], min_confidence=0.93) == ["ada@x.org"]


def test_without_a_list_the_recognizers_are_as_they_are() -> None:
    assert sifted(SEARCH.recognizers, min_confidence=0, allowed=AllowList()) == tuple(SEARCH.recognizers)


def test_a_bad_pattern_is_named_with_its_line() -> None:
    with pytest.raises(UsageError, match=r"allowed:2: /\(/ is no regular expression"):
        found("", ["ok", "/(/"])
