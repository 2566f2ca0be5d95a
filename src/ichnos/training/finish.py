"""What is chosen after the fit: gate and thresholds of a network that can segment."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from ichnos.models.checkpoint import Checkpoint
from ichnos.models.create import KINDS
from ichnos.models.outputs import find_bleed_output, finds_bleed, to_probabilities
from ichnos.phantoms import make_phantom
from ichnos.runtime.files import nan_to_none
from ichnos.segmentation.segmenter import make_segmenter
from ichnos.training.batch import Batch
from ichnos.training.calibrate import LabelledScan, calibrate_gate, calibrate_threshold
from ichnos.training.data import Slices
from ichnos.training.recipe import TrainingRecipe

PIXEL_THRESHOLD = 0.5
"""Of a network that gives a probability for each pixel (Spahr et al. 2023, 2.5.2)."""


def calibrate(
    checkpoint: Checkpoint,
    recipe: TrainingRecipe,
    batches: DataLoader[Batch],
    validation: Slices,
    device: torch.device,
) -> Checkpoint:
    """The checkpoint with what was chosen on validation slices.

    A classifier: its gate and, where the data are phantoms, its map threshold; on a store, which keeps
    no scans, the recipe's threshold stays. A network that labels pixels: no gate, threshold 0.5. After
    a pretext, or where no bleed is found: nothing.
    """
    if not finds_bleed(checkpoint.labels):
        return checkpoint
    if KINDS[checkpoint.network["name"]] != "classifier":
        return _with(checkpoint, {"probability_gate": 0.0, "map_threshold": PIXEL_THRESHOLD}, {})
    gate = calibrate_gate(*predict(checkpoint, batches, device), recipe.data.gate_specificity)
    gated = _with(checkpoint, {"probability_gate": gate}, {})
    if recipe.data.store is not None:
        return gated
    segmenter = make_segmenter(gated, "in training", device)
    threshold, dice = calibrate_threshold(segmenter, _labelled_scans(validation, recipe))
    gated.model.cpu()
    return _with(gated, {"map_threshold": threshold}, {"mean_slice_dice": dice})


def predict(checkpoint: Checkpoint, batches: DataLoader[Batch], device: torch.device) -> tuple[np.ndarray, np.ndarray]:
    """P(bleed) and label of each labelled slice."""
    target = find_bleed_output(checkpoint.labels)
    model, parts = checkpoint.model.to(device).eval(), []
    with torch.inference_mode():
        for batch in batches:
            known = batch.labels[:, 0] >= 0
            probabilities = to_probabilities(model(batch.pixels.to(device)), checkpoint.labels)[:, target].cpu()
            parts.append((probabilities[known].float().numpy(), batch.is_positive[known].numpy()))
    model.cpu()
    return np.concatenate([probabilities for probabilities, _ in parts]), np.concatenate([label for _, label in parts])


def _labelled_scans(validation: Slices, recipe: TrainingRecipe) -> Iterator[LabelledScan]:
    """The first validation phantoms that bleed and whose masks may be used, made again."""
    store, rows = validation.store, validation.rows
    bleeding = np.unique(store.cases[rows][store.is_positive[rows] & store.has_mask[rows]])
    for case in bleeding[: recipe.data.calibration_phantoms]:
        phantom = make_phantom(recipe.data.seeds[int(case)], recipe.data.settings)
        yield phantom.scan, phantom.bleed_mask


def _with(checkpoint: Checkpoint, chosen: dict[str, float], figures: dict[str, float]) -> Checkpoint:
    """The checkpoint with chosen settings of segmentation, told among what it was trained with."""
    told: dict[str, Any] = {**checkpoint.training.get("calibration", {}), **nan_to_none({**chosen, **figures})}
    return replace(
        checkpoint,
        segmentation={**checkpoint.segmentation, **chosen},
        training={**checkpoint.training, "calibration": told},
    )
