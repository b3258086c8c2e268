"""Secrets by the name they are given: `password=`, JSON, YAML, env files, HTTP headers. Only the value is a finding.

Without a keyword before it nothing is a secret here: hashes, UUIDs and commit ids are not.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache, cached_property
from typing import NamedTuple

from nexxi_cli.core.types import Finding
from nexxi_cli.infrastructure.recognizers.patterns import Spans
from nexxi_cli.infrastructure.recognizers.probes import Probe, over_latin_1
from nexxi_cli.infrastructure.recognizers.words import first_of

MAX_CHARS = 4_096
"""Longest value; private keys, which may be longer, are blocks of their own."""

_LEAD_CHARS = 60
_PASSWORDS = "password|passwd|passphrase|passwort|kennwort|contraseña|contrasena|mot_de_passe|senha|pwd|dbpass|db_pass"
_PASSWORD_NAMES = frozenset(_PASSWORDS.split("|"))
_KEYS = (
    "secret|token|api_key|api-key|apikey|api key|access_key|access-key|accesskey|access key|secret_key|secret-key"
    "|secretkey|private_key|private-key|privatekey|signing_key|signing-key|signingkey|account_key|account-key|accountkey"
    "|encryption_key|encryption-key|encryptionkey|auth_key|auth-key|authkey|credential|credentials|sharedaccesskey"
    "|sharedaccesssignature|sig"
)
_SIGN = r"""(?:\\{0,2}["'\]]){0,2}[ \t]{0,8}(?:=>|:=|==?|:)[ \t]{0,8}"""
_QUOTE = r"""(?:[rbuf]?\\{0,2}["'`])?"""
_HEADER = r"""["']?[ \t]{0,4}[:=][ \t]{0,4}["']?(?:basic|bearer|token|apikey|digest)[ \t]{1,4}"""
_LOWER = {code: code + 32 for code in (*range(65, 91), ord("Ñ"))}
_BARE = r"""(?:[^\s"'`<>,;&|(){}\[\]\\]++|\\(?!["'nrt]))*+"""
_INSIDE = {quote: rf"(?:[^{quote}\r\n\\]++|\\[^\r\n])*+" for quote in "\"'`"}

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


class _Lead(NamedTuple):
    """A name and its sign: where they begin and end, and the value begins; the characters between name and value."""

    name: str
    start: int
    end: int
    sign: str

    @property
    def rule(self) -> str:
        """What kind of name it is."""
        if self.name in ("authorization", "bearer"):
            return "secret.header"
        return "secret.password" if self.name in _PASSWORD_NAMES else "secret.key"

    @property
    def quote(self) -> str:
        """The quotation mark that the value stands in, or nothing."""
        return self.sign[-1] if self.sign[-1] in "\"'`" else ""


class AssignmentRecognizer:
    """Finds values of names that say that they are secret. It is its own search."""

    types = frozenset(("SECRET",))
    max_chars = MAX_CHARS + 2
    probes = (
        Probe(f"(?:{over_latin_1(_PASSWORDS)}|{_KEYS}){_SIGN}", 0, -24, caseless=True),
        Probe(r"bearer[ \t]", 0, -4, caseless=True),
        Probe(rf"authorization{_HEADER}", 0, -4, caseless=True),
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
            for lead in self._leads(text, max(0, free - _LEAD_CHARS), last + 1):
                if lead.end >= free:
                    end = self._value_end(text, lead)
                    if _is_secret(text, lead, end):
                        yield Finding(lead.end, end, "SECRET", 0.85, lead.rule)
                        free = end

    def open_from(self, text: str, start: int) -> int:
        """The first value from `start` on that reaches the end of the text."""
        line = text.rfind("\n") + 1  # neither a name nor a value goes over its end
        first = max(line, start - _LEAD_CHARS, len(text) - MAX_CHARS - _LEAD_CHARS)
        for lead in self._leads(text, first, len(text)):
            if lead.end >= start and self._value_end(text, lead) >= len(text) - 1:
                return lead.end
        return len(text)

    def _leads(self, text: str, first: int, end: int) -> Iterator[_Lead]:
        window = text[first:end]
        lowered = window.lower() if window.isascii() else window.translate(_LOWER)
        names, signs = self._compiled
        usual = signs[""]
        at = 0
        while found := names.search(lowered, at):
            start, end_of_name = found.span()
            name, at = found[0], start + 1  # `db_pass` is not the whole of `db_password`
            sign = signs.get(name, usual).match(lowered, end_of_name)
            if sign is None:
                continue
            before = lowered[start - 1 : start]
            if (name == "sig" and before not in ("?", "&", ";")) or (name == "bearer" and before.isalnum()):
                continue
            yield _Lead(name, first + start, first + sign.end(), sign[0])

    def _value_end(self, text: str, lead: _Lead) -> int:
        match = self._values[lead.quote].match(text, lead.end, lead.end + MAX_CHARS)
        assert match is not None  # it matches nothing too
        return match.end()

    @cached_property
    def _compiled(self) -> tuple[re.Pattern[str], dict[str, re.Pattern[str]]]:
        names = sorted(f"{_PASSWORDS}|{_KEYS}|authorization|bearer".split("|"), key=len, reverse=True)
        signs = {"": _SIGN + _QUOTE, "bearer": r"[ \t]{1,4}", "authorization": _HEADER}
        return re.compile(first_of(names)), {name: re.compile(sign) for name, sign in signs.items()}

    @cached_property
    def _values(self) -> dict[str, re.Pattern[str]]:
        return {"": re.compile(_BARE), **{quote: re.compile(inside) for quote, inside in _INSIDE.items()}}


@cache
def _placeholder() -> re.Pattern[str]:
    return re.compile(_PLACEHOLDER)


def _is_secret(text: str, lead: _Lead, end: int) -> bool:
    value = text[lead.end : end]
    if len(value) < 4 or _placeholder().match(value):
        return False
    if lead.name not in _PASSWORD_NAMES:
        return len(value) >= 12 and " " not in value and _is_random(value)
    if not lead.quote and text[end : end + 1] in ("(", "["):  # code that fetches it
        return False
    word = value.strip(".!?").lower()
    said = lead.quote or "=" in lead.sign or not word.isalpha() or _alone_in_line(text, lead.start, end)
    return bool(said) and f" {word} " not in _PROSE


def _alone_in_line(text: str, start: int, end: int) -> bool:
    before = text[max(0, start - 2) : start].strip(" ")
    return before[-1:] in ("", "\n") and text[end : end + 1] in ("", "\n", "\r")


def _is_random(value: str) -> bool:
    """Digits and letters in no order: at least 3 bits of entropy a character, by their frequency."""
    if not any(char.isdigit() for char in value) or not any(char.isalpha() for char in value):
        return False
    counts = Counter(value[:200]).values()
    total = sum(counts)
    return -sum(count / total * math.log2(count / total) for count in counts) >= 3.0


ASSIGNMENTS = AssignmentRecognizer()
