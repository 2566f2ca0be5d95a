"""How well a predicted mask covers a labelled one: counts that add up from slices to volumes."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

THRESHOLDS = np.round(np.linspace(0.0, 1.0, 101), 2)
"""The grid on which the first paper chooses its threshold (Rasoulian et al. 2023, 3.2.2): step 0.01."""


@dataclass(frozen=True)
class Overlap:
    """Counts of voxels (or lesions) that prediction and label share or do not share.

    Counts of slices add up to the counts of their volume, as the second paper takes them (Spahr et
    al. 2023, 2.4): sum first, then divide. The four measures below are the plain ratios; 0/0 is NaN, and
    `ichnos.metrics.empty_policy` says what is done with it.
    """

    true_positive: int
    false_positive: int
    false_negative: int

    def __add__(self, other: "Overlap") -> "Overlap":
        return Overlap(
            self.true_positive + other.true_positive,
            self.false_positive + other.false_positive,
            self.false_negative + other.false_negative,
        )

    @property
    def is_empty(self) -> bool:
        """Whether both masks are empty, so that no overlap measure is defined."""
        return self.true_positive + self.false_positive + self.false_negative == 0

    @property
    def is_missed(self) -> bool:
        """Whether something is labelled and nothing predicted."""
        return self.true_positive + self.false_positive == 0 and self.false_negative > 0

    @property
    def is_invented(self) -> bool:
        """Whether something is predicted and nothing labelled."""
        return self.true_positive + self.false_negative == 0 and self.false_positive > 0

    @property
    def dice(self) -> float:
        """2 TP / (2 TP + FP + FN) in [0, 1]; NaN where both masks are empty.

        The caller states what it does with NaN and how often it happened.
        """
        return _ratio(2 * self.true_positive, self.false_positive + self.false_negative)

    @property
    def iou(self) -> float:
        """TP / (TP + FP + FN) in [0, 1]; NaN where both masks are empty."""
        return _ratio(self.true_positive, self.false_positive + self.false_negative)

    @property
    def precision(self) -> float:
        """TP / (TP + FP) in [0, 1]: which part of the prediction is right.

        0 where something is labelled and nothing predicted, although that is 0/0: were it NaN and left
        out, the mean precision would rise with each bleed that is missed. NaN where both masks are empty.
        """
        return 0.0 if self.is_missed else _ratio(self.true_positive, self.false_positive)

    @property
    def recall(self) -> float:
        """TP / (TP + FN) in [0, 1]: which part of the label is found; NaN where nothing is labelled."""
        return _ratio(self.true_positive, self.false_negative)


def count_overlap(predicted: Bool[np.ndarray, "*voxels"], label: Bool[np.ndarray, "*voxels"]) -> Overlap:
    """Compare two masks of equal shape."""
    true_positive = int(np.count_nonzero(predicted & label))
    return Overlap(
        true_positive=true_positive,
        false_positive=int(np.count_nonzero(predicted)) - true_positive,
        false_negative=int(np.count_nonzero(label)) - true_positive,
    )


def count_overlap_by_slice(
    predicted: Bool[np.ndarray, "slices rows columns"], label: Bool[np.ndarray, "slices rows columns"]
) -> list[Overlap]:
    """Compare each slice by itself; the sum of the result is `count_overlap` of the volume."""
    return [count_overlap(*pair) for pair in zip(predicted, label, strict=True)]


@dataclass(frozen=True)
class ThresholdCounts:
    """Counts of voxels at each threshold of `THRESHOLDS`; those of slices add up to those of a volume."""

    true_positive: Int[np.ndarray, "101"]
    false_positive: Int[np.ndarray, "101"]
    false_negative: Int[np.ndarray, "101"]

    def __add__(self, other: "ThresholdCounts") -> "ThresholdCounts":
        return ThresholdCounts(
            self.true_positive + other.true_positive,
            self.false_positive + other.false_positive,
            self.false_negative + other.false_negative,
        )

    def at(self, step: int) -> Overlap:
        """Counts at `THRESHOLDS[step]`."""
        return Overlap(int(self.true_positive[step]), int(self.false_positive[step]), int(self.false_negative[step]))

    @property
    def dice(self) -> Float[np.ndarray, "101"]:
        """Dice at each threshold; NaN where both masks are empty."""
        total = 2 * self.true_positive + self.false_positive + self.false_negative
        return np.divide(2 * self.true_positive, total, out=np.full(len(total), np.nan), where=total > 0)


def count_by_threshold(
    values: Float[np.ndarray, "*voxels"],
    label: Bool[np.ndarray, "*voxels"],
    allowed: Bool[np.ndarray, "*voxels"],
) -> ThresholdCounts:
    """Compare `allowed & (values >= t)` with `label` for every t of `THRESHOLDS`, in one pass.

    Args:
        values: a map in [0, 1], without NaN.
        label: what should be found; voxels outside `allowed` can only be missed.
        allowed: where a mask may be at all.

    Thresholds are rounded to the precision of `values`, as NumPy does when an array is compared with a
    plain number. Each voxel falls into the bin of the largest threshold that it reaches; cumulated from
    the top, the bins are the counts above each threshold.
    """
    inside = values[allowed]
    assert not np.isnan(inside).any(), "a map holds values that are not numbers"
    steps = _reached(inside)
    positives = _count_from_top(steps)
    hits = _count_from_top(steps[label[allowed]])
    return ThresholdCounts(hits, positives - hits, np.count_nonzero(label) - hits)


def dice_by_threshold(
    values: Float[np.ndarray, "*voxels"],
    label: Bool[np.ndarray, "*voxels"],
    allowed: Bool[np.ndarray, "*voxels"],
) -> Float[np.ndarray, "101"]:
    """Dice of `allowed & (values >= t)` against `label` for every t; see `count_by_threshold`."""
    return count_by_threshold(values, label, allowed).dice


def choose_threshold(curve: Float[np.ndarray, "101"]) -> tuple[float, float]:
    """Threshold above 0 at which a curve over `THRESHOLDS` is highest, and that height; of equals the smallest.

    The first paper searches from 0 to 1 (Rasoulian et al. 2023, 3.2.2). We leave 0 out: every value reaches
    it, so that it would take all of the brain whatever the map says, and a map of zeros would "choose" it.
    The rest of the grid is looked at, unlike in the code that its authors released, which stops at the
    first value that is not better. A threshold where the curve is NaN is not chosen.
    """
    assert not np.isnan(curve[1:]).all(), "there is nothing to choose from"
    best = int(np.nanargmax(curve[1:])) + 1
    return float(THRESHOLDS[best]), float(curve[best])


def _reached(values: Float[np.ndarray, " voxels"]) -> Int[np.ndarray, " voxels"]:
    """Step of the largest threshold that each value reaches; many times faster than a binary search."""
    thresholds, last = THRESHOLDS.astype(values.dtype), len(THRESHOLDS) - 1
    steps = (values * last).astype(np.int64).clip(0, last)
    # The product is rounded, so that a value next to a threshold may be one step off either way.
    steps -= values < thresholds[steps]
    steps += values >= np.append(thresholds, np.inf).astype(values.dtype)[steps + 1]
    return steps


def _count_from_top(steps: Int[np.ndarray, " voxels"]) -> Int[np.ndarray, "101"]:
    counts = np.bincount(steps, minlength=len(THRESHOLDS))
    return np.cumsum(counts[::-1])[::-1]


def _ratio(shared: int, unshared: int) -> float:
    return shared / (shared + unshared) if shared + unshared else float("nan")
