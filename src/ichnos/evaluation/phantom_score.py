"""Score a segmenter on phantoms, whose truth is known to the voxel."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from ichnos.metrics.detection import roc_auc
from ichnos.metrics.overlap import Overlap, count_overlap
from ichnos.phantoms import Phantom
from ichnos.segmentation.segmenter import Segmenter


@dataclass(frozen=True)
class PhantomScore:
    """One phantom's truth and prediction.

    Attributes:
        overlap: of the whole scan's masks.
        label_ml: true volume.
        predicted_ml: predicted volume.
        slice_probabilities: P(bleed) per slice.
        slice_labels: whether a slice holds a bleed.
    """

    overlap: Overlap
    label_ml: float
    predicted_ml: float
    slice_probabilities: Float[np.ndarray, " slices"]
    slice_labels: Bool[np.ndarray, " slices"]


def score_phantoms(segmenter: Segmenter, phantoms: Iterable[Phantom]) -> Iterator[PhantomScore]:
    """Segment and score, one phantom at a time."""
    for phantom in phantoms:
        result = segmenter(phantom.scan)
        yield PhantomScore(
            overlap=count_overlap(result.bleed_mask.voxels, phantom.bleed_mask),
            label_ml=phantom.scan.geometry.volume_ml(phantom.bleed_mask),
            predicted_ml=result.volume_ml,
            slice_probabilities=result.slice_probabilities,
            slice_labels=phantom.slice_labels,
        )


def summarise(scores: Iterable[PhantomScore]) -> dict[str, float]:
    """Figures over phantoms, with the counts that each rests on.

    `mean_dice` is volume-wise over phantoms that bleed, a missed bleed counting 0. Phantoms
    without a bleed do not enter it; what was invented in them is `mean_invented_ml`.
    """
    listed = list(scores)
    bleeding = [score for score in listed if score.label_ml > 0]
    healthy = [score for score in listed if score.label_ml == 0]
    errors_ml = [abs(score.predicted_ml - score.label_ml) for score in bleeding]
    auc = roc_auc(
        np.concatenate([np.empty(0), *(score.slice_probabilities for score in listed)]),
        np.concatenate([np.empty(0, bool), *(score.slice_labels for score in listed)]),
    )
    return {
        "phantoms_with_bleed": len(bleeding),
        "phantoms_without_bleed": len(healthy),
        "slices": int(sum(len(score.slice_labels) for score in listed)),
        "slice_roc_auc": auc,
        "mean_dice": _mean([score.overlap.dice for score in bleeding]),
        "median_volume_error_ml": float(np.median(errors_ml)) if errors_ml else float("nan"),
        "mean_invented_ml": _mean([score.predicted_ml for score in healthy]),
    }


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else float("nan")
