"""Streets without a word that says so: what stands beside them tells them, a postcode with its town or a label.

Forms of postcodes: Universal Postal Union, "Addressing solutions", by country. Those of four digits, which look like
years and numbers of things, say too little, unless letters follow.
"""

from nexxi_cli.infrastructure.recognizers.address_forms import CAPITAL, END, FLOOR, LETTER
from nexxi_cli.infrastructure.recognizers.words import Words

LOWER = (
    "rue|avenue|boulevard|bd|place|chemin|allée|impasse|quai|cours|route|square|plac|aleja|ulica|utca|út|útja|tér|tere"
    "|körút|ulice|náměstí|tee|tie|gate|gata|vei|väg|calle"
)
"""Words of streets that people write with a small letter."""

PARTICLES = (
    "de|di|do|du|des|dis|dos|dus|del|della|dei|da|das|la|le|lo|las|les|los|el|van|von|ter|ten|der|den|zum|zur|am|an|im|in"
    "|y|i|na|the|of"
)

_WORD = rf"(?:[{CAPITAL}][{LETTER}'\u2019\u00b4\-]{{1,24}}+|[{CAPITAL}][{LETTER}]{{0,3}}\.|(?:{LOWER}){END})"
_SMALL = rf"(?:{PARTICLES}){END}"
_WORDS = rf"{_WORD}(?:[ ](?:{_SMALL}[ ]){{0,2}}{_WORD}){{0,4}}"

_SIGN = r"(?:(?:[nN][º°.o]|No\.?|[nN]r\.?|km\.?|Km\.?)[ ]?|#[ ]?)?"
_COUNT = rf"{_SIGN}[0-9]{{1,5}}(?:[,.][0-9]{{1,3}})?[ ]?(?:[a-zA-Z]{END})?(?:[\-/][0-9]{{1,4}}[a-zA-Z]?{END})?"
_NONE = "(?:s/n|S/N)"
_HOUSE = rf"(?:{_COUNT}|{_NONE})\.?"
NOT_A_YEAR = "(?!(?:In|Since|Until|From|By|After|Before|Im|Seit|Ab|En|Desde|Depuis)[ ](?:19|20)[0-9]{2})"
"""`In 2024` is no house."""

NOT_A_SENTENCE = (
    "(?!(?:The|This|That|These|Those|There|Here|If|How|What|When|Where|Why|Who|Which|He|She|It|We|You|They|His|Her|Its"
    "|Their|Our|Your|My|But|And|Then|However|After|While|Because|Although|Once|Only|Also|Each|Every|Some|Many|Most|With"
    "|Without|From|For|To|On|Is|Are|Was|Were|Does|Did|Can|Could|Should|Would|Will|Have|Has|Had|Let|Please|Yes|Hi|Hello"
    "|Thanks|Sorry|Note|Ich|Er|Sie|Wir|Wenn|Wie|Was|Wer|Und|Oder|Aber|Nicht|Bitte|Dann|Diese|Dieser|Cómo|Qué|Pero|Para"
    "|Cuando|Usted|Hola|Je|Elle|Nous|Vous|Comment|Pourquoi|Mais|Pour|Avec|Cette|Bonjour|Merci)[ ])"
)
"""Sentences begin with these words, and streets hardly ever do: `The Mall 5` is found from its second word on."""

AHEAD_CHARS = 16
"""The number of a house comes before the end of what is looked for, which is so far behind where a match begins."""

_LETTERS = rf"[{LETTER}'\u2019\u00b4.\-]{{0,25}}+"
STREET_AHEAD = (
    rf"(?:(?<=[0-9])(?=[0-9]{{0,5}}[A-Za-z]?(?:[\-/][0-9]{{1,4}})?,?[ ](?:[{CAPITAL}]|(?:{LOWER}){END}))"
    rf"|(?<![0-9])(?={_LETTERS}(?:[ ](?:[{CAPITAL}]{_LETTERS}|(?:{PARTICLES}|{LOWER}){END})){{0,12}}+"
    rf"(?:,[ ]?|[ ])?[{LETTER}#º°. ]{{0,5}}[0-9/]))"
)
"""After the first character of a street with its number: told quickly, since most words begin none."""

_LAST = rf"{NOT_A_YEAR}{NOT_A_SENTENCE}(?:[0-9]{{1,3}}[ ])?(?>{_WORDS})(?:,[ ]?|[ ]){_HOUSE}(?:{FLOOR}){{0,2}}"
_ROOM = r"(?:(?:Flat|Studio|Apartment|Apt|Unit|Suite)[ ][0-9]{1,5}[A-Za-z]?,?(?:[ ]|\n))?"
_FIRST = rf"{_ROOM}[0-9]{{1,6}}[A-Za-z]?(?:[\-/][0-9]{{1,4}})?,?[ ]{_WORDS}(?:{FLOOR}){{0,2}}"
_STUDIO = rf"(?:Flat|Studio|Apartment|Unit|Suite)[ ][0-9]{{1,5}}[A-Za-z]?(?:,[ ]|\n){_WORDS}"

