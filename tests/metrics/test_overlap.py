import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ichnos.metrics.overlap import (
    THRESHOLDS,
    Overlap,
    choose_threshold,
    count_by_threshold,
    count_overlap,
    count_overlap_by_slice,
    dice_by_threshold,
)

NOTHING = np.zeros((3, 3), bool)
CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool)
ROW = np.array([[0, 0, 0], [1, 1, 1], [0, 0, 0]], bool)
CORNER = np.array([[1, 0, 0], [0, 0, 0], [0, 0, 0]], bool)


@pytest.mark.parametrize(
    ("predicted", "label", "counts", "dice"),
    [
        (CROSS, CROSS, (5, 0, 0), 1.0),
        (CROSS, ROW, (3, 2, 0), 6 / 8),
        (ROW, CROSS, (3, 0, 2), 6 / 8),
        (CORNER, CROSS, (0, 1, 5), 0.0),
        (NOTHING, ROW, (0, 0, 3), 0.0),
        (ROW, NOTHING, (0, 3, 0), 0.0),
    ],
)
def test_by_hand(predicted, label, counts, dice):
    overlap = count_overlap(predicted, label)
    assert overlap == Overlap(*counts)
    assert overlap.dice == dice
    assert not overlap.is_empty


def test_dice_of_two_empty_masks_is_not_a_number():
    overlap = count_overlap(NOTHING, NOTHING)
    assert overlap.is_empty
    assert math.isnan(overlap.dice)


def test_the_grid_is_of_step_one_hundredth():
    assert THRESHOLDS.tolist() == [step / 100 for step in range(101)]


def slow_dice(values, label, allowed):
    """One threshold after the other, one voxel after the other."""
    curve = []
    for step in range(101):
        hit = extra = missed = 0
        for place in product(*map(range, values.shape)):
            predicted = bool(allowed[place]) and bool(values[place] >= values.dtype.type(step / 100))
            hit += predicted and bool(label[place])
            extra += predicted and not label[place]
            missed += not predicted and bool(label[place])
        curve.append(2 * hit / (2 * hit + extra + missed) if hit + extra + missed else float("nan"))
    return curve


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(4))
def test_all_thresholds_at_once_equal_one_after_the_other(seed, dtype):
    rng = np.random.default_rng(seed)
    values = rng.random((2, 3, 4)).astype(dtype)
    values[0, :2] = rng.integers(0, 101, (2, 4)) / 100  # exactly on the grid
    label, allowed = rng.random((2, 3, 4)) < 0.4, rng.random((2, 3, 4)) < 0.7
    np.testing.assert_allclose(dice_by_threshold(values, label, allowed), slow_dice(values, label, allowed))


@given(st.integers(0, 100), st.sampled_from([np.float32, np.float64]))
def test_a_value_on_the_grid_reaches_its_own_threshold_and_no_higher(step, dtype):
    values = np.array([step / 100], dtype)
    curve = dice_by_threshold(values, np.array([True]), np.array([True]))
    assert curve.tolist() == [1.0 if other <= step else 0.0 for other in range(101)]
    taken = values >= step / 100  # as a mask is made
    assert taken.all()


def test_where_both_are_empty_dice_is_not_a_number():
    curve = dice_by_threshold(np.full(4, 0.5), np.zeros(4, bool), np.ones(4, bool))
    assert curve[:51].tolist() == [0.0] * 51
    assert np.isnan(curve[51:]).all()


def test_a_bleed_where_no_mask_may_be_is_missed():
    label = np.array([True, True, False, False])
    curve = dice_by_threshold(np.ones(4), label, np.array([True, False, False, False]))
    np.testing.assert_allclose(curve, 2 / 3)


@pytest.mark.parametrize(
    ("predicted", "label", "iou", "precision", "recall"),
    [
        (CROSS, ROW, 3 / 5, 3 / 5, 1.0),
        (ROW, CROSS, 3 / 5, 1.0, 3 / 5),
        (CORNER, CROSS, 0.0, 0.0, 0.0),
        (NOTHING, ROW, 0.0, 0.0, 0.0),
    ],
)
def test_the_other_measures_by_hand(predicted, label, iou, precision, recall):
    overlap = count_overlap(predicted, label)
    assert (overlap.iou, overlap.precision, overlap.recall) == (iou, precision, recall)


def test_recall_is_undefined_without_a_label():
    assert math.isnan(count_overlap(ROW, NOTHING).recall)
    assert count_overlap(ROW, NOTHING).precision == 0


@pytest.mark.parametrize(
    ("predicted", "label", "kind"),
    [(NOTHING, ROW, "missed"), (ROW, NOTHING, "invented"), (NOTHING, NOTHING, "empty"), (ROW, CORNER, None)],
)
def test_each_pair_is_of_one_kind(predicted, label, kind):
    overlap = count_overlap(predicted, label)
    kinds = {"missed": overlap.is_missed, "invented": overlap.is_invented, "empty": overlap.is_empty}
    assert [name for name, holds in kinds.items() if holds] == [kind] * (kind is not None)


