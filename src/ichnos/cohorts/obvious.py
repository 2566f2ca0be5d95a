"""Slices whose bleed nobody could miss, told from the image and its label alone."""

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from ichnos.preprocessing.cavity import count_enclosing_sides

DENSE_HU = 50.0
"""Denser than grey matter with noise; fresh blood."""

MARGIN_MM = 4.5
"""Tissue this close to bone looks dense whether it bleeds or not."""

OBVIOUS_MM2 = 300.0
"""From this much dense tissue on, a positive slice is obvious: a disc 20 mm across."""

_BONE_HU = 250.0


def find_obvious(
    slices_hu: Float[np.ndarray, "slices rows columns"],
    is_positive: Bool[np.ndarray, " slices"],
    pixel_mm: tuple[float, float],
) -> Bool[np.ndarray, " slices"]:
    """Positive slices with at least `OBVIOUS_MM2` of dense tissue inside the skull and away from bone.

    Training may start with these (ADR 0008). No mask is needed, so any labelled cohort can be told
    apart in this way.

    Args:
        slices_hu: on the model grid.
        is_positive: the label of each slice.
        pixel_mm: (row, column) spacing of the model grid.
    """
    found = np.zeros(len(slices_hu), bool)
    slices_hu = slices_hu[is_positive]
    bone = slices_hu > _BONE_HU
    reach = [max(1, round(MARGIN_MM / size_mm)) for size_mm in pixel_mm]
    beside_bone = ndimage.maximum_filter(bone, size=(1, 2 * reach[0] + 1, 2 * reach[1] + 1))
    dense = (slices_hu > DENSE_HU) & ~beside_bone & (count_enclosing_sides(bone) == 4)
    found[is_positive] = dense.sum(axis=(1, 2)) * pixel_mm[0] * pixel_mm[1] >= OBVIOUS_MM2
    return found
