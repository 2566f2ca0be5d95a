"""What the numbers of a scan are: HU, HU that were cut off for an export, or HU to which 1024 was added.

What lies inside the skull tells: brain is at 20 to 45 HU on every scanner. Decision 0014 says what is accepted,
what is repaired, and what is refused.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Shaped

from ichnos.errors import PixelError
from ichnos.scans.geometry import USUAL_SLICE_MM
from ichnos.scans.scan import AIR_HU, Scan

AIR_BELOW_HU = -500.0
"""A head CT shows air around the head, at about -1000 HU."""

BONE_ABOVE_HU = 300.0
"""A head CT shows skull, at 300 to 2000 HU and more."""

BEYOND_HU = 100_000.0
"""No scanner stores values further from 0; metal reaches 30,000 on an extended scale."""

CUT_AT_LEAST_HU = 200.0
"""HU that were cut off lower show bone no brighter than a bleed may be; they are of no use."""

TISSUE_PERCENTILE = 30
"""Of what lies inside the skull: brain, even where blood fills more than half of a slice."""

TISSUE_HU = (8.0, 55.0)
"""That percentile lies here: at 18 to 29 HU in whole scans, at 23 to 46 in single slices of a real one. Exports that
were stretched from a window of 0 to 80 HU have it at 57 to 137; from -20 to 180 HU, too near to be told for sure, at
50 to 81."""

SHIFT_HU = 1024.0
"""What is added where negative values cannot be stored."""

_COARSE_PIXELS = 128
"""The question is asked of about so many rows and columns."""

_SOFT_HU = (-30.0, 200.0)
_LEAST_SHARE = 0.005
"""Of all pixels; where less lies inside a skull, nothing is told."""

_REFUSING_SHARE = 0.18
"""Of all that is not air: where less lies inside a skull, nothing is refused, since at the vertex most of it is the
blurred edge of bone. In single slices of a real scan it is at most 0.17 there, 0.19 to 0.24 at the base, 0.3 to 0.8
between; however tightly they were cropped."""

_FAT_HU = (-900.0, -200.0)
_FAT_SHARE = 0.001
"""Edges of skin lie in this range in every scan; where 1024 was added nothing does."""

_BRIGHT_HU = 100.0
_SOFT_REACH_HU = 150.0
_SOFT_SHARE = 0.4
"""Of all that is brighter than any brain: so much is soft tissue and fat, this near to 1024, where 1024 was added (0.42
to 0.81 in single slices of a real scan, less in its three topmost). Where HU were only cut off at 0, that is bone, and
at most 0.26."""

NOT_FINITE = "voxel(s) were not finite (NaN or infinity) and count as air"
CUT_NOTE = "taken as HU that were cut off there"
SHIFTED_NOTE = "1024 had been added to the HU; taken off again"


@dataclass(frozen=True)
class Scale:
    """How values become HU.

    Attributes:
        offset_hu: is added.
        notes: what a reader of the result should know.
    """

    offset_hu: float = 0.0
    notes: tuple[str, ...] = ()


def mend_values(voxels: Shaped[np.ndarray, "i j k"]) -> tuple[Shaped[np.ndarray, "i j k"], tuple[str, ...]]:
    """The values with those that are not finite as dark as the darkest, and a note if there were any."""
    finite = np.isfinite(voxels) if voxels.dtype.kind == "f" else None
    if finite is None or finite.all():
        return voxels, ()
    darkest = voxels[finite].min() if finite.any() else voxels.dtype.type(AIR_HU)
    return np.where(finite, voxels, darkest), (f"{int((~finite).sum())} {NOT_FINITE}",)


def mend_scan(scan: Scan) -> Scan:
    """The scan in HU without NaN; itself if it is so already, as every scan that was read is.

    For scans made in memory. A lone slice that does not say what it stands for stands for `USUAL_SLICE_MM`.

    Raises:
        PixelError: as `find_scale`.
    """
    scan = _give_thickness(scan)
    voxels, notes = mend_values(scan.voxels_hu)
    scale = find_scale(voxels, str(scan.source.path or "scan"), are_hu=True)
    if voxels is scan.voxels_hu and not scale.offset_hu and set(scale.notes) <= set(scan.warnings):
        return scan
    voxels_hu = np.maximum(voxels + np.float32(scale.offset_hu), np.float32(AIR_HU)).astype(np.float32)
    new = tuple(note for note in (*notes, *scale.notes) if note not in scan.warnings)
    return replace(scan, voxels_hu=voxels_hu, warnings=(*scan.warnings, *new))


def _give_thickness(scan: Scan) -> Scan:
    if len(scan.voxels_hu) > 1 or scan.geometry.lone_slice_mm is not None:
        return scan
    note = f"only one slice, of unknown thickness; its volume rests on {USUAL_SLICE_MM:g} mm, which is a guess"
    geometry = replace(scan.geometry, lone_slice_mm=USUAL_SLICE_MM)
    return replace(scan, geometry=geometry, warnings=(*scan.warnings, note))


def find_scale(voxels: Shaped[np.ndarray, "slices rows columns"], where: str, *, are_hu: bool = False) -> Scale:
    """Find out what the values are.

    Args:
        voxels: finite.
        where: what a message calls them.
        are_hu: whether their source says that they are HU; then only what contradicts it is refused.

    Raises:
        PixelError: values that are neither HU nor anything that becomes HU without guessing: stretched from a
            window; unless they `are_hu`, also in [0, 1], far beyond metal, or cut off below bone.
    """
    low, high = float(voxels.min()), float(voxels.max())
    if -BEYOND_HU <= low == high <= BEYOND_HU:
        return Scale(notes=(f"all voxels have the value {low:g}: nothing is shown",))
    coarse = _coarsen(voxels)
    if high > BONE_ABOVE_HU + SHIFT_HU and high <= BEYOND_HU and _is_shifted(coarse):
        return Scale(-SHIFT_HU, (SHIFTED_NOTE,))
    if -BEYOND_HU <= low < 0 and high <= BEYOND_HU and (low < AIR_BELOW_HU or high > BONE_ABOVE_HU):
        return Scale()
    guess = None if are_hu else _guess(low, high)
    if low < TISSUE_HU[0] and CUT_AT_LEAST_HU <= high <= BEYOND_HU:
        inside = _inside_skull(coarse)
        tells = len(inside) >= _REFUSING_SHARE * np.count_nonzero(coarse > max(_SOFT_HU[0], low))
        if _is_brain(inside) if tells else high <= BONE_ABOVE_HU:
            return Scale(notes=(f"values from {low:g} to {high:g}: {CUT_NOTE}",))
        if high <= BONE_ABOVE_HU:
            guess = f"soft tissue in the skull is at {np.median(inside):.0f}, not 20 to 45: stretched from a window?"
    if guess is None:
        return Scale()
    raise PixelError(
        f"{where}: values from {low:g} to {high:g} are not Hounsfield units ({guess}); "
        "give the scan as exported from DICOM, in HU"
    )


def _coarsen(voxels: Shaped[np.ndarray, "slices rows columns"]) -> Float[np.ndarray, "slices coarse_r coarse_c"]:
    row, column = (max(1, length // _COARSE_PIXELS) for length in voxels.shape[1:])
    return voxels[:, ::row, ::column].astype(np.float32)


def _is_shifted(coarse: Float[np.ndarray, "slices rows columns"]) -> bool:
    """Whether brain is found 1024 higher, more than where it should be, and nothing where fat and skin should be.

    Where no brain is found, as in a lone slice of the base, and no value is negative, soft tissue of the whole head
    tells.
    """
    as_fat = (coarse > _FAT_HU[0]) & (coarse < _FAT_HU[1])
    if as_fat.mean() > _FAT_SHARE:
        return False
    inside = _inside_skull(coarse - np.float32(SHIFT_HU))
    if len(inside) > len(_inside_skull(coarse)) and _is_brain(inside):
        return True
    if coarse.min() < 0:
        return False
    bright = coarse[coarse > _BRIGHT_HU]
    return bool(np.count_nonzero(abs(bright - SHIFT_HU) < _SOFT_REACH_HU) > _SOFT_SHARE * len(bright))


def _is_brain(inside_hu: Float[np.ndarray, " pixels"]) -> bool:
    return bool(TISSUE_HU[0] <= np.percentile(inside_hu, TISSUE_PERCENTILE) <= TISSUE_HU[1])


def _inside_skull(coarse: Float[np.ndarray, "slices rows columns"]) -> Float[np.ndarray, " pixels"]:
    """Soft tissue and CSF with bone in front, behind, right and left; none where that is hardly anything."""
    soft = (coarse > max(_SOFT_HU[0], float(coarse.min()))) & (coarse < _SOFT_HU[1])
    inside = soft & _is_enclosed(coarse >= _SOFT_HU[1])
    return coarse[inside] if inside.mean() >= _LEAST_SHARE else coarse[:0, 0, 0]


def _is_enclosed(bone: Bool[np.ndarray, "slices rows columns"]) -> Bool[np.ndarray, "slices rows columns"]:
    """Where a straight line within the slice meets bone both ways along rows and both ways along columns."""
    enclosed = np.ones_like(bone)
    for axis in (1, 2):
        enclosed &= np.logical_or.accumulate(bone, axis)
        enclosed &= np.flip(np.logical_or.accumulate(np.flip(bone, axis), axis), axis)
    return enclosed


def _guess(low: float, high: float) -> str:
    if max(-low, high) > BEYOND_HU:
        return "far beyond metal: a broken scale factor?"
    if low >= 0 and high <= 1:
        return "scaled to [0, 1]?"
    if low >= 0 and high > BONE_ABOVE_HU:
        return "air should be about -1000: was something added, and is this a head?"
    return f"neither air below {AIR_BELOW_HU:g} nor bone above {BONE_ABOVE_HU:g}: cut to a window?"
