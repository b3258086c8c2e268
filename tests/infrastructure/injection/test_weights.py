"""The weights' file: what is written is read, and what is not ours is refused."""

import pytest

from nexxi_cli.core.errors import NexxiError
from nexxi_cli.infrastructure.injection.features import BUCKETS, WORD_BUCKETS
from nexxi_cli.infrastructure.injection.weights import Weights, decoded, encoded, shipped_weights

WEIGHTS = Weights([0.0] * 5 + [1.27, -1.27] + [0.0] * (WORD_BUCKETS - 7) + [2.54] * (BUCKETS - WORD_BUCKETS), -0.5)


def test_what_is_written_is_read() -> None:
    read = decoded(encoded(WEIGHTS))
    assert read.bias == pytest.approx(-0.5)
    assert list(read.table) == pytest.approx(list(WEIGHTS.table), abs=0.01)


def test_the_weights_that_ship_can_be_read_and_are_small() -> None:
    weights = shipped_weights()
    assert len(weights.table) == BUCKETS
    assert len(encoded(weights)) < 400_000


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (b"", "holds no weights"),
        (b"PK\x03\x04" + encoded(WEIGHTS)[4:], "holds no weights"),
        (encoded(WEIGHTS)[:4] + b"\x01" + encoded(WEIGHTS)[5:], "another version"),
        (encoded(WEIGHTS)[:-1], "damaged"),
        (encoded(WEIGHTS)[:-1] + b"\x55", "damaged"),
    ],
    ids=["empty", "foreign", "version", "short", "changed"],
)
def test_what_is_not_ours_is_refused(raw: bytes, complaint: str) -> None:
    with pytest.raises(NexxiError, match=complaint):
        decoded(raw)
