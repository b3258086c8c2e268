"""Texts that were read before: taken up where they agree, by their owner alone, in bounded memory."""

from dataclasses import replace

import numpy as np

from nexxi_cli.infrastructure.engine.kv import LINE_BYTES, STEP, KeyValues, Prefixes, common
from nexxi_cli.infrastructure.engine.shape import Shape

SHAPE = Shape(
    layers=1,
    width=8,
    heads=1,
    kv_heads=1,
    head_width=8,
    ffn_width=8,
    vocabulary=9,
    norm_eps=1e-5,
    rope=(1.0, 0.1, 0.01, 0.001),
    window=None,
    tied=True,
)


def text(*tokens: int) -> KeyValues:
    found = KeyValues(SHAPE, np.dtype(np.float32))
    found.reserve(len(tokens))
    found.tokens.extend(tokens)
    return found


def test_the_longest_common_beginning_is_taken_and_the_rest_forgotten() -> None:
    prefixes = Prefixes(10**6)
    short, long = text(1, 2, 9), text(1, 2, 3, 4, 8)
    prefixes.put("ann", short)
    prefixes.put("ann", long)
    assert prefixes.take("ann", [1, 2, 3, 4, 5]) is long
    assert long.tokens == [1, 2, 3, 4]
    assert prefixes.take("ann", [1, 2, 3, 4, 5]) is short
    assert prefixes.take("ann", [1, 2, 3, 4, 5]) is None


def test_one_token_is_left_to_be_read() -> None:
    prefixes = Prefixes(10**6)
    prefixes.put("ann", text(1, 2, 3))
    taken = prefixes.take("ann", [1, 2, 3])
    assert taken is not None
    assert taken.tokens == [1, 2]


def test_another_owner_s_text_is_not_taken() -> None:
    prefixes = Prefixes(10**6)
    prefixes.put("ann", text(1, 2, 3))
    assert prefixes.take("bob", [1, 2, 3]) is None


def test_texts_that_have_nothing_in_common_are_left() -> None:
    prefixes = Prefixes(10**6)
    prefixes.put("ann", text(1, 2, 3))
    assert prefixes.take("ann", [4, 5]) is None
    assert prefixes.take("ann", [1, 5]) is not None


def test_the_oldest_texts_make_room() -> None:
    size = text(1).size_bytes
    prefixes = Prefixes(2 * size)
    for token in (1, 2, 3):
        prefixes.put("ann", text(token, 0))
    assert prefixes.take("ann", [1, 0]) is None
    assert prefixes.take("ann", [2, 0]) is not None
    assert prefixes.take("ann", [3, 0]) is not None


def test_without_memory_nothing_is_kept() -> None:
    prefixes = Prefixes(0)
    prefixes.put("ann", text(1, 2))
    assert prefixes.take("ann", [1, 2]) is None


def test_room_grows_by_steps_and_keeps_what_is_there() -> None:
    found = text(1, 2)
    found.kept[0, :2] = 7
    assert found.size_bytes == 2 * 8 * STEP * 4
    found.reserve(STEP + 1)
    assert found.size_bytes == 2 * 8 * 2 * STEP * 4
    assert (found.kept[0, :2] == 7).all()
    assert found.kept.ctypes.data % LINE_BYTES == 0


def test_blocks_have_what_was_there_and_grow_by_whole_ones() -> None:
    shape = replace(SHAPE, kv_heads=2, head_width=4)
    found = KeyValues(shape, np.dtype(np.float32))
    found.reserve(20)
    found.kept[:] = np.arange(found.kept.size).reshape(found.kept.shape)
    keys, values = (part.copy() for part in found.kept[:2])  # (room, heads, head width)
    found.tokens = list(range(20))
    found.put_in_blocks()
    found.put_in_blocks()
    found.reserve(STEP + 1)
    blocks, halves = (found.kept[part, :32].reshape(2, 2, -1) for part in (0, 1))  # (blocks, heads, numbers)
    for place in range(32):
        for head in range(2):
            pairs = blocks[place // 16, head].reshape(2, 16, 2)
            assert pairs[:, place % 16].reshape(-1).tolist() == keys[place, head].tolist()
            both = halves[place // 16, head].reshape(8, 4, 2)
            assert both[place % 16 // 2, :, place % 2].tolist() == values[place, head].tolist()


def test_what_is_common_ends_at_the_first_difference() -> None:
    assert common([1, 2, 3], [1, 2, 4]) == 2
    assert common([1, 2], [1, 2, 4]) == 2
    assert common([], [1]) == 0
