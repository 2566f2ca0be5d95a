"""Losses that make two views of one thing alike and unlike everything else.

Papers: Chen et al. 2020, "SimCLR" (NT-Xent), for whole slices; Chaitanya et al. 2020, for regions of
one slice; both as in Spahr et al. 2023 (equations 6 and 7, section 2.6.1). The denominators of both
printed equations are not those of the methods that they name: here each anchor is compared with all
others, itself excluded.

MONAI has NT-Xent too; it overflows in half precision and builds all pairs of vectors, so it stands in
the tests only.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ichnos.errors import UsageError

TEMPERATURE = 0.1
"""By which similarities are divided (Spahr et al. 2023, section 2.6.1)."""

REGIONS = 20
"""Regions of a slice that are compared (as before)."""

SIDE = 3
"""Rows and columns of one region (as before)."""


def slice_contrastive_loss(
    first: Float[Tensor, "slices features"],
    second: Float[Tensor, "slices features"],
    *,
    temperature: float = TEMPERATURE,
) -> Float[Tensor, ""]:
    """NT-Xent: each of 2 x `slices` vectors must find its other view among all vectors but itself.

    Args:
        first: projections of one view of each slice.
        second: projections of another view of the same slices.
        temperature: by which cosines are divided.

    Raises:
        UsageError: one slice only, which has nothing to be told from.
    """
    if len(first) < 2:
        raise UsageError("one slice has nothing to be told from; set optimisation.batch_size to 2 or more")
    return _pair_loss(first[None], second[None], temperature)


def region_contrastive_loss(
    first: Float[Tensor, "slices features rows columns"],
    second: Float[Tensor, "slices features rows columns"],
    cells: Int[Tensor, "slices regions"],
    *,
    temperature: float = TEMPERATURE,
) -> Float[Tensor, ""]:
    """Each of 2 x `regions` regions must find its other view among all regions of its slice but itself.

    A region is a 3 x 3 cell with all its features: 288 numbers where there are 32. The released code
    takes features for rows, and so compares other numbers.

    Args:
        first: features of one view of each slice.
        second: features of another view, in which equal places show equal tissue (shared geometry).
        cells: which cells, from `choose_cells`.
        temperature: by which cosines are divided.
    """
    return _pair_loss(_take_cells(first, cells), _take_cells(second, cells), temperature)


def choose_cells(
    is_inside: Bool[Tensor, "slices rows columns"],
    grid: tuple[int, int],
    generator: torch.Generator,
    *,
    regions: int = REGIONS,
) -> Int[Tensor, "slices {regions}"]:
    """Draw different 3 x 3 cells for each slice, at first those that lie inside the image.

    Cells are numbered row by row; what remains of the grid at its right and lower edge is in none.
    Where fewer cells than asked lie wholly inside, the others are drawn from outside.

    Args:
        is_inside: pixels that show the image and no padding, in both views. Its sides are those of
            the grid, or the same multiple of both.
        grid: rows and columns of the features.
        generator: of the draw.
        regions: how many cells for each slice.

    Raises:
        UsageError: the grid has fewer cells, or does not divide the image.
    """
    rows, columns = grid
    scale = is_inside.shape[1] // rows
    if (rows * scale, columns * scale) != tuple(is_inside.shape[1:]):
        raise UsageError(f"a grid of {rows} x {columns} does not divide slices of {tuple(is_inside.shape[1:])} pixels")
    count = (rows // SIDE) * (columns // SIDE)
    if count < regions:
        raise UsageError(
            f"features of {rows} x {columns} hold {count} regions of {SIDE} x {SIDE}, fewer than {regions}; "
            "set a larger image size or fewer regions"
        )
    outside = (~is_inside).float()[:, None]
    partly_outside = nn.functional.max_pool2d(outside, SIDE * scale).flatten(1)
    draws = torch.rand(len(is_inside), count, generator=generator, device=generator.device).to(is_inside.device)
    return (draws - partly_outside).topk(regions, dim=1).indices


def _take_cells(
    features: Float[Tensor, "slices features rows columns"], cells: Int[Tensor, "slices regions"]
) -> Float[Tensor, "slices regions numbers"]:
    slices, channels, rows, columns = features.shape
    down, across = rows // SIDE, columns // SIDE
    trimmed = features[:, :, : down * SIDE, : across * SIDE]
    split = trimmed.reshape(slices, channels, down, SIDE, across, SIDE)
    numbers = split.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)
    return numbers.gather(1, cells[:, :, None].expand(-1, -1, numbers.shape[2]))


def _pair_loss(
    first: Float[Tensor, "groups pairs features"], second: Float[Tensor, "groups pairs features"], temperature: float
) -> Float[Tensor, ""]:
    """Mean cross entropy of finding one's pair among all 2 x `pairs` vectors of the group but oneself."""
    pairs = first.shape[1]
    with torch.autocast(first.device.type, enabled=False):
        vectors = nn.functional.normalize(torch.cat([first, second], dim=1).float(), dim=2)
        similarities = vectors @ vectors.transpose(1, 2) / temperature
    itself = torch.eye(2 * pairs, dtype=torch.bool, device=first.device)
    similarities = similarities.masked_fill(itself, float("-inf"))
    targets = torch.arange(2 * pairs, device=first.device).roll(pairs).expand(len(first), -1)
    return nn.functional.cross_entropy(similarities.flatten(0, 1), targets.flatten())
