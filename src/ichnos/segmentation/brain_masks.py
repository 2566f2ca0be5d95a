"""Every way to an intracranial mask behind one function: without weights, learned, or drawn by somebody.

The learned mask of Spahr et al. 2023, 2.3.3, is the union of two U-Nets, one on a tissue window (0 to 600 HU) and one
on a bone window (150 to 650 HU), which were trained on drawn slices of patients. Ours were trained on phantoms.
"""

from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool
from scipy import ndimage
from torch import nn

from ichnos.cohorts.readers.masks import read_brain_mask
from ichnos.errors import ScanNotFoundError
from ichnos.models.checkpoint import load_checkpoint
from ichnos.preprocessing.brain_mask import BrainMask, find_brain_mask, judge_brain_mask
from ichnos.preprocessing.cavity import BONE_HU, BRIGHTEST_HU, count_enclosing_sides, fill_slices
from ichnos.preprocessing.grid import cut_off
from ichnos.preprocessing.recipe import Recipe
from ichnos.scans.scan import Scan

METHODS = {
    "classical": "soft tissue that the skull encloses, followed from slice to slice; no weights",
    "learned": "two U-Nets that saw phantoms, on a tissue and on a bone window",
    "auto": "classical; that of the tissue network where it is doubtful and the other less so; both for few slices",
}
"""Ways to find an intracranial mask, by name; anything else is the path of a mask that somebody drew."""

NETWORKS = ("phantom-cavity-tissue", "phantom-cavity-bone")
"""Folders below `weights` of the networks whose union is taken.

`auto` takes the first alone: of a real scan the second also held the tips of the orbits, 2 % of the cavity."""

_SHOWN_HU = (0.0, 255.0)
"""HU are cut off before a network looks, so that a scan and its 8-bit export have one mask. Of the phantoms that both
were trained on, three in ten were such exports. On a real scan, what they found outside of the classical mask fell from
2.1 to 0.3 % (tissue) and from 6.5 to 2.1 % (bone)."""

SHORT_MM = 60.0
"""A stack that covers less does not tell the classical mask where the cavity goes on: of single slices at the skull
base it keeps one of several parts (in a real scan 46 to 84 of 74 to 116 cm2), and the learned one adds the others."""

ENCLOSED_SIDES = 3
"""Of four; what the learned mask adds there has bone on as many."""

_PROBABILITY = 0.5
_LEAST_SHARE = 0.05
"""Bodies with less than this share of the largest one's voxels are no brain; a few low slices have three that are."""

_BATCH = 8


def mask_brain(scan: Scan, how: str = "auto") -> BrainMask:
    """The intracranial mask of a scan, by whatever means, with its doubts.

    Args:
        scan: a head CT.
        how: a name in `METHODS`, or the path of a NIfTI mask on the scan's grid; it is taken as it is, and judged.

    Raises:
        GeometryError: the drawn mask lies on another grid than the scan.
        PixelError: the drawn mask is cut short, corrupt or a scan.
        ScanNotFoundError: no such mask, and no method of that name.
    """
    if how not in METHODS and not Path(how).is_file():
        raise ScanNotFoundError(f"{how}: no such intracranial mask; give a NIfTI file, or one of {', '.join(METHODS)}")
    if how not in METHODS:
        return judge_brain_mask(scan, read_brain_mask(Path(how), scan))
    if how == "learned":
        return predict_brain_mask(scan)
    classical = find_brain_mask(scan)
    if how == "classical":
        return classical
    if scan.geometry.slice_extents_mm.sum() < SHORT_MM:
        enclosed = count_enclosing_sides(scan.voxels_hu >= BONE_HU) >= ENCLOSED_SIDES
        return judge_brain_mask(scan, classical.mask.voxels | (_find_by_tissue(scan).mask.voxels & enclosed))
    if not classical.is_doubtful:
        return classical
    return min(classical, _find_by_tissue(scan), key=_rank)


def _rank(mask: BrainMask) -> tuple[bool, int]:
    """The lower the better: something before nothing, then few doubts."""
    return not mask.mask.voxels.any(), len(mask.doubts)


def find_drawn_mask(place: Path, case: str) -> Path:
    """The drawn mask of a case: the file itself, or in a folder CASE.nii.gz, CASE.nii or CASE/brain.nii.gz.

    Raises:
        ScanNotFoundError: none of them is there.
    """
    if not place.is_dir():
        return place
    names = (f"{case}.nii.gz", f"{case}.nii", f"{case}/brain.nii.gz")
    for name in names:
        if (place / name).is_file():
            return place / name
    raise ScanNotFoundError(f"{place} holds no intracranial mask of {case}; expected {' or '.join(names)}")


def _find_by_tissue(scan: Scan) -> BrainMask:
    return predict_brain_mask(scan, NETWORKS[:1])


def predict_brain_mask(scan: Scan, networks: Sequence[str] = NETWORKS) -> BrainMask:
    """The learned intracranial mask: what any of the networks finds, without holes, specks and dense bone.

    Specks are dropped before masks are joined: the specks of one network touch the mask of the other.
    """
    found = np.zeros(scan.voxels_hu.shape, dtype=bool)
    for name in networks:
        found |= _drop_specks(_predict(scan, *_load_network(name)))
    return judge_brain_mask(scan, fill_slices(found & (scan.voxels_hu < BRIGHTEST_HU)))


def _drop_specks(found: Bool[np.ndarray, "slices rows columns"]) -> Bool[np.ndarray, "slices rows columns"]:
    labels, count = ndimage.label(found)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    keeps = (sizes > 0) & (sizes >= _LEAST_SHARE * sizes.max())
    return np.asarray(keeps[labels])


@lru_cache(maxsize=len(NETWORKS))
def _load_network(name: str) -> tuple[nn.Module, Recipe]:
    checkpoint = load_checkpoint(Path(str(files("ichnos"))) / "weights" / name)
    return checkpoint.model.eval(), Recipe.model_validate(checkpoint.preprocessing)


def _predict(scan: Scan, model: nn.Module, recipe: Recipe) -> Bool[np.ndarray, "slices rows columns"]:
    grid, slices_hu = recipe.place(cut_off(scan, _SHOWN_HU))
    found = np.zeros(scan.voxels_hu.shape, dtype=bool)
    with torch.inference_mode():
        for start in range(0, len(slices_hu), _BATCH):
            part = slice(start, start + _BATCH)
            pixels = torch.from_numpy(recipe.make_channels(slices_hu[part]))
            found[part] = grid.to_scan(torch.sigmoid(model(pixels))[:, 0].numpy()) >= _PROBABILITY
    return found
