"""A map threshold for each fold, chosen on the other folds only.

As the first paper does (Rasoulian et al. 2023, 3.2.2): for fold k the value of 0.01 to 1 with the best mean Dice over
the slices of the other folds that bleed. The code released with it has one constant, a mean over folds that
contain the tested one. Each map is made once; all thresholds are tried on it at once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from ichnos.errors import UsageError
from ichnos.metrics.overlap import choose_threshold, dice_by_threshold
from ichnos.scans.scan import Scan
from ichnos.segmentation.segmenter import Segmenter

Curves = Float[np.ndarray, "bleeding 101"]


@dataclass(frozen=True)
class FoldThreshold:
    """What was chosen for one fold.

    Attributes:
        threshold: of maps.
        dice: mean over the slices that it was chosen on.
        slices: how many those are.
        cases: from which they come; none is of the fold.
    """

    threshold: float
    dice: float
    slices: int
    cases: tuple[str, ...]


def trace_curves(
    segmenter: Segmenter, cases: Iterable[tuple[str, Scan, Bool[np.ndarray, "slices rows columns"]]]
) -> dict[str, Curves]:
    """Dice at each of `THRESHOLDS` in every bleeding slice, by case; one pass over the maps.

    Args:
        segmenter: its gate is opened: every bleeding slice counts, whatever it is called.
        cases: id, scan and bleed mask; consumed one at a time.
    """
    opened = segmenter.with_settings(segmenter.settings.model_copy(update={"probability_gate": 0.0}))
    curves: dict[str, Curves] = {}
    for case, scan, label in cases:
        positive = np.flatnonzero(label.any(axis=(1, 2)))
        if not len(positive):
            continue
        evidence = opened.gather(scan)
        curves[case] = np.stack([dice_by_threshold(evidence.map[z], label[z], evidence.allowed[z]) for z in positive])
    return curves


def choose_fold_thresholds(curves: Mapping[str, Curves], folds: Mapping[str, str]) -> dict[str, FoldThreshold]:
    """For each fold the threshold that is best on all others; ties go to the smallest, 0 is never chosen.

    Args:
        curves: by case, from `trace_curves`; a case without a bleeding slice is not in it.
        folds: fold of every case.

    Raises:
        UsageError: a case without a fold, or no bleeding slice outside a fold.
    """
    without = sorted(curves.keys() - folds.keys())
    if without:
        raise UsageError(
            f"{len(without)} case(s) have no fold: {', '.join(without[:5])}; add them to the table of folds"
        )
    chosen = {}
    for fold in sorted(set(folds.values())):
        others = sorted(case for case in curves if folds[case] != fold)
        if not others:
            raise UsageError(f"outside fold {fold} no slice bleeds, so that no threshold can be chosen for it")
        stacked = np.concatenate([curves[case] for case in others])
        chosen[fold] = FoldThreshold(*choose_threshold(stacked.mean(axis=0)), len(stacked), tuple(others))
    return chosen
