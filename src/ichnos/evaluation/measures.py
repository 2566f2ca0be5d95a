"""What one item, a slice or a volume, is worth under a measure and a policy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ichnos.evaluation.case_score import CaseScore
from ichnos.evaluation.protocols import Protocol, View
from ichnos.metrics.empty_policy import OVERLAP_MEASURES, choose_policy, measure_overlap
from ichnos.metrics.overlap import Overlap


@dataclass(frozen=True)
class Item:
    """A slice or a volume.

    Attributes:
        name: case, for a slice with its z.
        patient: whose it is.
        fold: in which it was tested; empty without folds.
        overlap: its counts on the protocol's grid.
        score: of its case.
    """

    name: str
    patient: str
    fold: str
    overlap: Overlap
    score: CaseScore

    @property
    def bleeds(self) -> bool:
        """Whether a bleed is drawn in it."""
        return self.overlap.true_positive + self.overlap.false_negative > 0


def list_items(cases: Sequence[CaseScore], protocol: Protocol, folds: Mapping[str, str]) -> list[Item]:
    """Items of a protocol, in the order of cases and slices."""
    items = []
    for score in cases:
        fold = folds.get(score.case, "")
        if protocol.unit == "volume":
            items.append(Item(score.case, score.patient, fold, score.overlap(protocol.grid), score))
            continue
        for one in score.slices:
            name, overlap = f"{score.case} slice {one.z}", one.counts[protocol.grid].overlap
            items.append(Item(name, score.patient, fold, overlap, score))
    return items


def choose_items(items: Sequence[Item], view: View) -> list[Item]:
    """All items, or those with a drawn bleed, whatever was predicted."""
    return [item for item in items if view == "all" or item.bleeds]


def measure(item: Item, name: str, policy: str) -> float:
    """Value of an item; NaN where the policy leaves it out."""
    if name in OVERLAP_MEASURES:
        return measure_overlap(item.overlap, name, policy)
    return _OF_VOLUMES[name](item.score, policy)


def measure_all(items: Sequence[Item], name: str, policy: str) -> Float[np.ndarray, " items"]:
    """Values of items, in their order."""
    return np.array([measure(item, name, policy) for item in items], dtype=float)


def _surface_dice(score: CaseScore, policy: str) -> float:
    if not score.surface_voxels:
        return choose_policy(policy).undefined
    return score.surface_close / score.surface_voxels


def _distance_mm(score: CaseScore, value: float | None, policy: str) -> float:
    """The diagonal of the scan where one surface is missing: a miss is never near."""
    if value is not None:
        return value
    if score.surface_voxels:
        return score.diagonal_mm
    return 0.0 if choose_policy(policy).undefined == 1.0 else float("nan")


_OF_VOLUMES: dict[str, Callable[[CaseScore, str], float]] = {
    "surface_dice": _surface_dice,
    "hd95_mm": lambda score, policy: _distance_mm(score, score.hd95_mm, policy),
    "assd_mm": lambda score, policy: _distance_mm(score, score.assd_mm, policy),
    "lesion_f1": lambda score, policy: measure_overlap(score.lesions.overlap, "dice", policy),
    "lesion_recall": lambda score, policy: measure_overlap(score.lesions.overlap, "recall", policy),
    "absolute_error_ml": lambda score, _: abs(score.predicted_ml - score.label_ml),
}

MEASURES = (*OVERLAP_MEASURES, *_OF_VOLUMES)
"""Names of measures; all but those of overlap are of volumes only."""

LOWER_IS_BETTER = frozenset({"hd95_mm", "assd_mm", "absolute_error_ml"})
