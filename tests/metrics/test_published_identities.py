"""Our measures on what both papers published: their integers must give their figures, digit by digit."""

import numpy as np
import pytest

from ichnos.evaluation.published import (
    DETECTION,
    DETECTION_COUNTS,
    FOLD_SLICES,
    FOLDS,
    SEGMENTATION_BY_VOLUME,
    detection_counts,
)
from ichnos.metrics.detection import RATES, ConfusionMatrix, count_detections, roc_auc
from ichnos.metrics.empty_policy import measure_overlap, summarise_overlaps
from ichnos.metrics.overlap import Overlap


def slices_of(matrix):
    """Answers and labels that have these counts, slice by slice."""
    counts = (matrix.true_positive, matrix.true_negative, matrix.false_positive, matrix.false_negative)
    predicted = np.repeat([True, False, True, False], counts)
    labels = np.repeat([True, False, False, True], counts)
    return predicted, labels


def matrix_of(method, fold):
    folds = [ConfusionMatrix(*counts) for counts in DETECTION_COUNTS[method]]
    return sum(folds, ConfusionMatrix(0, 0, 0, 0)) if fold == "all" else folds[int(fold) - 1]


@pytest.mark.parametrize("fold", FOLDS)
@pytest.mark.parametrize("method", DETECTION_COUNTS)
def test_table_2_of_the_first_paper_to_the_digit(method, fold):
    predicted, labels = slices_of(detection_counts(method, fold))
    found = count_detections(predicted, labels)
    assert found == matrix_of(method, fold)
    assert found.undefined == ()
    for rate in RATES:
        assert f"{getattr(found, rate):.3f}" == f"{DETECTION[rate][method][FOLDS.index(fold)]:.3f}", rate


@pytest.mark.parametrize("method", DETECTION_COUNTS)
def test_the_auc_of_the_first_paper_is_that_of_yes_or_no_answers(method):
    predicted, labels = slices_of(detection_counts(method))
    assert f"{roc_auc(predicted.astype(float), labels):.3f}" == f"{DETECTION['balanced_accuracy'][method][-1]:.3f}"


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("method", DETECTION_COUNTS)
def test_no_other_counts_give_the_printed_figures(method, place):
    """All (TP, FP) that the fold allows, rounded as printed: exactly one remains."""
    positives, negatives = FOLD_SLICES[place]
    tp, fp = np.meshgrid(np.arange(positives + 1), np.arange(negatives + 1), indexing="ij")
    recall, specificity = tp / positives, 1 - fp / negatives
    rates = {
        "accuracy": (tp + negatives - fp) / (positives + negatives),
        "balanced_accuracy": (recall + specificity) / 2,
        "precision": tp / np.maximum(tp + fp, 1),
        "f1": 2 * tp / (positives + tp + fp),
        "recall": recall,
        "specificity": specificity,
    }
    fits = np.ones(tp.shape, bool)
    for rate, values in rates.items():
        fits &= np.abs(values - DETECTION[rate][method][place]) <= 0.0005 + 1e-9
    remaining = [(int(t), negatives - int(f), int(f), positives - int(t)) for t, f in np.argwhere(fits)]
    assert remaining == [DETECTION_COUNTS[method][place]]


@pytest.mark.parametrize("method", SEGMENTATION_BY_VOLUME)
def test_recall_over_all_volumes_follows_from_recall_over_those_that_bleed(method):
    """Volumes without a bleed have recall 1 under `epsilon-one`, whatever was predicted: 39 of 75."""
    every, bleeding, _ = SEGMENTATION_BY_VOLUME[method]
    assert (36 * bleeding[2][0] + 39 * 100) / 75 == pytest.approx(every[2][0], abs=0.01)


@pytest.mark.parametrize("method", SEGMENTATION_BY_VOLUME)
def test_the_spread_of_recall_over_all_volumes_follows_too(method):
    """Which also tells the divisor: n - 1 fits to the rounding for every method, n does not."""
    every, bleeding, _ = SEGMENTATION_BY_VOLUME[method]
    mean, spread = bleeding[2]
    squares = 35 * spread**2 + 36 * (mean - every[2][0]) ** 2 + 39 * (100 - every[2][0]) ** 2
    assert (squares / 74) ** 0.5 == pytest.approx(every[2][1], abs=0.007)
    with_n = ((squares + spread**2) / 75) ** 0.5
    assert with_n < every[2][1] - 0.009


@pytest.mark.parametrize("method", SEGMENTATION_BY_VOLUME)
def test_on_volumes_without_a_bleed_mean_dice_is_mean_precision(method):
    every, bleeding, _ = SEGMENTATION_BY_VOLUME[method]
    dice, precision = ((75 * every[place][0] - 36 * bleeding[place][0]) / 39 for place in (0, 1))
    assert dice == pytest.approx(precision, abs=0.03)  # four figures rounded to 0.01


@pytest.mark.parametrize("invented", [0, 1, 9, 1000])
def test_on_a_volume_without_a_bleed_dice_and_precision_are_one_over_voxels_plus_one(invented):
    healthy = Overlap(0, invented, 0)
    for measure in ("dice", "precision", "iou"):
        assert measure_overlap(healthy, measure, "epsilon-one") == 1 / (invented + 1)
    assert measure_overlap(healthy, "recall", "epsilon-one") == 1


def test_our_summary_obeys_the_identities_of_the_second_paper():
    """75 made-up volumes, 36 of which bleed."""
    rng = np.random.default_rng(0)
    bleeding = [Overlap(*map(int, rng.integers(0, 500, 3))) for _ in range(36)]
    healthy = [Overlap(0, int(extra), 0) for extra in rng.integers(0, 3, 39)]

    def mean(overlaps, measure):
        return summarise_overlaps(overlaps, measure, "epsilon-one").mean

    assert mean(bleeding + healthy, "recall") == pytest.approx((36 * mean(bleeding, "recall") + 39) / 75)
    assert mean(healthy, "dice") == mean(healthy, "precision")
    assert mean(bleeding, "dice") != mean(bleeding, "precision")
