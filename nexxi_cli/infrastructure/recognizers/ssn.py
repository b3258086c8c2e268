"""US Social Security numbers: three parts, with the areas that the SSA never assigns left out (20 CFR 422.103)."""

from nexxi_cli.infrastructure.recognizers.patterns import PatternRecognizer, Rule
from nexxi_cli.infrastructure.recognizers.probes import head

_PARTS = r"(?!000|666|9)[0-9]{3}%s(?!00)[0-9]{2}%s(?!0000)[0-9]{4}"
_HYPHENS = r"(?<![\w.\-])" + _PARTS % ("-", "-") + r"(?![\w]|[.\-][0-9])"
_BLANKS = r"(?<![\w.\-])(?<![0-9] )" + _PARTS % (" ", " ") + r"(?![\w]|[ .\-][0-9])"
_PROBE_HYPHENS = head("[0-8][0-9]{2}-[0-9]{2}-[0-9]{4}", 11, alone=r"\w.\-")
_PROBE_BLANKS = head("[0-8][0-9]{2} [0-9]{2} [0-9]{4}", 11, alone=r"\w.\-")

SSN = PatternRecognizer(
    (
        Rule("ssn.hyphens", "SSN", 0.85, _HYPHENS, probes=(_PROBE_HYPHENS,)),
        Rule("ssn.blanks", "SSN", 0.65, _BLANKS, probes=(_PROBE_BLANKS,)),
    ),
    chars=r"0-9 .\-",
    begins=r"[0-9]",
    max_chars=16,
)
