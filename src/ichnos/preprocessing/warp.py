"""Slices moved by an affine change of their own, all of a batch at once; masks along with them.

Places are those of `torch.nn.functional.affine_grid` with `align_corners=False`: across then down, from
-1 to 1 between the outer edges of a slice. A matrix leads from a place in the result to the place in
the slice that is shown there.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn


@dataclass(frozen=True)
class Warp:
    """A geometric change of a batch, on the device of its slices.

    Attributes:
        still: numbers of the slices that stay as they are, to the bit.
        flipped: of those that are only flipped.
        moved: of those that are interpolated.
        places: where each pixel of the moved slices comes from, across and down.
    """

    still: Int[Tensor, " still"]
    flipped: Int[Tensor, " flipped"]
    moved: Int[Tensor, " moved"]
    places: Float[Tensor, "moved rows columns 2"]


def make_matrices(
    angle: Float[Tensor, " slices"],
    zoom: Float[Tensor, " slices"],
    mirror: Float[Tensor, " slices"],
    shift: Float[Tensor, "slices 2"],
    size: tuple[int, int],
) -> Float[Tensor, "slices 2 3"]:
    """Matrices of a shift, then a rotation, then a change of size, then a left-right flip.

    Args:
        angle: radians, counter-clockwise as displayed.
        zoom: factor by which things become larger.
        mirror: -1 to flip, else 1.
        shift: to the right and down, as fractions of the slice.
        size: rows and columns; on slices that are not square things keep their shape.
    """
    cosine, sine = torch.cos(angle) / zoom, torch.sin(angle) / zoom
    tall = size[0] / size[1]
    across = torch.stack([cosine * mirror, -sine * tall, -2 * shift[:, 0]], dim=1)
    down = torch.stack([sine * mirror / tall, cosine, -2 * shift[:, 1]], dim=1)
    return torch.stack([across, down], dim=1)


def crop(
    matrices: Float[Tensor, "slices 2 3"], part: Float[Tensor, "slices 2"], centre: Float[Tensor, "slices 2"]
) -> Float[Tensor, "slices 2 3"]:
    """The same change, of whose result then only a part is shown, enlarged to the whole slice.

    Args:
        matrices: the change.
        part: width and height of the part, as fractions of the result.
        centre: its place in the result.
    """
    turned, shift = matrices[:, :, :2], matrices[:, :, 2:]
    return torch.cat([turned * part[:, None], turned @ centre[:, :, None] + shift], dim=2)


def find_places(matrices: Float[Tensor, "slices 2 3"], size: tuple[int, int]) -> Float[Tensor, "slices rows columns 2"]:
    """Where each pixel of the result comes from; what `affine_grid` gives, ten times as fast on a CPU."""
    down, across = (
        (torch.arange(length, device=matrices.device) * 2 + 1 - length)[:, None] / length for length in size
    )
    columns = across * matrices[:, None, :, 0]
    rows = down * matrices[:, None, :, 1] + matrices[:, None, :, 2]
    return columns[:, None] + rows[:, :, None]


def plan_warp(matrices: Float[Tensor, "slices 2 3"], size: tuple[int, int], device: torch.device) -> Warp:
    """Sort slices by what has to be done to them, and find the places of those that are interpolated."""
    is_still, is_flipped = (
        (matrices == matrices.new_tensor([[side, 0.0, 0.0], [0.0, 1.0, 0.0]])).flatten(1).all(dim=1)
        for side in (1.0, -1.0)
    )
    still, flipped, moved = (chosen.nonzero()[:, 0] for chosen in (is_still, is_flipped, ~(is_still | is_flipped)))
    places = find_places(matrices[moved].to(device), size)
    return Warp(still.to(device), flipped.to(device), moved.to(device), places)


def warp_pixels(
    pixels: Float[Tensor, "slices channels rows columns"], warp: Warp
) -> Float[Tensor, "slices channels rows columns"]:
    """Slices between whose pixels is interpolated; beyond an edge, its nearest pixel goes on."""
    return _warp(pixels, warp, "bilinear", "border")


def warp_masks(masks: Shaped[Tensor, "slices rows columns"], warp: Warp) -> Shaped[Tensor, "slices rows columns"]:
    """Masks, or labels, or soft targets: each value is one that was there before; beyond an edge, 0."""
    return _warp(masks[:, None], warp, "nearest", "zeros")[:, 0]


def lies_inside(warp: Warp) -> Bool[Tensor, "slices rows columns"]:
    """Which pixels of the result show the slice, and not what goes on beyond its edge."""
    slices = sum(len(chosen) for chosen in (warp.still, warp.flipped, warp.moved))
    everywhere = torch.ones(slices, *warp.places.shape[1:3], dtype=torch.bool, device=warp.places.device)
    return everywhere.index_copy(0, warp.moved, (warp.places.abs() <= 1).all(dim=3))


def _warp(
    images: Shaped[Tensor, "slices channels rows columns"],
    warp: Warp,
    mode: Literal["bilinear", "nearest"],
    padding: Literal["border", "zeros"],
) -> Shaped[Tensor, "slices channels rows columns"]:
    result = torch.empty_like(images)
    result.index_copy_(0, warp.still, images[warp.still])
    result.index_copy_(0, warp.flipped, images[warp.flipped].flip(-1))
    if len(warp.moved):
        moved = nn.functional.grid_sample(
            images[warp.moved].float(), warp.places, mode=mode, padding_mode=padding, align_corners=False
        )
        result.index_copy_(0, warp.moved, moved.to(images.dtype))
    return result
