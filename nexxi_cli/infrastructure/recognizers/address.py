"""Postal addresses as they are written in the US and the UK, in German, Dutch, French, Spanish, Italian and Portuguese.

A street with its number, and what follows it: unit, city, postcode. Street words, not lists of places, make an
address; so a street without one of them is missed. Postcodes: USPS Publication 28; UK: BS 7666; the others have four or
five digits.
"""

import re

from nexxi_cli.infrastructure.recognizers.patterns import PatternRecognizer, Rule, starting
from nexxi_cli.infrastructure.recognizers.probes import WIDE, Probe, head, over_latin_1
from nexxi_cli.infrastructure.recognizers.words import Words

_CAPITAL = r"A-Z\u00c0-\u00de\u0100-\u017f\u0370-\u052f"
_LETTER = r"A-Za-z\u00c0-\u017f\u0370-\u052f"
_NAME = rf"[{_CAPITAL}][{_LETTER}.'\u2019\-]{{0,24}}"
_END = rf"(?![{_LETTER}0-9_])"
_BREAK = r"(?:,[ ]?|[ ]|,?[ ]?\n[ ]{0,4}(?:,[ ])?)"
_PARTICLE = rf"(?:d[eiou]s?|del|della|dei|da|das|la|las|los|el|van|von|der|den){_END}"
_CITY = rf"{_NAME}(?:[ \-](?:(?:{_PARTICLE}|and|of|the|nad|sur|am)[ ])?{_NAME}){{0,2}}"

_TOWN = rf"{_BREAK}{_CITY}(?:{_BREAK}[A-Z]{{2}}{_END})?(?:{_BREAK}{_CITY})?"
"""A town; perhaps its state; perhaps its county or country."""

