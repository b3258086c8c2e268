"""Numbers that the states of Europe give to people.

Sources: UK: NHS Data Dictionary (mod 11), HMRC NIM39110 (NINO). Germany: BZSt, Steuer-IdNr. (MOD 11,10); BSI TR-03105
with ICAO 9303 (7-3-1, identity card); VKVV, 4 (insurance number). France: INSEE, NIR (97). Spain: Orden INT/2058/2008
(DNI, NIE, mod 23), Orden EHA/451/2008 (CIF). Italy: DM 23/12/1976 (codice fiscale). Netherlands: BSN, elfproef. Poland:
PESEL act, MF (NIP). Portugal: NIF (mod 11). Nordic: Skatteverket SKV 704, Skatteetaten, DVV, CPR-kontoret. Switzerland:
AHVN13 (EAN-13). Turkey: NVI, T.C. kimlik.
"""

from nexxi_cli.infrastructure.recognizers.card import passes_luhn
from nexxi_cli.infrastructure.recognizers.checksums import is_short_date, passes_mod_11_10, weighted
from nexxi_cli.infrastructure.recognizers.numbers import begins, beside_words, distinct, words

_SEP = r"[ \-.]?"
_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"


def is_nhs(digits: str) -> bool:
    """Mod 11, weights 10 to 2."""
    return (11 - weighted(digits[:9], range(10, 1, -1)) % 11) % 11 == int(digits[9])


def is_nino(number: str) -> bool:
    """Not one of the prefixes that are never given."""
    return number[:2] not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")


def is_steuer_id(digits: str) -> bool:
    """Of the first ten digits one or two stand twice or thrice; MOD 11,10."""
    counts = sorted(map(digits[:10].count, set(digits[:10])))
    return counts[-1] in (2, 3) and counts.count(1) >= 7 and passes_mod_11_10(digits)


def is_document(number: str) -> bool:
    """ICAO 9303: the last digit checks the others, weights 7, 3, 1, letters as 10 to 35."""
    return sum(int(char, 36) * (7, 3, 1)[at % 3] for at, char in enumerate(number[:-1])) % 10 == int(number[-1])


def is_rvnr(number: str) -> bool:
    """A day (or one of the numbers above 31 for those without) and a check digit by digit sums."""
    digits = number[:8] + f"{ord(number[8]) - 64:02d}" + number[9:11]
    weights = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
    total = sum(sum(divmod(int(digit) * weight, 10)) for digit, weight in zip(digits, weights, strict=True))
    return 1 <= int(number[4:6]) <= 12 and total % 10 == int(number[11])


def is_nir(number: str) -> bool:
    """97 less the rest of the first 13; Corsica's 2A and 2B count as 19 and 18."""
    body = number[:13].replace("2A", "19").replace("2B", "18")
    return body.isdigit() and 97 - int(body) % 97 == int(number[13:])


def is_dni(number: str) -> bool:
    """A DNI, or a NIE with X, Y, Z for 0, 1, 2: the letter is the rest mod 23."""
    digits = number[:-1].translate(str.maketrans("XYZ", "012"))
    return number[-1] == _DNI_LETTERS[int(digits) % 23]


def is_cif(number: str) -> bool:
    """Luhn over seven digits; the check is a digit or its letter."""
    doubled = sum(sum(divmod(int(digit) * 2, 10)) for digit in number[1:8:2])
    check = -(doubled + sum(map(int, number[2:8:2]))) % 10
    return number[8] in (str(check), "JABCDEFGHI"[check])


_ODD = {
    char: value
    for chars, values in (
        ("0123456789", (1, 0, 5, 7, 9, 13, 15, 17, 19, 21)),
        ("ABCDEFGHIJ", (1, 0, 5, 7, 9, 13, 15, 17, 19, 21)),
        ("KLMNOPQRSTUVWXYZ", (2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)),
    )
    for char, value in zip(chars, values, strict=True)
}


