"""A text that is cut up comes to what the whole comes to, wherever the cuts are."""

from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from nexxi_cli.core.types import Finding
from nexxi_cli.service.redaction.outcomes import Checked, Outcome, Reported
from nexxi_cli.service.redaction.parts import Done, Part, continued, cut, look_at_text, replay
from nexxi_cli.service.redaction.searching import Search
from nexxi_cli.service.redaction.texts import PlainText
from tests.infrastructure.recognizers.examples import PEM
from tests.service.redaction.searches import SEARCH, redacted
from tests.service.screening import TEXTS

LONG_TEXTS = st.lists(TEXTS, max_size=4).map("\n".join)


def in_parts(text: str, outcome: Outcome, *, part_bytes: int, ahead_bytes: int) -> str:
    """As `--jobs` does it, in this process."""
    raw = text.encode("utf-8", "surrogatepass")
    blocks = iter([raw[at : at + 7] for at in range(0, len(raw), 7)])
    out: list[str] = []
    base = 0
    before: tuple[Part, Done] | None = None
    for part in cut(blocks, part_bytes=part_bytes, ahead_bytes=ahead_bytes):
        if before is not None and before[1].ended != before[1].chars:
            part = continued(*before, part)
        done = look_at_text(SEARCH, part, None)
        out.append(replay(done.events, outcome, base))
        base += done.ended
        before = part, done
    return "".join(out) + outcome.finish()


def as_a_whole(text: str, outcome: Outcome) -> str:
    whole = PlainText(SEARCH, outcome)
    return whole.push(text) + whole.finish()


@given(LONG_TEXTS, st.integers(300, 400), st.integers(8, 900))
@settings(max_examples=60, deadline=None)
def test_parts_come_to_the_same_text_as_the_whole(text: str, part_bytes: int, ahead_bytes: int) -> None:
    text = text.encode("utf-8", "replace").decode()
    expected = as_a_whole(text, redacted())
    assert in_parts(text, redacted(), part_bytes=part_bytes, ahead_bytes=ahead_bytes) == expected


def test_a_finding_over_a_cut_is_one_finding() -> None:
    text = f"x\n{PEM}\nmail ada@example.com\n" * 5
    for part_bytes in range(256, 600, 41):
        for outcome in (redacted, lambda: Checked("f"), lambda: Reported("f")):
            expected = as_a_whole(text, outcome())
            assert in_parts(text, outcome(), part_bytes=part_bytes, ahead_bytes=4000) == expected


def test_a_look_ahead_that_is_too_short_costs_no_finding() -> None:
    text = f"x\n{PEM}\nmail ada@example.com\n" * 5
    assert in_parts(text, redacted(), part_bytes=300, ahead_bytes=10) == as_a_whole(text, redacted())


def test_no_more_is_looked_at_ahead_than_it_takes_to_settle_what_is_before() -> None:
    seen: list[int] = []

    class Watching:
        types = SEARCH.recognizers[0].types
        max_chars = SEARCH.recognizers[0].max_chars

        def find(self, text: str, start: int = 0) -> Iterable[Finding]:
            seen.append(len(text))
            return SEARCH.recognizers[0].find(text, start)

        def open_from(self, text: str, start: int) -> int:
            return SEARCH.recognizers[0].open_from(text, start)

    part = Part(b"mail ada@example.com\n", b"", b"and then there is nothing for a while\n" * 3000, is_last=False)
    done = look_at_text(Search((Watching(),), SEARCH.types), part, redacted())
    assert done.out == b"mail <EMAIL>\n"
    assert max(seen) < 10_000


def test_no_cut_goes_through_a_character() -> None:
    raw = ("é" * 500 + "😀" * 500).encode()
    for part_bytes in range(256, 262):
        parts = list(
            cut(iter([raw[at : at + 5] for at in range(0, len(raw), 5)]), part_bytes=part_bytes, ahead_bytes=9)
        )
        assert b"".join(part.body for part in parts) == raw
        assert all(bytes(part.body).decode() and part.before.decode() is not None for part in parts)


def test_what_is_no_utf_8_can_be_cut_too() -> None:
    raw = b"\x80" * 3000
    assert b"".join(part.body for part in cut(iter([raw]), part_bytes=300, ahead_bytes=10)) == raw
