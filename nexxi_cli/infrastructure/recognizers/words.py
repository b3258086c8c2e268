"""Words beside a number that say what it is: whole words, before it or after it, in any case.

`driverLicense`, `driver_license` and `driver license` are the same words.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from nexxi_cli.infrastructure.recognizers.probes import over_latin_1

BEFORE_CHARS = 63
"""How far before a match its words may begin: one less than a Recognizer may look, to see that they begin there."""

AFTER_CHARS = 48
"""How far after a match its words may end."""

_GAP_CHARS = 36
_PHRASE_CHARS = 28
_HUMP = "[A-Z](?<=[a-z].)"
"""A capital after a small letter; `re` passes quickly over all that is no capital."""

_LEAD = r"[ \t]?[(\[\-\u2013\u2014:=]?[ \t]?(?:[^\W\d_]{1,12}['\u2019]?[^\W\d_]{0,3} ){0,3}"
_NOT_A_LABEL = r"(?![^\W_]|[ _]?(?:number|no|nr|nummer)?[ \t]?[\"']?[:=#_])"
"""`12345678, phone: 5550123`: the word belongs to what follows it."""

_OPEN = r"[^\W\d]*(?:[ \t(\[\-\u2013\u2014:=_'\u2019]+[^\W\d]*)*+"


@dataclass(frozen=True, slots=True)
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
        window = _plain(text[start - BEFORE_CHARS - 1 if start > BEFORE_CHARS else 0 : start])
        for match in _compiled(self)[0].finditer(window):
            at = match.start()
            whole = not window[at - 1].isalnum() if at else start <= BEFORE_CHARS
            if whole and _bridges(window[match.end() :]):
                return True
        return False

    def _follow(self, text: str, end: int) -> bool:
        window = text[end : end + AFTER_CHARS + 1]
        return _compiled(self)[1].match(_plain(window)) is not None

    def may_follow(self, text: str, end: int) -> bool:
        """Whether text to come can put them after text[:end]."""
        return self.after and len(text) - end <= AFTER_CHARS and re.fullmatch(_OPEN, text[end:]) is not None

    def probes(self, digits: int, lead: int, longest: int) -> "tuple[WordProbe, ...]":
        """Probes for matches of at most `longest` characters with `digits` digits after at most `lead` other ones."""
        own = WordProbe(self.phrases, digits, lead, longest, after=self.after)
        return (own, WordProbe(self.also, 1, 9, 24, after=self.after)) if self.also else (own,)


@dataclass(frozen=True, slots=True)
class WordProbe:
    """A probe of words with a number beside them: `digits` digits after at most `lead` other characters."""

    phrases: tuple[str, ...]
    digits: int
    lead: int
    longest: int
    after: bool

    @property
    def expressions(self) -> tuple[str, ...]:
        """The longest word of each phrase that holds no other phrase."""
        shortest = {phrase for phrase in self.phrases if not any(o in phrase for o in self.phrases if o != phrase)}
        words = {max(phrase.split(), key=len) for phrase in shortest}
        return tuple(expression for word in sorted(words) for expression in _expressions(word))

    def spans(self, text: str, start: int, ends: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Where a match may begin: at the first digit after the words, and before the last digit before them."""
        follows, precedes = _sides(self.digits)
        phrases = _compact(self)
        for end in ends:
            before = precedes.search(text, max(0, end - _PHRASE_CHARS - AFTER_CHARS), end) if self.after else None
            after = follows.match(text, end)
            if not (before or after) or not _are_there(phrases, text, end):
                continue
            if before and self._follow(text, before.start()):
                yield max(start, before.start() - self.longest), before.start()
            if after:
                first = after.end() - self.digits
                yield max(start, first - self.lead), first

    def _follow(self, text: str, digit: int) -> bool:
        window = _plain(text[digit : digit + 4 + AFTER_CHARS])
        return _following(self.phrases).match(window) is not None


def _are_there(phrases: tuple[str, ...] | None, text: str, end: int) -> bool:
    if phrases is None:
        return True
    near = text[max(0, end - _PHRASE_CHARS) : end + _PHRASE_CHARS].lower()
    near = near.replace(" ", "").replace("_", "").replace("-", "").replace("\t", "")
    return any(map(near.__contains__, phrases))


@cache
def _compact(probe: WordProbe) -> tuple[str, ...] | None:
    """The phrases without blanks, when the longest word of one is short; None when the words say enough."""
    vague = any(" " in phrase and max(map(len, phrase.split())) <= 6 for phrase in probe.phrases)
    return tuple(phrase.replace(" ", "") for phrase in probe.phrases) if vague else None


@cache
def _following(phrases: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"[0-9][^\s0-9]{{0,3}}{_LEAD}{_either(phrases)}")


def _either(phrases: Sequence[str]) -> str:
    return first_of(phrases).replace(r"\ ", r"[ _\-\t]{0,2}") + "s?"


def first_of(phrases: Iterable[str]) -> str:
    """A pattern of the first phrase that fits, by their first characters, so that most places are passed at once."""
    rests: dict[str, list[str]] = {}
    for phrase in phrases:
        rests.setdefault(re.escape(phrase[0]), []).append(re.escape(phrase[1:]))
    return "(?:" + "|".join(f"{first}(?:{'|'.join(after)})" for first, after in rests.items()) + ")"


@cache
def _sides(digits: int) -> tuple[re.Pattern[str], re.Pattern[str]]:
    gap = _GAP_CHARS + _PHRASE_CHARS
    return (
        re.compile(f"[^0-9]{{0,{gap}}}[0-9]{{{digits}}}"),
        re.compile(rf"[0-9][^0-9,;.\n]{{1,{AFTER_CHARS + _PHRASE_CHARS}}}\Z"),
    )


def _expressions(word: str) -> Iterator[str]:
    """`word`, in any case; short ones, which are parts of many others, only where a word begins."""
    wide = over_latin_1(word)
    if len(word) > 4 or not word.isascii():
        yield f"(?i){wide}"
    else:
        yield rf"(?i)\b{wide}"
        yield f"(?i)_{wide}"
        yield f"{word[0].upper()}(?i:{word[1:]})"


def _bridges(gap: str) -> bool:
    return len(gap) <= _GAP_CHARS and gap.count("\n") <= 1 and re.search(r"\d", gap) is None


def _plain(window: str) -> str:
    return (re.sub(_HUMP, r" \g<0>", window) if _hump().search(window) else window).lower()


@cache
def _hump() -> re.Pattern[str]:
    return re.compile(_HUMP)


@cache
def _compiled(words: Words) -> tuple[re.Pattern[str], re.Pattern[str]]:
    either = _either((*words.phrases, *words.also))
    return re.compile(f"{either}(?![^\\W_])"), re.compile(f"(?![^\\W_]){_LEAD}{either}{_NOT_A_LABEL}")
