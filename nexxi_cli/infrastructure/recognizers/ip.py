"""IP addresses: version 4 in dotted decimal (RFC 6943, 3.1.1), version 6 as in RFC 4291, 2.2.

Addresses that say nothing of anyone (RFC 6890: unspecified, loopback) and netmasks are left alone.
"""

import re
from socket import AF_INET6, inet_pton

from nexxi_cli.infrastructure.recognizers.patterns import PatternRecognizer, Rule, starting
from nexxi_cli.infrastructure.recognizers.probes import head

_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_V4 = rf"(?<![\w.:\-])(?<!version )(?<!Version )(?:{_BYTE}\.){{3}}{_BYTE}(?![\w\-]|\.[0-9])"
_V6 = (
    r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}"
    rf"(?:(?:{_BYTE}\.){{3}}{_BYTE}|[0-9A-Fa-f]{{0,4}})(?![\w:]|\.[0-9])"
)
_V4_PROBES = (head(r"(?:[0-9]{1,3}\.){3}[0-9]", 7, 13, alone=r"\w.:\-"),)
_V6_PROBES = (
    head("(?:[0-9A-Fa-f]{1,4}:){1,6}:", 3, 31, alone=r"\w:."),
    head("::[0-9A-Fa-f]", 3, alone=r"\w:."),
    head("(?:[0-9A-Fa-f]{1,4}:){6}", 12, 30, alone=r"\w:."),
)
_AT_V4 = starting("0-9", alone=r"\w.:\-")
_AT_V6 = starting("0-9A-Fa-f:", alone=r"\w:.") + "(?=[0-9A-Fa-f]{0,3}:)"
_SHORT = ("1.1.1.1", "1.0.0.1", "8.8.8.8", "8.8.4.4", "9.9.9.9")  # well-known; others so short number sections
_DIGITS = frozenset("0123456789")
_NOBODY = ("127.", "0.", "255.")


def _v4(match: re.Match[str]) -> int | None:
    address = match[0]
    is_section = len(address) == 7 and address not in _SHORT
    is_nobody = address.startswith(_NOBODY)
    return None if is_section or is_nobody or (address.endswith(".0.0") and _is_version(match)) else match.end()


def _is_version(match: re.Match[str]) -> bool:
    """`Chrome/120.0.0.0`."""
    named = match.string[max(0, match.start() - 2) : match.start()]
    return named[-1:] == "/" and named[:1].isalpha()


def _v6(match: re.Match[str]) -> int | None:
    written = match[0]
    if _DIGITS.isdisjoint(written):  # `abc::def` is C++
        return None
    if written.count(":") < 4 and all(len(group) < 3 and not group.isalpha() for group in written.split(":")):
        return None  # `1::2` is a slice
    try:
        address = inet_pton(AF_INET6, written)
    except OSError:
        return None
    return match.end() if address[:15].strip(b"\0") or address[15] > 1 else None  # not :: nor ::1


IP = PatternRecognizer(
    (
        Rule("ip.v4", "IP", 0.9, _V4, _v4, needs=(".",), probes=_V4_PROBES, starts=_AT_V4),
        Rule("ip.v6", "IP", 0.9, _V6, _v6, needs=(":",), probes=_V6_PROBES, starts=_AT_V6, ahead=4),
    ),
    chars=r"0-9A-Fa-f:.",
    begins=r"[0-9A-Fa-f:]",
    max_chars=56,
)
