"""NameMaker: people, organisations and addresses, made from Faker's lists in the way of a language."""

import random

from tests.training.names_lists import LANGUAGES, is_held_out, lists_of, ordinary_words
from tests.training.names_words import AND, BRANDS, LEGAL_FORMS, OF, ORGANISATION_WORDS, STREETS, capitalised_words

_BEFORE_LAST = ("van", "de", "von", "van der", "di", "da", "del", "El", "Mc", "O\u2019")


class NameMaker:
    """Makes names of one language; of those that are held out, or of the others."""

    def __init__(self, rng: random.Random, language: str, *, held_out: bool) -> None:
        self._rng = rng
        self._language = language
        self._own = lists_of(LANGUAGES[language]).kept(held_out=held_out)
        self._all = lists_of().kept(held_out=held_out)
        capitals = [word for word in capitalised_words(language) if is_held_out(word) == held_out]
        common = [word for word in ordinary_words(language) if is_held_out(word) == held_out]
        self._few = [*(self._own.words or capitals), *capitals, *capitals]
        self._many = common or self._few

    def ordinary(self) -> str:
        """A word that is no name."""
        return self._rng.choice(self._many if self._rng.random() < 0.5 else self._few)

    def job(self) -> str:
        """An occupation."""
        return self._rng.choice(self._own.jobs or self._all.jobs)

    def one(self, kind: str) -> str:
        """A name of one of the Lists, mostly the language's own."""
        if kind == "cities" and (chance := self._rng.random()) < 0.4:
            kind = "large_towns" if chance < 0.25 else "towns"
        own: list[str] = getattr(self._own, kind)
        lists: list[str] = own if own and self._rng.random() < 0.6 else getattr(self._all, kind)
        return self._rng.choice(lists)

    def last(self) -> str:
        """A family name."""
        rng = self._rng
        last = self.one("last")
        chance = rng.random()
        if chance < 0.04:
            return f"{last}-{self.one('last')}"
        if chance < 0.08 and last[0].isupper():
            return f"{rng.choice(_BEFORE_LAST)} {last}".replace("\u2019 ", "\u2019")
        return f"{last} {self.one('last')}" if self._language in ("es", "pt") and chance < 0.5 else last

    def person(self) -> str:
        """A whole name."""
        rng = self._rng
        first, last = self.one("first"), self.last()
        chance = rng.random()
        if chance < 0.08:
            return f"{first} {rng.choice('ABCDEFGHJKLMNPRSTW')}. {last}"
        if chance < 0.12:
            return f"{first[0]}. {last}"
        if chance < 0.17:
            return f"{first} {self.one('first')} {last}"
        if chance < 0.2:
            return f"{first}-{self.one('first')} {last}"
        return last.upper() + " " + first if chance < 0.22 else f"{first} {last}"

    def organisation(self) -> str:
        """A company or another body."""
        rng, language = self._rng, self._language
        last, city = self.one("last"), self.one("cities")
        legal = rng.choice(LEGAL_FORMS[language] if rng.random() < 0.7 else LEGAL_FORMS["en"])
        kind = rng.choice(ORGANISATION_WORDS[language])
        brand = self._brand()
        forms = (
            (5, f"{last} {legal}"),
            (3, f"{brand} {legal}"),
            (3, f"{self._brand()} {self.ordinary().capitalize()} {kind if language == 'en' else legal}"),
            (6, brand),
            (3, " ".join(self.ordinary().capitalize() for _ in range(rng.choice((2, 2, 3))))),
            (2, f"{last}, {self.one('last')} {AND[language][0]} {self.one('last')}"),
            (2, f"{last}-{self.one('last')}"),
            (2, f"{last} {AND[language][0]} {self.one('last')}"),
            (1, f"{last} & {self.one('last')} {legal}"),
            (
                3,
                f"{kind} {rng.choice(OF[language])} {city}" if language not in ("de", "nl", "pl") else f"{kind} {city}",
            ),
            (3, f"{city} {kind}" if language in ("en", "nl") else f"{kind} {last}"),
            (2, f"{last} {kind}" if language in ("en", "nl") else f"{kind} {brand}"),
            (2, "".join(rng.choices("ABCDEFGHIKLMNOPRSTUV", k=rng.choice((3, 3, 4))))),
            (3, rng.choice(self._own.companies or self._all.companies)),
            (5, rng.choice(BRANDS["companies"])),
        )
        return rng.choices([name for _, name in forms], [weight for weight, _ in forms])[0]

    def _brand(self) -> str:
        rng = self._rng
        made = "".join(rng.choices(BRANDS["syllables"], k=rng.choice((2, 3, 3)))).capitalize()
        words = rng.sample(BRANDS["words"], k=2)
        return rng.choice(
            (
                made,
                made,
                f"{words[0]}{words[1].lower()}",
                f"{words[0]}{words[1]}",
                " ".join(words),
                f"{words[0]} {made}",
            )
        )

    def address(self) -> str:
        """A postal address."""
        rng, language = self._rng, self._language
        street = self._street(rng.choice(tuple(STREETS)) if rng.random() < 0.3 else language)
        number, postcode = str(rng.randint(1, 299)), f"{rng.randint(1000, 99999):05d}"
        unit = rng.choice(
            ("", "", "", " Apt. {}", " Suite {}", ", Apt {}", "\nSuite {}", ", {}º B", ", Unit {}")
        ).format(number)
        city, country = self.one("cities"), self.one("countries")
        end = rng.choice(
            (
                *(
                    "",
                    "",
                    f", {postcode} {city}",
                    f", {city}",
                    f", {city} {postcode}",
                    f"\n{postcode} {city}",
                    f", {city}, {country}",
                ),
                *(
                    f"\n{city}\n{country} {postcode}",
                    f", {city}, {rng.choice(('CA', 'TX', 'NY', 'FL', 'OH'))} {postcode}",
                ),
                f" {city} {country}",
            )
        )
        return street.replace("#", number) + unit + end

    def _street(self, language: str) -> str:
        name = self.one("last")
        first = self.one("first")
        street = self._rng.choice(self._all.streets)
        return self._rng.choice(STREETS[language]).format(
            name=name, first=first, street=street, way=self._rng.choice(BRANDS["ways"]), city=self.one("cities")
        )
