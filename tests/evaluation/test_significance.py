from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from ichnos.errors import UsageError
from ichnos.evaluation.effect_size import cohen_d_z
from ichnos.evaluation.significance import EXACT_PATIENTS, TESTS, compare_methods, compare_pair, holm

RNG = np.random.default_rng(4)
FIRST = RNG.random(30)
SECOND = np.clip(FIRST - RNG.normal(0.05, 0.1, 30), 0, 1)
PATIENTS = np.arange(30) // 3


def test_the_tests_of_the_papers_are_those_of_scipy():
    expected = {
        "paired-t": stats.ttest_rel(FIRST, SECOND),
        "welch": stats.ttest_ind(FIRST, SECOND, equal_var=False),
        "wilcoxon": stats.wilcoxon(FIRST, SECOND),
    }
    for test, theirs in expected.items():
        ours = compare_pair(FIRST, SECOND, PATIENTS, test)
        assert ours.test == test
        assert (ours.statistic, ours.p_value) == (pytest.approx(theirs.statistic), pytest.approx(theirs.pvalue))
    units = {test: compare_pair(FIRST, SECOND, PATIENTS, test).units for test in TESTS}
    assert units == {"sign-flip-by-patient": 10, "paired-t": 30, "welch": 60, "wilcoxon": 30}


def slow_sign_flip(differences, patients):
    """Every way to negate patients, one item after the other."""
    names = sorted(set(patients.tolist()))
    observed, extreme = abs(differences.sum()), 0
    for signs in product((1, -1), repeat=len(names)):
        by_name = dict(zip(names, signs, strict=True))
        total = sum(by_name[patient] * value for patient, value in zip(patients.tolist(), differences, strict=True))
        extreme += abs(total) >= observed - 1e-12
    return extreme / 2 ** len(names)


@pytest.mark.parametrize("seed", range(4))
def test_flipping_patients_against_the_slow_version(seed):
    rng = np.random.default_rng(seed)
    patients = rng.integers(10, 16, 25)
    first, second = rng.random(25), rng.random(25)
    found = compare_pair(first, second, patients, "sign-flip-by-patient")
    assert found.p_value == pytest.approx(slow_sign_flip(first - second, patients))
    assert found.statistic == pytest.approx(np.mean(first - second))
    assert found.units == len(set(patients.tolist()))


def test_with_one_item_a_patient_it_is_the_permutation_test_of_scipy():
    first, second = FIRST[:9], SECOND[:9]
    theirs = stats.permutation_test(
        (first, second), lambda a, b: np.mean(a - b), permutation_type="samples", n_resamples=np.inf
    )
    found = compare_pair(first, second, np.arange(9), "sign-flip-by-patient")
    assert found.p_value == pytest.approx(theirs.pvalue)


def test_random_flips_come_near_the_exact_answer_and_repeat():
    """Twenty patients: exact by convolution over whole-number sums."""
    rng = np.random.default_rng(0)
    steps = rng.integers(-4, 7, 20)
    reachable = {0: 1}
    for step in steps.tolist():
        grown = {}
        for total, ways in reachable.items():
            for signed in (step, -step):
                grown[total + signed] = grown.get(total + signed, 0) + ways
        reachable = grown
    exact = sum(ways for total, ways in reachable.items() if abs(total) >= abs(steps.sum())) / 2**20
    assert EXACT_PATIENTS < 20
    found = [compare_pair(steps.astype(float), np.zeros(20), np.arange(20), "sign-flip-by-patient") for _ in range(2)]
    assert found[0] == found[1]
    assert found[0].p_value == pytest.approx(exact, abs=0.01)


def test_random_flips_never_give_zero():
    found = compare_pair(np.full(40, 1.0), np.zeros(40), np.arange(40), "sign-flip-by-patient")
    assert found.p_value == pytest.approx(1 / 20_001)


def test_many_slices_of_few_patients_do_not_fool_it():
    """One patient of three gains on a hundred slices: the t-test is sure, patients cannot tell."""
    rng = np.random.default_rng(2)
    patients = np.repeat([0, 1, 2], 100)
    differences = rng.normal(0, 0.05, 300) + np.where(patients == 0, 0.2, 0.0)
    zeros = np.zeros(300)
    assert compare_pair(differences, zeros, patients, "paired-t").p_value < 1e-6
    assert compare_pair(differences, zeros, patients, "sign-flip-by-patient").p_value >= 0.25


@pytest.mark.parametrize("test", TESTS)
def test_equal_methods_do_not_differ(test):
    assert compare_pair(FIRST, FIRST, PATIENTS, test).p_value == pytest.approx(1.0)
    flat = compare_pair(np.full(6, 0.5), np.full(6, 0.5), np.arange(6), test)
    assert flat.p_value == 1


@pytest.mark.parametrize(("test", "expected"), [("paired-t", 0), ("welch", 0), ("sign-flip-by-patient", 2 / 2**6)])
def test_a_difference_without_spread(test, expected):
    found = compare_pair(np.full(6, 0.7), np.full(6, 0.5), np.arange(6), test)
    assert found.p_value == pytest.approx(expected)
    assert found.statistic > 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_that_of_statsmodels(p_values):
    np.testing.assert_allclose(holm(p_values), multipletests(p_values, method="holm")[1], rtol=1e-9, atol=1e-300)


def test_holm_of_nothing():
    assert holm([]) == []


def test_all_pairs_of_methods():
    values = {"a": FIRST, "b": SECOND, "c": np.roll(FIRST, 1)}
    plain = compare_methods(values, PATIENTS, "welch", adjust=False)
    for row, first in enumerate(values.values()):
        for column, second in enumerate(values.values()):
            if row == column:
                assert np.isnan(plain[row, column])
            else:
                expected = stats.ttest_ind(first, second, equal_var=False).pvalue
                assert plain[row, column] == pytest.approx(expected)
    adjusted = compare_methods(values, PATIENTS, "welch")
    upper = np.triu_indices(3, 1)
    np.testing.assert_allclose(adjusted[upper], multipletests(plain[upper], method="holm")[1])
    np.testing.assert_array_equal(adjusted, adjusted.T)


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(UsageError, match="needs two items at least; given: 1"):
        compare_pair(FIRST[:1], SECOND[:1], PATIENTS[:1], "paired-t")
    holed = FIRST.copy()
    holed[[3, 7]] = np.nan, np.inf
    with pytest.raises(UsageError, match="2 of 30 pairs hold a value that is not a finite number"):
        compare_pair(holed, SECOND, PATIENTS, "paired-t")
    with pytest.raises(UsageError, match="no test is called 'paired'; did you mean 'paired-t'"):
        compare_pair(FIRST, SECOND, PATIENTS, "paired")


def test_differences_that_are_equal_but_for_rounding_have_no_spread():
    """scipy warns of lost precision there, and gives a t of 1e15 or so."""
    second = np.array([0.1, 0.2, 0.3, 0.7])
    first = second + 0.2
    assert np.ptp(first - second) > 0
    found = compare_pair(first, second, np.arange(4), "paired-t")
    assert (found.statistic, found.p_value) == (np.inf, 0.0)
    assert cohen_d_z(first - second) == np.inf
