"""How streets, towns and postcodes are written, country by country; knows no rule and no text.

Postcodes: USPS Publication 28; UK: BS 7666; the others have four or five digits.
"""

CAPITAL = r"A-Z\u00c0-\u00de\u0100-\u017f\u0370-\u052f"
LETTER = r"A-Za-z\u00c0-\u017f\u0370-\u052f"
END = rf"(?![{LETTER}0-9_])"

_FLOORS = (
    "Apartment|Apt|Suite|Ste|Unit|Flat|Floor|Room|Studio|Etage|Appartamento|Interno|Piano|Scala|Piso|Puerta|Planta|Esc"
    "|Edif|Depto|Bloque|Bloco|Apto|Ap|Bajo|esc|piso|bajo|izda|izq|bloque|pta"
)
FLOOR = (
    rf"(?:[ ]?,?[ ](?:{_FLOORS})\.?(?:[ ]#?[0-9A-Z]{{1,5}})?{END}"
    rf"|(?:,[ ]?|[ ]|-)[0-9]{{1,2}}\.?[ºª°oa]?(?:[ \-]?(?:[A-Za-z]|izda|izq|dcha|der){END}|{END})|,[ ][A-Z]{END})"
)

_NAME = rf"[{CAPITAL}][{LETTER}.'\u2019\-]{{0,24}}"
_BREAK = r"(?:,[ ]?|[ ]|,?[ ]?\n{1,2}[ >]{0,4}(?:,[ ])?)"
_PARTICLE = rf"(?:d[eiou]s?|del|della|dei|da|das|la|las|los|el|van|von|der|den){END}"
_CITY = rf"{_NAME}(?:[ \-](?:(?:{_PARTICLE}|and|of|the|nad|sur|am)[ ])?{_NAME}){{0,2}}"

_TOWN = rf"{_BREAK}{_CITY}(?:{_BREAK}[A-Z]{{2}}{END})?(?:{_BREAK}{_CITY})?"
"""A town; perhaps its state; perhaps its county or country."""

WAYS = (
    "Street St Avenue Ave Road Rd Boulevard Blvd Lane Ln Drive Dr Court Ct Square Sq Place Pl Terrace Ter Way Parkway"
    " Pkwy Circle Cir Highway Hwy Trail Trl Close Crescent Gardens Grove Mews Row Walk Hill Alley Plaza Loop Pike Quay"
)
_WHOLE = f"{_NAME}+"
"""A name before a blank, a comma or the end of a line, which are in no name."""

