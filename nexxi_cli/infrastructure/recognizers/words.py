"""Words beside a number that say what it is: whole words, before it or after it, in any case.

`driverLicense`, `driver_license` and `driver license` are the same words.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from nexxi_cli.infrastructure.recognizers.probes import over_latin_1

BEFORE_CHARS = 63
"""How far before a match its words may begin: one less than a Recognizer may look, to see that they begin there."""

AFTER_CHARS = 48
"""How far after a match its words may end."""

_GAP_CHARS = 36
_BRIDGE = rf"(?=\D{{0,{_GAP_CHARS}}}\Z)[^\n]*+(?:\n[^\n]*+)?"
"""What may stand between words and a number: no digit, and one line end at most."""
_PHRASE_CHARS = 28
_HUMP = "[A-Z](?<=[a-z].)"
"""A capital after a small letter; `re` passes quickly over all that is no capital."""

_LEAD = r"[ \t]?[(\[\-\u2013\u2014:=]?[ \t]?(?:[^\W\d_]{1,12}['\u2019]?[^\W\d_]{0,3} ){0,3}"
_JOIN = r"[ _\-\t]{0,2}"
"""Between the words of a phrase."""

_NOT_A_LABEL = r"(?![^\W_]|[ _]?(?:number|no|nr|nummer)?[ \t]?[\"']?[:=#_])"
"""`12345678, phone: 5550123`: the word belongs to what follows it."""

_OPEN = r"[^\W\d]*(?:[ \t(\[\-\u2013\u2014:=_'\u2019]+[^\W\d]*)*+"


@dataclass(frozen=True)  # without slots, so that its patterns can be kept
class Words:
    """Words and phrases in lower case, singular; a plural s is understood. `after`: they may also follow.

    Those that many rules share stand in `also`, which the prefilter then looks for once.
    """

    phrases: tuple[str, ...]
    after: bool = True
    also: tuple[str, ...] = ()

    def beside(self, text: str, start: int, end: int) -> bool:
        """Whether they stand after text[start:end] or before it, in one line or two, with no digit between."""
        return self.before(text, start) or (self.after and self._follow(text, end))

    def before(self, text: str, start: int) -> bool:
        """Whether they stand before text[start:]."""
        window = text[start - BEFORE_CHARS - 1 : start] if start > BEFORE_CHARS else f" {text[:start]}"
        return self._preceding.match(_plain(window)) is not None

    def _follow(self, text: str, end: int) -> bool:
        return self._following.match(_plain(text[end : end + AFTER_CHARS + 1])) is not None

    @cached_property
    def _preceding(self) -> re.Pattern[str]:
        last = r"(?s).*[\W_]"  # looked for from the end, since it is near
        return re.compile(f"{last}{_either((*self.phrases, *self.also))}(?![^\\W_]){_BRIDGE}\\Z")

    @cached_property
    def _following(self) -> re.Pattern[str]:
        return re.compile(f"(?![^\\W_]){_LEAD}{_either((*self.phrases, *self.also))}{_NOT_A_LABEL}")

    def may_follow(self, text: str, end: int) -> bool:
        """Whether text to come can put them after text[:end]."""
        return self.after and len(text) - end <= AFTER_CHARS and re.fullmatch(_OPEN, text[end:]) is not None

    def probes(self, digits: int, lead: int, longest: int, *, lettered: bool = True) -> "tuple[WordProbe, ...]":
        """Probes for matches of at most `longest` characters with `digits` digits after at most `lead` other ones.

        lettered: a letter may follow the last digit.
        """
        probes = []
        for phrases, shape in ((self.phrases, (digits, lead, longest)), (self.also, (1, 9, 24))):
            for foreign in (False, True):
                probe = WordProbe(phrases, *shape, after=self.after, lettered=lettered, foreign=foreign)
                if probe.expressions:
                    probes.append(probe)
        return tuple(probes)


@dataclass(frozen=True)  # without slots, so that its patterns can be kept
class WordProbe:
    """A probe of words with a number beside them: `digits` digits after at most `lead` other characters.

    foreign: it looks for phrases beyond Latin-1, and makes sure that one is there, since a probe sees only that some
    characters are beyond it; without it, for the others.
    """

    phrases: tuple[str, ...]
    digits: int
    lead: int
    longest: int
    after: bool
    lettered: bool
    foreign: bool

    @cached_property
    def expressions(self) -> tuple[str, ...]:
        """Each phrase that holds no other phrase."""
        return tuple(expression for phrase in self._own for expression in _expressions(phrase))

    @cached_property
    def _own(self) -> tuple[str, ...]:
        shortest = {phrase for phrase in self.phrases if not any(o in phrase for o in self.phrases if o != phrase)}
        return tuple(sorted(phrase for phrase in shortest if self.foreign == any(char > "\xff" for char in phrase)))

    back = None

    def spans(self, text: str, start: int, ends: Sequence[int]) -> Sequence[tuple[int, int]]:
        """Where a match may begin: at the first digit after the words, and before the last digit before them."""
        return list(self._spans(text, start, ends))

    def _spans(self, text: str, start: int, ends: Sequence[int]) -> Iterator[tuple[int, int]]:
        follows, precedes = _sides(self.digits, lettered=self.lettered)
        for end in ends:
            if self.foreign and not self._is_there(text, end):
                continue
            after = follows.match(text, end)
            before = precedes.search(text, max(0, end - _PHRASE_CHARS - AFTER_CHARS), end) if self.after else None
            if before and self._follow(text, before.start()):
                yield max(start, before.start() - self.longest), before.start()
            if after:
                first = after.end() - self.digits
                yield max(start, first - self.lead), first

    def _follow(self, text: str, digit: int) -> bool:
        return self._following.match(_plain(text[digit : digit + 4 + AFTER_CHARS])) is not None

    def _is_there(self, text: str, end: int) -> bool:
        return text[max(0, end - _PHRASE_CHARS) : end].lower().endswith(self._last_words)

    @cached_property
    def _last_words(self) -> tuple[str, ...]:
        return tuple(phrase.rpartition(" ")[2] for phrase in self._own)

    @cached_property
    def _following(self) -> re.Pattern[str]:
        return re.compile(rf"[0-9][^\s0-9]{{0,3}}{_LEAD}{_either(self.phrases)}")


def _either(phrases: Sequence[str]) -> str:
    return first_of(phrases).replace(r"\ ", _JOIN) + "s?"


def first_of(phrases: Iterable[str]) -> str:
    """A pattern of the first phrase that fits, by their first characters, so that most places are passed at once."""
    rests: dict[str, list[str]] = {}
    for phrase in phrases:
        rests.setdefault(re.escape(phrase[0]), []).append(re.escape(phrase[1:]))
    return "(?:" + "|".join(f"{first}(?:{'|'.join(after)})" for first, after in rests.items()) + ")"


@cache
def _sides(digits: int, *, lettered: bool) -> tuple[re.Pattern[str], re.Pattern[str]]:
    gap = _GAP_CHARS + _PHRASE_CHARS
    last = "[0-9]" if lettered else "[0-9](?![A-Za-z_])"
    return (
        re.compile(f"[^0-9]{{0,{gap}}}[0-9]{{{digits}}}"),
        re.compile(rf"{last}[^0-9,;.\n]{{1,{AFTER_CHARS + _PHRASE_CHARS}}}\Z"),
    )


def _expressions(phrase: str) -> Iterator[str]:
    """`phrase`, in any case; short words, which are parts of many others, only where a word begins."""
    wide = over_latin_1(re.escape(phrase)).replace(r"\ ", rf"{_JOIN}")
    if len(phrase) > 4 or not phrase.isascii():
        yield f"(?i){wide}"
    else:
        yield rf"(?i)\b{wide}"
        yield f"(?i)_{wide}"
        yield f"[a-z]{phrase[0].upper()}(?i:{phrase[1:]})"


def _plain(window: str) -> str:
    lowered = window.lower()
    if lowered == window or not _hump().search(window):
        return lowered
    return _hump().sub(r" \g<0>", window).lower()


@cache
def _hump() -> re.Pattern[str]:
    return re.compile(_HUMP)
