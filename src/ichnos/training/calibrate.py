"""Choose map threshold and gate on scans that were not trained on."""

from collections.abc import Iterable, Iterator

import numpy as np
from jaxtyping import Bool, Float

from ichnos.metrics.empty_policy import mean_dice_by_threshold
from ichnos.metrics.overlap import THRESHOLDS, ThresholdCounts, choose_threshold, count_by_threshold
from ichnos.scans.scan import Scan
from ichnos.segmentation.segmenter import Segmenter

LabelledScan = tuple[Scan, Bool[np.ndarray, "slices rows columns"]]


def calibrate_threshold(segmenter: Segmenter, cases: Iterable[LabelledScan]) -> tuple[float, float]:
    """Threshold with the best mean slice Dice, and that Dice.

    As the first paper (Rasoulian et al. 2023, 3.2.2): a grid of step 0.01, slices that hold a bleed,
    whatever the classifier says of them; unlike its code, the whole grid in one pass over the maps.
    Dice is taken on the scan's own pixels; `choose_threshold` says which threshold wins.

    Args:
        segmenter: its gate is opened and its threshold ignored.
        cases: scans with their bleed masks; scans without a bleed count for nothing.
    """
    opened = segmenter.with_settings(segmenter.settings.model_copy(update={"probability_gate": 0.0}))
    curve = mean_dice_by_threshold(_count(opened, cases), "excluded")
    return (segmenter.settings.map_threshold, float("nan")) if np.isnan(curve).all() else choose_threshold(curve)


def _count(segmenter: Segmenter, cases: Iterable[LabelledScan]) -> Iterator[ThresholdCounts]:
    """Of each slice that bleeds."""
    for scan, label in cases:
        positive = np.flatnonzero(label.any(axis=(1, 2)))
        if len(positive):
            evidence = segmenter.gather(scan)
            yield from (count_by_threshold(evidence.map[z], label[z], evidence.allowed[z]) for z in positive)


def calibrate_gate(
    probabilities: Float[np.ndarray, " slices"], is_positive: Bool[np.ndarray, " slices"], specificity: float
) -> float:
    """Smallest gate of step 0.01, from 0.5 on, that keeps the asked share of bleed-free slices below it.

    Needed because training draws both labels equally often, so that P(bleed) is too high where bleeds
    are rarer.

    Args:
        probabilities: P(bleed) of slices that were not trained on.
        is_positive: their labels.
        specificity: share of slices without a bleed that shall stay empty, in [0, 1].
    """
    healthy = probabilities[~is_positive]
    for gate in THRESHOLDS[50:]:
        if (healthy < np.float32(gate)).mean() >= specificity:
            return float(gate)
    return 1.0
