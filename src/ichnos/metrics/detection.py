"""How well slices (or scans) with a bleed are told from those without."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from ichnos.metrics.overlap import Overlap

LEAST_FOREGROUND_PIXELS = 10
"""From so many foreground pixels on a U-Net's slice counts as positive (Rasoulian et al. 2023, 4.4).

The paper leaves out foregrounds of less than 10 pixels; the code that its authors released asks for more than 10.
"""

RATES = ("accuracy", "balanced_accuracy", "precision", "f1", "recall", "specificity")
"""Properties of `ConfusionMatrix` in the order of the first paper's table 2, where the second is called AUC."""


@dataclass(frozen=True)
class ConfusionMatrix:
    """Counts of items by label and prediction. Counts of folds add up.

    A rate is NaN where no item could make it right or wrong, and `undefined` names those rates: recall
    without items that bleed, specificity without items that do not, precision and F1 with neither a bleed
    nor a call. A detector that is silent where there are bleeds has precision 0, not one that could be left out
    of a mean.
    """

    true_positive: int
    true_negative: int
    false_positive: int
    false_negative: int

    def __add__(self, other: "ConfusionMatrix") -> "ConfusionMatrix":
        return ConfusionMatrix(
            self.true_positive + other.true_positive,
            self.true_negative + other.true_negative,
            self.false_positive + other.false_positive,
            self.false_negative + other.false_negative,
        )

    @property
    def positives(self) -> int:
        """Items with a bleed."""
        return self.true_positive + self.false_negative

    @property
    def negatives(self) -> int:
        """Items without a bleed."""
        return self.true_negative + self.false_positive

    @property
    def accuracy(self) -> float:
        """Share of right answers; NaN without items."""
        right = self.true_positive + self.true_negative
        return right / (self.positives + self.negatives) if self.positives + self.negatives else float("nan")

    @property
    def recall(self) -> float:
        """TP / (TP + FN), also called sensitivity; NaN without items that bleed."""
        return self._of_positives.recall

    @property
    def specificity(self) -> float:
        """TN / (TN + FP); NaN without items that do not bleed."""
        return self.true_negative / self.negatives if self.negatives else float("nan")

    @property
    def balanced_accuracy(self) -> float:
        """(recall + specificity) / 2; NaN unless both classes occur.

        What the first paper prints as AUC, since it was computed from yes-or-no answers.
        """
        return (self.recall + self.specificity) / 2

    @property
    def precision(self) -> float:
        """TP / (TP + FP), 0 if nothing was called where something bleeds; NaN with neither call nor bleed."""
        return self._of_positives.precision

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN); NaN with neither call nor bleed."""
        return self._of_positives.dice

    @property
    def undefined(self) -> tuple[str, ...]:
        """Those of `RATES` that are NaN."""
        return tuple(name for name in RATES if np.isnan(getattr(self, name)))

    @property
    def _of_positives(self) -> Overlap:
        return Overlap(self.true_positive, self.false_positive, self.false_negative)


def count_detections(predicted: Bool[np.ndarray, " items"], labels: Bool[np.ndarray, " items"]) -> ConfusionMatrix:
    """Count yes-or-no answers against labels."""
    return ConfusionMatrix(
        true_positive=int(np.count_nonzero(predicted & labels)),
        true_negative=int(np.count_nonzero(~predicted & ~labels)),
        false_positive=int(np.count_nonzero(predicted & ~labels)),
        false_negative=int(np.count_nonzero(~predicted & labels)),
    )


def detect_by_foreground(
    bleed_mask: Bool[np.ndarray, "slices rows columns"], at_least: int = LEAST_FOREGROUND_PIXELS
) -> Bool[np.ndarray, " slices"]:
    """Slices that a segmentation network calls positive: those with enough foreground.

    Count on the pixels that the network was run on; on other grids the number means another area.
    """
    return np.count_nonzero(bleed_mask, axis=(1, 2)) >= at_least


def predictive_values(sensitivity: float, specificity: float, prevalence: float) -> tuple[float, float]:
    """Positive and negative predictive value where a share `prevalence` bleeds, by Bayes' rule.

    Precision measured on a collection holds for its own share of bleeds only. NaN where no item would be
    called positive, or none negative.
    """
    called = sensitivity * prevalence + (1 - specificity) * (1 - prevalence)
    positive = sensitivity * prevalence / called if called else float("nan")
    negative = specificity * (1 - prevalence) / (1 - called) if called < 1 else float("nan")
    return positive, negative


def roc_auc(probabilities: Float[np.ndarray, " items"], labels: Bool[np.ndarray, " items"]) -> float:
    """Area under the ROC curve of probabilities (not of hard predictions, which is balanced accuracy).

    NaN where all labels are equal, so that there is nothing to tell apart.
    """
    from sklearn.metrics import roc_auc_score

    if labels.all() or not labels.any():
        return float("nan")
    return float(roc_auc_score(labels, probabilities))


def trace_roc(
    probabilities: Float[np.ndarray, " items"], labels: Bool[np.ndarray, " items"]
) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"]]:
    """ROC curve as (1 - specificity, sensitivity), from (0, 0) to (1, 1); needs both labels."""
    from sklearn.metrics import roc_curve

    assert 0 < np.count_nonzero(labels) < len(labels), "a ROC curve needs both labels"
    false_positive_rate, sensitivity, _ = roc_curve(labels, probabilities)
    return np.asarray(false_positive_rate), np.asarray(sensitivity)
