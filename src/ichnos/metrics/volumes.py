"""How well measured volumes agree with labelled ones, in mL: errors, Bland-Altman, concordance, ICC."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class VolumeErrors:
    """Errors of each scan's volume, predicted minus labelled.

    Attributes:
        signed_ml: positive where too much was measured.
        relative: signed error over the labelled volume; NaN where nothing is labelled.
    """

    signed_ml: Float[np.ndarray, " scans"]
    relative: Float[np.ndarray, " scans"]

    @property
    def absolute_ml(self) -> Float[np.ndarray, " scans"]:
        """Size of each error."""
        return np.abs(self.signed_ml)

    @property
    def without_relative(self) -> int:
        """Scans without a labelled volume, for which only errors in mL are defined."""
        return int(np.isnan(self.relative).sum())


@dataclass(frozen=True)
class Interval:
    """An estimate with the ends of its confidence interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class BlandAltman:
    """Agreement of two ways to measure (Bland and Altman 1986, 1999), in mL.

    Attributes:
        bias_ml: mean of predicted minus labelled, with its interval.
        lower_limit_ml: bias - 1.96 standard deviations: 95 % of differences lie between the limits.
        upper_limit_ml: bias + 1.96 standard deviations.
        scans: how many the figures rest on.
    """

    bias_ml: Interval
    lower_limit_ml: Interval
    upper_limit_ml: Interval
    scans: int


def measure_volume_errors(
    predicted_ml: Float[np.ndarray, " scans"], label_ml: Float[np.ndarray, " scans"]
) -> VolumeErrors:
    """Errors in mL and relative to the label. On scans without a bleed the error is what was invented."""
    signed = predicted_ml - label_ml
    relative = np.divide(signed, label_ml, out=np.full(len(signed), np.nan), where=label_ml > 0)
    return VolumeErrors(signed, relative)


def compare_bland_altman(
    predicted_ml: Float[np.ndarray, " scans"], label_ml: Float[np.ndarray, " scans"], confidence: float = 0.95
) -> BlandAltman:
    """Bias and 95 % limits of agreement with confidence intervals, from at least two scans.

    Intervals are Student's t with n - 1 degrees of freedom: standard error s / sqrt(n) of the bias, and
    s * sqrt(1/n + 1.96^2 / (2 (n - 1))) of a limit (Bland and Altman 1999, section 2.1).
    """
    from scipy import stats

    differences = predicted_ml - label_ml
    count = len(differences)
    assert count >= 2, "limits of agreement need two scans"
    bias, deviation = float(differences.mean()), float(differences.std(ddof=1))
    reach = float(stats.t.ppf(0.5 + confidence / 2, count - 1))
    wide = float(stats.norm.ppf(0.975))
    half_bias = reach * deviation / count**0.5
    half_limit = reach * deviation * (1 / count + wide**2 / (2 * (count - 1))) ** 0.5
    lower, upper = bias - wide * deviation, bias + wide * deviation
    return BlandAltman(
        bias_ml=Interval(bias, bias - half_bias, bias + half_bias),
        lower_limit_ml=Interval(lower, lower - half_limit, lower + half_limit),
        upper_limit_ml=Interval(upper, upper - half_limit, upper + half_limit),
        scans=count,
    )


def measure_concordance(
    predicted_ml: Float[np.ndarray, " scans"], label_ml: Float[np.ndarray, " scans"], confidence: float = 0.95
) -> Interval:
    """Concordance correlation coefficient in [-1, 1] (Lin 1989): correlation times accuracy.

    2 s_xy / (s_x^2 + s_y^2 + (mean_x - mean_y)^2) with divisor n, as Lin has it. The interval goes
    through Fisher's z with Lin's variance (corrected in Biometrics 56:324, 2000), divisor n - 2; its ends are
    NaN below 3 scans. All NaN where either side does not vary: there is nothing to correlate. Where the
    correlation is perfect or zero, so that the variance formula degenerates, the ends are NaN, except
    that identical volumes have 1 at both ends.
    """
    from scipy import stats

    spread_x, spread_y = float(predicted_ml.std()), float(label_ml.std())
    if not spread_x or not spread_y:
        return Interval(float("nan"), float("nan"), float("nan"))
    shift = float(predicted_ml.mean() - label_ml.mean())
    shared = float(np.mean((predicted_ml - predicted_ml.mean()) * (label_ml - label_ml.mean())))
    concordance = 2 * shared / (spread_x**2 + spread_y**2 + shift**2)
    correlation = shared / (spread_x * spread_y)
    if np.array_equal(predicted_ml, label_ml):
        return Interval(1.0, 1.0, 1.0)
    variance = _lin_variance(concordance, correlation, shift**2 / (spread_x * spread_y), len(label_ml))
    half = float(stats.norm.ppf(0.5 + confidence / 2)) * variance**0.5
    centre = float(np.arctanh(concordance))
    return Interval(concordance, float(np.tanh(centre - half)), float(np.tanh(centre + half)))


def _lin_variance(concordance: float, correlation: float, shift: float, count: int) -> float:
    """Variance of z = artanh(concordance); `shift` is u^2 = (difference of means)^2 / (s_x s_y)."""
    rest = 1 - concordance**2
    if count < 3 or abs(correlation) < 1e-12 or rest <= 0:
        return float("nan")
    first = (1 - min(correlation**2, 1.0)) * concordance**2 / (rest * correlation**2)
    second = 2 * concordance**3 * (1 - concordance) * shift / (correlation * rest**2)
    third = concordance**4 * shift**2 / (2 * correlation**2 * rest**2)
    return max(first + second - third, 0.0) / (count - 2)


def measure_intraclass_correlation(ratings_ml: Float[np.ndarray, "scans raters"]) -> float:
    """ICC(2,1): two-way random effects, absolute agreement, single rater (Shrout and Fleiss 1979).

    NaN below two scans or raters, or where all ratings are equal.
    """
    scans, raters = ratings_ml.shape
    if scans < 2 or raters < 2:
        return float("nan")
    mean = ratings_ml.mean()
    between_scans = raters * np.sum((ratings_ml.mean(axis=1) - mean) ** 2) / (scans - 1)
    between_raters = scans * np.sum((ratings_ml.mean(axis=0) - mean) ** 2) / (raters - 1)
    total = np.sum((ratings_ml - mean) ** 2)
    rest = total - between_scans * (scans - 1) - between_raters * (raters - 1)
    error = rest / ((scans - 1) * (raters - 1))
    below = between_scans + (raters - 1) * error + raters * (between_raters - error) / scans
    return float((between_scans - error) / below) if total > 0 else float("nan")
