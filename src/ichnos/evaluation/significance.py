"""Tests of whether two methods differ, and what to do when many are compared.

- The first paper: paired t-test over the 318 slices that bleed (Rasoulian et al. 2023, 4.4), `paired-t`.
- The second: Welch's t-test over volumes between every two methods (Spahr et al. 2023, figure 4),
  `welch`. Both methods saw the same volumes, which it ignores: it loses power.
- To be used: `sign-flip-by-patient`. Slices of one patient are not independent; a test that takes them for so
  many witnesses finds differences that are not there. With several comparisons, adjust by `holm`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from ichnos.errors import UsageError
from ichnos.evaluation.effect_size import ROUNDING
from ichnos.runtime.names import choose_by_name

Values = Float[np.ndarray, " items"]
EXACT_PATIENTS = 14
"""Up to so many patients all 2^n sign patterns are gone through; beyond, `DRAWS` random ones."""

DRAWS = 20_000


@dataclass(frozen=True)
class TestResult:
    """What a test says.

    Attributes:
        test: its name in `TESTS`.
        statistic: t, W, or the mean difference, by test; positive where the first method is higher (not W).
        p_value: two-sided.
        units: how many independent units the test believes in: items or patients.
    """

    __test__ = False  # not a class of tests to pytest

    test: str
    statistic: float
    p_value: float
    units: int


def _paired_t(first: Values, second: Values, _: Int[np.ndarray, " items"]) -> TestResult:
    from scipy import stats

    differences = first - second
    if np.ptp(differences) <= ROUNDING * np.abs(differences).max():
        return _without_spread("paired-t", float(differences[0]), len(first))
    found = stats.ttest_rel(first, second)
    return TestResult("paired-t", float(found.statistic), float(found.pvalue), len(first))


def _welch(first: Values, second: Values, _: Int[np.ndarray, " items"]) -> TestResult:
    from scipy import stats

    if np.ptp(first) == 0 and np.ptp(second) == 0:
        return _without_spread("welch", float(first[0] - second[0]), len(first) + len(second))
    # From means and deviations, since scipy warns of a side without spread, where nothing is wrong.
    found = stats.ttest_ind_from_stats(
        first.mean(), first.std(ddof=1), len(first), second.mean(), second.std(ddof=1), len(second), equal_var=False
    )
    return TestResult("welch", float(found.statistic), float(found.pvalue), len(first) + len(second))


def _wilcoxon(first: Values, second: Values, _: Int[np.ndarray, " items"]) -> TestResult:
    from scipy import stats

    differences = first - second
    told = int(np.count_nonzero(differences))
    if not told:
        return TestResult("wilcoxon", 0.0, 1.0, 0)
    found = stats.wilcoxon(differences[differences != 0])
    return TestResult("wilcoxon", float(found.statistic), float(found.pvalue), told)


def _sign_flip(first: Values, second: Values, patients: Int[np.ndarray, " items"]) -> TestResult:
    """Permutation test whose units are patients: under no difference, each patient's sum could as well be negated.

    With random patterns p is (k + 1) / (m + 1), never 0 (Phipson and Smyth 2010). The draws are seeded.
    """
    _, places = np.unique(patients, return_inverse=True)
    sums = np.bincount(places, weights=first - second)
    observed = abs(float(sums.sum()))
    margin = 1e-12 * float(np.abs(sums).sum())
    exact = len(sums) <= EXACT_PATIENTS
    signs = _all_signs(len(sums)) if exact else _random_signs(len(sums))
    extreme = int(np.count_nonzero(np.abs(signs @ sums) >= observed - margin))
    p_value = extreme / len(signs) if exact else (extreme + 1) / (len(signs) + 1)
    return TestResult("sign-flip-by-patient", float(np.mean(first - second)), p_value, len(sums))


TESTS: dict[str, Callable[[Values, Values, Int[np.ndarray, " items"]], TestResult]] = {
    "sign-flip-by-patient": _sign_flip,
    "paired-t": _paired_t,
    "welch": _welch,
    "wilcoxon": _wilcoxon,
}
"""Two-sided tests of two methods on the same items. All but the first take items for independent."""


def compare_pair(first: Values, second: Values, patients: Int[np.ndarray, " items"], test: str) -> TestResult:
    """Compare two methods on the same items, in the same order, by one of `TESTS`.

    Args:
        first: values of one method, finite. Leave NaN out of both methods beforehand; an infinite distance
            means a missed bleed, which must not be left out: name a penalty in mm where it is measured.
        second: values of the other.
        patients: number of the patient of each item; only `sign-flip-by-patient` looks at it.
        test: name in `TESTS`.

    Where there is no spread at all, p is 1 if the methods are equal, else 0 for the t-tests.

    Raises:
        UsageError: less than two items, or values that are not numbers.
    """
    _check(first, second)
    return choose_by_name(TESTS, test, "test")(first, second, patients)


def compare_methods(
    values: Mapping[str, Values], patients: Int[np.ndarray, " items"], test: str, adjust: bool = True
) -> Float[np.ndarray, "methods methods"]:
    """P-values between every two methods; NaN on the diagonal.

    Args:
        values: by method, on the same items in the same order.
        patients: number of the patient of each item.
        test: name in `TESTS`.
        adjust: Holm's correction over all pairs. The second paper's figure 4 is without.
    """
    methods = list(values)
    pairs = [(a, b) for b in range(len(methods)) for a in range(b)]
    found = [compare_pair(values[methods[a]], values[methods[b]], patients, test).p_value for a, b in pairs]
    matrix = np.full((len(methods), len(methods)), np.nan)
    for (a, b), p_value in zip(pairs, holm(found) if adjust else found, strict=True):
        matrix[a, b] = matrix[b, a] = p_value
    return matrix


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values (Holm 1979), in the given order: each at most 1, none smaller than before.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(np.argsort(p_values, kind="stable")):
        highest = max(highest, min(1.0, p_values[place] * (len(p_values) - rank)))
        adjusted[place] = highest
    return adjusted


def _all_signs(count: int) -> Float[np.ndarray, "patterns patients"]:
    return 1.0 - 2.0 * (np.arange(2**count)[:, None] >> np.arange(count) & 1)


def _random_signs(count: int) -> Float[np.ndarray, "patterns patients"]:
    return 1.0 - 2.0 * np.random.default_rng(0).integers(0, 2, (DRAWS, count), dtype=np.int8)


def _check(first: Values, second: Values) -> None:
    if len(first) < 2:
        raise UsageError(f"a test needs two items at least; given: {len(first)}")
    unusable = int(np.count_nonzero(~np.isfinite(first - second)))
    if unusable:
        raise UsageError(
            f"{unusable} of {len(first)} pairs hold a value that is not a finite number; give missed bleeds "
            "a penalty in mm, leave items that are not defined out of both methods, and report how many"
        )


def _without_spread(test: str, difference: float, units: int) -> TestResult:
    statistic = float(np.copysign(np.inf, difference)) if difference else 0.0
    return TestResult(test, statistic, 0.0 if difference else 1.0, units)
