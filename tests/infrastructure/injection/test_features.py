"""What the classifier sees: blocks that end with sentences, windows that cover every block."""

import pytest

from nexxi_cli.infrastructure.injection.features import BLOCK_WORDS, WINDOW_BLOCKS, blocks, spans, tokens


def test_a_text_without_words_is_one_block() -> None:
    assert len(blocks(tokens(""))) == 1


def test_a_block_ends_with_its_sentence() -> None:
    assert len(blocks(tokens("the first sentence has seven words here. the second one has some words too."))) == 2


def test_short_sentences_share_a_block() -> None:
    assert len(blocks(tokens("stop. wait. go on."))) == 1


def test_a_long_sentence_is_cut() -> None:
    assert len(blocks(tokens("word " * (3 * BLOCK_WORDS)))) == 3


def test_what_stands_on_both_sides_of_a_cut_is_seen_together() -> None:
    apart = [blocks(tokens("a b c d e f. " + text)) for text in ("ignore", "your rules")]
    together = blocks(tokens("a b c d e ignore. your rules"))
    seen = frozenset().union(*together)
    assert seen - frozenset().union(*(block for found in apart for block in found))


@pytest.mark.parametrize("count", range(1, 30))
def test_windows_of_each_length_cover_every_block(count: int) -> None:
    found = list(spans(count))
    assert len(set(found)) == len(found)
    for size in {min(size, count) for size in WINDOW_BLOCKS}:
        covered = {block for start, end in found if end - start == size for block in range(start, end)}
        assert covered == set(range(count))


@pytest.mark.parametrize("count", range(1, 30))
def test_the_longest_window_is_the_last(count: int) -> None:
    sizes = [end - start for start, end in spans(count)]
    assert sizes[-1] == max(sizes) == min(count, max(WINDOW_BLOCKS))
