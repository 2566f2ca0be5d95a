import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ichnos.metrics.overlap import THRESHOLDS, Overlap, count_overlap, dice_by_threshold

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
