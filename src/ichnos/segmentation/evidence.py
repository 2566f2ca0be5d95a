"""What a network says about a scan, before any threshold: computed once, decided on many times."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy import ndimage
from torch import nn

from ichnos.maps.methods import explain
from ichnos.models.outputs import KNOWN_LABELS, find_bleed_output, to_probabilities
from ichnos.preprocessing.brain_mask import BrainMask, find_brain_mask
from ichnos.preprocessing.grid import ModelGrid
from ichnos.preprocessing.recipe import Recipe
from ichnos.scans.scan import Scan
from ichnos.segmentation.settings import SegmentationSettings

_HU_SMOOTHING_MM = 1.0
"""In-plane Gaussian (sigma) before the HU range is asked, so that noise does not pepper a mask."""


@dataclass(frozen=True)
class Evidence:
    """All that a decision needs.

    Attributes:
        scan: what was looked at.
        brain_mask: intracranial cavity.
        map: in [0, 1] on the scan's grid, 0 outside the cavity, maximum 1 in each slice that was
            looked at; slices below the gate were not.
        slice_probabilities: P(bleed) per slice.
        allowed: voxels that may be bleed: in the cavity and in the HU range.
    """

    scan: Scan
    brain_mask: BrainMask
    map: Float[np.ndarray, "slices rows columns"]
    slice_probabilities: Float[np.ndarray, " slices"]
    allowed: Bool[np.ndarray, "slices rows columns"]


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
    brain = find_brain_mask(scan)
    grid = ModelGrid.place(scan, recipe.image_size, recipe.field_of_view_mm, recipe.resized_to)
    slices_hu = grid.to_model(scan.voxels_hu)
    target, map_settings = find_bleed_output(labels), settings.map_settings
    probabilities = classify(slices_hu, model, recipe, batch_size, labels)[:, target]
    chosen = np.flatnonzero(probabilities >= settings.probability_gate)
    maps = np.zeros(scan.voxels_hu.shape, dtype=np.float32)
    at_once = batch_size if map_settings.min_max_over == "slice" else 1
    for part, pixels in _batches(slices_hu[chosen], recipe, at_once):
        on_grid = explain(model, pixels.to(_device(model)), map_settings, (target,)).maps[:, 0]
        maps[chosen[part]] = grid.to_scan(on_grid.cpu().numpy())
    maps *= brain.mask.voxels
    peaks = maps.max(axis=(1, 2), keepdims=True)
    maps /= np.where(peaks > 0, peaks, 1.0)
    allowed = _has_bleed_hu(scan, brain.mask.voxels, settings.bleed_hu)
    return Evidence(scan, brain, maps, probabilities, allowed)


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
        for _, pixels in _batches(slices_hu, recipe, batch_size):
            logits = model(pixels.to(_device(model)))
            parts.append(to_probabilities(logits.float(), labels).cpu().numpy())
    return np.concatenate(parts)


def _batches(
    slices_hu: Float[np.ndarray, "slices rows columns"], recipe: Recipe, batch_size: int
) -> Iterator[tuple[slice, torch.Tensor]]:
    for start in range(0, len(slices_hu), batch_size):
        part = slice(start, start + batch_size)
        yield part, torch.from_numpy(recipe.make_channels(slices_hu[part]))


def _has_bleed_hu(
    scan: Scan, brain: Bool[np.ndarray, "slices rows columns"], bleed_hu: tuple[float, float] | None
) -> Bool[np.ndarray, "slices rows columns"]:
    """Brain voxels whose smoothed HU lie in the range; smoothed within the brain only, so that bone lends no HU."""
    if bleed_hu is None:
        return brain
    _, row_mm, column_mm = scan.geometry.spacing_mm
    sigma = (0.0, _HU_SMOOTHING_MM / row_mm, _HU_SMOOTHING_MM / column_mm)
    share = ndimage.gaussian_filter(brain.astype(np.float32), sigma)
    weighted_hu = ndimage.gaussian_filter(np.where(brain, scan.voxels_hu, np.float32(0.0)), sigma)
    low_hu, high_hu = bleed_hu
    return brain & (weighted_hu >= low_hu * share) & (weighted_hu <= high_hu * share)


def _device(model: nn.Module) -> torch.device:
    return next(model.parameters()).device
