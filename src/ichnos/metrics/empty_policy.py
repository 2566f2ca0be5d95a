"""What an overlap measure is worth where a mask is empty, by the name of a policy; means with their counts.

There are four cases. TP, FP, FN count voxels; N is the number labelled, P the number predicted.

| case | Dice | IoU | precision | recall | policy |
|---|---|---|---|---|---|
| both filled | plain ratio | plain ratio | plain ratio | plain ratio | `excluded`, `counted-one` |
| missed (label only) | 0 | 0 | 0 | 0 | `excluded`, `counted-one` |
| invented (prediction only) | 0 | 0 | 0 | left out | `excluded` |
| invented (prediction only) | 0 | 0 | 0 | 1 | `counted-one` |
| both empty | left out | left out | left out | left out | `excluded` |
| both empty | 1 | 1 | 1 | 1 | `counted-one` |
| both filled | (2TP+1)/(2TP+FP+FN+1) | (TP+1)/(TP+FP+FN+1) | (TP+1)/(TP+FP+1) | (TP+1)/(TP+FN+1) | `epsilon-one` |
| missed (label only) | 1/(N+1) | 1/(N+1) | 1 | 1/(N+1) | `epsilon-one` |
| invented (prediction only) | 1/(P+1) | 1/(P+1) | 1/(P+1) | 1 | `epsilon-one` |
| both empty | 1 | 1 | 1 | 1 | `epsilon-one` |

Under `excluded` and `counted-one` a bleed that is missed is worth 0 of everything and is always
counted: no measure is lower, so that a miss never improves a mean. `epsilon-one` is the second paper's
formula (Spahr et al. 2023, equations 1-3; IoU is ours after the same pattern). It breaks that rule: a
miss has precision 1, and Dice 1/(N+1) is more than a bad hit gets. Use it only to compare with that
paper. Under every policy a `Summary` tells how many bleeds were missed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ichnos.metrics.overlap import THRESHOLDS, Overlap, ThresholdCounts
from ichnos.runtime.names import choose_by_name


@dataclass(frozen=True)
class EmptyPolicy:
    """How a measure is made where counts vanish.

    Attributes:
        epsilon: added to both sides of each ratio.
        undefined: worth of a ratio that is 0/0 and not a miss; NaN leaves it out of means.
    """

    epsilon: int
    undefined: float


EMPTY_POLICIES = {
    "excluded": EmptyPolicy(epsilon=0, undefined=float("nan")),
    "counted-one": EmptyPolicy(epsilon=0, undefined=1.0),
    "epsilon-one": EmptyPolicy(epsilon=1, undefined=1.0),
}
"""There is no default: two papers, two policies, and the mean moves by more than any method does."""

OVERLAP_MEASURES = {"dice": (2, 1, 1), "iou": (1, 1, 1), "precision": (1, 1, 0), "recall": (1, 0, 1)}
"""Weights (a, b, c) of TP, FP and FN: the measure is a TP / (a TP + b FP + c FN)."""


@dataclass(frozen=True)
class Summary:
    """Mean of a measure over items (slices, volumes, ...) with everything that it rests on.

    Attributes:
        mean: of the scored items; NaN if there are none.
        deviation: standard deviation of a sample (divisor n - 1); NaN below two items.
        standard_error: deviation / sqrt(n), which takes items for independent. Slices of one patient
            are not: `ichnos.evaluation.bootstrap` gives intervals by patient.
        scored: items in the mean.
        excluded: items that the policy left out.
        both_empty: items with neither label nor prediction.
        missed: items with a label and no prediction.
        invented: items with a prediction and no label.
    """

    mean: float
    deviation: float
    standard_error: float
    scored: int
    excluded: int
    both_empty: int
    missed: int
    invented: int


def choose_policy(name: str) -> EmptyPolicy:
    """The policy of that name; `UsageError` with the nearest name if there is none."""
    return choose_by_name(EMPTY_POLICIES, name, "empty-mask policy")


def measure_overlap(overlap: Overlap, measure: str, policy: str) -> float:
    """One of `OVERLAP_MEASURES` under one of `EMPTY_POLICIES`, in [0, 1]; NaN where it is left out."""
    chosen = choose_policy(policy)
    hit, extra, missing = choose_by_name(OVERLAP_MEASURES, measure, "overlap measure")
    above = hit * overlap.true_positive + chosen.epsilon
    below = above + extra * overlap.false_positive + missing * overlap.false_negative
    if below:
        return above / below
    return 0.0 if overlap.is_missed else chosen.undefined


def summarise_overlaps(overlaps: Iterable[Overlap], measure: str, policy: str) -> Summary:
    """Mean of a measure over items, under a named policy.

    Which items enter is the caller's choice and comes before the policy: the first paper scores only
    slices that bleed (Rasoulian et al. 2023, table 1), the second all volumes and those that bleed.
    """
    listed = list(overlaps)
    values = np.array([measure_overlap(overlap, measure, policy) for overlap in listed], float)
    return summarise_values(
        values,
        both_empty=sum(overlap.is_empty for overlap in listed),
        missed=sum(overlap.is_missed for overlap in listed),
        invented=sum(overlap.is_invented for overlap in listed),
    )


def summarise_values(values: Float[np.ndarray, " items"], both_empty: int, missed: int, invented: int) -> Summary:
    """Mean and spread of values of which NaN are left out and counted.

    An infinite value (the distance to a surface that is not there) makes mean and spread infinite.
    """
    scored = values[~np.isnan(values)]
    deviation = _deviation(scored)
    return Summary(
        mean=float(scored.mean()) if len(scored) else float("nan"),
        deviation=deviation,
        standard_error=deviation / len(scored) ** 0.5 if len(scored) else float("nan"),
        scored=len(scored),
        excluded=len(values) - len(scored),
        both_empty=both_empty,
        missed=missed,
        invented=invented,
    )


def mean_dice_by_threshold(counts: Iterable[ThresholdCounts], policy: str) -> Float[np.ndarray, "101"]:
    """Mean over items of Dice at each threshold, under a named policy; NaN where no item is scored.

    Which items are left out depends on the threshold if some have no label; to choose a threshold give
    slices that bleed (Rasoulian et al. 2023, 3.2.2). Items are taken one at a time and not kept.
    """
    chosen = choose_policy(policy)
    total, scored = np.zeros(len(THRESHOLDS)), np.zeros(len(THRESHOLDS))
    for item in counts:
        above = 2 * item.true_positive + chosen.epsilon
        below = above + item.false_positive + item.false_negative
        curve = np.divide(above, below, out=np.full(len(THRESHOLDS), chosen.undefined), where=below > 0)
        total += np.nan_to_num(curve)
        scored += ~np.isnan(curve)
    return np.divide(total, scored, out=np.full(len(THRESHOLDS), np.nan), where=scored > 0)


def _deviation(values: Float[np.ndarray, " items"]) -> float:
    if len(values) < 2:
        return float("nan")
    return float(values.std(ddof=1)) if np.isfinite(values).all() else float("inf")