BREAK = r"(?:[ ]?[,.]?[ ]?\n[ >]{0,4}(?:,[ ])?|[ ]?[,.][ ]{1,2}|[ ]-[ ])"
_PLACE = rf"[{CAPITAL}](?:[{LETTER}'\u2019\-]|\.(?=[ ,\n]|\Z)){{1,20}}"
_TOWN = rf"(?:d[aeo]s?[ ])?{_PLACE}(?:[ ](?:{_SMALL}[ ])?{_PLACE}){{0,2}}"
_CODE = (
    r"(?:(?:A|B|CH|D|DK|E|F|FI|H|HU|I|L|N|S|SE)-[0-9]{4,5}|[0-9]{5}-[0-9]{3}|[0-9]{4}-[0-9]{3}|[0-9]{2}-[0-9]{3}"
    r"|[0-9]{3}[ ][0-9]{2}|[0-9]{8}|[0-9]{5}|[1-9][0-9]{3}[ ]?[A-Z]{2})"
)
_LATER = (
    r"(?:[A-Z]{1,2}[0-9][0-9A-Z]?[ ]?[0-9][A-Z]{2}|(?:[A-Z]{2}[ ])?[A-Z][0-9][A-Z][ ]?[0-9][A-Z][0-9]"
    r"|(?:NSW|VIC|QLD|WA|SA|TAS|ACT|NT),?[ ][0-9]{4}|(?:[A-Z]{2,3}[ ]|[A-Z][a-z]{2,12}[ ])?[0-9]{5}(?:-[0-9]{4})?)"
)

BEFORE_CODE = rf"(?:{_LAST}|{_FIRST})(?:{BREAK}{_TOWN})??{BREAK}{_CODE}[ ,.\n]{{1,2}}{_TOWN}"
"""A street, perhaps a part of the town, a postcode, a town."""

_SUFFIXES = (
    "(?:stra(?:ß|ss)e|weg|platz|gasse|allee|damm|ufer|steig|straat|laan|plein|gracht|kade|dreef|hof|steenweg|baan|lei"
    "|vej|gade|stræde|allé|vænget|torvet|veien|gata|(?:[ \\-](?:Stra(?:ß|ss)e|Weg|Platz|Gasse|Ring|Allee|Allé|Plads)))"
)
_NAMED = rf"{NOT_A_SENTENCE}(?:{_WORD}[ ]){{0,2}}[{CAPITAL}][{LETTER}\-]{{1,40}}{_SUFFIXES}[ ]{_COUNT}"
BEFORE_FOUR = rf"{_NAMED}(?:,[ ]|\n)(?:[A-Z]{{1,2}}-)?[1-9][0-9]{{3}}[ \n]{_TOWN}"
"""A street that its ending tells, a postcode of four digits, a town."""

BESIDE_CODE = (
    rf"{NOT_A_SENTENCE}[{CAPITAL}][{LETTER}.]{{0,20}}[ ](?:{_SMALL}[ ])?{_WORDS}(?:,[ ]?|[ ]){_HOUSE}(?:{FLOOR}){{0,2}}"
    rf"[ ](?:[A-Z]-)?[0-9]{{5}}[ .]{{1,2}}{_TOWN}"
)
"""The same in one line without a comma: a street of two words, five digits, a town."""

BEHIND_TOWN = (
    rf"(?:{_FIRST}|{_STUDIO}|{_LAST}){BREAK}(?:{_TOWN}{BREAK})?{_TOWN}"
    rf"(?:{BREAK}[A-Z]{{2}}{END})?(?:{BREAK}|[ ]){_LATER}{END}"
)
"""A street, one or two towns, a postcode at the end."""

NUMBERLESS = rf"{NOT_A_SENTENCE}{_WORDS},?[ ]{_NONE}{END}"
"""A street of a house without a number, as Spain writes it."""

LABELLED = rf"(?!(?:[A-Z][a-z]+[ ])?[A-Z]{{2,6}}[ ][0-9])(?:{_LAST}|{_FIRST}){END}"
"""A street with its number; only a label makes it one."""

LABELS = Words(
    (
        *("address is", "lives at", "living at", "live at", "located at", "resides at", "residing at", "home address"),
        *("his address", "her address", "their address", "our address", "my address", "your address", "new address"),
        *("postal address", "mailing address", "billing address", "shipping address", "delivery address"),
        *("anschrift", "adresse", "wohnhaft", "wohnt in", "domicilio", "domiciliado", "dirección", "direccion"),
        *("residente", "vive en", "demeurant", "domicilié", "habite", "indirizzo", "residenza", "endereço", "morada"),
        *("adres", "zamieszkały", "woonachtig"),
    ),
    after=False,
)

LABEL = (
    r"addres|adres|liv(?:es?|ing)[ _\-\t]{0,2}at|located|resid|anschrift|wohn|domicil|direcci|vive[ _\-\t]{0,2}en"
    "|demeurant|habite|indirizzo|endereço|morada|zamieszka|woonachtig"
)
"""What of each label to look for, in any case."""

POSTCODE_LABELS = Words(
    ("zip", "zip code", "zipcode", "postal code", "postcode", "plz", "postleitzahl", "código postal", "code postal"),
    after=False,
)