_WAYS = (
    "Street St Avenue Ave Road Rd Boulevard Blvd Lane Ln Drive Dr Court Ct Square Sq Place Pl Terrace Ter Way Parkway"
    " Pkwy Circle Cir Highway Hwy Trail Trl Close Crescent Gardens Grove Mews Row Walk Hill Alley Plaza Loop Pike Quay"
)
_WAY = "(?:" + "|".join(sorted(_WAYS.split(), key=len, reverse=True)) + rf"){_END}\.?"
_POSTCODE = "(?:GIR 0AA|[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2})"
_STATE = r"[A-Z]{2,3}(?:[ ]{1,2}|[ ]?\n[ ]{0,2})"
_ZIP = f"(?:{_STATE})?[0-9]{{5}}(?:-[0-9]{{4}})?"
_UNIT = r"(?:Apartment|Apt\.?|Suite|Ste\.?|Unit|Flat|Floor|Room|#)[ ]?#?[0-9A-Z][0-9A-Za-z\-]{0,5}"
_STREET = (
    rf"(?:[0-9]{{1,4}}[ ])?[0-9]{{1,6}}(?:-[0-9]{{1,4}})?[A-Za-z]?[ ](?:(?:[NSEW]|North|South|East|West)\.?[ ])?"
    rf"(?:(?:{_NAME}|[0-9]{{1,3}}(?:st|nd|rd|th))[ ]){{1,4}}{_WAY}(?:[ ](?:[NSEW][EW]?|North|South|East|West){_END})?"
)
_TAIL = (
    rf"(?:{_BREAK}{_UNIT}{_END})?(?:{_TOWN}{_BREAK}(?:{_ZIP}|{_POSTCODE}){_END}"
    rf"|{_BREAK}(?:{_ZIP}|{_POSTCODE}){_END})?"
)
_BEFORE_UNIT = rf"[0-9]{{1,6}}(?:[ ](?:{_NAME}|[0-9]{{1,5}}|{_PARTICLE})){{1,6}}{_BREAK}(?!#){_UNIT}{_END}"
_BEFORE_STATE = (
    rf"[0-9]{{1,6}}(?:[ ](?:{_NAME}|[0-9]{{1,5}}|{_PARTICLE})){{1,6}}{_BREAK}{_CITY}{_BREAK}{_STATE}[0-9]{{5}}{_END}"
)
_SHIP = "(?:USS|USNS|USNV|USCGC)"
_POST = rf"(?:{_SHIP}[ ]{_NAME}(?:[ ]{_NAME})?{_BREAK})?[FAD]PO[ ]A[AEP][ ][0-9]{{5}}{_END}"
_BOX = (
    r"(?:P\.?[ ]?O\.?[ ]Box|p\.o\.[ ]box|(?:PSC|Unit|CMR)[ ][0-9]{1,5},?[ ]Box|Postfach|Apartado)"
    rf"[ ][0-9]{{1,6}}{_END}"
)
_CODE = rf"(?:{_BREAK}(?:[A-Z]{{1,2}}-)?[0-9]{{4,5}}(?:-[0-9]{{3}})?(?:[ ][A-Z]{{2}})?{_END}(?:[ ]{_CITY})?)"
_FIVE = (
    rf"(?:(?:{_BREAK}{_UNIT}{_END})?{_TOWN}{_BREAK}{_ZIP}{_END}|{_CODE}"
    rf"|{_BREAK}{_UNIT}{_END})?"
)
_NUMBER = r"[0-9]{1,4}(?:[ ]?[a-zA-Z](?![A-Za-z0-9]))?(?:[\-/][0-9]{1,4})?"
_POLISH_CODE = rf"(?:{_BREAK}[0-9]{{2}}-[0-9]{{3}}[ ]{_CITY})?"
_POLISH = rf"(?:ul|al|os|pl)\.[ ]{_NAME}(?:[ ]{_NAME}){{0,3}}[ ]{_NUMBER}{_END}{_POLISH_CODE}"
_SUFFIXES = (
    "(?:stra(?:ß|ss)e|str\\.|weg|platz|allee|gasse|damm|ufer|chaussee|steig|straat|laan|plein|gracht|kade|singel|dijk|gatan"
    "|vägen|veien|vej|gata)"
)
_GERMANIC = rf"[{_CAPITAL}][{_LETTER}\-]{{1,30}}{_SUFFIXES}[ ]{_NUMBER}{_END}{_FIVE}"
_OF = r"(?:(?:y|del?|de la|de l[oa]s|la|l[oa]s|el|du|des|d[oa]s?|di|della|dei|dil|l'|d'|d\u2019|l\u2019)[ ]?){0,2}"
_ROMANCE_WORDS = (
    "Calle|[cC]/\\.?|Avenida|Avda\\.?|Av\\.?|Ctra\\.?|Carretera|Glorieta|Passeig|Rúa|Plaza|Paseo|Carrer|Camino|Ronda|Travesía|Via|Viale|Piazza|Corso|Largo|Vicolo|Rua|Travessa"
    "|Praça|Rue|Boulevard|Avenue|Chemin|Allée|Impasse|Quai|Place"
)
_NAMES = rf"[ ]{_OF}{_NAME}(?:[ ]{_OF}(?!{_UNIT}){_NAME}){{0,3}}"
_ROMANCE = rf"(?:{_ROMANCE_WORDS}){_NAMES},?[ ](?:(?:[nN][º°.o]?[ ]?)?{_NUMBER}|s/n|S/N){_END}{_FIVE}"
_FRENCH = (
    rf"[0-9]{{1,4}}(?:[ ]?(?:bis|ter))?,?[ ](?:[rR]ue|[aA]venue|[bB]oulevard|[bB]d|[pP]lace|[cC]hemin|[aA]llée"
    rf"|[iI]mpasse|[qQ]uai|[cC]ours|[rR]oute|[sS]quare){_NAMES}{_END}{_FIVE}"
)
_BEFORE = r"(?<![\w.\-/])"
_ALONE = r"\w.\-/"
_AT_NUMBER = starting("0-9", alone=_ALONE)

_SEPARATED = r"[ ,\n]{1,7}"
_TOKEN = (
    rf"(?:[{_CAPITAL}0-9#][{_LETTER}0-9.'\u2019/\-]*|[dl]['\u2019][{_LETTER}'\u2019\-]*|[nN][º°.o]|s/n?|[a-z](?![{_LETTER}])"
    "|(?:d[eiou]s?|del|della|dei|da|das|la|las|los|el|van|von|der|den|bis|ter|rue|avenue|boulevard|bd|and|of|the|nad|sur|am|box"
    rf"|place|chemin|allée|impasse|quai|cours|route|square)(?![{_LETTER}]))"
)
_REST = rf"(?:{_SEPARATED}{_TOKEN})*+(?:{_SEPARATED})?[a-zé]{{0,10}}['\u2019]?\Z"
_NO_LIST = r"(?![ ,]*\n)(?!(?:[ ,\n]{1,7}[0-9]{1,6}){7})"  # a street stands on its number's line; few numbers follow
_BEGINS = (
    rf"{_BEFORE}(?:[0-9][0-9A-Za-z\-]{{0,10}}+{_NO_LIST}(?!,[ \n]*[^aAbBcCiIpPqQrRsS \n]){_REST}"
    rf"|[{_CAPITAL}][{_LETTER}.'\u2019/\-]*\Z"
    rf"|(?:[{_CAPITAL}][{_LETTER}\-]*{_SUFFIXES}|{_ROMANCE_WORDS}"
    rf"|{_SHIP}|[FAD]PO|(?:ul|al|os|pl)\.|[Aa]pt\.?|Suite|Ste\.|[Pp]\.?[ ]?[Oo]\.?|[Pp]\."
    rf"|PSC|CMR|Unit|Postfach|Apartado|[A-Z]{{1,2}}[0-9][0-9A-Z]?){_REST})"
)

