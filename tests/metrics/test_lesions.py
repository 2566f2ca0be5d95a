import math

import numpy as np
import pytest

from ichnos.errors import UsageError
from ichnos.metrics.lesions import (
    FALSE_POSITIVE_RATES,
    Candidates,
    LesionMatch,
    gather_candidates,
    label_lesions,
    lesion_iou,
    match_lesions,
    trace_free_response,
)
from ichnos.metrics.overlap import Overlap


def row(*numbers):
    """A scan of one row; equal numbers are one lesion."""
    return np.array(numbers, dtype=np.int64)[None, None]


def flood(mask, most_axes):
    """Slow oracle: spread to neighbours that differ in at most so many axes."""
    numbers, count = np.zeros(mask.shape, np.int64), 0
    for seed in zip(*np.nonzero(mask), strict=True):
        if numbers[seed]:
            continue
        count += 1
        waiting = [seed]
        while waiting:
            place = waiting.pop()
            if numbers[place]:
                continue
            numbers[place] = count
            for step in np.ndindex(3, 3, 3):
                there = tuple(int(a) + b - 1 for a, b in zip(place, step, strict=True))
                inside = all(0 <= a < n for a, n in zip(there, mask.shape, strict=True))
                if sum(b != 1 for b in step) <= most_axes and inside and mask[there]:
                    waiting.append(there)
    return numbers


@pytest.mark.parametrize(("connectivity", "most_axes"), [(6, 1), (18, 2), (26, 3)])
@pytest.mark.parametrize("seed", range(3))
def test_lesions_are_connected_as_said(connectivity, most_axes, seed):
    mask = np.random.default_rng(seed).random((4, 5, 6)) < 0.25
    assert (label_lesions(mask, connectivity) == flood(mask, most_axes)).all()


def test_corners_join_by_default():
    mask = np.zeros((2, 2, 2), bool)
    mask[0, 0, 0] = mask[1, 1, 1] = True
    assert [int(label_lesions(mask, count).max()) for count in (6, 18, 26)] == [2, 2, 1]
    assert label_lesions(mask).max() == 1
    assert label_lesions(np.zeros((2, 2, 2), bool)).max() == 0


def test_iou_of_lesions_by_hand():
    predicted, label = row(1, 1, 0, 2, 2, 2), row(1, 0, 0, 0, 2, 2)
    np.testing.assert_allclose(lesion_iou(predicted, label), [[1 / 2, 0], [0, 2 / 3]])
    assert lesion_iou(row(0, 0), row(0, 1)).shape == (0, 1)
    assert lesion_iou(row(0, 0), row(0, 0)).shape == (0, 0)


MERGED = row(1, 1, 1, 1, 1), row(1, 1, 0, 2, 2)  # one predicted lesion covers two labelled ones
SPLIT = row(1, 1, 0, 2, 2), row(1, 1, 1, 1, 1)  # two predicted ones lie in one labelled


@pytest.mark.parametrize(
    ("pair", "matching", "counts"),
    [
        (MERGED, "any-overlap", (2, 0, 0)),
        (MERGED, "iou-0.25", (1, 0, 1)),
        (MERGED, "iou-0.5", (0, 1, 2)),
        (SPLIT, "any-overlap", (1, 0, 0)),
        (SPLIT, "iou-0.25", (1, 1, 0)),
        (SPLIT, "iou-0.5", (0, 2, 1)),
        ((row(1, 0, 2), row(1, 0, 0)), "any-overlap", (1, 1, 0)),
        ((row(1, 0, 2), row(1, 0, 0)), "iou-0.5", (1, 1, 0)),
        ((row(0, 0, 0), row(1, 0, 2)), "any-overlap", (0, 0, 2)),
        ((row(0, 0, 0), row(1, 0, 2)), "iou-0.1", (0, 0, 2)),
        ((row(1, 0, 2), row(0, 0, 0)), "any-overlap", (0, 2, 0)),
        ((row(1, 0, 2), row(0, 0, 0)), "iou-0.1", (0, 2, 0)),
        ((row(0, 0), row(0, 0)), "any-overlap", (0, 0, 0)),
        ((row(0, 0), row(0, 0)), "iou-0.5", (0, 0, 0)),
        ((row(1, 1, 0), row(0, 1, 1)), "iou-0.25", (1, 0, 0)),
        ((row(1, 1, 0), row(0, 1, 1)), "iou-0.5", (0, 1, 1)),
    ],
)
def test_matching_by_hand(pair, matching, counts):
    assert match_lesions(*pair, matching).counts == Overlap(*counts)


def test_which_lesions_match_is_told():
    match = match_lesions(row(1, 0, 2, 0, 3), row(0, 0, 1, 0, 2), "any-overlap")
    assert match.found.tolist() == [True, True]
    assert match.right.tolist() == [False, True, True]


def best_sum(iou, least):
    """Slow oracle: every way to pair, by recursion; (sum of IoU, pairs) of the best."""
    if not iou.shape[0]:
        return 0.0, 0
    best = best_sum(iou[1:], least)
    for column in range(iou.shape[1]):
        if iou[0, column] >= least:
            total, pairs = best_sum(np.delete(iou[1:], column, axis=1), least)
            best = max(best, (total + iou[0, column], pairs + 1))
    return best


