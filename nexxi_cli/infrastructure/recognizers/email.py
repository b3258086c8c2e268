"""E-mail addresses: RFC 5321 lengths, RFC 5322 dot-atoms as people write them, RFC 6531 letters beyond ASCII."""

import re

from nexxi_cli.infrastructure.recognizers.patterns import PatternRecognizer, Rule, starting
from nexxi_cli.infrastructure.recognizers.probes import WIDE, Probe

# Latin, Greek and Cyrillic letters; scripts that do not part words by blanks are left out, or they would be swallowed
_LETTER = r"A-Za-z0-9\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u052f"
_LABEL = rf"[{_LETTER}](?:[{_LETTER}\-]{{0,61}}[{_LETTER}])?"
_TOP_LEVEL = r"(?:xn--[A-Za-z0-9\-]{2,59}|[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u052f]{2,63})"
_ADDRESS = (
    rf"(?<![{_LETTER}_])[{_LETTER}_][{_LETTER}_.%+&'\-]{{0,63}}@"
    rf"(?:{_LABEL}\.){{1,8}}{_TOP_LEVEL}(?![{_LETTER}]|-[{_LETTER}])"
)

_AT = Probe(rf"[A-Za-z0-9_.%+&'\-{WIDE}]@[A-Za-z0-9{WIDE}]", most=66, least=3, without=" \n")

# `logo@2x.png` is a picture for dense screens, `style@1.css` a version
_FILE_ENDINGS = frozenset(("css", "gif", "heic", "ico", "jpeg", "jpg", "js", "json", "png", "svg", "tgz", "webp"))


def _is_address(match: re.Match[str]) -> int | None:
    local, _, domain = match[0].rpartition("@")
    if len(domain) > 255 or domain.rpartition(".")[2].lower() in _FILE_ENDINGS:
        return None
    if local == "git":  # `git@github.com:owner/project.git` names a server
        return None
    return match.end()


EMAIL = PatternRecognizer(
    (
        Rule(
            "email.address",
            "EMAIL",
            0.95,
            _ADDRESS,
            _is_address,
            needs=("@",),
            probes=(_AT,),
            starts=starting(f"{_LETTER}_", alone=f"{_LETTER}_"),
        ),
    ),
    chars=rf"{_LETTER}_.%+&'@\-",
    begins=rf"[{_LETTER}_]",
    max_chars=64 + 1 + 8 * 64 + 63,
)
