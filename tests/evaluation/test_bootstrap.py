import numpy as np
import pytest
from scipy import stats

from ichnos.errors import UsageError
from ichnos.evaluation.bootstrap import RESAMPLES, bootstrap_mean

KINDS = ["percentile", "bca"]


def clustered(seed, patients=12, slices=6):
    """Slices that resemble each other within a patient, of unequal number."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, slices * 2, patients)
    owners = np.repeat(np.arange(patients), sizes)
    return rng.normal(0, 1, patients)[owners] + rng.normal(0, 0.3, len(owners)), owners


def slow_draws(values, owners, seed):
    """Draw patients by name, put all their slices together, take the mean."""
    rng = np.random.default_rng(seed)
    names = np.unique(owners)
    means = []
    for _ in range(4000):
        chosen = rng.choice(names, len(names))
        means.append(np.concatenate([values[owners == name] for name in chosen]).mean())
    return np.array(means)


@pytest.mark.parametrize("seed", range(3))
def test_the_percentile_interval_is_that_of_drawing_patients_one_by_one(seed):
    values, owners = clustered(seed)
    found = bootstrap_mean(values, owners, seed=0)
    low, high = np.quantile(slow_draws(values, owners, seed + 50), [0.025, 0.975])
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.06 * (high - low))
    assert (found.items, found.patients) == (len(values), 12)


@pytest.mark.parametrize(("kind", "theirs"), [("percentile", "percentile"), ("bca", "BCa")])
def test_with_one_item_a_patient_it_is_that_of_scipy(kind, theirs):
    values = np.random.default_rng(3).exponential(1.0, 25)
    expected = stats.bootstrap((values,), np.mean, n_resamples=40_000, method=theirs, rng=0).confidence_interval
    found = bootstrap_mean(values, np.arange(25), seed=1, kind=kind)
    width = expected.high - expected.low
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.03 * width)


def test_bca_moves_with_the_skew():
    values, patients = np.random.default_rng(3).exponential(1.0, 25), np.arange(25)
    plain, corrected = (bootstrap_mean(values, patients, seed=1, kind=kind) for kind in KINDS)
    assert corrected.low > plain.low
    assert corrected.high > plain.high


@pytest.mark.parametrize("kind", KINDS)
def test_it_holds_the_truth_about_as_often_as_it_says_and_slices_alone_do_not(kind):
    """True mean 0. Taking slices for independent, an interval of 95 % holds it far less often."""
    by_patient = by_slice = 0
    for seed in range(150):
        values, owners = clustered(seed, patients=25)
        found = bootstrap_mean(values, owners, seed=0, kind=kind)
        by_patient += found.low <= 0 <= found.high
        half = 1.96 * values.std(ddof=1) / len(values) ** 0.5
        by_slice += abs(values.mean()) <= half
    assert by_patient / 150 > 0.86  # a little below 0.95 with 25 patients of unequal size
    assert by_slice / 150 < 0.75


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_interval_and_order_does_not_matter(kind):
    values, owners = clustered(5)
    found = bootstrap_mean(values, owners, seed=7, kind=kind)
    assert bootstrap_mean(values, owners, seed=7, kind=kind) == found
    assert bootstrap_mean(values, owners, seed=8, kind=kind) != found
    shuffled = np.random.default_rng(0).permutation(len(values))
    again = bootstrap_mean(values[shuffled], owners[shuffled], seed=7, kind=kind)
    assert (again.low, again.high) == pytest.approx((found.low, found.high))


def test_a_paired_difference_is_sharper_than_two_intervals():
    values, owners = clustered(6)
    better = values + 0.1 + np.random.default_rng(1).normal(0, 0.02, len(values))
    found = bootstrap_mean(better - values, owners, seed=0)
    assert 0 < found.low < 0.1 < found.high
    alone = bootstrap_mean(values, owners, seed=0)
    assert found.high - found.low < (alone.high - alone.low) / 10


@pytest.mark.parametrize("kind", KINDS)
def test_confidence_widens(kind):
    values, owners = clustered(2)
    wide, narrow = (bootstrap_mean(values, owners, 0, kind, confidence) for confidence in (0.99, 0.8))
    assert wide.low < narrow.low < wide.value < narrow.high < wide.high


@pytest.mark.parametrize("kind", KINDS)
def test_without_spread_the_interval_is_a_point(kind):
    found = bootstrap_mean(np.full(6, 0.25), np.arange(6) // 2, seed=0, kind=kind)
    assert (found.low, found.value, found.high) == (0.25, 0.25, 0.25)


def test_there_are_enough_draws_for_a_digit():
    assert RESAMPLES >= 10_000


def test_what_cannot_be_drawn_from_is_refused():
    with pytest.raises(UsageError, match="needs two patients at least; given: 1"):
        bootstrap_mean(np.array([0.1, 0.2]), np.zeros(2, int), seed=0)
    with pytest.raises(UsageError, match="1 of 3 values are not finite numbers"):
        bootstrap_mean(np.array([0.1, np.nan, 0.3]), np.arange(3), seed=0)
    with pytest.raises(UsageError, match="no kind of interval is called 'bc'; did you mean 'bca'"):
        bootstrap_mean(np.array([0.1, 0.3]), np.arange(2), seed=0, kind="bc")