def is_codice_fiscale(number: str) -> bool:
    """The last letter is the sum mod 26 of the others, those at odd places by a table."""
    even = sum(int(char, 36) - (10 if char.isalpha() else 0) for char in number[1:15:2])
    return (even + sum(_ODD[char] for char in number[0:15:2])) % 26 == ord(number[15]) - 65


def is_bsn(digits: str) -> bool:
    """Elfproef: weights 9 to 2 and -1."""
    return digits != "000000000" and weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def is_pesel(digits: str) -> bool:
    """A day, with the century in the month, and a digit mod 10."""
    month = int(digits[2:4]) % 20
    day = is_short_date(f"{digits[:2]}{month:02d}{digits[4:6]}")
    return day and weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def is_nip(digits: str) -> bool:
    """Mod 11."""
    return weighted(digits, (6, 5, 7, 2, 3, 4, 5, 6, 7)) % 11 == int(digits[9])


def is_pt_nif(digits: str) -> bool:
    """Mod 11, weights 9 to 2; 10 counts as 0."""
    return digits[0] in "1235689" and (11 - weighted(digits, range(9, 1, -1)) % 11) % 11 % 10 == int(digits[8])


def is_personnummer(digits: str) -> bool:
    """A day (60 more in coordination numbers), Luhn over the last ten."""
    short = digits[-10:]
    day = int(short[4:6])
    return is_short_date(f"{short[:4]}{day - 60 if day > 60 else day:02d}") and passes_luhn(short)


