import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ichnos.metrics.volumes import (
    compare_bland_altman,
    measure_concordance,
    measure_intraclass_correlation,
    measure_volume_errors,
)

PREDICTED_ML = np.array([12.0, 30.0, 0.0, 5.0, 61.0, 18.0])
LABEL_ML = np.array([10.0, 36.0, 4.0, 5.0, 50.0, 20.0])


def test_errors_by_hand():
    errors = measure_volume_errors(np.array([12.0, 0.0, 3.0, 0.0]), np.array([10.0, 4.0, 0.0, 0.0]))
    assert errors.signed_ml.tolist() == [2, -4, 3, 0]
    assert errors.absolute_ml.tolist() == [2, 4, 3, 0]
    assert errors.relative[:2].tolist() == [0.2, -1]  # a missed bleed is off by its whole volume
    assert np.isnan(errors.relative[2:]).all()
    assert errors.without_relative == 2


def test_bland_altman_against_published_peak_flow():
    """Bland and Altman 1986, table 1: 17 people blow into two meters, first readings.

    They print a mean difference of -2.1 l/min, a standard deviation of 38.8, limits of -79.7 and 75.5
    with the factor 2, and 95 % intervals of -22.0 to 17.8 for the bias, with t = 2.12.
    """
    large = np.array([494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427.0])
    mini = np.array([512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451.0])
    found = compare_bland_altman(large, mini)
    assert found.scans == 17
    assert found.bias_ml.estimate == pytest.approx(-2.1, abs=0.05)
    assert (found.bias_ml.low, found.bias_ml.high) == pytest.approx((-22.0, 17.8), abs=0.1)
    deviation = (found.upper_limit_ml.estimate - found.bias_ml.estimate) / 1.959964
    assert deviation == pytest.approx(38.8, abs=0.05)
    assert found.lower_limit_ml.estimate == pytest.approx(-2.1 - 1.96 * 38.8, abs=0.1)


def test_the_interval_of_a_limit_holds_the_true_limit_as_often_as_it_says():
    """Simulation with a known truth: differences are N(1, 3), so the upper limit is 1 + 1.96 x 3."""
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(2000):
        found = compare_bland_altman(rng.normal(1, 3, 40), np.zeros(40)).upper_limit_ml
        inside += found.low <= 1 + 1.959964 * 3 <= found.high
    assert inside / 2000 == pytest.approx(0.95, abs=0.015)


def test_limits_need_two_scans():
    with pytest.raises(AssertionError, match="two scans"):
        compare_bland_altman(np.array([1.0]), np.array([2.0]))


def test_concordance_by_hand():
    found = measure_concordance(PREDICTED_ML, LABEL_ML)
    x, y, n = PREDICTED_ML.tolist(), LABEL_ML.tolist(), 6
    mx, my = sum(x) / n, sum(y) / n
    sxy = sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True)) / n
    sx2, sy2 = sum((a - mx) ** 2 for a in x) / n, sum((b - my) ** 2 for b in y) / n
    assert found.estimate == pytest.approx(2 * sxy / (sx2 + sy2 + (mx - my) ** 2))
    assert found.low < found.estimate < found.high <= 1


def test_the_interval_of_concordance_holds_the_truth_as_often_as_it_says():
    """Normal pairs with correlation 0.8, deviations 1 and 1.2 and a shift of 0.3: the truth is known."""
    truth = 2 * 0.8 * 1.2 / (1 + 1.44 + 0.09)
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(1500):
        shared, own = rng.standard_normal((2, 60))
        found = measure_concordance(shared, 0.3 + 1.2 * (0.8 * shared + 0.6 * own))
        inside += found.low <= truth <= found.high
    assert inside / 1500 == pytest.approx(0.95, abs=0.015)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=3, max_size=12))
def test_concordance_is_symmetric_and_no_higher_than_correlation(pairs):
    x, y = np.array(pairs, float).T
    one, other = measure_concordance(x, y), measure_concordance(y, x)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        assert math.isnan(one.estimate)
        return
    assert one.estimate == pytest.approx(other.estimate)
    assert abs(one.estimate) <= abs(np.corrcoef(x, y)[0, 1]) + 1e-12
    assert -1 - 1e-12 <= one.estimate <= 1 + 1e-12


def test_concordance_at_its_ends():
    same = measure_concordance(LABEL_ML, LABEL_ML)
    assert (same.estimate, same.low, same.high) == (1, 1, 1)
    assert measure_concordance(-LABEL_ML, LABEL_ML).estimate < 0
    assert math.isnan(measure_concordance(np.full(6, 3.0), LABEL_ML).estimate)
    few = measure_concordance(np.array([1.0, 2.0]), np.array([1.0, 3.0]))
    assert few.estimate > 0
    assert math.isnan(few.low)
    shifted = measure_concordance(LABEL_ML + 10, LABEL_ML)  # correlation 1, yet not concordant
    assert shifted.low < shifted.estimate < 1


FOUR_JUDGES = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float
)


def test_icc_against_shrout_and_fleiss():
    """Their table 2 and the ICC(2,1) of 0.29 that they print for it (1979, table 4)."""
    assert measure_intraclass_correlation(FOUR_JUDGES) == pytest.approx(0.29, abs=0.005)


@pytest.mark.parametrize("seed", range(3))
def test_icc_against_the_variance_table_of_statsmodels(seed):
    import pandas as pd
    from statsmodels.formula.api import ols
    from statsmodels.stats.anova import anova_lm

    ratings = np.random.default_rng(seed).normal(20, 8, (7, 1)) + np.random.default_rng(seed + 9).normal(0, 3, (7, 3))
    rows = [(f"s{n}", f"r{k}", ratings[n, k]) for n in range(7) for k in range(3)]
    table = anova_lm(ols("ml ~ C(scan) + C(rater)", pd.DataFrame(rows, columns=["scan", "rater", "ml"])).fit())
    scans, raters, error = (table["mean_sq"][name] for name in ("C(scan)", "C(rater)", "Residual"))
    expected = (scans - error) / (scans + 2 * error + 3 * (raters - error) / 7)
    assert measure_intraclass_correlation(ratings) == pytest.approx(expected)


def test_icc_without_anything_to_tell():
    assert math.isnan(measure_intraclass_correlation(np.ones((5, 2))))
    assert math.isnan(measure_intraclass_correlation(np.ones((1, 2))))
    assert math.isnan(measure_intraclass_correlation(np.ones((5, 1))))