_POSTCODE_WORDS = Words(
    ("zip", "zip code", "zipcode", "postal code", "postcode", "plz", "postleitzahl", "código postal", "code postal"),
    after=False,
)


def _trimmed(match: re.Match[str]) -> int:
    """Without the full stop of the sentence."""
    return match.start() + len(match[0].rstrip(" .,'\u2019-"))


ADDRESS = PatternRecognizer(
    (
        Rule(
            "address.english",
            "ADDRESS",
            0.75,
            f"{_BEFORE}{_STREET}{_TAIL}",
            _trimmed,
            probes=(Probe(f" (?:{'|'.join(_WAYS.split())})", 150, 6, without="\n,"),),
            starts=_AT_NUMBER,
        ),
        Rule(
            "address.before_unit",
            "ADDRESS",
            0.8,
            f"{_BEFORE}{_BEFORE_UNIT}{_TAIL}",
            _trimmed,
            probes=(Probe(r"[ ,\n](?:Apartment|Apt\.?|Suite|Ste\.?|Unit|Flat|Floor|Room|#)[ 0-9]", 200, 5),),
            starts=_AT_NUMBER,
        ),
        Rule(
            "address.box",
            "ADDRESS",
            0.8,
            f"{_BEFORE}{_BOX}{_TAIL}",
            _trimmed,
            probes=(head(r"P\.? ?O\.? Box|p\.o\. box|(?:PSC|CMR|Unit) [0-9]{1,5},? Box|Postfach|Apartado", 6, 15),),
        ),
        Rule(
            "address.before_state",
            "ADDRESS",
            0.7,
            f"{_BEFORE}{_BEFORE_STATE}",
            probes=(Probe(r"[ \n][A-Z]{2,3}(?: {1,2}| ?\n {0,2})[0-9]{5}", 260, 12),),
            starts=_AT_NUMBER,
        ),
        Rule(
            "address.military",
            "ADDRESS",
            0.9,
            f"{_BEFORE}{_POST}",
            probes=(Probe("[FAD]PO A[AEP] [0-9]{5}", 75, 12),),
            starts=starting("UFAD", alone=_ALONE),
        ),
        Rule(
            "address.postcode",
            "ADDRESS",
            0.6,
            rf"{_BEFORE}[0-9]{{4,5}}(?:-[0-9]{{3,4}})?{_END}(?![.,]?[0-9]|-)",
            words=_POSTCODE_WORDS,
            probes=_POSTCODE_WORDS.probes(4, 0, 10),
            starts=_AT_NUMBER,
        ),
        Rule(
            "address.polish",
            "ADDRESS",
            0.8,
            f"{_BEFORE}{_POLISH}",
            _trimmed,
            probes=(head(r"(?:ul|al|os|pl)\. ", 4, alone=_ALONE),),
        ),
        Rule(
            "address.unit",
            "ADDRESS",
            0.6,
            rf"{_BEFORE}(?:Apt\.?|apt\.|Suite|Ste\.)[ ]#?[0-9]{{1,5}}[A-Z]?{_END}",
            probes=(head(r"(?:Apt\.?|apt\.|Suite|Ste\.) ", 4, 6),),
        ),
        Rule(
            "address.postcode_uk",
            "ADDRESS",
            0.7,
            rf"{_BEFORE}[A-Z]{{1,2}}[0-9][0-9A-Z]? [0-9][A-Z]{{2}}{_END}",
            probes=(head("[A-Z]{1,2}[0-9][0-9A-Z]? [0-9][A-Z]{2}", 6, 8, alone=_ALONE),),
        ),
        Rule(
            "address.germanic",
            "ADDRESS",
            0.8,
            f"{_BEFORE}{_GERMANIC}",
            _trimmed,
            probes=(Probe(over_latin_1(_SUFFIXES) + " [0-9]", 48, 3, without=" \n"),),
            starts=starting(_CAPITAL, alone=_ALONE),
        ),
        Rule(
            "address.romance",
            "ADDRESS",
            0.75,
            f"{_BEFORE}{_ROMANCE}",
            _trimmed,
            probes=(head(over_latin_1(f"(?:{_ROMANCE_WORDS}) "), 3, 10, alone=r"\w.\-"),),
            starts=starting("A-Zc", alone=_ALONE),
        ),
        Rule(
            "address.french",
            "ADDRESS",
            0.8,
            f"{_BEFORE}{_FRENCH}",
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
    ),
    chars=rf"{_LETTER}0-9 ,.'\u2019#/°º\n\-",
    begins=_BEGINS,
    max_chars=450,
)
