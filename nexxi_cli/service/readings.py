"""Readings of a text: the plain one, and what is hidden in it from people, but a model may well read."""

from collections.abc import Iterator
from dataclasses import dataclass

from nexxi_cli.service.decoders import DECODERS
from nexxi_cli.service.normalise import normalise

MIN_HIDDEN_CHARS = 4
"""A shorter hidden text says nothing."""

_UNSEEN = frozenset({"tags", "variation selectors"})  # what normalising takes out


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a text. `name` is "" for the plain one, else what hides it, such as "base64"."""

    name: str
    text: str


def readings(text: str) -> Iterator[Reading]:
    """The plain reading of `text`, normalised, then those that it hides. Each is linear in len(text)."""
    plain = normalise(text).text
    yield Reading("", plain)
    for name, decode in DECODERS:
        found = decode(text if name in _UNSEEN else plain)
        if len(found) >= MIN_HIDDEN_CHARS:
            yield Reading(name, normalise(found).text)
