"""How large a difference is, beside whether it is there.

A p-value falls with the number of slices; an effect size does not. For two methods on the same items
give Cohen's d_z and the rank-biserial correlation; for separate groups Hedges' g and Cliff's delta.
"""

import numpy as np
from jaxtyping import Float

ROUNDING = 1e-12
"""A spread that is a smaller share of the values comes from rounding: 0.3 - 0.1 is not 0.2 to the last bit."""


def cohen_d_z(differences: Float[np.ndarray, " items"]) -> float:
    """Mean of paired differences over their standard deviation (divisor n - 1).

    NaN below two items or where all differences are 0; infinite where they are equal otherwise.
    """
    if len(differences) < 2:
        return float("nan")
    return _standardise(float(differences.mean()), float(differences.std(ddof=1)))


def hedges_g(first: Float[np.ndarray, " first"], second: Float[np.ndarray, " second"]) -> float:
    """Difference of two means over the pooled standard deviation, corrected for small samples (Hedges 1981).

    The correction is 1 - 3 / (4 (n1 + n2) - 9). NaN below two items a side or where nothing differs.
    """
    n1, n2 = len(first), len(second)
    if n1 < 2 or n2 < 2:
        return float("nan")
    pooled = ((n1 - 1) * first.var(ddof=1) + (n2 - 1) * second.var(ddof=1)) / (n1 + n2 - 2)
    return _standardise(float(first.mean() - second.mean()), float(pooled**0.5)) * (1 - 3 / (4 * (n1 + n2) - 9))


def rank_biserial(differences: Float[np.ndarray, " items"]) -> float:
    """Matched-pairs rank-biserial correlation in [-1, 1] (Kerby 2014), the size to Wilcoxon's test.

    Ranks by size of the positive differences minus those of the negative, over their sum; differences of 0
    are left out. NaN where all are 0.
    """
    from scipy import stats

    told = differences[differences != 0]
    if not len(told):
        return float("nan")
    ranks = stats.rankdata(np.abs(told))
    return float(np.sum(ranks * np.sign(told)) / ranks.sum())


def cliffs_delta(first: Float[np.ndarray, " first"], second: Float[np.ndarray, " second"]) -> float:
    """P(first > second) - P(first < second) over all pairs, in [-1, 1] (Cliff 1993); NaN where a side is empty."""
    if not len(first) or not len(second):
        return float("nan")
    ordered = np.sort(second)
    above = np.searchsorted(ordered, first, side="left").sum()
    below = len(first) * len(second) - np.searchsorted(ordered, first, side="right").sum()
    return float((above - below) / (len(first) * len(second)))


def _standardise(difference: float, deviation: float) -> float:
    if deviation > ROUNDING * abs(difference):
        return difference / deviation
    return float(np.copysign(np.inf, difference)) if difference else float("nan")
