import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from ichnos.metrics.calibration import brier_score, measure_reliability


def test_bins_by_hand():
    probabilities = np.array([0.0, 0.05, 0.1, 0.15, 0.95, 1.0])
    labels = np.array([False, True, False, False, True, True])
    found = measure_reliability(probabilities, labels)
    assert found.items.tolist() == [2, 2, 0, 0, 0, 0, 0, 0, 0, 2]
    np.testing.assert_allclose(found.mean_probability[[0, 1, 9]], [0.025, 0.125, 0.975])
    np.testing.assert_allclose(found.positive_share[[0, 1, 9]], [0.5, 0.0, 1.0])
    assert np.isnan(found.positive_share[2:9]).all()
    assert found.expected_error == pytest.approx((2 * 0.475 + 2 * 0.125 + 2 * 0.025) / 6)


@pytest.mark.parametrize("bins", [5, 10, 15])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scikit_learn_agrees(bins, dtype):
    rng = np.random.default_rng(bins)
    probabilities = rng.random(300).astype(dtype)
    labels = rng.random(300) < probabilities**2
    found = measure_reliability(probabilities, labels, bins)
    share, mean = calibration_curve(labels, probabilities, n_bins=bins)
    filled = found.items > 0
    np.testing.assert_allclose(found.positive_share[filled], share)
    np.testing.assert_allclose(found.mean_probability[filled], mean, rtol=1e-6)
    assert brier_score(probabilities, labels) == pytest.approx(brier_score_loss(labels, probabilities), rel=1e-6)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40))
def test_bounds_and_counts(items):
    probabilities, labels = np.array([p for p, _ in items]), np.array([label for _, label in items])
    found = measure_reliability(probabilities, labels)
    assert found.items.sum() == len(items)
    assert 0 <= found.expected_error <= 1 + 1e-12
    # Merging bins can only let errors cancel.
    assert measure_reliability(probabilities, labels, 1).expected_error <= found.expected_error + 1e-9
    assert 0 <= brier_score(probabilities, labels) <= 1


def test_certain_and_right_certain_and_wrong():
    labels = np.array([True, False])
    assert measure_reliability(np.array([1.0, 0.0]), labels).expected_error == 0
    assert brier_score(np.array([1.0, 0.0]), labels) == 0
    assert measure_reliability(np.array([0.0, 1.0]), labels).expected_error == 1
    assert brier_score(np.array([0.0, 1.0]), labels) == 1


def test_nothing_to_measure():
    nothing = np.empty(0)
    assert math.isnan(measure_reliability(nothing, np.empty(0, bool)).expected_error)
    assert math.isnan(brier_score(nothing, np.empty(0, bool)))
