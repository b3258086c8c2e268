"""Numbers that states give to people, told by shape, check digits and, for bare digits, words beside them."""

from nexxi_cli.infrastructure.recognizers import ids_americas, ids_europe, ids_rest
from nexxi_cli.infrastructure.recognizers.numbers import ALONE, FREE_AFTER, checked
from nexxi_cli.infrastructure.recognizers.patterns import PatternRecognizer, Rule
from nexxi_cli.infrastructure.recognizers.probes import head

ID_NUMBERS = PatternRecognizer(
    (*ids_americas.DIGIT_RULES, *ids_europe.DIGIT_RULES, *ids_rest.DIGIT_RULES),
    chars=r"0-9 .\-/+ABab",  # A and B: Corsica, in a French number
    begins=r"(?<![\w.\-/+])[0-9]",
    max_chars=24,
)

ID_CODES = PatternRecognizer(
    (*ids_americas.LETTER_RULES, *ids_europe.LETTER_RULES, *ids_rest.LETTER_RULES),
    chars=r"A-Za-z0-9\-+./&Ñ",
    begins=r"(?<![\w.\-/+])[A-Za-z0-9&Ñ]",
    max_chars=20,
)

_NINO = r"(?<![\w.\-/+])[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]([ \-]?)[0-9]{2}\1[0-9]{2}\1[0-9]{2}\1[A-D]" + FREE_AFTER

NINO = PatternRecognizer(
    (
        Rule(
            "uk.nino",
            "NATIONAL_ID",
            0.85,
            _NINO,
            checked(ids_europe.is_nino),
            probes=(head(r"[A-Z]{2}[ \-]?[0-9]{2}[ \-]?[0-9]{2}[ \-]?[0-9]{2}[ \-]?[A-D]", 9, 13, alone=ALONE),),
        ),
    ),
    chars=r"A-Z0-9 .\-/",
    begins=r"(?<![\w.\-/+])[A-Z](?:\Z|[A-Z][0-9 \-]{0,12}(?:\Z|[A-D](?:\Z|[.\-/]\Z)))",
    max_chars=13,
)
