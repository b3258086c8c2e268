"""Pairs of coordinates: decimal degrees (ISO 6709 order: latitude, longitude), degrees with minutes and seconds.

A bare pair needs four decimals on both sides, or words beside it: `0.1234, 0.5678` are numbers of any kind.
"""

import re

from nexxi_cli.infrastructure.recognizers.patterns import PatternRecognizer, Rule, starting
from nexxi_cli.infrastructure.recognizers.probes import head
from nexxi_cli.infrastructure.recognizers.words import Words

_WORDS = Words(
    (
        *("gps", "coordinate", "coord", "coordinates", "lat", "latitude", "lat lon", "lat long", "latlng", "lat lng"),
        *("geo", "geolocation", "position", "koordinaten", "coordenadas", "coordonnées", "coordinate", "located at"),
    )
)
_BEFORE = r"(?<![\w.\-+])(?<![0-9][,;] )(?<![0-9][,;])"
_AFTER = r"(?![\w°]|[.,][0-9]|, ?\-?[0-9])"
_DEGREE = (
    r"[0-9]{1,3}°[ ]?(?:[0-9]{1,2}['\u2032\u2019][ ]?(?:[0-9]{1,2}(?:\.[0-9]{1,6})?(?:[\"\u2033\u201d]|'')[ ]?)?)?"
)
_SEXAGESIMAL = rf"(?<![\w.]){_DEGREE}[NS][,;]?[ ]?{_DEGREE}[EWO](?!\w)"
_LETTERED = r"(?<![\w.])[0-9]{1,2}\.[0-9]{2,8}°?[ ]?[NS][,;]?[ ]{0,2}[0-9]{1,3}\.[0-9]{2,8}°?[ ]?[EW](?!\w)"
_DECIMAL = r"[+\-]?[0-9]{1,2}\.[0-9]{%s,8}°?[,;][ ]?[+\-]?[0-9]{1,3}\.[0-9]{%s,8}°?"
_NAMED = (
    r"(?i)(?<![a-z0-9])lat(?:itude)?[\"']?[ ]?[:=][ ]?[\"']?-?[0-9]{1,2}\.[0-9]{2,15}[\"']?[,;&]?[ ]?[\"']?"
    r"(?:lon|lng|long|longitude)[\"']?[ ]?[:=][ ]?[\"']?-?[0-9]{1,3}\.[0-9]{2,15}(?![0-9])"
)


def _is_place(match: re.Match[str]) -> int | None:
    latitude, longitude = (float(number) for number in re.findall(r"-?[0-9]+\.[0-9]+", match[0])[:2])
    return match.end() if 1 <= abs(latitude) <= 90 and abs(longitude) <= 180 else None


GPS = PatternRecognizer(
    (
        Rule(
            "gps.decimal",
            "GPS",
            0.7,
            f"{_BEFORE}{_DECIMAL % (4, 4)}{_AFTER}",
            _is_place,
            probes=(head(r"[+\-]?[0-9]{1,2}\.[0-9]{4}", 6, 8, alone=r"\w.\-+"),),
        ),
        Rule(
            "gps.beside_words",
            "GPS",
            0.85,
            f"{_BEFORE}{_DECIMAL % (2, 2)}{_AFTER}",
            _is_place,
            words=_WORDS,
            probes=_WORDS.probes(1, 1, 32),
            starts=starting(r"+\-0-9", alone=r"\w.\-+"),
        ),
        Rule("gps.sexagesimal", "GPS", 0.95, _SEXAGESIMAL, needs=("°",), probes=(head(r"[0-9]{1,3}\xb0", 2, 4),)),
        Rule(
            "gps.lettered",
            "GPS",
            0.9,
            _LETTERED,
            _is_place,
            probes=(head(r"[0-9]{1,2}\.[0-9]{2,8}\xb0?[ ]?[NS]", 5, 13, alone=r"\w."),),
        ),
        Rule(
            "gps.named",
            "GPS",
            0.9,
            _NAMED,
            _is_place,
            probes=(head(r"lat(?:itude)?[\"']?[ ]?[:=][ ]?[\"']?-?[0-9]", 5, 16, caseless=True),),
        ),
    ),
    chars=r"0-9A-Za-z.,;:=&\"'\-+°\u2032\u2033\u2019\u201d ",
    begins=r"(?i)(?<![\w.])(?:[+\-]?[0-9]{1,3}(?:\Z|[.°](?:[0-9.°'\u2032\u2019\"\u2033\u201d NS,;+\-])*(?:[EWO]\Z|\Z))"
    r"|[+\-]\Z)|(?<![a-z0-9])l(?:\Z|a(?:\Z|t[a-z0-9.,;:=&\"'\- ]*\Z))",
    max_chars=90,
)
