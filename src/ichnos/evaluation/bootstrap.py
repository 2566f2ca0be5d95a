"""Confidence intervals that know which slices belong to the same patient.

The first paper prints standard errors over slices, the second standard deviations over volumes. Slices
of one patient resemble each other, so that an interval from the standard error over slices is too
narrow. Here patients are drawn, each with all its items, as often as there are patients.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from ichnos.errors import UsageError
from ichnos.runtime.names import choose_by_name

RESAMPLES = 10_000


@dataclass(frozen=True)
class BootstrapInterval:
    """A mean with its interval.

    Attributes:
        value: mean over items.
        low: lower end.
        high: upper end.
        items: in the mean.
        patients: that were drawn; the smaller number is the one to trust.
    """

    value: float
    low: float
    high: float
    items: int
    patients: int


@dataclass(frozen=True)
class _Clusters:
    """Sum and number of items of each patient, which is all that a mean needs."""

    sums: Float[np.ndarray, " patients"]
    sizes: Int[np.ndarray, " patients"]

    @property
    def mean(self) -> float:
        return float(self.sums.sum() / self.sizes.sum())


def bootstrap_mean(
    values: Float[np.ndarray, " items"],
    patients: Int[np.ndarray, " items"],
    seed: int,
    kind: str = "percentile",
    confidence: float = 0.95,
) -> BootstrapInterval:
    """Interval of the mean over items, clustered by patient, from `RESAMPLES` seeded draws.

    For the difference of two methods on the same items give `first - second`: items stay paired.

    Args:
        values: one for each item, finite; see `ichnos.evaluation.significance.compare_pair`.
        patients: number of the patient of each item.
        seed: the same seed gives the same interval.
        kind: one of `INTERVALS`: `percentile`, or `bca` (Efron 1987: corrects bias and skewness; acceleration
            from leaving out one patient at a time), which is better where patients are few.
        confidence: share of such intervals that shall hold the true mean.

    Raises:
        UsageError: less than two patients, or values that are not numbers.
    """
    make_ends = choose_by_name(INTERVALS, kind, "kind of interval")
    clusters = _gather(values, patients)
    drawn = _draw_means(clusters, seed)
    low, high = make_ends(drawn, clusters, confidence)
    return BootstrapInterval(clusters.mean, low, high, len(values), len(clusters.sizes))


def _gather(values: Float[np.ndarray, " items"], patients: Int[np.ndarray, " items"]) -> _Clusters:
    unusable = int(np.count_nonzero(~np.isfinite(values)))
    if unusable:
        raise UsageError(
            f"{unusable} of {len(values)} values are not finite numbers; give missed bleeds a penalty in mm, "
            "leave items that are not defined out, and report how many"
        )
    _, places = np.unique(patients, return_inverse=True)
    sizes = np.bincount(places)
    if len(sizes) < 2:
        raise UsageError(f"an interval by patient needs two patients at least; given: {len(sizes)}")
    return _Clusters(np.bincount(places, weights=values), sizes)


def _draw_means(clusters: _Clusters, seed: int) -> Float[np.ndarray, " resamples"]:
    """How often each patient is drawn is multinomial, so that a resample is one row of counts."""
    count = len(clusters.sizes)
    times = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    return (times @ clusters.sums) / (times @ clusters.sizes)


def _percentile_ends(drawn: Float[np.ndarray, " resamples"], _: _Clusters, confidence: float) -> tuple[float, float]:
    low, high = np.quantile(drawn, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return float(low), float(high)


def _bca_ends(drawn: Float[np.ndarray, " resamples"], clusters: _Clusters, confidence: float) -> tuple[float, float]:
    from scipy import stats

    if np.ptp(drawn) == 0:
        return clusters.mean, clusters.mean
    below = np.mean(drawn < clusters.mean) / 2 + np.mean(drawn <= clusters.mean) / 2
    bias = stats.norm.ppf(below)
    without = (clusters.sums.sum() - clusters.sums) / (clusters.sizes.sum() - clusters.sizes)
    pull = without.mean() - without
    acceleration = np.sum(pull**3) / (6 * np.sum(pull**2) ** 1.5)
    reach = bias + stats.norm.ppf([0.5 - confidence / 2, 0.5 + confidence / 2])
    low, high = np.quantile(drawn, stats.norm.cdf(bias + reach / (1 - acceleration * reach)))
    return float(low), float(high)


INTERVALS = {"percentile": _percentile_ends, "bca": _bca_ends}
"""How the ends of an interval are read from the drawn means."""
