"""Whether a probability of 0.8 comes true eight times in ten."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int


@dataclass(frozen=True)
class Reliability:
    """Predicted probability against what came true, in bins of equal width over [0, 1].

    Attributes:
        items: in each bin; bin k holds k/bins <= p < (k + 1)/bins, the last one also p = 1.
        mean_probability: of each bin's items; NaN in an empty bin.
        positive_share: of each bin's items; NaN in an empty bin.
    """

    items: Int[np.ndarray, " bins"]
    mean_probability: Float[np.ndarray, " bins"]
    positive_share: Float[np.ndarray, " bins"]

    @property
    def expected_error(self) -> float:
        """Expected calibration error (ECE): |share - probability|, averaged over items; NaN without items.

        It depends on the bins: name their number beside it (Guo et al. 2017 use 15; we use 10).
        """
        if not self.items.sum():
            return float("nan")
        return float(np.nansum(self.items * np.abs(self.positive_share - self.mean_probability)) / self.items.sum())


def measure_reliability(
    probabilities: Float[np.ndarray, " items"], labels: Bool[np.ndarray, " items"], bins: int = 10
) -> Reliability:
    """Sort probabilities in [0, 1] into `bins` and compare each bin with its labels."""
    places = np.minimum((probabilities * bins).astype(int), bins - 1)
    items = np.bincount(places, minlength=bins)
    sums = np.bincount(places, weights=probabilities, minlength=bins)
    hits = np.bincount(places, weights=labels, minlength=bins)
    empty = np.full(bins, np.nan)
    return Reliability(
        items=items,
        mean_probability=np.divide(sums, items, out=empty.copy(), where=items > 0),
        positive_share=np.divide(hits, items, out=empty, where=items > 0),
    )


def brier_score(probabilities: Float[np.ndarray, " items"], labels: Bool[np.ndarray, " items"]) -> float:
    """Mean squared difference between probability and label, in [0, 1]; NaN without items."""
    return float(np.mean((probabilities - labels) ** 2)) if len(labels) else float("nan")
