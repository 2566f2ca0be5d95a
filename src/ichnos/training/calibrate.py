"""Choose the map threshold on scans that were not trained on."""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Bool

from ichnos.metrics.overlap import THRESHOLDS, dice_by_threshold
from ichnos.scans.scan import Scan
from ichnos.segmentation.segmenter import Segmenter

LabelledScan = tuple[Scan, Bool[np.ndarray, "slices rows columns"]]


def calibrate_threshold(segmenter: Segmenter, cases: Iterable[LabelledScan]) -> tuple[float, float]:
    """Threshold with the best mean slice Dice, and that Dice.

    As the first paper (Rasoulian et al. 2023, 3.3): a grid of step 0.01, slices that hold a bleed,
    whatever the classifier says of them; unlike its code, the whole grid in one pass over the maps
    and ties to the smallest threshold. Dice is taken on the scan's own pixels.

    Args:
        segmenter: its gate is opened and its threshold ignored.
        cases: scans with their bleed masks; scans without a bleed count for nothing.
    """
    opened = segmenter.with_settings(segmenter.settings.model_copy(update={"probability_gate": 0.0}))
    curves = []
    for scan, label in cases:
        if not label.any():
            continue
        evidence = opened.gather(scan)
        positive = np.flatnonzero(label.any(axis=(1, 2)))
        curves += [dice_by_threshold(evidence.map[z], label[z], evidence.allowed[z]) for z in positive]
    if not curves:
        return segmenter.settings.map_threshold, float("nan")
    mean = np.mean(np.nan_to_num(curves), axis=0)
    # A threshold of 0 would take everything that is allowed, map or no map.
    best = int(mean[1:].argmax()) + 1
    return float(THRESHOLDS[best]), float(mean[best])
