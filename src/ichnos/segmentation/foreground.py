"""What a segmentation network says about a scan: the probability of each pixel, brought to the scan's grid.

As the second paper does (Spahr et al. 2023, 2.4), except that probabilities are interpolated on the scan's own
pixels and thresholded there; its released code compares masks of 256 x 256 pixels.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ichnos.models.outputs import KNOWN_LABELS, find_bleed_output, to_probabilities
from ichnos.preprocessing.recipe import Recipe
from ichnos.scans.scan import Scan
from ichnos.segmentation.brain_masks import mask_brain
from ichnos.segmentation.evidence import Evidence, find_device, find_faint_pieces, is_dense, look_inside, make_batches
from ichnos.segmentation.settings import SegmentationSettings, View
from ichnos.segmentation.subtypes import SUBTYPES, SubtypeEvidence

Way = Callable[[Tensor], Tensor]

VIEWS: dict[View, tuple[Way, Way]] = {
    "upright": (lambda pixels: pixels, lambda answer: answer),
    "mirrored": (lambda pixels: pixels.flip(-1), lambda answer: answer.flip(-1)),
    "upside-down": (lambda pixels: pixels.flip(-2), lambda answer: answer.flip(-2)),
    "half-turn": (lambda pixels: pixels.flip(-2, -1), lambda answer: answer.flip(-2, -1)),
    "quarter-turn": (lambda pixels: pixels.rot90(1, (-2, -1)), lambda answer: answer.rot90(-1, (-2, -1))),
    "quarter-back": (lambda pixels: pixels.rot90(-1, (-2, -1)), lambda answer: answer.rot90(1, (-2, -1))),
}
"""How a slice is turned before a network sees it, and its answer back."""


def gather_foreground(
    scan: Scan,
    model: nn.Module,
    recipe: Recipe,
    settings: SegmentationSettings,
    batch_size: int = 4,
    *,
    labels: Sequence[str] = KNOWN_LABELS[1],
) -> Evidence:
    """Run a segmentation network on every slice.

    Args:
        scan: to look at.
        model: gives logits of each pixel.
        recipe: how its input is made.
        settings: detection rule, views, and where bleed may be.
        batch_size: slices at a time; it changes nothing.
        labels: what the outputs stand for; one of them for a bleed of whatever kind.
    """
    brain = mask_brain(scan, settings.brain_mask)
    inside = look_inside(brain, settings)
    grid, slices_hu = recipe.place(scan)
    target = find_bleed_output(labels)
    parts = [
        _predict(model, pixels.to(find_device(model)), labels, settings)
        for _, pixels in make_batches(slices_hu, recipe, batch_size)
    ]
    outputs = np.concatenate(parts)
    maps = grid.to_scan(outputs[:, target])
    np.clip(maps, 0.0, 1.0, out=maps)
    dense = is_dense(scan, inside, settings)
    if settings.dense_share is not None:
        faint = find_faint_pieces(inside & (maps >= settings.map_threshold), dense, settings.dense_share)
        maps[faint] = 0.0
        inside = dense = inside & ~faint
    looked_at = grid.fractions_to_model(inside.astype(np.float32)) >= 0.5
    slice_probabilities = detect_slices(outputs[:, target], looked_at, settings.minimum_pixels)
    told = SubtypeEvidence(outputs[:, : len(SUBTYPES)], grid) if tuple(labels) == KNOWN_LABELS[6] else None
    return Evidence(scan, brain, maps, slice_probabilities, dense, told)


def detect_slices(
    probabilities: Float[np.ndarray, "slices rows columns"],
    looked_at: Bool[np.ndarray, "slices rows columns"],
    minimum_pixels: int,
) -> Float[np.ndarray, " slices"]:
    """Probability of each slice: the highest threshold that at least `minimum_pixels` pixels reach.

    So the question whether a slice has that many foreground pixels at threshold t (Rasoulian et al. 2023,
    4.4) is whether its probability is at least t, for every t above 0 at once.

    Args:
        probabilities: of each pixel of the model grid.
        looked_at: pixels that count; a slice with fewer than `minimum_pixels` of them has 0.
        minimum_pixels: at least 1.
    """
    counted = np.where(looked_at, probabilities, np.float32(0.0)).reshape(len(probabilities), -1)
    if counted.shape[1] < minimum_pixels:
        return np.zeros(len(counted), dtype=np.float32)
    return np.partition(counted, -minimum_pixels, axis=1)[:, -minimum_pixels].astype(np.float32)


def _predict(
    model: nn.Module,
    pixels: Float[Tensor, "slices channels rows columns"],
    labels: Sequence[str],
    settings: SegmentationSettings,
) -> Float[np.ndarray, "slices outputs rows columns"]:
    with torch.inference_mode():
        seen = [_look(model, pixels, labels, view) for view in settings.shown_as]
    return (sum(seen[1:], start=seen[0]) / len(seen)).cpu().numpy()


def _look(
    model: nn.Module, pixels: Float[Tensor, "slices channels rows columns"], labels: Sequence[str], view: View
) -> Float[Tensor, "slices outputs rows columns"]:
    there, back = VIEWS[view]
    return back(to_probabilities(model(there(pixels)).float(), labels))
