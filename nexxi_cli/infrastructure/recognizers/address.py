"""Postal addresses as they are written in the US and the UK, in German, Dutch, French, Spanish, Italian and Portuguese.

A street with its number, and what follows it: unit, city, postcode. Street words, not lists of places, make an
address, or else what `address_lines` knows.
"""

import re

from nexxi_cli.infrastructure.recognizers import address_forms as forms
from nexxi_cli.infrastructure.recognizers import address_lines as lines
from nexxi_cli.infrastructure.recognizers.address_begins import BEFORE, BEGINS
from nexxi_cli.infrastructure.recognizers.patterns import PatternRecognizer, Rule, starting
from nexxi_cli.infrastructure.recognizers.probes import WIDE, Probe, head, over_latin_1

_ALONE = r"\w.\-/"
_AT_NUMBER = starting("0-9", alone=_ALONE)
_AT_STREET = starting(f"{forms.CAPITAL}0-9", alone=_ALONE) + lines.STREET_AHEAD
_AT_NAME = starting(forms.CAPITAL, alone=_ALONE) + lines.STREET_AHEAD


def _trimmed(match: re.Match[str]) -> int:
    """Without the full stop of the sentence."""
    return match.start() + len(match[0].rstrip(" .,'\u2019-"))


def _of_one_place(match: re.Match[str]) -> int | None:
    """As `_trimmed`; what is longer than an address is a list of other things."""
    return _trimmed(match) if len(match[0]) <= _LONGEST_CHARS else None


_LONGEST_CHARS = 200
_AT_ANY = starting(rf"{forms.CAPITAL}0-9abcgiknpqrstuvú", alone=_ALONE) + lines.STREET_AHEAD
_TOWN_BEGINS = rf"(?:d[aeo]s? )?[A-Z{WIDE}]"
_TOWN_ENDS = rf"[A-Z{WIDE}][A-Za-z'.\-{WIDE}]{{1,20}}"


def _of_place(expression: str, least: int, *, most: int = _LONGEST_CHARS) -> tuple[Probe]:
    return (Probe(expression, most, least, without="@:;=()"),)


