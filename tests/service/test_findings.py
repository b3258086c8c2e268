"""The findings of a text are looked for with the cycle collector at rest, and it goes on as before."""

import gc
from collections.abc import Iterator

import pytest

from nexxi_cli.core.types import Finding
from nexxi_cli.service.findings import find_all


class Watching:
    """Finds one letter, or fails on an empty text; remembers whether the collector was on."""

    types = frozenset(("LETTER",))
    max_chars = 1
    saw_collector = False

    def find(self, text: str, start: int = 0) -> list[Finding]:
        self.saw_collector = gc.isenabled()
        return [Finding(start, start + 1, "LETTER", 1.0, text[0])]

    def open_from(self, text: str, start: int) -> int:
        return len(text)


@pytest.fixture(params=[True, False])
def is_on(request: pytest.FixtureRequest) -> Iterator[bool]:
    if not request.param:
        gc.disable()
    yield request.param
    gc.enable()


def test_the_collector_rests_during_a_search_and_is_then_as_it_was(*, is_on: bool) -> None:
    watching = Watching()
    assert len(find_all((watching,), watching.types, "a")) == 1
    assert not watching.saw_collector
    assert gc.isenabled() == is_on


def test_a_search_that_fails_leaves_the_collector_as_it_was(*, is_on: bool) -> None:
    watching = Watching()
    with pytest.raises(IndexError):
        find_all((watching,), watching.types, "")
    assert gc.isenabled() == is_on
