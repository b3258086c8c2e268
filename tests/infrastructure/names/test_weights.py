"""The file that ships: what it holds, how it is packed, and how its weights add up."""

import random
import subprocess
import sys
from array import array
from pathlib import Path

from nexxi_cli.infrastructure import names
from nexxi_cli.infrastructure.names.lexicon import Lexicon
from nexxi_cli.infrastructure.names.tagger import BUCKETS, LABELS, MOST_UNITS, NameTagger, bucket, in_lanes
from nexxi_cli.infrastructure.names.tokens import Tokens
from nexxi_cli.infrastructure.names.weights import packed, unpacked

FOLDER = Path(names.__file__).parent


def test_the_file_is_small_and_names_the_licence_of_its_words() -> None:
    assert (FOLDER / "names.bin").stat().st_size < 1_500_000
    assert "Permission is hereby granted" in (FOLDER / "LICENSE-faker.txt").read_text()


def test_what_is_packed_comes_out_the_same_and_from_the_same_the_same_bytes() -> None:
    flags = {"ada": "F", "zo\u00eb": "FL", "paris": "C"}
    weights = array("q", [0] * BUCKETS)
    weights[7] = in_lanes((1, -2, 3, -4))
    data = packed(flags, weights)
    assert unpacked(data) == (flags, weights)
    assert packed(dict(reversed(flags.items())), weights) == data


def test_weights_of_either_sign_add_up_in_their_lanes() -> None:
    rng = random.Random(1)
    features = ["0wada", "0gFX", "0gFXx", "0hXx", "-1-", "-2-", "-3-", "+1-", "+2-"]
    chosen = {feature: [rng.randint(-MOST_UNITS, MOST_UNITS) for _ in LABELS[1:]] for feature in features}
    weights = array("q", [0] * BUCKETS)
    for feature, values in chosen.items():
        weights[bucket(feature)] = in_lanes(values)
    tagger = NameTagger(Lexicon({"ada": "F"}), weights)
    scores = tagger.scores(tagger.read(Tokens("Ada", 0, 3)), 0)
    met = [values for feature, values in chosen.items() if feature != "0gFX"]
    assert scores == [0, *(sum(column) for column in zip(*met, strict=True))]


def test_the_greatest_sums_stay_in_their_lanes() -> None:
    weights = array("q", [in_lanes((MOST_UNITS, -MOST_UNITS, MOST_UNITS, -MOST_UNITS))] * BUCKETS)
    flags = dict.fromkeys(("ada", "lovelace", "byron", "london", "paris", "rome"), "CDFGKLMNRSTZ")
    tagger = NameTagger(Lexicon(flags), weights)
    tokens = Tokens("Ada Lovelace Byron London Paris Rome", 0, 36)
    scores = tagger.scores(tagger.read(tokens), 3)
    assert scores == [0, scores[1], -scores[1], scores[1], -scores[1]]
    assert scores[1] > 40 * MOST_UNITS


def test_importing_the_recognizer_reads_no_file_of_weights() -> None:
    code = "import sys, nexxi_cli.infrastructure.names; print({'lzma', 'numpy', 'faker'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
