"""Find the head in a scan: what is not air, table or head-rest."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from ichnos.scans.scan import Scan

_SOLID_HU = -200.0
"""Skin and fat lie above, foam and air below."""

_CLIPPED_SOLID_HU = 8.0
"""The same where HU were cut off at 0, so that air and fat are 0: skin and brain lie above."""

_COARSE_MM = 3.0
"""The head is found on pixels of about this size: fast, and thin straps vanish."""


LARGEST_HEAD_MM = 270.0
"""What measures more within a slice is no head: shoulders, where most other slices measure less; else a head whose
pixel spacing is wrong, as that of pictures without one often is."""


@dataclass(frozen=True)
class HeadBox:
    """Where the head lies within the slices, over all that do not show shoulders.

    Attributes:
        centre: (row, column) of the middle of the bounding box, pixels.
        extent_mm: the longer side of the box.
    """

    centre: tuple[float, float]
    extent_mm: float


def find_head_box(scan: Scan) -> HeadBox:
    """Bounding box of the head over all slices but those of shoulders; where nothing is solid, of the whole slice."""
    _, row_mm, column_mm = scan.geometry.spacing_mm
    row_stride = max(1, round(_COARSE_MM / row_mm))
    column_stride = max(1, round(_COARSE_MM / column_mm))
    head = find_head(scan.voxels_hu[:, ::row_stride, ::column_stride])
    extents_mm = np.array([_measure(each, row_stride * row_mm, column_stride * column_mm) for each in head])
    narrow = (extents_mm > 0.0) & (extents_mm <= LARGEST_HEAD_MM)
    shows_head = narrow if 2 * narrow.sum() >= np.count_nonzero(extents_mm) else extents_mm > 0.0
    rows, columns = np.nonzero(head[shows_head].any(axis=0))
    if rows.size == 0:
        height_mm, width_mm = scan.geometry.rows * row_mm, scan.geometry.columns * column_mm
        return HeadBox(((scan.geometry.rows - 1) / 2, (scan.geometry.columns - 1) / 2), max(height_mm, width_mm))
    height_mm = float(rows.max() - rows.min() + 1) * row_stride * row_mm
    width_mm = float(columns.max() - columns.min() + 1) * column_stride * column_mm
    return HeadBox(
        (
            float(rows.min() + rows.max()) / 2 * row_stride,
            float(columns.min() + columns.max()) / 2 * column_stride,
        ),
        max(height_mm, width_mm),
    )


def _measure(body: Bool[np.ndarray, "rows columns"], row_mm: float, column_mm: float) -> float:
    """The longer side of the bounding box; 0 of nothing."""
    if not body.any():
        return 0.0
    rows, columns = (int(np.ptp(place)) + 1 for place in np.nonzero(body))
    return max(rows * row_mm, columns * column_mm)


def find_head(coarse_hu: Float[np.ndarray, "slices rows columns"]) -> Bool[np.ndarray, "slices rows columns"]:
    """The largest solid body, after an in-plane opening that cuts off table and straps."""
    solid_hu = _SOLID_HU if coarse_hu.min() < _SOLID_HU else _CLIPPED_SOLID_HU
    plus = ndimage.generate_binary_structure(2, 1)[None]
    opened = ndimage.binary_opening(coarse_hu > solid_hu, structure=plus, iterations=2)
    labels, count = ndimage.label(opened)
    if count == 0:
        return opened
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return labels == sizes.argmax()