ADDRESS = PatternRecognizer(
    (
        Rule(
            "address.english",
            "ADDRESS",
            0.75,
            f"{BEFORE}{forms.STREET}{forms.TAIL}",
            _trimmed,
            probes=(Probe(rf" (?:{'|'.join(forms.WAYS.split())})\b", 150, 6, without="\n,"),),
            starts=_AT_NUMBER,
        ),
        Rule(
            "address.before_unit",
            "ADDRESS",
            0.8,
            f"{BEFORE}{forms.BEFORE_UNIT}{forms.TAIL}",
            _trimmed,
            probes=(Probe(r"[ ,\n>](?:Apartment|Apt\.?|Suite|Ste\.?|Unit|Flat|Floor|Room|#)[ 0-9]", 200, 5),),
            starts=_AT_NUMBER,
        ),
        Rule(
            "address.box",
            "ADDRESS",
            0.8,
            f"{BEFORE}{forms.BOX}{forms.TAIL}",
            _trimmed,
            probes=(head(r"P\.? ?O\.? Box|p\.o\. box|(?:PSC|CMR|Unit) [0-9]{1,5},? Box|Postfach|Apartado", 6, 20),),
            starts=starting("0-9PpCUA", alone=_ALONE),
        ),
        Rule(
            "address.before_state",
            "ADDRESS",
            0.7,
            f"{BEFORE}{forms.BEFORE_STATE}",
            probes=(Probe(r"[ \n][A-Z]{2,3}(?: {1,2}| ?\n {0,2})[0-9]{5}", 260, 12),),
            starts=_AT_NUMBER,
        ),
        Rule(
            "address.military",
            "ADDRESS",
            0.9,
            f"{BEFORE}{forms.POST}",
            probes=(Probe("[FAD]PO A[AEP] [0-9]{5}", 75, 12),),
            starts=starting("UFAD", alone=_ALONE),
        ),
        Rule(
            "address.postcode",
            "ADDRESS",
            0.6,
            rf"{BEFORE}[0-9]{{4,5}}(?:-[0-9]{{3,4}})?{forms.END}(?![.,]?[0-9]|-)",
            words=lines.POSTCODE_LABELS,
            probes=lines.POSTCODE_LABELS.probes(4, 0, 10),
            starts=_AT_NUMBER,
        ),
        Rule(
            "address.polish",
            "ADDRESS",
            0.8,
            f"{BEFORE}{forms.POLISH}",
            _trimmed,
            probes=(head(r"(?:ul|al|os|pl)\. ", 4, 8, alone=_ALONE),),
        ),
        Rule(
            "address.unit",
            "ADDRESS",
            0.6,
            rf"{BEFORE}(?:Apt\.?|apt\.|Suite|Ste\.)[ ]#?[0-9]{{1,5}}[A-Z]?{forms.END}",
            probes=(head(r"(?:Apt\.?|apt\.|Suite|Ste\.) ", 4, 6),),
        ),
        Rule(
            "address.postcode_uk",
            "ADDRESS",
            0.7,
            rf"{BEFORE}[A-Z]{{1,2}}[0-9][0-9A-Z]? [0-9][A-Z]{{2}}{forms.END}",
            probes=(head("[A-Z]{1,2}[0-9][0-9A-Z]? [0-9][A-Z]{2}", 6, 8, alone=_ALONE),),
            starts=starting("A-Z", alone=_ALONE),
        ),
        Rule(
            "address.germanic",
            "ADDRESS",
            0.8,
            f"{BEFORE}{forms.GERMANIC}",
            _trimmed,
            probes=(Probe(over_latin_1(forms.SUFFIXES) + " [0-9]", 52, 3, without="\n"),),
            starts=starting(f"{forms.CAPITAL}0-9", alone=_ALONE),
        ),
        Rule(
            "address.romance",
            "ADDRESS",
            0.75,
            f"{BEFORE}{forms.ROMANCE}",
            _trimmed,
            probes=(head(over_latin_1(f"(?:{forms.ROMANCE_WORDS}) "), 3, 16, alone=r"\w.\-"),),
            starts=starting("A-Zc0-9", alone=_ALONE),
        ),
        Rule(
            "address.hispanic",
            "ADDRESS",
            0.7,
            f"{BEFORE}{forms.HISPANIC}",
            _trimmed,
            probes=(head(over_latin_1(forms.CALLES), 2, 12, alone=r"\w.\-"),),
            starts=starting("ACGPRUTacpt", alone=_ALONE),
        ),
        Rule(
            "address.french",
            "ADDRESS",
            0.8,
            f"{BEFORE}{forms.FRENCH}",
            _trimmed,
            probes=(
                head(
                    "[0-9](?: ?(?:bis|ter))?,? (?:[rR]ue|[aA]venue|[bB]oulevard|[bB]d|[pP]lace|[cC]hemin"
                    rf"|[aA]ll[{WIDE}]e|[iI]mpasse|[qQ]uai|[cC]ours|[rR]oute|[sS]quare) ",
                    5,
                    22,
                ),
            ),
            starts=_AT_NUMBER,
        ),
        Rule(
            "address.before_code",
            "ADDRESS",
            0.7,
            f"{BEFORE}{lines.BEFORE_CODE}",
            _of_one_place,
            probes=_of_place(
                rf"{lines.BREAK}(?:[A-Z]{{1,2}}-[0-9]{{4,5}}|[0-9]{{5}}-[0-9]{{3}}|[0-9]{{4}}-[0-9]{{3}}"
                r"|[0-9]{2}-[0-9]{3}|[0-9]{3} [0-9]{2}|[0-9]{8}|[0-9]{5}|[1-9][0-9]{3} ?[A-Z]{2})"
                rf"[ ,.\n]{{1,2}}{_TOWN_BEGINS}",
                12,
            ),
            starts=_AT_ANY,
            ahead=lines.AHEAD_CHARS,
        ),
        Rule(
            "address.before_four",
            "ADDRESS",
            0.7,
            f"{BEFORE}{lines.BEFORE_FOUR}",
            _trimmed,
            probes=_of_place(
                rf"[0-9a-zA-Z](?:, |\n)(?:[A-Z]{{1,2}}-)?[1-9][0-9]{{3}}[ \n]{_TOWN_BEGINS}", 10, most=160
            ),
            starts=_AT_NAME,
            ahead=lines.AHEAD_CHARS,
        ),
        Rule(
            "address.beside_code",
            "ADDRESS",
            0.65,
            f"{BEFORE}{lines.BESIDE_CODE}",
            _of_one_place,
            probes=_of_place(rf"[0-9A-Za-z.{WIDE}] (?:[A-Z]-)?[0-9]{{5}}[ .]{{1,2}}{_TOWN_BEGINS}", 12),
            starts=_AT_NAME,
            ahead=lines.AHEAD_CHARS,
        ),
        Rule(
            "address.behind_town",
            "ADDRESS",
            0.75,
            f"{BEFORE}{lines.BEHIND_TOWN}",
            _of_one_place,
            probes=_of_place(
                rf"{_TOWN_ENDS}(?:{lines.BREAK}| )(?:[A-Z]{{1,2}}[0-9][0-9A-Z]? ?[0-9][A-Z]{{2}}"
                r"|[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]|(?:NSW|VIC|QLD|WA|SA|TAS|ACT|NT),? [0-9]{4}|[0-9]{5})\b",
                16,
            ),
            starts=_AT_STREET,
            ahead=lines.AHEAD_CHARS,
        ),
        Rule(
            "address.numberless",
            "ADDRESS",
            0.7,
            f"{BEFORE}{lines.NUMBERLESS}",
            probes=(Probe("[ ,][sS]/[nN]", 220, 5, without="@:;=()\n"),),
            starts=_AT_ANY,
            ahead=lines.AHEAD_CHARS,
        ),
        Rule(
            "address.labelled",
            "ADDRESS",
            0.65,
            f"{BEFORE}{lines.LABELLED}",
            _trimmed,
            words=lines.LABELS,
            probes=(Probe(over_latin_1(lines.LABEL), 0, -72, caseless=True, to_digit=True),),
            starts=_AT_STREET,
            ahead=200,
        ),
    ),
    chars=rf"{forms.LETTER}0-9 ,.'\u2019\u00b4#/°ºª>\n\-",
    begins=BEGINS,
    max_chars=450,
)
