"""Find the head in a scan: what is not air, table or head-rest."""

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from ichnos.scans.scan import Scan

_SOLID_HU = -200.0
"""Skin and fat lie above, foam and air below."""

_COARSE_MM = 3.0
"""The head is found on pixels of about this size: fast, and thin straps vanish."""


def find_head_centre(scan: Scan) -> tuple[float, float]:
    """Centre (row, column) of the head's bounding box over all slices, in pixels.

    Where nothing solid is found, the centre of the slice.
    """
    _, row_mm, column_mm = scan.geometry.spacing_mm
    row_stride = max(1, round(_COARSE_MM / row_mm))
    column_stride = max(1, round(_COARSE_MM / column_mm))
    head = find_head(scan.voxels_hu[:, ::row_stride, ::column_stride])
    rows, columns = np.nonzero(head.any(axis=0))
    if rows.size == 0:
        return (scan.geometry.rows - 1) / 2, (scan.geometry.columns - 1) / 2
    return (
        float(rows.min() + rows.max()) / 2 * row_stride,
        float(columns.min() + columns.max()) / 2 * column_stride,
    )


def find_head(coarse_hu: Float[np.ndarray, "slices rows columns"]) -> Bool[np.ndarray, "slices rows columns"]:
    """The largest solid body, after an in-plane opening that cuts off table and straps."""
    plus = ndimage.generate_binary_structure(2, 1)[None]
    opened = ndimage.binary_opening(coarse_hu > _SOLID_HU, structure=plus, iterations=2)
    labels, count = ndimage.label(opened)
    if count == 0:
        return opened
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return labels == sizes.argmax()
