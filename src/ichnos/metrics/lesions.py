"""How many bleeds are found, whatever their size: matching of connected lesions, free-response curves."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from ichnos.metrics.overlap import Overlap
from ichnos.runtime.names import choose_by_name

CONNECTIVITIES = {6: 1, 18: 2, 26: 3}
"""Neighbours that belong to the same lesion: across faces, edges too, corners too."""

FALSE_POSITIVE_RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""False positives per scan at which a free-response curve is read, as the LUNA16 challenge does."""


def label_lesions(
    mask: Bool[np.ndarray, "slices rows columns"], connectivity: int = 26
) -> Int[np.ndarray, "slices rows columns"]:
    """Connected lesions numbered from 1; 0 elsewhere.

    26 neighbours by default: a thin subdural bleed on thick slices steps sideways from one slice to the
    next and would fall to pieces with 6.
    """
    from scipy import ndimage

    structure = ndimage.generate_binary_structure(3, CONNECTIVITIES[connectivity])
    numbers, _ = ndimage.label(mask, structure)
    return np.asarray(numbers, dtype=np.int64)


@dataclass(frozen=True)
class LesionMatch:
    """Which lesions of a scan were found and which predicted ones are right.

    Attributes:
        found: for each labelled lesion.
        right: for each predicted lesion.
    """

    found: Bool[np.ndarray, " labelled"]
    right: Bool[np.ndarray, " predicted"]

    @property
    def counts(self) -> Overlap:
        """TP: labelled lesions found; FP: predicted lesions that are not right; FN: labelled ones missed.

        Its Dice is the lesion-wise F1, its recall the sensitivity, and its false positives are those of
        the scan. Counts of scans can be summed; empty ones fall under the same policies as voxels.
        """
        return Overlap(
            true_positive=int(self.found.sum()),
            false_positive=int((~self.right).sum()),
            false_negative=int((~self.found).sum()),
        )


def _match_any(iou: Float[np.ndarray, "predicted labelled"]) -> LesionMatch:
    touches = np.asarray(iou > 0)
    return LesionMatch(np.any(touches, axis=0), np.any(touches, axis=1))


def _match_pairs(iou: Float[np.ndarray, "predicted labelled"], least: float) -> LesionMatch:
    from scipy.optimize import linear_sum_assignment

    enough = (iou >= least) & (iou > 0)
    pairs = np.array(linear_sum_assignment(np.where(enough, iou, 0.0), maximize=True))
    kept = pairs[:, enough[tuple(pairs)]]
    found, right = np.zeros(iou.shape[1], bool), np.zeros(iou.shape[0], bool)
    right[kept[0]], found[kept[1]] = True, True
    return LesionMatch(found, right)


MATCHINGS: dict[str, Callable[[Float[np.ndarray, "predicted labelled"]], LesionMatch]] = {
    "any-overlap": _match_any,
    "iou-0.1": lambda iou: _match_pairs(iou, 0.1),
    "iou-0.25": lambda iou: _match_pairs(iou, 0.25),
    "iou-0.5": lambda iou: _match_pairs(iou, 0.5),
}
"""When lesions match.

`any-overlap`: one shared voxel is enough, and a lesion may match several. One predicted lesion that
covers two labelled ones finds both; two predicted ones inside one labelled are both right and find one.

`iou-...`: pairs of which each lesion belongs to one at most, with at least that intersection over
union; of all ways to pair the one with the largest sum, so that a good pair is not broken up to make
two poor ones. One predicted lesion over two labelled ones finds one at most, the other is missed; of
two predicted ones in one labelled, one is a false positive.
"""


def match_lesions(
    predicted: Int[np.ndarray, "slices rows columns"],
    label: Int[np.ndarray, "slices rows columns"],
    matching: str,
) -> LesionMatch:
    """Match numbered lesions, as `label_lesions` numbers them, by one of `MATCHINGS`."""
    return choose_by_name(MATCHINGS, matching, "matching of lesions")(lesion_iou(predicted, label))


