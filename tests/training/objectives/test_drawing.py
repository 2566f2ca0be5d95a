import numpy as np
import pytest
import torch
from tiny import made_store

from ichnos.training.objectives.drawing import (
    draw_all,
    draw_balanced,
    draw_depleting,
    draw_unlabelled,
    draw_with_normals,
    inverse_frequency,
    spread_patients,
    take_labelled,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def store():
    """Forty slices of ten patients; every fourth bleeds, and the last six are not labelled."""
    made = made_store()
    made.labels[34:] = -1
    return made


ALL = np.arange(40)


def test_slices_that_nobody_labelled_are_told_apart(store):
    np.testing.assert_array_equal(take_labelled(store, ALL), np.arange(34))
    np.testing.assert_array_equal(take_labelled(store, np.array([39, 3, 35])), [3])


def test_all_is_a_permutation():
    drawn = draw_all(ALL, seeded())
    np.testing.assert_array_equal(np.sort(drawn), ALL)
    assert not np.array_equal(drawn, ALL)


@pytest.mark.parametrize(("ratio", "normals"), [(0.0, 0), (1.0, 9), (2.0, 18), (5.0, 25)])
def test_normal_slices_come_in_proportion_to_bleeding_ones(store, ratio, normals):
    drawn = draw_with_normals(store, ALL, ratio, seeded())
    assert len(np.unique(drawn)) == len(drawn)
    bleeding = drawn[store.is_positive[drawn]]
    np.testing.assert_array_equal(np.sort(bleeding), np.arange(0, 34, 4))
    assert (store.labels[drawn, 0] == 0).sum() == normals == len(drawn) - len(bleeding)


def test_normal_slices_change_with_the_epoch_unless_they_are_fixed(store):
    def normals(seed, **fixed):
        drawn = draw_with_normals(store, ALL, 1.0, seeded(seed), **fixed)
        return sorted(drawn[~store.is_positive[drawn]].tolist())

    assert normals(0) != normals(1)
    assert normals(0, normals_seed=4) == normals(1, normals_seed=4)
    assert normals(0, normals_seed=4) != normals(0, normals_seed=5)


def test_fixed_normal_slices_still_come_in_another_order(store):
    first, second = (draw_with_normals(store, ALL, 1.0, seeded(seed), normals_seed=4).tolist() for seed in (0, 1))
    assert sorted(first) == sorted(second)
    assert first != second


def test_balanced_draws_are_of_labelled_slices_and_half_of_them_bleed(store):
    drawn = np.concatenate([draw_balanced(store, ALL, seeded(seed)) for seed in range(100)])
    assert len(drawn) == 3400
    assert drawn.max() < 34
    assert store.is_positive[drawn].mean() == pytest.approx(0.5, abs=0.045)  # 5 standard deviations


def test_weights_are_the_inverse_of_the_frequency():
    is_positive = np.array([True, False, False, False])
    np.testing.assert_allclose(inverse_frequency(is_positive, np.ones(4, bool)), [1, 1 / 3, 1 / 3, 1 / 3])
    np.testing.assert_allclose(inverse_frequency(is_positive, ~is_positive), [0, 1 / 3, 1 / 3, 1 / 3])


@pytest.mark.parametrize("label", [True, False])
def test_one_kind_of_label_is_drawn_evenly(label):
    assert inverse_frequency(np.full(10, label), np.ones(10, bool)).tolist() == [0.1] * 10


def test_without_labels_all_or_equally_many(store):
    assert len(draw_unlabelled(store, ALL, "all", seeded())) == 40
    assert len(draw_unlabelled(store, ALL, "equal", seeded())) == 18


def test_slices_of_one_patient_are_kept_apart():
    store = made_store(count=120, patients=12)
    spread = spread_patients(store, draw_all(np.arange(120), seeded(1)), seeded(2))
    np.testing.assert_array_equal(np.sort(spread), np.arange(120))
    windows = np.lib.stride_tricks.sliding_window_view(store.cases[spread], 6)
    assert all(len(set(window)) == 6 for window in windows), "any 6 in a row are of 6 patients"
    shuffled = store.cases[draw_all(np.arange(120), seeded(1))]
    assert any(len(set(window)) < 6 for window in np.lib.stride_tricks.sliding_window_view(shuffled, 6))


def test_a_patient_with_two_cases_is_one_patient():
    store = made_store(count=40, patients=10)
    object.__setattr__(store, "patients", ("p",) * 5 + ("q",) * 5)
    spread = spread_patients(store, draw_all(ALL, seeded()), seeded())
    owners = store.cases[spread] < 5
    assert (owners[1:] != owners[:-1]).all(), "two patients take turns"


def test_without_replacement_bleeds_run_out():
    """Each slice as a clock that rings at a rate of its weight: the share of bleeds drawn is 1 - u^3.

    A quarter bleeds; u solves (1 - u^3) + 3 (1 - u) = 2, two slices drawn for each that bleeds.
    """
    store = made_store(count=8000, size=4)
    drawn = draw_depleting(store, np.arange(8000), seeded())
    (u,) = (root.real for root in np.roots([1, 0, 3, -2]) if abs(root.imag) < 1e-9)
    is_positive = store.is_positive[drawn]
    assert len(np.unique(drawn)) == len(drawn) == 4000
    assert is_positive.sum() / 2000 == pytest.approx(1 - u**3, abs=0.03)
    assert is_positive[:1000].mean() > is_positive[-1000:].mean() + 0.1


def test_without_replacement_no_more_are_drawn_than_there_are(store):
    bleeding_and_one = np.append(np.arange(0, 34, 4), 1)
    drawn = draw_depleting(store, np.append(bleeding_and_one, 39), seeded())
    np.testing.assert_array_equal(np.sort(drawn), np.sort(bleeding_and_one))
