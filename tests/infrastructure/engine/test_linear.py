"""Quantised matrices: four bits lose nothing that had four bits, eight bits little."""

import pytest
import torch

from nexxi_cli.infrastructure.engine.linear import Int4, Int8, Linear, fits_four_bits, is_four_bit


def four_bit(out: int = 48, width: int = 96) -> torch.Tensor:
    """As a GGUF's Q4_1 is dequantised: 16 evenly spaced values in each group of 32, the first and last among them."""
    torch.manual_seed(3)
    levels = torch.randint(0, 16, (out, width // 32, 32)).float()
    levels[..., 0], levels[..., 1] = 0, 15
    scale, low = torch.rand(out, width // 32, 1) + 0.1, torch.randn(out, width // 32, 1)
    return (levels * scale + low).view(out, width).bfloat16()


def deviation(found: torch.Tensor, rows: torch.Tensor, weight: torch.Tensor) -> float:
    expected = rows.double() @ weight.double().T
    return ((found.double() - expected).norm() / expected.norm()).item()


@pytest.mark.parametrize("rows", [1, 2, 8, 15])
def test_four_bits_lose_only_rounding(rows: int) -> None:
    weight, x = four_bit(), torch.randn(rows, 96).bfloat16()
    assert is_four_bit(weight)
    assert deviation(Int4.of(weight)(x), x, weight) < 0.01


@pytest.mark.parametrize("rows", [1, 2, 8, 15])
def test_eight_bits_lose_little(rows: int) -> None:
    weight, x = torch.randn(48, 96).bfloat16(), torch.randn(rows, 96).bfloat16()
    assert not is_four_bit(weight)
    assert deviation(Int8.of(weight)(x), x, weight) < 0.02


def test_a_row_of_zeros_stays_one() -> None:
    weight = torch.zeros(16, 32).bfloat16()
    x = torch.randn(1, 32).bfloat16()
    assert Int4.of(weight)(x).abs().max() == 0
    assert Int8.of(weight)(x).abs().max() == 0


def test_the_kernel_takes_only_whole_groups() -> None:
    assert fits_four_bits(16, 32)
    assert not fits_four_bits(16, 33)
    assert not fits_four_bits(17, 32)
    assert not is_four_bit(torch.zeros(17, 32))


def test_many_rows_go_through_the_dense_matrices_and_a_bias_is_added() -> None:
    parts = [torch.randn(16, 32).bfloat16(), torch.randn(32, 32).bfloat16()]
    bias = torch.randn(48).bfloat16()
    linear = Linear(parts, Int8.of(torch.cat(parts)), bias)
    for rows in (1, Int4.most_rows, Int4.most_rows + 1):
        x = torch.randn(rows, 32).bfloat16()
        assert deviation(linear(x) - bias, x, torch.cat(parts)) < 0.02


@pytest.mark.parametrize("kernel", [Int4, Int8])
def test_a_row_gives_the_same_whichever_others_stand_beside_it(kernel: type[Int4] | type[Int8]) -> None:
    matrix = kernel.of(torch.randn(96, 64, generator=torch.Generator().manual_seed(1)))
    rows = torch.randn(kernel.most_rows, 64, generator=torch.Generator().manual_seed(2)).bfloat16()
    alone = torch.cat([matrix(row) for row in rows.split(1)])
    for count in range(1, kernel.most_rows + 1):
        assert torch.equal(matrix(rows[:count]), alone[:count])