masks = st.lists(st.booleans(), min_size=12, max_size=12).map(lambda bits: np.array(bits).reshape(3, 2, 2))


@given(masks, masks)
def test_counts_of_slices_add_up_to_those_of_the_volume(predicted, label):
    assert sum(count_overlap_by_slice(predicted, label), Overlap(0, 0, 0)) == count_overlap(predicted, label)


@given(masks, masks)
def test_exchanging_the_masks_exchanges_precision_and_recall(predicted, label):
    one, other = count_overlap(predicted, label), count_overlap(label, predicted)
    np.testing.assert_equal((one.dice, one.iou), (other.dice, other.iou))
    if not one.is_missed and not one.is_invented:
        np.testing.assert_equal(one.precision, other.recall)


@given(masks, masks)
def test_dice_and_iou_say_the_same(predicted, label):
    overlap = count_overlap(predicted, label)
    if not overlap.is_empty:
        assert overlap.dice == pytest.approx(2 * overlap.iou / (1 + overlap.iou))
        assert overlap.iou <= overlap.dice


def test_one_voxel_and_a_full_mask():
    full, one = np.ones((4, 5, 6), bool), np.zeros((4, 5, 6), bool)
    one[0, 0, 0] = True
    assert count_overlap(full, full).dice == 1
    assert count_overlap(one, one).iou == 1
    assert count_overlap(full, one).dice == pytest.approx(2 / 121)


@given(masks, masks)
def test_measures_agree_with_scikit_learn(predicted, label):
    from sklearn import metrics

    overlap = count_overlap(predicted, label)
    if not label.any() or not predicted.any():
        return
    truth, answer = label.ravel(), predicted.ravel()
    assert overlap.dice == pytest.approx(metrics.f1_score(truth, answer))
    assert overlap.iou == pytest.approx(metrics.jaccard_score(truth, answer))
    assert overlap.precision == pytest.approx(metrics.precision_score(truth, answer))
    assert overlap.recall == pytest.approx(metrics.recall_score(truth, answer))


@pytest.mark.parametrize("seed", range(3))
def test_counts_by_threshold_are_those_of_each_mask_and_add_up(seed):
    rng = np.random.default_rng(seed)
    values, label, allowed = rng.random((2, 3, 4)), rng.random((2, 3, 4)) < 0.4, rng.random((2, 3, 4)) < 0.7
    together = count_by_threshold(values, label, allowed)
    first, second = (count_by_threshold(values[z], label[z], allowed[z]) for z in (0, 1))
    for step in range(101):
        assert together.at(step) == count_overlap(allowed & (values >= step / 100), label)
        assert (first + second).at(step) == together.at(step)


def test_a_map_that_is_not_a_number_is_not_taken_for_a_bleed():
    values = np.array([0.2, np.nan])
    with pytest.raises(AssertionError, match="not numbers"):
        count_by_threshold(values, np.array([True, False]), np.ones(2, bool))
    outside = count_by_threshold(values, np.array([True, False]), np.array([True, False]))
    assert outside.at(0) == Overlap(1, 0, 0)


def test_of_equal_thresholds_the_smallest_is_chosen():
    curve = np.zeros(101)
    curve[[7, 30, 80]] = 0.6
    assert choose_threshold(curve) == (0.07, 0.6)


def test_the_whole_grid_is_searched_past_the_first_peak():
    curve = np.zeros(101)
    curve[10], curve[100] = 0.5, 0.51
    assert choose_threshold(curve) == (1.0, 0.51)


def test_zero_is_never_chosen_because_it_asks_nothing_of_a_map():
    curve = np.full(101, 0.5)
    curve[0] = 0.6
    assert choose_threshold(curve) == (0.01, 0.5)
    curve[1:] = np.nan
    with pytest.raises(AssertionError, match="nothing"):
        choose_threshold(curve)


def test_an_undefined_threshold_is_not_chosen():
    curve = np.full(101, np.nan)
    curve[4] = 0.0
    assert choose_threshold(curve) == (0.04, 0.0)
    with pytest.raises(AssertionError, match="nothing"):
        choose_threshold(np.full(101, np.nan))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_values_next_to_a_threshold_fall_on_their_side(dtype):
    """The neighbours of each threshold in the map's own precision, against a binary search."""
    grid = THRESHOLDS.astype(dtype)
    low, high = np.nextafter(grid, dtype(-1)), np.nextafter(grid, dtype(2))
    values = np.concatenate([grid, low[1:], high])
    expected = np.searchsorted(grid, values, side="right") - 1
    for value, step in zip(values, expected, strict=True):
        counts = count_by_threshold(np.array([value]), np.array([True]), np.array([True]))
        assert int(counts.true_positive.sum()) == step + 1
