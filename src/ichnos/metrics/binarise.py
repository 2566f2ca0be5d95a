"""From a map to a mask: a fixed threshold, Otsu's, or two means.

The first paper keeps a fixed threshold, chosen on the other folds, because it was more robust than the
other two in its predecessor (Rasoulian et al. 2023, 3.2.2).
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float

from ichnos.runtime.names import choose_by_name

OTSU_BINS = 256
"""Levels into which Otsu's method sorts the values between the smallest and the largest."""


def otsu_threshold(values: Float[np.ndarray, " voxels"]) -> float:
    """Threshold of largest variance between the two classes (Otsu 1979), on a histogram of `OTSU_BINS`.

    Returns the lower edge of the first bin of the upper class; of equal splits the lowest. Infinite
    where all values are equal: there is no second class.
    """
    if not _varies(values):
        return float("inf")
    counts, edges = np.histogram(values.astype(float), bins=OTSU_BINS)
    centres = (edges[:-1] + edges[1:]) / 2
    return float(edges[1 + _best_split(counts.astype(float), centres)])


def two_means_threshold(values: Float[np.ndarray, " voxels"]) -> float:
    """Threshold between the two clusters of k-means with k = 2, exactly.

    In one dimension clusters are intervals, so that all splits of the sorted values can be compared:
    the result is the best that k-means can reach from any start, and needs no seed. The sum that it minimises
    is the one that Otsu's method maximises the counterpart of; the two differ by the histogram only.
    Returns the smallest value of the upper cluster; infinite where all values are equal.
    """
    if not _varies(values):
        return float("inf")
    distinct, counts = np.unique(values.astype(float), return_counts=True)
    return float(distinct[1 + _best_split(counts.astype(float), distinct)])


BINARISERS: dict[str, Callable[[Float[np.ndarray, " voxels"]], float]] = {
    "otsu": otsu_threshold,
    "k-means": two_means_threshold,
}
"""Thresholds that a map's own values give. The third way is a number that was chosen on other scans."""


def binarise(
    values: Float[np.ndarray, "*voxels"], allowed: Bool[np.ndarray, "*voxels"], threshold: float | str
) -> Bool[np.ndarray, "*voxels"]:
    """Voxels of `allowed` at or above the threshold.

    Args:
        values: a map, without NaN.
        allowed: where a mask may be; one of `BINARISERS` looks at no other values.
        threshold: a number, or the name of one of `BINARISERS`.

    Empty where a method by name finds all values equal: such a map says nothing.
    """
    inside = values[allowed]
    assert not np.isnan(inside).any(), "a map holds values that are not numbers"
    if isinstance(threshold, str):
        threshold = choose_by_name(BINARISERS, threshold, "way to binarise")(inside)
    # As a number of the map's own precision, so that a voxel exactly at the threshold is taken.
    return allowed & (values >= values.dtype.type(threshold))


def _varies(values: Float[np.ndarray, " voxels"]) -> bool:
    return bool(len(values)) and bool(values.min() < values.max())


def _best_split(counts: Float[np.ndarray, " levels"], levels: Float[np.ndarray, " levels"]) -> int:
    """Last level of the lower class where the variance between classes is largest; of equals the first."""
    below, above = np.cumsum(counts)[:-1], np.cumsum(counts[::-1])[::-1][1:]
    sums = np.cumsum(counts * levels)
    gap = sums[:-1] / below - (sums[-1] - sums[:-1]) / above
    return int(np.argmax(below * above * gap**2))