def is_fodselsnummer(digits: str) -> bool:
    """A day (40 more in D numbers), two digits mod 11."""
    day = int(digits[:2])
    known = is_short_date(f"{day - 40 if day > 40 else day:02d}{digits[2:6]}", "dmy")
    first = weighted(digits, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)) % 11
    return known and first == 0 and weighted(digits, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def is_hetu(number: str) -> bool:
    """A day and a character mod 31; the sign of the century is not among the characters when it is - or +."""
    digits = number[:6] + number[-4:-1]
    return is_short_date(number[:6], "dmy") and number[-1] == "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(digits) % 31]


def is_cpr(digits: str) -> bool:
    """A day; since 2007 there is no check digit."""
    return is_short_date(digits[:6], "dmy")


def is_ahv(digits: str) -> bool:
    """EAN-13."""
    return weighted(digits, (1, 3) * 6 + (1,)) % 10 == 0


def is_kimlik(digits: str) -> bool:
    """Two check digits, NVI's."""
    values = list(map(int, digits))
    tenth = (sum(values[0:9:2]) * 7 - sum(values[1:8:2])) % 10
    return values[9] == tenth and sum(values[:10]) % 10 == values[10]


_CPR = words("cpr", "personnummer", "cpr nummer", "danish", general=False)
_DNI = words("dni", "nif", "nie", "documento", "identidad")

DIGIT_RULES = (
    beside_words("uk.nhs", r"[0-9]{3}([ \-]?)[0-9]{3}\1[0-9]{4}", is_nhs, words("nhs", "health service"), digits=3),
    beside_words(
        "de.steuer_id",
        rf"[1-9][0-9](?:{_SEP}[0-9]{{3}}){{3}}",
        is_steuer_id,
        words("steuer", "steuer id", "steuernummer", "steueridentifikationsnummer", "idnr", "identifikationsnummer"),
    ),
    distinct(
        "fr.nir",
        r"[12] ?[0-9]{2} ?(?:0[1-9]|1[0-2]|[2-9][0-9]) ?(?:[0-9]{2}|2[ABab]) ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}",
        is_nir,
        begins("[12] ?[0-9]{2} ?[0-9]{2} ?[0-9][0-9ABab] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}", 15, 21),
    ),
    beside_words(
        "nl.bsn",
        "(?:[0-9]{4}[ .]?[0-9]{2}[ .]?[0-9]{3}|[0-9]{3}[ .][0-9]{3}[ .][0-9]{3})",
        is_bsn,
        words("bsn", "burgerservicenummer", "sofinummer", "sofi nummer", "burger service"),
    ),
    beside_words("pl.pesel", "[0-9]{11}", is_pesel, words("pesel"), digits=11),
    distinct("pl.nip", "[0-9]{3}-[0-9]{3}-[0-9]{2}-[0-9]{2}", is_nip, begins("[0-9]{3}-[0-9]{3}-[0-9]{2}-", 11)),
    beside_words("pl.nip_bare", "[0-9]{10}", is_nip, words("nip", "podatkowy"), digits=10),
    beside_words(
        "pt.nif",
        r"[0-9]{3}[ .]?[0-9]{3}[ .]?[0-9]{3}",
        is_pt_nif,
        words("nif", "contribuinte", "nipc", "fiscal"),
    ),
    distinct(
        "se.personnummer",
        r"(?:19[0-9]{2}|200[0-9])[0-9]{4}[\-+][0-9]{4}",
        is_personnummer,
        begins(r"[12][0-9]{7}[\-+][0-9]{4}", 13),
    ),
    beside_words(
        "se.personnummer_bare",
        r"(?:19|20)?[0-9]{6}[\-+]?[0-9]{4}",
        is_personnummer,
        words("personnummer", "personnr", "pnr", "samordningsnummer", "swedish"),
        digits=6,
    ),
    distinct("no.fodselsnummer", "[0-9]{6} ?[0-9]{5}", is_fodselsnummer, begins("[0-9]{6} ?[0-9]{5}", 11, 12)),
    beside_words("dk.cpr", r"[0-9]{6}[ \-]?[0-9]{4}", is_cpr, _CPR, digits=6),
    distinct("ch.ahv", r"756([. ]?)[0-9]{4}\1[0-9]{4}\1[0-9]{2}", is_ahv, begins("756[. ]?[0-9]{4}", 7, 8)),
    beside_words("tr.kimlik", "[1-9][0-9]{10}", is_kimlik, words("kimlik", "tckn"), digits=11),
)

LETTER_RULES = (
    beside_words(
        "de.personalausweis",
        "[A-Za-z0-9]{9}[0-9]",
        lambda number: any(char.isalpha() for char in number) and is_document(number),
        words("personalausweis", "ausweis", "ausweisnummer", "personalausweisnummer", "perso"),
        digits=1,
        lead=9,
    ),
    distinct(
        "de.rvnr",
        "[0-9]{2}[0-9]{6}[A-Z][0-9]{3}",
        is_rvnr,
        begins("[0-9]{8}[A-Z][0-9]{3}", 12),
    ),
    distinct("es.dni", r"[0-9]{8}-?[A-HJ-NP-TV-Z]", is_dni, begins("[0-9]{8}-?[A-Z]", 9, 10)),
    distinct("es.nie", r"[XYZ]-?[0-9]{7}-?[A-HJ-NP-TV-Z]", is_dni, begins("[XYZ]-?[0-9]{7}", 8, 9)),
    beside_words("es.dni_lower", r"(?:[0-9]|[xyzXYZ]-?)[0-9]{7}-?[A-Za-z]", is_dni, _DNI, lead=2),
    beside_words("es.cif", r"[A-HJNP-SUVW]-?[0-9]{7}[0-9A-J]", is_cif, words("cif", "nif", "empresa"), lead=2),
    distinct(
        "it.codice_fiscale",
        "[A-Za-z]{6}[0-9LMNP-Vlmnp-v]{2}[A-EHLMPR-Ta-ehlmpr-t][0-9LMNP-Vlmnp-v]{2}[A-Za-z][0-9LMNP-Vlmnp-v]{3}[A-Za-z]",
        is_codice_fiscale,
        begins("[A-Za-z]{6}[0-9LMNP-Vlmnp-v]{2}[A-Za-z][0-9LMNP-Vlmnp-v]{2}[A-Za-z][0-9LMNP-Vlmnp-v]{3}[A-Za-z]", 16),
    ),
    distinct(
        "fi.hetu", r"[0-9]{6}[\-+A-FU-Y][0-9]{3}[0-9A-FHJ-NPR-Y]", is_hetu, begins(r"[0-9]{6}[\-+A-Y][0-9]{3}", 10)
    ),
)
