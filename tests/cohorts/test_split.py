import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ichnos.cohorts.split import split_patients
from ichnos.errors import UsageError

PATIENTS = st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=40).filter(lambda names: len(set(names)) > 1)
FRACTIONS = st.floats(0.01, 0.99)


@given(PATIENTS, FRACTIONS, st.integers(0, 2**32 - 1))
def test_no_patient_is_ever_on_both_sides(patients, fraction, seed):
    assume(fraction <= 1 - 1 / len(set(patients)))  # else none is left to train on
    train, validation = split_patients(patients, fraction, seed)
    assert {patients[i] for i in train}.isdisjoint(patients[i] for i in validation)
    assert sorted([*train, *validation]) == list(range(len(patients)))
    assert len(train)
    assert len(validation)


@given(PATIENTS, st.integers(0, 1000))
def test_the_same_seed_gives_the_same_split(patients, seed):
    first, second = (split_patients(patients, 0.3, seed) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_fraction_is_of_patients_not_of_slices():
    patients = [name for name, slices in zip("abcdefghij", [90, *[1] * 9], strict=True) for _ in range(slices)]
    for seed in range(5):
        _, validation = split_patients(patients, 0.3, seed)
        assert len({patients[i] for i in validation}) == 3


def test_seeds_differ():
    patients = [str(number) for number in range(30)]
    assert len({tuple(split_patients(patients, 0.2, seed)[1]) for seed in range(10)}) > 5


def test_every_patient_is_validated_on_by_some_seed():
    patients = list("abcdef")
    seen = {patients[i] for seed in range(60) for i in split_patients(patients, 0.2, seed)[1]}
    assert seen == set(patients)


def test_one_patient_cannot_be_split():
    with pytest.raises(UsageError, match=r"^a split needs at least 2 patients; there are 1$"):
        split_patients(["a", "a"], 0.5, 0)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_a_fraction_of_nothing_or_all_is_refused(fraction):
    with pytest.raises(UsageError, match=r"^validation_fraction must lie between 0 and 1; got "):
        split_patients(["a", "b"], fraction, 0)


def test_a_fraction_that_leaves_no_patient_to_train_on_is_refused():
    with pytest.raises(UsageError, match=r"^validation_fraction 0.9 of 2 patients leaves none to train on$"):
        split_patients(["a", "b"], 0.9, 0)


@given(PATIENTS, FRACTIONS, st.integers(0, 1000), st.sets(st.sampled_from("abcdefgh")))
def test_what_is_scarce_comes_to_both_sides(patients, fraction, seed, owners):
    count = len(set(patients))
    assume(fraction <= 1 - 1 / count)
    scarce = np.array([name in owners for name in patients])
    train, validation = split_patients(patients, fraction, seed, scarce=scarce)
    assert len({patients[i] for i in validation}) == math.ceil(fraction * count)
    assert len({patients[i] for i in train} | {patients[i] for i in validation}) == count
    rich = {name for name in patients if name in owners}
    if rich:
        assert rich & {patients[i] for i in train}
    if len(rich) > 1:
        assert rich & {patients[i] for i in validation}


@given(PATIENTS, st.integers(0, 1000), st.booleans())
def test_where_all_or_nothing_is_scarce_the_split_is_the_plain_one(patients, seed, everything):
    scarce = np.full(len(patients), everything)
    for one, other in zip(
        split_patients(patients, 0.3, seed, scarce=scarce), split_patients(patients, 0.3, seed), strict=True
    ):
        np.testing.assert_array_equal(one, other)
