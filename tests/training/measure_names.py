"""Measures the tagger of names on texts that its training left out.

Run from the repository root: `python -m tests.training.measure_names FOLDER`, with the FOLDER of train_names. Made
texts are from templates and with names that no training text has, and the lexicon is without these names. By
characters: a label is found where a finding of any type covers it. tests/bench/bench_pii_quality.py measures
the development data by type.
"""

import argparse
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from nexxi_cli.infrastructure.names import NAMES
from nexxi_cli.infrastructure.names.lexicon import Lexicon
from nexxi_cli.infrastructure.names.recognizer import NameRecognizer
from nexxi_cli.infrastructure.names.tagger import NameTagger
from nexxi_cli.infrastructure.names.weights import unpacked
from tests.training.names_lists import HELD_OUT_KINDS, is_held_out, lists_of
from tests.training.names_sources import meddocan, ordinary_words_in
from tests.training.names_texts import Labelled, texts
from tests.training.train_names import OUT, flags_of_words


def without_held_out_names(folder: Path) -> NameRecognizer:
    """The recognizer with a lexicon that lacks the names that are held out."""
    lists = lists_of()
    names = (name for kind in HELD_OUT_KINDS for name in getattr(lists, kind))
    flags = flags_of_words(ordinary_words_in(folder), [name for name in names if is_held_out(name)])
    _, weights = unpacked(OUT.read_bytes())
    return NameRecognizer(lambda: NameTagger(Lexicon(flags), weights))


def measure(title: str, rows: Sequence[Labelled], recognizer: NameRecognizer) -> None:
    """Print precision and recall by characters, and of each type the share found and found as such."""
    labels, found, same, wrong = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for row in rows:
        truth, said = [""] * len(row.text), [""] * len(row.text)
        for start, end, label in row.spans:
            truth[start:end] = [label] * (end - start)
        for finding in recognizer.find(row.text):
            said[finding.start : finding.end] = [finding.type] * (finding.end - finding.start)
        for true, type_ in zip(truth, said, strict=True):
            labels[true] += 1
            found[true] += bool(type_)
            same[true] += type_ == true
            wrong[type_] += not true
    del labels[""]
    right, errors = sum(found[label] for label in labels), sum(wrong.values()) - wrong[""]
    precision, recall = right / (right + errors), right / sum(labels.values())
    f2 = 5 * precision * recall / (4 * precision + recall)
    print(f"{title}: {len(rows)} texts, precision {precision:.3f}, recall {recall:.3f}, F2 {f2:.3f}")
    for label, count in sorted(labels.items()):
        print(f"    {label:13} found {found[label] / count:.3f}, as such {same[label] / count:.3f}")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    made = list(texts(random.Random(11), 4000, held_out=True))
    measure("made, eight languages", made, without_held_out_names(folder))
    measure("meddocan, held out", meddocan(folder, held_out=True), NAMES)


if __name__ == "__main__":
    main()
