"""Words beside a number that say what it is: whole words, before it or after it, in any case.

`driverLicense`, `driver_license` and `driver license` are the same words.
"""

import re
from dataclasses import dataclass
from functools import cache

from nexxi_cli.infrastructure.recognizers.probes import WIDE, Probe

BEFORE_CHARS = 63
"""How far before a match its words may begin: one less than a Recognizer may look, to see that they begin there."""

AFTER_CHARS = 48
"""How far after a match its words may end."""

_GAP_CHARS = 36
_CAMEL = r"(?<=[a-z])(?=[A-Z])"
_LEAD = r"[ \t]?[(\[\-\u2013\u2014:=]?[ \t]?(?:[^\W\d_]{1,12}['\u2019]?[^\W\d_]{0,3} ){0,3}"
_OPEN = r"[^\W\d]*(?:[ \t(\[\-\u2013\u2014:=_'\u2019]+[^\W\d]*)*+"


@dataclass(frozen=True, slots=True)
class Words:
    """Words and phrases in lower case, singular; a plural s is understood. `after`: they may also follow."""

    phrases: tuple[str, ...]
    after: bool = True

    def beside(self, text: str, start: int, end: int) -> bool:
        """Whether they stand after text[start:end] or before it, in one line or two, with no digit between."""
        return self.before(text, start) or (self.after and self._follow(text, end))

    def before(self, text: str, start: int) -> bool:
        """Whether they stand before text[start:]."""
        window = re.sub(_CAMEL, " ", text[max(0, start - BEFORE_CHARS - 1) : start]).lower()
        for match in _compiled(self)[0].finditer(window):
            at = match.start()
            whole = not window[at - 1].isalnum() if at else start <= BEFORE_CHARS
            if whole and _bridges(window[match.end() :]):
                return True
        return False

    def _follow(self, text: str, end: int) -> bool:
        window = text[end : end + AFTER_CHARS + 1]
        return _compiled(self)[1].match(re.sub(_CAMEL, " ", window).lower()) is not None

    def may_follow(self, text: str, end: int) -> bool:
        """Whether text to come can put them after text[:end]."""
        return self.after and len(text) - end <= AFTER_CHARS and re.fullmatch(_OPEN, text[end:]) is not None

    def probes(self, digits: int, lead: int, longest: int) -> tuple[Probe, ...]:
        """Probes for matches of at most `longest` characters with `digits` digits after at most `lead` other ones."""
        phrases = "|".join(_over_latin_1(phrase) for phrase in self.phrases)
        before = Probe(
            f"(?:{phrases})[^0-9]{{0,{_GAP_CHARS + 1 + lead}}}[0-9]{{{digits}}}", digits + lead, digits, caseless=True
        )
        after = Probe(f"[0-9][^0-9,;.]{{1,{AFTER_CHARS - 2}}}(?:{phrases})", longest + AFTER_CHARS, 0, caseless=True)
        return (before, after) if self.after else (before,)


def _bridges(gap: str) -> bool:
    return len(gap) <= _GAP_CHARS and gap.count("\n") <= 1 and not any(char.isdigit() for char in gap)


def _over_latin_1(phrase: str) -> str:
    escaped = "".join(char if char.isascii() else f"[{WIDE}]" for char in phrase)
    return escaped.replace(" ", r"[ _\-\t]{0,2}")


@cache
def _compiled(words: Words) -> tuple[re.Pattern[str], re.Pattern[str]]:
    phrases = "|".join(re.escape(phrase).replace(r"\ ", r"[ _\-\t]{0,2}") for phrase in words.phrases)
    return re.compile(f"(?:{phrases})s?(?![^\\W_])"), re.compile(f"{_LEAD}(?:{phrases})s?(?![^\\W_])")
