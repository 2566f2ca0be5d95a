"""Pixel sizes that cannot be true, and what is believed instead, so that a head is seen at its own size.

Pictures that became NIfTI often state 1 mm, whatever their pixels measure. Where that makes a head that nobody
has, blood is looked for as if the image were as wide as images of heads are. Volumes stay as the file states
them, and a flag says so.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool

from ichnos.scans.scan import Mask, Scan
from ichnos.segmentation.segmentation import Segmentation

USUAL_WIDTH_MM = 230.0
"""Width of an image of a head."""

WIDTHS_MM = (170.0, 500.0)
"""No image of a head is narrower; none of a single slice is wider, and few of whole scans."""

ACROSS_MM = (110.0, 215.0)
"""The longest line inside a skull, along rows or columns."""


def measure_across_mm(scan: Scan, cavity: Bool[np.ndarray, "slices rows columns"]) -> float:
    """The longest extent of the cavity within a slice, along rows or columns."""
    _, row_mm, column_mm = scan.geometry.spacing_mm
    down, across = cavity.any(axis=2).sum(axis=1).max(), cavity.any(axis=1).sum(axis=1).max()
    return float(max(down * row_mm, across * column_mm))


def find_scale(scan: Scan, cavity: Bool[np.ndarray, "slices rows columns"]) -> float:
    """How many times as large as stated a pixel is believed to be; 1 where the stated size may be true.

    Args:
        scan: a head, or not.
        cavity: its intracranial mask, found with the stated size.
    """
    _, row_mm, column_mm = scan.geometry.spacing_mm
    width_mm = max(scan.geometry.rows * row_mm, scan.geometry.columns * column_mm)
    scale = USUAL_WIDTH_MM / width_mm
    across_mm = measure_across_mm(scan, cavity)
    too_wide = len(cavity) == 1 and width_mm > WIDTHS_MM[1]
    too_large = across_mm > ACROSS_MM[1] and scale * across_mm >= ACROSS_MM[0]
    return scale if width_mm < WIDTHS_MM[0] or too_wide or too_large else 1.0


def resize(scan: Scan, scale: float) -> Scan:
    """The scan as if its pixels were so many times as large; slices keep their places."""
    geometry = scan.geometry
    rows, columns = geometry.row_steps_mm * scale, geometry.column_steps_mm * scale
    return replace(scan, geometry=replace(geometry, row_steps_mm=rows, column_steps_mm=columns))


def put_back(result: Segmentation, scan: Scan) -> Segmentation:
    """A result on a resized scan as one on the scan as it was, with a flag."""
    stated_mm, believed_mm = scan.geometry.spacing_mm[1], result.scan.geometry.spacing_mm[1]
    told = (
        f"pixels of {stated_mm:.2f} mm make no head that anybody has; blood was looked for as if they were "
        f"{believed_mm:.2f} mm, and volumes are as the file states the size"
    )
    return replace(
        result,
        scan=scan,
        bleed_mask=Mask(result.bleed_mask.voxels, scan.geometry, scan.source),
        brain_mask=Mask(result.brain_mask.voxels, scan.geometry, scan.source),
        flags=(*result.flags, told),
    )
