import pytest
import torch
from torch import nn
from transformers.models.swin.modeling_swin import window_partition

from ichnos.maps.grids import assemble_grid, resize, stretch_to_unit
from ichnos.maps.recorder import BlockAttention


def block_of(tiles: int, tile: tuple[int, int], shift: int, grid: tuple[int, int]) -> BlockAttention:
    tokens = tile[0] * tile[1]
    return BlockAttention(torch.zeros(tiles, 1, tokens, tokens), 1, 0, tile, shift, grid)


@pytest.mark.parametrize(("rows", "columns", "shift"), [(8, 8, 0), (8, 12, 2), (9, 6, 1)])
def test_assembling_undoes_shift_and_partition(rows: int, columns: int, shift: int) -> None:
    grid = torch.arange(2 * rows * columns, dtype=torch.float32).reshape(2, rows, columns)
    padded = nn.functional.pad(grid, (0, -columns % 4, 0, -rows % 4))
    rolled = torch.roll(padded, (-shift, -shift), dims=(1, 2))
    tiles = window_partition(rolled[..., None], 4).reshape(-1, 16)
    assert torch.equal(assemble_grid(block_of(len(tiles), (4, 4), shift, (rows, columns)), tiles), grid)


def test_another_shift_can_be_undone() -> None:
    tiles = torch.arange(32.0).reshape(2, 16)
    found = assemble_grid(block_of(2, (4, 4), 0, (4, 4)), tiles, shift=2)
    assert torch.equal(found, torch.roll(tiles.reshape(2, 4, 4), (2, 2), dims=(1, 2)))


def test_a_global_tile_need_not_be_square() -> None:
    tiles = torch.arange(12.0).reshape(1, 12)
    assert torch.equal(assemble_grid(block_of(1, (3, 4), 0, (3, 4)), tiles), tiles.reshape(1, 3, 4))


def test_resizing_by_hand() -> None:
    found = resize(torch.tensor([[[0.0, 1.0]]]), (1, 4))
    torch.testing.assert_close(found, torch.tensor([[[0.0, 0.25, 0.75, 1.0]]]))


def test_stretching_is_per_slice_and_guards_blank_ones() -> None:
    maps = torch.stack([torch.arange(4.0).reshape(2, 2), torch.full((2, 2), 7.0)])
    expected = torch.stack([torch.arange(4.0).reshape(2, 2) / 3, torch.zeros(2, 2)])
    torch.testing.assert_close(stretch_to_unit(maps), expected)


def test_stretching_a_batch_together() -> None:
    maps = torch.stack([torch.arange(4.0).reshape(2, 2), torch.full((2, 2), 6.0)])
    torch.testing.assert_close(stretch_to_unit(maps, "batch"), maps / 6)
    assert torch.equal(stretch_to_unit(torch.ones(2, 2, 2), "batch"), torch.zeros(2, 2, 2))
