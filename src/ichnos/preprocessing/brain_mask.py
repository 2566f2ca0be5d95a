"""The intracranial mask of a scan, and whether to trust it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from ichnos.preprocessing.cavity import BONE_HU, count_enclosing_sides, find_cavity
from ichnos.scans.scan import Mask, Scan

_PLAUSIBLE_ML = (700.0, 1900.0)
"""Intracranial volumes outside this range are doubtful (adults about 1,100 to 1,700 mL)."""

_LOPSIDED = 1.3
"""So many times as much mask on one side of the middle as on the other is doubtful."""

_OPEN_SHARE = 0.05
"""A larger share of the mask without bone on one side is doubtful: a craniectomy, or a leak."""


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
    """The intracranial cavity (brain, CSF, blood) of a head CT, found without weights; never fails."""
    return judge_brain_mask(scan, find_cavity(scan))


def judge_brain_mask(scan: Scan, voxels: Bool[np.ndarray, "slices rows columns"]) -> BrainMask:
    """Say what is doubtful about an intracranial mask, however it was made.

    Args:
        scan: whose cavity it is.
        voxels: the mask on the scan's grid.
    """
    mask = Mask(voxels, scan.geometry, scan.source)
    if not voxels.any():
        return BrainMask(mask, ("no intracranial cavity was found; is this a head CT?",))
    return BrainMask(mask, tuple(_doubts(scan, mask)))


def _doubts(scan: Scan, mask: Mask) -> Iterator[str]:
    low_ml, high_ml = _PLAUSIBLE_ML
    if len(mask.voxels) > 1 and not low_ml <= mask.volume_ml <= high_ml:
        yield (
            f"the intracranial mask measures {mask.volume_ml:.0f} mL, outside {low_ml:.0f} to {high_ml:.0f} mL; "
            "the scan may be cropped or the mask wrong"
        )
    columns = mask.voxels.sum(axis=(0, 1))
    occupied = np.flatnonzero(columns)
    middle = (occupied[0] + occupied[-1] + 1) // 2
    halves = sorted((float(columns[:middle].sum()), float(columns[middle:].sum())))
    if halves[1] > _LOPSIDED * max(1.0, halves[0]):
        yield "the intracranial mask is lopsided; look at it before using volumes"
    open_share = float((count_enclosing_sides(scan.voxels_hu >= BONE_HU)[mask.voxels] < 4).mean())
    if open_share > _OPEN_SHARE:
        yield (
            f"no bone lies on one side of {open_share:.0%} of the intracranial mask; the skull is open there or "
            "the mask leaks"
        )
