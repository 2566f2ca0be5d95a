"""Slices moved by an affine change of their own, all of a batch at once; masks along with them.

Places are those of `torch.nn.functional.affine_grid` with `align_corners=False`: across then down, from
-1 to 1 between the outer edges of a slice. A matrix leads from a place in the result to the place in
the slice that is shown there.
"""

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor, nn


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
    """Where each pixel of the result comes from."""
    return nn.functional.affine_grid(matrices, [len(matrices), 1, *size], align_corners=False)


def warp_pixels(
    pixels: Float[Tensor, "slices channels rows columns"], places: Float[Tensor, "slices rows columns 2"]
) -> Float[Tensor, "slices channels rows columns"]:
    """Slices between whose pixels is interpolated; beyond an edge, its nearest pixel goes on."""
    return nn.functional.grid_sample(pixels, places, padding_mode="border", align_corners=False)


def warp_masks(
    masks: Shaped[Tensor, "slices rows columns"], places: Float[Tensor, "slices rows columns 2"]
) -> Shaped[Tensor, "slices rows columns"]:
    """Masks, or labels, or soft targets: each value is one that was there before; beyond an edge, 0."""
    moved = nn.functional.grid_sample(masks[:, None].float(), places, mode="nearest", align_corners=False)
    return moved[:, 0].to(masks.dtype)


def lies_inside(places: Float[Tensor, "slices rows columns 2"]) -> Bool[Tensor, "slices rows columns"]:
    """Which pixels of the result show the slice, and not what goes on beyond its edge."""
    return (places.abs() <= 1).all(dim=3)