@pytest.mark.parametrize("seed", range(8))
def test_the_best_pairs_are_made(seed):
    rng = np.random.default_rng(seed)
    predicted = rng.integers(0, 6, (2, 4, 5))
    label = np.where(rng.random((2, 4, 5)) < 0.5, predicted, rng.integers(0, 6, (2, 4, 5)))
    match = match_lesions(predicted, label, "iou-0.1")
    assert match.found.sum() == match.right.sum() == best_sum(lesion_iou(predicted, label), 0.1)[1]


def test_a_good_pair_is_not_broken_up_to_make_two_poor_ones():
    """Lesion 1 is met well by prediction 1, which reaches into lesion 2; prediction 2 touches lesion 1."""
    predicted = row(*[1] * 20, *[2] * 4)
    label = row(*[2] * 3, 0, *[1] * 16, *[1] * 3, 0)
    match = match_lesions(predicted, label, "iou-0.1")
    assert match.found.tolist() == [True, False]
    assert match.right.tolist() == [True, False]


def test_f1_and_sensitivity_are_the_measures_of_the_counts():
    counts = LesionMatch(np.array([True, True, False]), np.array([True, False, False])).counts
    assert counts == Overlap(true_positive=2, false_positive=2, false_negative=1)
    assert counts.dice == pytest.approx(4 / 7)
    assert counts.recall == pytest.approx(2 / 3)


def test_an_unknown_matching_is_refused():
    with pytest.raises(UsageError, match=r"no matching of lesions is called 'iou-0\.3'; did you mean"):
        match_lesions(row(1), row(1), "iou-0.3")


def test_candidates_of_a_scan():
    values = np.array([[[0.2, 0.9, 0.0, 0.4, 0.0, 0.3]]])
    found = gather_candidates(values, row(1, 1, 0, 2, 0, 3), row(1, 1, 0, 0, 2, 2))
    assert found.confidences.tolist() == [0.9, 0.4, 0.3]
    assert found.hits.tolist() == [[True, False], [False, False], [False, True]]
    nothing = gather_candidates(values, row(0, 0, 0, 0, 0, 0), row(1, 0, 0, 0, 0, 0))
    assert (nothing.confidences.shape, nothing.hits.shape) == ((0,), (0, 1))


SCANS = [
    Candidates(np.array([0.9, 0.6, 0.3]), np.array([[True, True], [False, False], [True, False]])),
    Candidates(np.array([0.8]), np.zeros((1, 0), bool)),  # a healthy scan with a false positive
    Candidates(np.empty(0), np.zeros((0, 1), bool)),  # a missed lesion
    Candidates(np.array([0.6, 0.2]), np.array([[True], [False]])),
]


def test_the_free_response_curve_by_hand():
    """4 lesions in 4 scans. The first candidate finds two; finding one again at 0.3 is no false positive."""
    curve = trace_free_response(SCANS)
    assert curve.thresholds.tolist() == [0.9, 0.8, 0.6, 0.3, 0.2]
    assert curve.sensitivity.tolist() == [2 / 4, 2 / 4, 3 / 4, 3 / 4, 3 / 4]
    assert curve.false_positives_per_scan.tolist() == [0, 1 / 4, 2 / 4, 2 / 4, 3 / 4]
    assert (curve.lesions, curve.scans) == (4, 4)
    assert [curve.sensitivity_at(rate) for rate in (0, 0.3, 0.5, 8)] == [0.5, 0.5, 0.75, 0.75]
    assert curve.mean_sensitivity == pytest.approx((0.5 * 2 + 0.75 * 5) / 7)
    assert len(FALSE_POSITIVE_RATES) == 7


def test_monai_agrees_on_the_curve():
    from monai.metrics import compute_froc_curve_data

    rng = np.random.default_rng(2)
    scans = [Candidates(rng.random(6), rng.random((6, 3)) < 0.15) for _ in range(5)]
    curve = trace_free_response(scans)
    false = np.concatenate([scan.confidences[~scan.hits.any(axis=1)] for scan in scans])
    surest = np.concatenate([np.where(scan.hits.T, scan.confidences, 0).max(axis=1) for scan in scans])
    surest = surest[surest > 0]
    rates, sensitivity = compute_froc_curve_data(false, surest, num_targets=15, num_images=5)
    steps = np.unique(np.concatenate([false, surest]))[1:]  # theirs leaves out the lowest, and ends in (0, 0)
    places = [curve.thresholds.tolist().index(step) for step in steps]
    np.testing.assert_allclose(curve.false_positives_per_scan[places], rates[:-1])
    np.testing.assert_allclose(curve.sensitivity[places], sensitivity[:-1])


def test_a_collection_without_lesions_or_candidates():
    healthy = trace_free_response([SCANS[1]])
    assert np.isnan(healthy.sensitivity).all()
    assert healthy.false_positives_per_scan.tolist() == [1.0]
    assert math.isnan(healthy.mean_sensitivity)
    silent = trace_free_response([SCANS[2]])
    assert silent.thresholds.size == 0
    assert silent.sensitivity_at(8) == 0  # the lesion is missed, not left out
    assert silent.mean_sensitivity == 0
    with pytest.raises(AssertionError, match="needs a scan"):
        trace_free_response([])
