import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ichnos.errors import UsageError
from ichnos.metrics.binarise import OTSU_BINS, binarise, otsu_threshold, two_means_threshold


def between_variance(lower, upper):
    total = len(lower) + len(upper)
    gap = np.mean(lower) - np.mean(upper)
    return len(lower) / total * len(upper) / total * gap**2


def slow_otsu(values):
    """Every edge of the histogram in turn, values replaced by the centres of their bins."""
    low, width = values.min(), (values.max() - values.min()) / OTSU_BINS
    bins = np.minimum(((values - low) / width).astype(int), OTSU_BINS - 1)
    centres = low + (bins + 0.5) * width
    best, threshold = -1.0, math.inf
    for edge in range(1, OTSU_BINS):
        if (bins >= edge).any() and (bins < edge).any():
            found = between_variance(centres[bins < edge], centres[bins >= edge])
            if found > best * (1 + 1e-12):
                best, threshold = found, low + edge * width
    return threshold


def slow_two_means(values):
    """Every split of the sorted values; the least sum of squares within."""
    ordered = np.sort(values)
    costs = {
        cut: sum(((part - part.mean()) ** 2).sum() for part in (ordered[:cut], ordered[cut:]))
        for cut in range(1, len(ordered))
        if ordered[cut - 1] < ordered[cut]
    }
    return ordered[min(costs, key=costs.get)]


def two_bumps(seed, count=400):
    rng = np.random.default_rng(seed)
    return np.clip(np.concatenate([rng.normal(0.2, 0.1, count), rng.normal(0.7, 0.12, count // 4)]), 0, 1)


@pytest.mark.parametrize("seed", range(4))
def test_otsu_against_the_slow_version(seed):
    values = two_bumps(seed)
    assert otsu_threshold(values) == pytest.approx(slow_otsu(values))


@pytest.mark.parametrize("seed", range(4))
def test_two_means_against_the_slow_version(seed):
    values = two_bumps(seed)
    assert two_means_threshold(values) == pytest.approx(slow_two_means(values))


@pytest.mark.parametrize("seed", range(4))
def test_two_means_is_what_scikit_learn_finds(seed):
    from sklearn.cluster import KMeans

    values = two_bumps(seed)
    fitted = KMeans(2, n_init=10, random_state=0, tol=0).fit(values[:, None])
    upper = fitted.labels_ == fitted.cluster_centers_[:, 0].argmax()
    assert ((values >= two_means_threshold(values)) == upper).all()


def test_otsu_and_two_means_nearly_agree():
    """Both seek the split of largest variance between classes; the histogram is all that differs."""
    values = two_bumps(9)
    differ = (values >= otsu_threshold(values)) != (values >= two_means_threshold(values))
    assert differ.mean() < 0.01


def test_two_levels_are_told_apart():
    values = np.array([0.1, 0.1, 0.1, 0.6])
    assert two_means_threshold(values) == 0.6
    assert 0.1 < otsu_threshold(values) <= 0.6


@pytest.mark.parametrize("method", ["otsu", "k-means"])
@pytest.mark.parametrize("values", [np.zeros((2, 3)), np.full((2, 3), 0.7), np.full((2, 3), 0.7, np.float32)])
def test_a_map_of_one_value_gives_no_mask(method, values):
    assert not binarise(values, np.ones((2, 3), bool), method).any()


@pytest.mark.parametrize("threshold", ["otsu", "k-means", 0.5])
def test_nowhere_allowed_gives_no_mask(threshold):
    assert not binarise(np.random.default_rng(0).random((2, 3)), np.zeros((2, 3), bool), threshold).any()


@pytest.mark.parametrize("method", ["otsu", "k-means"])
def test_values_outside_the_allowed_are_not_looked_at(method):
    values = np.array([0.1, 0.12, 0.3, 0.32, 50.0, 60.0])
    allowed = np.array([True] * 4 + [False] * 2)
    assert binarise(values, allowed, method).tolist() == [False, False, True, True, False, False]


@given(st.lists(st.integers(0, 20), min_size=2, max_size=20), st.sampled_from(["otsu", "k-means"]))
def test_both_classes_are_filled_and_ordered(levels, method):
    values = np.array(levels) / 20
    mask = binarise(values.astype(np.float32), np.ones(len(values), bool), method)
    if len(set(levels)) == 1:
        assert not mask.any()
    else:
        assert 0 < mask.sum() < len(mask)
        assert values[mask].min() > values[~mask].max()


def test_a_fixed_threshold_takes_what_reaches_it():
    values = np.array([0.06, 0.059, 0.9, 0.9], np.float32)
    assert binarise(values, np.array([True, True, True, False]), 0.06).tolist() == [True, False, True, False]


def test_wrong_input_is_refused():
    with pytest.raises(UsageError, match="no way to binarise is called 'kmeans'; did you mean 'k-means'"):
        binarise(np.zeros(3), np.ones(3, bool), "kmeans")
    with pytest.raises(AssertionError, match="not numbers"):
        binarise(np.array([np.nan, 1.0]), np.ones(2, bool), 0.5)
