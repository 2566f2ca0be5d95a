"""The intracranial cavity without weights: soft tissue that the skull encloses.

Works on thick and thin, tilted and uneven slices, because the decisive question is asked within a
slice: is there skull in at least three of the four directions (front, back, right, left)? A
craniectomy may open one side; face, neck and scalp fail the test. What passes is cleaned by an
opening and held together across slices. It never fails: a doubtful result says that it is.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import ndimage

from ichnos.scans.geometry import Geometry
from ichnos.scans.scan import Mask, Scan

_BONE_HU = 250.0
_SOFT_HU = (-15.0, 130.0)
"""CSF with noise below, dense blood above."""

_COARSE_MM = 1.5
"""In-plane pixel at which the mask is found."""

_SMOOTHING_MM = 1.5
_OPENING_MM = 4.5
"""Openings of the skull base narrower than twice this do not let the mask out."""

_RIM_MM = 1.6
"""Soft tissue beside bone looks denser than it is; the mask is grown by this much, up to the inner table."""

_INNER_TABLE_HU = 450.0
"""Half-way between soft tissue and a thin inner table, where a blurred edge truly lies."""

_PLAUSIBLE_ML = (700.0, 1900.0)
"""Intracranial volumes outside this range are doubtful (adults about 1,100 to 1,700 mL)."""


@dataclass(frozen=True)
class BrainMask:
    """An intracranial mask and whether to trust it.

    Attributes:
        mask: the cavity on the scan's grid; may be empty.
        doubts: one sentence for each reason for doubt; empty if there is none.
    """

    mask: Mask
    doubts: tuple[str, ...]

    @property
    def is_doubtful(self) -> bool:
        """Whether a person should look at the mask before its result is used."""
        return bool(self.doubts)


def find_brain_mask(scan: Scan) -> BrainMask:
    """The intracranial cavity (brain, CSF, blood) of a head CT."""
    _, row_mm, column_mm = scan.geometry.spacing_mm
    strides = max(1, round(_COARSE_MM / row_mm)), max(1, round(_COARSE_MM / column_mm))
    coarse_hu = _average_blocks(scan.voxels_hu, strides)
    pixel_mm = row_mm * strides[0], column_mm * strides[1]
    cavity = _find_cavity(coarse_hu, pixel_mm)
    voxels = _refine(cavity, strides, scan.voxels_hu.shape)
    mask = Mask(voxels, scan.geometry, scan.source)
    return BrainMask(mask, tuple(_doubts(mask, scan.geometry)))


def _find_cavity(
    hu: Float[np.ndarray, "slices rows columns"], pixel_mm: tuple[float, float]
) -> Bool[np.ndarray, "slices rows columns"]:
    sigma = (0.0, _SMOOTHING_MM / pixel_mm[0] / 2.355, _SMOOTHING_MM / pixel_mm[1] / 2.355)
    smooth = ndimage.gaussian_filter(hu, sigma)
    bone = hu > _BONE_HU
    enclosed = count_enclosing_sides(bone) >= 3
    soft = (smooth > _SOFT_HU[0]) & (smooth < _SOFT_HU[1]) & ~bone & enclosed
    disc = _disc(_OPENING_MM, pixel_mm)
    core = ndimage.binary_erosion(soft, disc)
    core = _keep_main_body(core)
    grown = ndimage.binary_dilation(core, _disc(_OPENING_MM + 1.0, pixel_mm)) & soft
    closed = _fill_slices(ndimage.binary_closing(grown, _disc(3.0, pixel_mm)) & ~bone)
    return ndimage.binary_dilation(closed, _disc(_RIM_MM, pixel_mm)) & (hu < _INNER_TABLE_HU)


def count_enclosing_sides(
    bone: Bool[np.ndarray, "slices rows columns"],
) -> Int[np.ndarray, "slices rows columns"]:
    """In how many of the four in-plane directions a ray from each pixel meets bone."""
    sides = np.zeros(bone.shape, dtype=np.int8)
    for axis in (1, 2):
        sides += np.logical_or.accumulate(bone, axis=axis)
        sides += np.flip(np.logical_or.accumulate(np.flip(bone, axis), axis=axis), axis)
    return sides


def _keep_main_body(core: Bool[np.ndarray, "slices rows columns"]) -> Bool[np.ndarray, "slices rows columns"]:
    """The largest 3-D body; slices touch only where they overlap."""
    labels, count = ndimage.label(core)
    if count == 0:
        return core
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return labels == sizes.argmax()


def _fill_slices(voxels: Bool[np.ndarray, "slices rows columns"]) -> Bool[np.ndarray, "slices rows columns"]:
    plane = ndimage.generate_binary_structure(2, 1)[None]
    return ndimage.binary_fill_holes(voxels, np.pad(plane, ((1, 1), (0, 0), (0, 0))))


def _disc(radius_mm: float, pixel_mm: tuple[float, float]) -> Bool[np.ndarray, "1 rows columns"]:
    reach = [max(1, int(radius_mm / size)) for size in pixel_mm]
    row, column = np.ogrid[-reach[0] : reach[0] + 1, -reach[1] : reach[1] + 1]
    return (((row * pixel_mm[0]) ** 2 + (column * pixel_mm[1]) ** 2) <= radius_mm**2 + 1e-6)[None]


def _average_blocks(
    voxels: Float[np.ndarray, "slices rows columns"], strides: tuple[int, int]
) -> Float[np.ndarray, "slices coarse_rows coarse_columns"]:
    """Mean over blocks of pixels; edges that do not fill a block repeat their last pixel."""
    slices, rows, columns = voxels.shape
    padding = (-rows % strides[0], -columns % strides[1])
    padded = np.pad(voxels, ((0, 0), (0, padding[0]), (0, padding[1])), mode="edge")
    blocks = padded.reshape(slices, padded.shape[1] // strides[0], strides[0], -1, strides[1])
    return blocks.mean(axis=(2, 4), dtype=np.float32)


def _refine(
    coarse: Bool[np.ndarray, "slices rows columns"], strides: tuple[int, int], shape: tuple[int, ...]
) -> Bool[np.ndarray, "slices fine_rows fine_columns"]:
    fine = np.repeat(np.repeat(coarse, strides[0], axis=1), strides[1], axis=2)
    return np.ascontiguousarray(fine[:, : shape[1], : shape[2]])


def _doubts(mask: Mask, geometry: Geometry) -> list[str]:
    doubts = []
    volume_ml = mask.volume_ml
    low_ml, high_ml = _PLAUSIBLE_ML
    if not mask.voxels.any():
        doubts.append("no intracranial cavity was found; is this a head CT?")
    elif not low_ml <= volume_ml <= high_ml:
        doubts.append(
            f"the intracranial mask measures {volume_ml:.0f} mL, outside {low_ml:.0f} to {high_ml:.0f} mL; "
            "the scan may be cropped or the mask wrong"
        )
    halves = mask.voxels.sum(axis=(0, 1))
    occupied = np.flatnonzero(halves)
    if occupied.size:
        middle = (occupied[0] + occupied[-1] + 1) // 2
        right, left = float(halves[:middle].sum()), float(halves[middle:].sum())
        if max(right, left) > 1.3 * max(1.0, min(right, left)):
            doubts.append("the intracranial mask is lopsided; look at it before using volumes")
    return doubts
