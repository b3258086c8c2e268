"""Dates of birth: a date in figures or with the month's name, beside words that say what it is.

Months: English, German, French, Spanish, Italian, Portuguese and Dutch, by their first letters.
"""

import re
from functools import cache

from nexxi_cli.infrastructure.recognizers.patterns import PatternRecognizer, Rule, starting
from nexxi_cli.infrastructure.recognizers.words import Words

_WORDS = Words(
    (
        *("born", "born on", "date of birth", "dob", "d.o.b", "birth date", "birthdate", "birthday", "birth"),
        *("geboren", "geboren am", "geburtsdatum", "geburtstag", "né le", "née le", "né", "née", "date de naissance"),
        *("naissance", "fecha de nacimiento", "nacimiento", "nacido", "nacida", "nacido el", "nacida el"),
        *("data di nascita", "nato il", "nata il", "nato", "nata", "data de nascimento", "nascimento", "nascido"),
        *("nascida", "geboortedatum", "geboren op", "data urodzenia", "urodzony", "urodzona", "födelsedatum", "född"),
        *("fødselsdato", "født", "syntymäaika", "syntynyt", "doğum tarihi", "生年月日", "생년월일"),
    )
)
_MONTH = (
    "(?:jan|feb|f[ée]v|mar|m[äa]r|apr|avr|abr|ma[iyg]|mei|jun|juin|giu|jul|juil|lug|aug|ao[uû]|ago|sep|set|oct|okt|ott|out"
    "|nov|dec|dez|d[ée]c|dic|ene|gen)[a-zéûç]{0,7}"
)
_YEAR = "(?:1[89]|20)[0-9]{2}"
_DAY = "(?:0?[1-9]|[12][0-9]|3[01])"
_FIGURES = rf"{_DAY}([./\\-])[0-3]?[0-9]\1(?:{_YEAR}|[0-9]{{2}})|{_YEAR}([./\\-])[01]?[0-9]\2[0-3]?[0-9]".replace(
    "\\\\", "\\"
)
_NAMED = (
    rf"{_DAY}(?:st|nd|rd|th|\.|er|º)?[ \-](?:of |de )?{_MONTH}\.?,?[ \-](?:de |del )?{_YEAR}"
    rf"|{_MONTH}\.?[ ]{_DAY}(?:st|nd|rd|th)?,?[ ]{_YEAR}"
)
_AHEAD = r"(?:(?<=[0-9])(?=[0-9]{0,3}(?:[./\\-]|[a-zA-Zº.]{0,2}[ \-]))|(?<![0-9])(?=[A-Za-zéÉûÛçÇäÄ]{2,9}\.?[ ][0-9]))"
"""After the first character: a part of a date that figures name, or the month and the day."""

_PART = r"[A-Za-zéûçäº]{0,10}"


@cache
def _figures() -> re.Pattern[str]:
    return re.compile("[0-9]+")


def _is_day(match: re.Match[str]) -> int | None:
    numbers = list(map(int, _figures().findall(match[0])))
    first, second = (numbers[0], numbers[1]) if numbers[0] <= 31 else (numbers[1], numbers[2])
    if first > second:
        first, second = second, first
    return match.end() if len(numbers) < 3 or (1 <= first <= 12 and second <= 31) else None


BIRTH_DATE = PatternRecognizer(
    (
        Rule(
            "birth_date.words",
            "BIRTH_DATE",
            0.85,
            rf"(?i)(?<![\w./\-])(?:{_FIGURES}|{_NAMED})(?![\w]|[./\-][0-9])",
            _is_day,
            words=_WORDS,
            probes=_WORDS.probes(1, 12, 34, lettered=False),
            starts=starting("0-9ADEFGJLMNOSadefgjlmnos", alone=r"\w./\-") + _AHEAD,
            ahead=16,
        ),
    ),
    chars=r"0-9A-Za-zéûçäº ./,\-",
    begins=rf"(?i)(?<![\w./\-])(?:[0-9]{{1,4}}(?:\Z|[./\-][0-9]{{0,2}}(?:\Z|[./\-][0-9]{{0,4}}(?:\Z|[./\-]\Z)))"
    r"|[0-9]{1,2}(?:st?|nd?|rd?|th?|\.|er?|º)?"
    rf"(?:\Z|[ \-](?:of? ?|de? ?)?(?:\Z|{_PART}(?:\Z|\.?,?[ \-]?(?:del? ?|d)?[0-9]{{0,4}}[./\-]?\Z)))"
    rf"|{_MONTH}\.?(?:\Z|[ ](?:\Z|[0-9]{{1,2}}(?:st?|nd?|rd?|th?)?,?[ ]?[0-9]{{0,4}}[./\-]?\Z))|[a-zéûçä]{{1,3}}\Z)",
    max_chars=38,
)
