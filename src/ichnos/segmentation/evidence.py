"""What a network says about a scan, before any threshold: computed once, decided on many times."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy import ndimage
from torch import nn

from ichnos.models.outputs import KNOWN_LABELS, find_bleed_output, to_probabilities
from ichnos.preprocessing.brain_mask import BrainMask
from ichnos.preprocessing.recipe import Recipe
from ichnos.scans.scan import AIR_HU, Scan
from ichnos.segmentation.brain_masks import mask_brain
from ichnos.segmentation.settings import SegmentationSettings
from ichnos.segmentation.subtypes import SubtypeEvidence

_HU_SMOOTHING_MM = 1.0
"""In-plane Gaussian (sigma) before the HU range is asked, so that noise does not pepper a mask."""

_BONE_HU = 160.0
"""Denser than any blood: bone, calcification, and their blurred edges."""

_CAPPED_HU = 290.0
"""Bone counts as no denser, so that `_BONE_HU` lies half-way between it and brain, and smoothing, which keeps noise
from being bone, does not move its edge."""

_RIM_MM = 4.0
"""This close to bone, blurring and beam hardening make healthy tissue up to 20 HU denser than brain 2 to 4 mm
away from it, so blood must stand out twice as far."""

_DEEP_SHARE = 0.15
"""Of a dense piece, at least this much must lie farther than `_RIM_MM` from bone: a layer of 5 mm does."""

_TISSUE_PERCENTILE = 30
"""Of a slice's brain: ordinary tissue even where blood fills more than half of the slice."""


@dataclass(frozen=True)
class Evidence:
    """All that a decision needs.

    Attributes:
        scan: what was looked at.
        brain_mask: intracranial cavity.
        map: in [0, 1] on the scan's grid. Of a classifier: 0 outside the cavity, maximum 1 in each slice
            that was looked at; slices below the gate were not. Of a segmentation network: P(bleed)
            of each voxel.
        slice_probabilities: P(bleed) per slice.
        allowed: voxels that may be bleed: in the cavity (unless the settings look everywhere) and in the
            HU range.
        subtypes: where a network of pixels tells them.
        doubts: what is odd about the head; see `doubts`.
    """

    scan: Scan
    brain_mask: BrainMask
    map: Float[np.ndarray, "slices rows columns"]
    slice_probabilities: Float[np.ndarray, " slices"]
    allowed: Bool[np.ndarray, "slices rows columns"]
    subtypes: SubtypeEvidence | None = None
    doubts: tuple[str, ...] = ()


def gather_evidence(
    scan: Scan,
    model: nn.Module,
    recipe: Recipe,
    settings: SegmentationSettings,
    batch_size: int = 4,
    *,
    labels: Sequence[str] = KNOWN_LABELS[2],
) -> Evidence:
    """Run the classifier on every slice and make maps of those at or above the gate.

    Args:
        scan: to look at.
        model: a classifier.
        recipe: how its input is made.
        settings: gate, and what makes the maps.
        batch_size: slices at a time; 1 where a map would depend on its batch.
        labels: what the outputs stand for; one of them for a bleed of whatever kind.
    """
    from ichnos.maps.methods import explain  # transformers, which load for seconds

    brain = mask_brain(scan, settings.brain_mask)
    grid, slices_hu = recipe.place(scan)
    target, map_settings = find_bleed_output(labels), settings.map_settings
    probabilities = classify(slices_hu, model, recipe, batch_size, labels)[:, target]
    chosen = np.flatnonzero(probabilities >= settings.probability_gate)
    maps = np.zeros(scan.voxels_hu.shape, dtype=np.float32)
    at_once = batch_size if map_settings.min_max_over == "slice" else 1
    for part, pixels in make_batches(slices_hu[chosen], recipe, at_once):
        on_grid = explain(model, pixels.to(find_device(model)), map_settings, (target,)).maps[:, 0]
        maps[chosen[part]] = grid.to_scan(on_grid.cpu().numpy())
    inside = look_inside(brain, settings)
    maps *= inside
    peaks = maps.max(axis=(1, 2), keepdims=True)
    maps /= np.where(peaks > 0, peaks, 1.0)
    return Evidence(scan, brain, maps, probabilities, is_dense(scan, inside, settings))


