"""US Social Security numbers: three parts, with the areas that the SSA never assigns left out (20 CFR 422.103)."""

from nexxi_cli.infrastructure.recognizers.patterns import PatternRecognizer, Rule

_PARTS = r"(?!000|666|9)[0-9]{3}%s(?!00)[0-9]{2}%s(?!0000)[0-9]{4}"
_HYPHENS = r"(?<![\w.\-])" + _PARTS % ("-", "-") + r"(?![\w]|[.\-][0-9])"
_BLANKS = r"(?<![\w.\-])(?<![0-9] )" + _PARTS % (" ", " ") + r"(?![\w]|[ .\-][0-9])"

SSN = PatternRecognizer(
    (
        Rule("ssn.hyphens", "SSN", 0.85, _HYPHENS),
        Rule("ssn.blanks", "SSN", 0.65, _BLANKS),
    ),
    chars=r"0-9 .\-",
    begins=r"[0-9]",
    max_chars=16,
)