_WAY = "(?:" + "|".join(sorted(WAYS.split(), key=len, reverse=True)) + rf"){END}\.?"
_POSTCODE = "(?:GIR 0AA|[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2})"
_STATE = r"[A-Z]{2,3}(?:[ ]{1,2}|[ ]?\n[ ]{0,2})"
_ZIP = f"(?:{_STATE})?[0-9]{{5}}(?:-[0-9]{{4}})?"
_UNIT = r"(?:Apartment|Apt\.?|Suite|Ste\.?|Unit|Flat|Floor|Room|#)[ ]?#?[0-9A-Z][0-9A-Za-z\-]{0,5}"
STREET = (
    rf"(?:[0-9]{{1,4}}[ ])?[0-9]{{1,6}}(?:-[0-9]{{1,4}})?[A-Za-z]?[ ](?:(?:[NSEW]|North|South|East|West)\.?[ ])?"
    rf"(?:(?:{_WHOLE}|[0-9]{{1,3}}(?:st|nd|rd|th))[ ]){{1,4}}{_WAY}(?:[ ](?:[NSEW][EW]?|North|South|East|West){END})?"
)
TAIL = (
    rf"(?:{_BREAK}{_UNIT}{END})?(?:{_TOWN}{_BREAK}(?:{_ZIP}|{_POSTCODE}){END}"
    rf"|{_BREAK}(?:{_ZIP}|{_POSTCODE}){END})?"
)
BEFORE_UNIT = rf"[0-9]{{1,6}}(?:[ ](?:{_WHOLE}|[0-9]{{1,5}}|{_PARTICLE})){{1,6}}{_BREAK}(?!#){_UNIT}{END}"
BEFORE_STATE = (
    rf"[0-9]{{1,6}}(?:[ ](?:{_WHOLE}|[0-9]{{1,5}}|{_PARTICLE})){{1,6}}{_BREAK}{_CITY}{_BREAK}{_STATE}[0-9]{{5}}{END}"
)
_SHIP = "(?:USS|USNS|USNV|USCGC)"
POST = rf"(?:{_SHIP}[ ]{_NAME}(?:[ ]{_NAME})?{_BREAK})?[FAD]PO[ ]A[AEP][ ][0-9]{{5}}{END}"
BOX = (
    r"(?:[0-9]{1,3}[ ])?"
    r"(?:P\.?[ ]?O\.?[ ]Box|p\.o\.[ ]box|(?:PSC|Unit|CMR)[ ][0-9]{1,5},?[ ]Box|Postfach"
    rf"|Apartado(?:[ ]de[ ][cC]orreos)?)[ ][0-9]{{1,6}}{END}"
)
_CODE = rf"(?:{_BREAK}(?:[A-Z]{{1,2}}-)?[0-9]{{4,5}}(?:-[0-9]{{3}})?(?:[ ][A-Z]{{2}})?{END}(?:[ ]{_CITY})?)"
_FIVE = (
    rf"(?:(?:{_BREAK}{_UNIT}{END})?{_TOWN}{_BREAK}{_ZIP}{END}|{_CODE}"
    rf"|{_BREAK}{_UNIT}{END})?"
)
_NUMBER = r"[0-9]{1,4}(?:[ ]?[a-zA-Z](?![A-Za-z0-9]))?(?:[\-/][0-9]{1,4})?"
_POLISH_CODE = rf"(?:{_BREAK}[0-9]{{2}}-[0-9]{{3}}[ ]{_CITY})?"
POLISH = rf"(?:[0-9]{{1,3}}[ ])?(?:ul|al|os|pl)\.[ ]{_NAME}(?:[ ]{_NAME}){{0,3}}[ ]{_NUMBER}{END}{_POLISH_CODE}"
SUFFIXES = (
    "(?:stra(?:ß|ss)e|str\\.|weg|platz|allee|gasse|damm|ufer|chaussee|steig|straat|laan|plein|gracht|kade|singel|dijk|gatan"
    "|vägen|veien|vegen|vej|gata|gade|gatan|stræde|bakken|stigen|vegur|gränd|katu|tie|kuja|plads|plaats|steenweg)"
)
GERMANIC = rf"(?:[0-9]{{1,3}}[ ])?[{CAPITAL}][{LETTER}\-]{{1,30}}{SUFFIXES}[ ]{_NUMBER}{END}{_FIVE}"
_OF = r"(?:(?:y|del?|de la|de l[oa]s|la|l[oa]s|el|du|des|d[oa]s?|di|della|dei|dil|l'|d'|d\u2019|l\u2019)[ ]?){0,2}"
ROMANCE_WORDS = (
    "Calle|[cC]/\\.?|Avenida|Avda\\.?|Av\\.?|Ctra\\.?|Carretera|Glorieta|Passeig|Rúa|Plaza|Paseo|Carrer|Camino|Ronda|Travesía|Via|Viale|Piazza|Corso|Largo|Vicolo|Rua|Travessa"
    "|Praça|Rue|Boulevard|Avenue|Chemin|Allée|Impasse|Quai|Place"
)
CALLES = (
    r"(?:[cC]alle|[aA]venida|[cC]/|Avda\.?|Av[.,/]?|Ctra\.?|[cC]arretera|[pP]aseo|Pº|P\.º|[cC]amino|[cC]allejón"
    r"|[tT]ravesía|[cC]arrer|Plaça|Rúa|Urbanización|Carrera|Ronda|Glorieta)"
)
HISPANIC = (
    rf"{CALLES}(?:[ .]{{1,2}}|(?<=/))(?:[{LETTER}'\u2019\u00b4\-]{{1,20}}\.?[ ]){{0,6}}?"
    rf"[{LETTER}'\u2019\u00b4\-]{{1,20}}(?:,[ ]?|[ ]|[ ],[ ])"
    r"(?:[nN][ ]?[º°.o]\.?[ ]?|No\.?[ ]?|#[ ]?|[kK]m\.?[ ]?|[nN]úmero[ ])?"
    rf"(?:[0-9]{{1,5}}(?:[,.][0-9]{{3}})?[a-zA-Z]?|s/n|S/N|SN){END}(?:{FLOOR}){{0,3}}"
)
_NAMES = rf"[ ]{_OF}{_NAME}(?:[ ]{_OF}(?!{_UNIT}){_NAME}){{0,3}}"
ROMANCE = rf"(?:[0-9]{{1,3}}[ ])?(?:{ROMANCE_WORDS}){_NAMES},?[ ](?:(?:[nN][º°.o]?[ ]?)?{_NUMBER}|s/n|S/N){END}{_FIVE}"
FRENCH = (
    rf"[0-9]{{1,4}}(?:[ ]?(?:bis|ter))?,?[ ](?:[rR]ue|[aA]venue|[bB]oulevard|[bB]d|[pP]lace|[cC]hemin|[aA]llée"
    rf"|[iI]mpasse|[qQ]uai|[cC]ours|[rR]oute|[sS]quare){_NAMES}{END}{_FIVE}"
)