def look_inside(brain: BrainMask, settings: SegmentationSettings) -> Bool[np.ndarray, "slices rows columns"]:
    """Where bleed is looked for: the cavity, or everywhere."""
    return brain.mask.voxels if settings.within_brain else np.ones_like(brain.mask.voxels)


def classify(
    slices_hu: Float[np.ndarray, "slices rows columns"],
    model: nn.Module,
    recipe: Recipe,
    batch_size: int,
    labels: Sequence[str],
) -> Float[np.ndarray, "slices outputs"]:
    """Probability of each label in each slice of the model grid."""
    parts = []
    with torch.inference_mode():
        for _, pixels in make_batches(slices_hu, recipe, batch_size):
            logits = model(pixels.to(find_device(model)))
            parts.append(to_probabilities(logits.float(), labels).cpu().numpy())
    return np.concatenate(parts)


def make_batches(
    slices_hu: Float[np.ndarray, "slices rows columns"], recipe: Recipe, batch_size: int
) -> Iterator[tuple[slice, torch.Tensor]]:
    """Channels of a few slices at a time, each with their place."""
    for start in range(0, len(slices_hu), batch_size):
        part = slice(start, start + batch_size)
        yield part, torch.from_numpy(recipe.make_channels(slices_hu[part]))


def is_dense(
    scan: Scan, brain: Bool[np.ndarray, "slices rows columns"], settings: SegmentationSettings
) -> Bool[np.ndarray, "slices rows columns"]:
    """Brain voxels as dense as the settings ask; smoothed within the brain only, so that bone lends no HU."""
    if settings.bleed_hu is None and settings.bleed_contrast_hu is None:
        return brain
    low_hu, high_hu = settings.bleed_hu or (AIR_HU, np.inf)
    _, row_mm, column_mm = scan.geometry.spacing_mm
    dense = np.zeros_like(brain)
    for z in np.flatnonzero(brain.any(axis=(1, 2))):
        sigma = (_HU_SMOOTHING_MM / row_mm, _HU_SMOOTHING_MM / column_mm)
        share = ndimage.gaussian_filter(brain[z].astype(np.float32), sigma)
        weighted_hu = ndimage.gaussian_filter(np.where(brain[z], scan.voxels_hu[z], np.float32(0.0)), sigma)
        smooth_hu = weighted_hu / np.where(brain[z], share, 1.0)
        lowest_hu = np.full(smooth_hu.shape, low_hu)
        if settings.bleed_contrast_hu is not None:
            bone = ndimage.gaussian_filter(np.minimum(scan.voxels_hu[z], _CAPPED_HU), sigma) > _BONE_HU
            beside_bone = ndimage.distance_transform_edt(~bone, sampling=(row_mm, column_mm)) < _RIM_MM
            contrast_hu = settings.bleed_contrast_hu * np.where(beside_bone, 2.0, 1.0)
            tissue_hu = np.percentile(smooth_hu[brain[z]], _TISSUE_PERCENTILE)
            lowest_hu = np.maximum(low_hu, tissue_hu + contrast_hu)
        dense[z] = brain[z] & (smooth_hu >= lowest_hu) & (smooth_hu <= high_hu)
        if settings.bleed_contrast_hu is not None:
            dense[z] = _drop_rims(dense[z], beside_bone)
    return dense


def find_faint_pieces(
    voxels: Bool[np.ndarray, "slices rows columns"], dense: Bool[np.ndarray, "slices rows columns"], share: float
) -> Bool[np.ndarray, "slices rows columns"]:
    """Connected pieces (touching by faces) of which less than `share` is dense."""
    labels, count = ndimage.label(voxels)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    is_faint = np.bincount(labels[dense & voxels], minlength=count + 1) < share * sizes
    is_faint[0] = False
    return np.asarray(is_faint[labels])


def _drop_rims(
    dense: Bool[np.ndarray, "rows columns"], beside_bone: Bool[np.ndarray, "rows columns"]
) -> Bool[np.ndarray, "rows columns"]:
    """Leave out pieces that hardly leave the rim of bone: edges of bone, dura, sinuses, thin layers of blood."""
    labels, count = ndimage.label(dense)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    deep = np.bincount(labels[~beside_bone], minlength=count + 1)
    keeps = deep >= _DEEP_SHARE * sizes
    keeps[0] = False
    return np.asarray(keeps[labels])


def find_device(model: nn.Module) -> torch.device:
    """Where a network lies."""
    return next(model.parameters()).device
