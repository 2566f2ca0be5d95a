"""Slices spoilt by swapping patches, for a network to put right: context restoration.

Paper: Chen et al. 2019, "Self-supervised learning for medical image analysis using image context
restoration"; as in Spahr et al. 2023 (section 2.6.1.1): 20 swaps, one after the other, of 20 x 20 pixels.
The released code's patches vary from 10 to 30 pixels and are turned; ours are the paper's.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ichnos.errors import UsageError

SWAPS = 20
SIDE = 20
"""Rows and columns of a patch, pixels."""


def swap_patches(
    pixels: Float[Tensor, "slices channels rows columns"],
    generator: torch.Generator,
    *,
    swaps: int = SWAPS,
    side: int = SIDE,
) -> Float[Tensor, "slices channels rows columns"]:
    """Swap two patches that do not overlap, `swaps` times in each slice; channels change alike.

    Raises:
        UsageError: a slice has no room for two patches.
    """
    slices, channels, rows, columns = pixels.shape
    if min(rows, columns) < side or max(rows, columns) < 2 * side:
        raise UsageError(
            f"slices of {rows} x {columns} pixels have no room for two patches of {side} x {side}; set a larger "
            "image size"
        )
    corners = _draw_pairs((slices, swaps), (rows, columns), side, generator).to(pixels.device)
    steps = torch.arange(side, device=pixels.device)
    within = (steps[:, None] * columns + steps).flatten()
    patches = (corners[..., 0] * columns + corners[..., 1])[..., None] + within  # slices swaps 2 side*side
    source = torch.arange(rows * columns, device=pixels.device).repeat(slices, 1)
    for swap in range(swaps):  # a later swap may move what an earlier one has moved
        first, second = patches[:, swap].unbind(dim=1)
        moved = source.gather(1, first)
        source.scatter_(1, first, source.gather(1, second))
        source.scatter_(1, second, moved)
    return pixels.flatten(2).gather(2, source[:, None].expand(-1, channels, -1)).reshape(pixels.shape)


def _draw_pairs(
    shape: tuple[int, int], size: tuple[int, int], side: int, generator: torch.Generator
) -> Int[Tensor, "slices swaps 2 2"]:
    """Upper left corners (row, column) of pairs of patches; each pair without overlap is equally likely."""
    room = torch.tensor([length - side + 1 for length in size], device=generator.device)

    def draw(count: int) -> Tensor:
        return (torch.rand(count, 2, 2, generator=generator, device=generator.device) * room).long()

    pairs = draw(shape[0] * shape[1])
    while (overlaps := ((pairs[:, 0] - pairs[:, 1]).abs() < side).all(dim=1)).any():
        pairs[overlaps] = draw(int(overlaps.sum()))
    return pairs.reshape(*shape, 2, 2)
