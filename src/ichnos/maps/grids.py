"""From tiles of tokens to maps of pixels."""

import math
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ichnos.maps.recorder import BlockAttention

_BLANK = 1e-12
"""A map whose maximum and minimum differ by no more than this fraction of its maximum is blank."""


def assemble_grid(
    block: BlockAttention, tiles: Float[Tensor, "tiles keys"], shift: int | None = None
) -> Float[Tensor, "slices grid_rows grid_columns"]:
    """Put a block's tiles back on its token grid, undo its shift and drop its padding.

    Args:
        block: whose tiles they are.
        tiles: a value per token of each tile, extra tokens left out.
        shift: rolled down and right by this instead of by the shift of the block.
    """
    (tile_height, tile_width), (rows, columns) = block.tile, block.grid
    down, across = math.ceil(rows / tile_height), math.ceil(columns / tile_width)
    grid = tiles.reshape(-1, down, across, tile_height, tile_width).permute(0, 1, 3, 2, 4)
    grid = grid.reshape(-1, down * tile_height, across * tile_width)
    back = block.shift if shift is None else shift
    return torch.roll(grid, (back, back), dims=(1, 2))[:, :rows, :columns]


def resize(
    maps: Float[Tensor, "slices grid_rows grid_columns"], size: tuple[int, int]
) -> Float[Tensor, "slices rows columns"]:
    """Bilinear with half-pixel centres (align_corners False), to `size` (rows, columns)."""
    return nn.functional.interpolate(maps[:, None], size=size, mode="bilinear", align_corners=False)[:, 0]


def stretch_to_unit(
    maps: Float[Tensor, "slices rows columns"], over: Literal["slice", "batch"] = "slice"
) -> Float[Tensor, "slices rows columns"]:
    """Min-max normalise to [0, 1]; what has no contrast becomes zeros, never NaN.

    Args:
        maps: finite.
        over: `slice`, each alone; `batch`, all together, as the released code does.
    """
    axes = (1, 2) if over == "slice" else (0, 1, 2)
    low = maps.amin(dim=axes, keepdim=True)
    high = maps.amax(dim=axes, keepdim=True)
    contrast = high - low
    is_blank = contrast <= _BLANK * high.abs()
    return torch.where(is_blank, torch.zeros_like(maps), (maps - low) / contrast.masked_fill(is_blank, 1.0))
