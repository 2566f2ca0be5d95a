"""From traces to scores of slices, as the first paper counts (Rasoulian et al. 2023, 3.4).

Dice and IoU are taken in slices that are labelled as bleeding, whatever a method calls them. The threshold of a map is
that of the best mean Dice on the other folds; a segmentation network is cut at one half.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from ichnos.evaluation.fold_thresholds import choose_fold_thresholds
from ichnos.evaluation.reproduction.traces import CaseTrace
from ichnos.metrics.empty_policy import Summary, measure_overlap, summarise_values
from ichnos.metrics.overlap import THRESHOLDS

POLICY = "excluded"
"""Of empty masks; of slices that bleed none is left out."""

PIXEL_THRESHOLD = 0.5
"""Of a segmentation network's probabilities."""

CALL = 0.5
"""From this probability on a slice is called bleeding; of a segmentation network: ten pixels reach one half."""


@dataclass(frozen=True)
class SliceScores:
    """Scores of a method.

    Attributes:
        dice: of each slice that bleeds.
        iou: of each slice that bleeds.
        patients: number of the patient of each slice that bleeds.
        folds: fold of each slice that bleeds.
        probabilities: of all slices.
        labels: whether each of all slices bleeds.
        all_folds: fold of each of all slices.
        thresholds: by fold.
        missed: slices that bleed in which nothing was found.
    """

    dice: Float[np.ndarray, " bleeding"]
    iou: Float[np.ndarray, " bleeding"]
    patients: Int[np.ndarray, " bleeding"]
    folds: tuple[str, ...]
    probabilities: Float[np.ndarray, " slices"]
    labels: Bool[np.ndarray, " slices"]
    all_folds: tuple[str, ...]
    thresholds: Mapping[str, float]
    missed: int

    def summary(self, measure: str, fold: str | None = None) -> Summary:
        """Mean of `dice` or `iou` with its standard error over slices, of one fold or all."""
        values = np.asarray(getattr(self, measure))
        chosen = values if fold is None else values[np.array(self.folds) == fold]
        return summarise_values(chosen, both_empty=0, missed=self.missed, invented=0)

    def detections(self, fold: str | None = None) -> tuple[Bool[np.ndarray, " slices"], Bool[np.ndarray, " slices"]]:
        """(called, label) of slices of one fold or all."""
        chosen = np.array([fold in (None, one) for one in self.all_folds])
        return self.probabilities[chosen] >= CALL, self.labels[chosen]


def score_slices(
    traces: Sequence[CaseTrace], folds: Mapping[str, str], region: str, *, calibrated: bool
) -> SliceScores:
    """Scores of one method.

    Args:
        traces: of all cases.
        folds: fold of each case.
        region: where a mask may be; one of `traces.REGIONS`.
        calibrated: whether the threshold of each fold is chosen on the others; else `PIXEL_THRESHOLD`.
    """
    thresholds = dict.fromkeys(sorted(set(folds.values())), PIXEL_THRESHOLD)
    if calibrated:
        curves = {one.case: one.curves(region) for one in traces if one.is_scored(region).any()}
        found = choose_fold_thresholds(curves, {one.case: folds[one.case] for one in traces})
        thresholds = {fold: one.threshold for fold, one in found.items()}
    patients = {name: number for number, name in enumerate(sorted({one.patient for one in traces}))}
    overlaps, places = [], []
    for one in traces:
        step = int(np.abs(THRESHOLDS - thresholds[folds[one.case]]).argmin())
        for z in np.flatnonzero(one.is_scored(region)):
            overlaps.append(one.slice_overlap(region, int(z), step))
            places.append((patients[one.patient], folds[one.case]))
    return SliceScores(
        dice=np.array([measure_overlap(overlap, "dice", POLICY) for overlap in overlaps]),
        iou=np.array([measure_overlap(overlap, "iou", POLICY) for overlap in overlaps]),
        patients=np.array([patient for patient, _ in places], dtype=int),
        folds=tuple(fold for _, fold in places),
        probabilities=np.concatenate([one.probabilities for one in traces]),
        labels=np.concatenate([one.bleeds for one in traces]),
        all_folds=tuple(folds[one.case] for one in traces for _ in one.bleeds),
        thresholds=thresholds,
        missed=sum(overlap.is_missed for overlap in overlaps),
    )
