"""The file of the tagger: its lexicon and its weights, packed. Made by tests/training/train_names.py."""

from array import array
from pathlib import Path

from nexxi_cli.infrastructure.names.lexicon import Lexicon
from nexxi_cli.infrastructure.names.tagger import NameTagger

_MAGIC = b"nexxi names 1\n"


def packed(flags: dict[str, str], weights: "array[int]") -> bytes:
    """Lexicon and weights as one file."""
    import lzma

    by_flags: dict[str, list[str]] = {}
    for word, flag in sorted(flags.items()):
        by_flags.setdefault(flag, []).append(word)
    lists = "\n".join(f"{flag} {' '.join(words)}" for flag, words in sorted(by_flags.items())).encode()
    body = len(lists).to_bytes(4, "big") + lists + weights.tobytes()
    return _MAGIC + lzma.compress(body, format=lzma.FORMAT_ALONE, preset=9)


def unpacked(data: bytes) -> "tuple[dict[str, str], array[int]]":
    """Lexicon and weights of a file."""
    import lzma

    assert data.startswith(_MAGIC)  # it is ours
    body = lzma.decompress(data[len(_MAGIC) :])
    size = int.from_bytes(body[:4], "big")
    flags: dict[str, str] = {}
    for line in body[4 : 4 + size].decode().split("\n"):
        flag, *words = line.split(" ")
        flags |= dict.fromkeys(words, flag)
    return flags, array("q", body[4 + size :])


def shipped_tagger() -> NameTagger:
    """The tagger of the package. Takes about a tenth of a second."""
    flags, weights = unpacked(Path(__file__).with_name("names.bin").read_bytes())
    return NameTagger(Lexicon(flags), weights)