def lesion_iou(
    predicted: Int[np.ndarray, "slices rows columns"], label: Int[np.ndarray, "slices rows columns"]
) -> Float[np.ndarray, "predicted labelled"]:
    """Intersection over union of every predicted with every labelled lesion."""
    rows, columns = int(predicted.max(initial=0)) + 1, int(label.max(initial=0)) + 1
    seen = (predicted > 0) | (label > 0)
    shared = np.bincount(predicted[seen] * columns + label[seen], minlength=rows * columns).reshape(rows, columns)
    sizes = shared.sum(axis=1)[1:, None] + shared.sum(axis=0)[None, 1:]
    return shared[1:, 1:] / (sizes - shared[1:, 1:])


@dataclass(frozen=True)
class Candidates:
    """Predicted lesions of one scan with the confidence in each.

    Attributes:
        confidences: higher is surer.
        hits: which labelled lesions each candidate touches; no labelled lesions means no columns.
    """

    confidences: Float[np.ndarray, " candidates"]
    hits: Bool[np.ndarray, "candidates labelled"]


def gather_candidates(
    values: Float[np.ndarray, "slices rows columns"],
    predicted: Int[np.ndarray, "slices rows columns"],
    label: Int[np.ndarray, "slices rows columns"],
) -> Candidates:
    """Candidates of a scan: its predicted lesions, each as sure as the highest value of the map in it."""
    from scipy import ndimage

    numbers = np.arange(1, int(predicted.max(initial=0)) + 1)
    highest = np.asarray(ndimage.maximum(values, predicted, numbers), dtype=float).reshape(len(numbers))
    return Candidates(highest, lesion_iou(predicted, label) > 0)


@dataclass(frozen=True)
class FreeResponse:
    """Free-response curve: what is found and what invented, as confidence is asked for less and less.

    Attributes:
        thresholds: confidences that occur, falling; candidates at or above are kept.
        sensitivity: share of all labelled lesions that a kept candidate touches.
        false_positives_per_scan: kept candidates that touch nothing, over the number of scans.
        lesions: labelled in all scans; where 0, sensitivity is NaN.
        scans: all, also those without a lesion or a candidate.
    """

    thresholds: Float[np.ndarray, " thresholds"]
    sensitivity: Float[np.ndarray, " thresholds"]
    false_positives_per_scan: Float[np.ndarray, " thresholds"]
    lesions: int
    scans: int

    def sensitivity_at(self, false_positives_per_scan: float) -> float:
        """Highest sensitivity with at most so many false positives per scan, without interpolation; 0 if none."""
        if not self.lesions:
            return float("nan")
        affordable = self.sensitivity[self.false_positives_per_scan <= false_positives_per_scan]
        return float(affordable.max(initial=0.0))

    @property
    def mean_sensitivity(self) -> float:
        """Mean sensitivity at `FALSE_POSITIVE_RATES`."""
        return float(np.mean([self.sensitivity_at(rate) for rate in FALSE_POSITIVE_RATES]))


def trace_free_response(scans: Iterable[Candidates]) -> FreeResponse:
    """Free-response curve over scans; those without any candidate or lesion count as scans too.

    A candidate that touches several lesions finds them all; several that touch one find it once, and
    none of them is a false positive.
    """
    listed = list(scans)
    assert listed, "a free-response curve needs a scan"
    invented = np.concatenate([scan.confidences[~scan.hits.any(axis=1)] for scan in listed])
    surest = [np.where(scan.hits, scan.confidences[:, None], -np.inf).max(axis=0, initial=-np.inf) for scan in listed]
    lesions = np.concatenate(surest)
    thresholds = np.unique(np.concatenate([scan.confidences for scan in listed]))[::-1]
    return FreeResponse(
        thresholds=thresholds,
        sensitivity=_count_at_least(lesions, thresholds) / len(lesions) if len(lesions) else thresholds * np.nan,
        false_positives_per_scan=_count_at_least(invented, thresholds) / len(listed),
        lesions=len(lesions),
        scans=len(listed),
    )


def _count_at_least(
    values: Float[np.ndarray, " values"], thresholds: Float[np.ndarray, " thresholds"]
) -> Int[np.ndarray, " thresholds"]:
    return len(values) - np.searchsorted(np.sort(values), thresholds, side="left")
