"""Secrets by the name they are given: `password=`, JSON, YAML, env files, HTTP headers. Only the value is a finding.

Without a keyword before it nothing is a secret here: hashes, UUIDs and commit ids are not.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from functools import cached_property

from nexxi_cli.core.types import Finding
from nexxi_cli.infrastructure.recognizers.patterns import Spans
from nexxi_cli.infrastructure.recognizers.probes import Probe

MAX_CHARS = 1_000
"""Longest value; what goes on is no password."""

_LEAD_CHARS = 60
_PASSWORDS = r"passw(?:or)?d|passphrase|passwort|kennwort|contrase(?:ñ|n)a|mot_de_passe|senha|pwd|db_?pass"
_KEYS = (
    r"secret|token|api[_\- ]?key|access[_\- ]?key|secret[_\- ]?key|private[_\- ]?key|signing[_\- ]?key"
    r"|account[_\- ]?key|encryption[_\- ]?key|auth[_\- ]?key|credentials?|client[_\- ]?secret"
    r"|webhook[_\- ]?secret|sharedaccesskey|sharedaccesssignature|[?&;]sig"
)
_SIGN = r"""(?:\\{0,2}["'\]]){0,2}[ \t]{0,8}(?:=>|:=|==?|:)[ \t]{0,8}"""
_QUOTE = r"""(?:[rbuf]?\\{0,2}["'`])?"""
_LEAD = rf"(?:(?P<password>{_PASSWORDS})|(?P<key>{_KEYS})){_SIGN}{_QUOTE}"
_HEADER = (
    r"""(?P<header>authorization["']?[ \t]{0,4}[:=][ \t]{0,4}["']?(?:basic|bearer|token|apikey|digest)[ \t]{1,4})"""
    r"|(?<![a-z0-9])(?P<bearer>bearer[ \t]{1,4})"
)
_BARE = r"""(?:[^\s"'`<>,;&|(){}\[\]\\]|\\(?!["'nrt])){0,1001}"""
_INSIDE = {quote: rf"(?:[^{quote}\r\n\\]|\\[^\r\n]){{0,500}}" for quote in "\"'`"}

_PLACEHOLDER = r"""(?ix) [$%{<*\[(]|x{3,}|\*{3,}|\.{3,}|-{3,}|_{3,}
    |(?:your|my|the|some|an?|example|sample|test|dummy|fake|change)[_\-]
    |change_?me|placeholder|redacted|hidden|masked|none$|null$|nil$|true$|false$|undefined$|todo$|n/a$
    |(?:os|process|self|this|config|settings|env|request|req|params|args|user|data|options|props|ctx)[.\[]
    |[a-z_.]+\(|str$|string$|int$|bool$|bytes$|object$|optional|secretstr"""
_PROSE = (
    " required incorrect invalid expired missing reset changed must wrong empty field fields protected authentication"
    " accepted rejected failed success successful successfully updated update sent length minimum strength policy"
    " encrypted hashed plain plaintext unknown ok yes no and the is not for with too short long weak strong input text"
    " password passwort contraseña "
)
"""What stands after `password:` in prose and forms."""


class AssignmentRecognizer:
    """Finds values of names that say that they are secret. It is its own search."""

    types = frozenset(("SECRET",))
    max_chars = MAX_CHARS + 2
    probes = (
        Probe(rf"(?:{_PASSWORDS}|{_KEYS}){_SIGN}".replace("ñ", "[?\xf1]"), 0, -24, caseless=True),
        Probe(r"bearer[ \t]{1,4}", 0, -4, caseless=True),
        Probe(
            r"""authorization["']?[ \t]{0,4}[:=][ \t]{0,4}["']?(?:basic|token|apikey|digest)[ \t]""",
            0,
            -4,
            caseless=True,
        ),
    )

    @property
    def searches(self) -> "tuple[AssignmentRecognizer]":
        """Itself: all of its rules are looked for together."""
        return (self,)

    def find(self, text: str, start: int | Spans = 0) -> Iterator[Finding]:
        """Findings that begin at a place and later, or in spans; in order."""
        spans: Spans = ((start, len(text)),) if isinstance(start, int) else start
        free = 0
        for first, last in spans:
            free = max(free, first)
            for lead in self._lead.finditer(text, max(0, free - _LEAD_CHARS), last + 1):
                at = lead.end()
                if at < free:
                    continue
                end = self._value_end(text, lead)
                if _is_secret(lead, text[at:end]):
                    yield Finding(at, end, "SECRET", 0.85, f"secret.{lead.lastgroup}")
                    free = end

    def open_from(self, text: str, start: int) -> int:
        """The first value from `start` on that reaches the end of the text."""
        line = text.rfind("\n") + 1  # neither a name nor a value goes over its end
        for lead in self._lead.finditer(text, max(line, start - _LEAD_CHARS, len(text) - MAX_CHARS - _LEAD_CHARS)):
            if lead.end() >= start and self._value_end(text, lead) >= len(text) - 1:
                return lead.end()
        return len(text)

    def _value_end(self, text: str, lead: re.Match[str]) -> int:
        inside = self._values.get(lead[0][-1], self._values[""])
        match = inside.match(text, lead.end())
        assert match is not None  # it matches nothing too
        return match.end()

    @cached_property
    def _lead(self) -> re.Pattern[str]:
        return re.compile(f"{_LEAD}|{_HEADER}", re.IGNORECASE)

    @cached_property
    def _values(self) -> dict[str, re.Pattern[str]]:
        return {"": re.compile(_BARE), **{quote: re.compile(inside) for quote, inside in _INSIDE.items()}}


def _is_secret(lead: re.Match[str], value: str) -> bool:
    if not 4 <= len(value) <= MAX_CHARS or re.match(_PLACEHOLDER, value):
        return False
    quoted = lead[0][-1] in "\"'`"
    if lead["password"]:
        sign = ":" if lead[0].rstrip()[-1] == ":" else "="
        word = value.strip(".!?").lower()
        return f" {word} " not in _PROSE and (
            quoted or sign == "=" or not word.isalpha() or _alone_in_line(lead, len(value))
        )
    return len(value) >= 12 and " " not in value and _is_random(value)


def _alone_in_line(lead: re.Match[str], length: int) -> bool:
    text = lead.string
    before = text[max(0, lead.start() - 2) : lead.start()].strip(" ")
    return before[-1:] in ("", "\n") and text[lead.end() + length : lead.end() + length + 1] in ("", "\n", "\r")


def _is_random(value: str) -> bool:
    """Digits and letters in no order: at least 3 bits of entropy a character, by their frequency."""
    if not any(char.isdigit() for char in value) or not any(char.isalpha() for char in value):
        return False
    counts = Counter(value[:200]).values()
    total = sum(counts)
    return -sum(count / total * math.log2(count / total) for count in counts) >= 3.0


ASSIGNMENTS = AssignmentRecognizer()
