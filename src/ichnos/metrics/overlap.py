"""How well a predicted mask covers a labelled one."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

THRESHOLDS = np.round(np.linspace(0.0, 1.0, 101), 2)
"""The grid on which the first paper chooses its threshold (Rasoulian et al. 2023, 3.3): step 0.01."""


@dataclass(frozen=True)
class Overlap:
    """Counts of voxels that two masks share or do not share."""

    true_positive: int
    false_positive: int
    false_negative: int

    @property
    def is_empty(self) -> bool:
        """Whether both masks are empty, so that no overlap measure is defined."""
        return self.true_positive + self.false_positive + self.false_negative == 0

    @property
    def dice(self) -> float:
        """2 TP / (2 TP + FP + FN) in [0, 1]; NaN where both masks are empty.

        The caller states what it does with NaN and how often it happened.
        """
        if self.is_empty:
            return float("nan")
        return 2 * self.true_positive / (2 * self.true_positive + self.false_positive + self.false_negative)


def count_overlap(predicted: Bool[np.ndarray, "*voxels"], label: Bool[np.ndarray, "*voxels"]) -> Overlap:
    """Compare two masks of equal shape."""
    true_positive = int(np.count_nonzero(predicted & label))
    return Overlap(
        true_positive=true_positive,
        false_positive=int(np.count_nonzero(predicted)) - true_positive,
        false_negative=int(np.count_nonzero(label)) - true_positive,
    )


def dice_by_threshold(
    values: Float[np.ndarray, "*voxels"],
    label: Bool[np.ndarray, "*voxels"],
    allowed: Bool[np.ndarray, "*voxels"],
) -> Float[np.ndarray, "101"]:
    """Dice of `allowed & (values >= t)` against `label` for every t of `THRESHOLDS`, in one pass.

    Args:
        values: a map in [0, 1].
        label: what should be found; voxels outside `allowed` can only be missed.
        allowed: where a mask may be at all.

    NaN where both are empty. Thresholds are rounded to the precision of `values`, as NumPy does when
    an array is compared with a plain number. Each voxel falls into the bin of the largest threshold that it
    reaches; cumulated from the top, the bins are the counts above each threshold.
    """
    bins = np.searchsorted(THRESHOLDS.astype(values.dtype), values[allowed], side="right") - 1
    inside = label[allowed]
    positives: Int[np.ndarray, 101] = _count_from_top(bins)
    hits = _count_from_top(bins[inside])
    total = positives + np.count_nonzero(label)
    with np.errstate(invalid="ignore"):
        return np.where(total > 0, 2 * hits / total, np.nan)


def _count_from_top(bins: Int[np.ndarray, " voxels"]) -> Int[np.ndarray, "101"]:
    counts = np.bincount(bins, minlength=len(THRESHOLDS))
    return np.cumsum(counts[::-1])[::-1]
