import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from ichnos.evaluation.effect_size import cliffs_delta, cohen_d_z, hedges_g, rank_biserial

numbers = st.lists(st.integers(-6, 6), min_size=2, max_size=12).map(lambda items: np.array(items, float))


def test_d_z_is_the_t_statistic_over_the_root_of_n():
    differences = np.random.default_rng(0).normal(0.3, 1, 17)
    t = stats.ttest_1samp(differences, 0).statistic
    assert cohen_d_z(differences) == pytest.approx(t / math.sqrt(17))


def test_g_is_the_corrected_pooled_difference():
    first, second = np.random.default_rng(1).normal(0, 1, 9), np.random.default_rng(2).normal(1, 2, 6)
    t, _, degrees = CompareMeans(DescrStatsW(first), DescrStatsW(second)).ttest_ind(usevar="pooled")
    assert hedges_g(first, second) == pytest.approx(t * math.sqrt(1 / 9 + 1 / 6) * (1 - 3 / (4 * degrees - 1)))


@given(numbers, numbers)
def test_delta_is_the_share_of_pairs(first, second):
    pairs = [np.sign(a - b) for a in first for b in second]
    assert cliffs_delta(first, second) == pytest.approx(np.mean(pairs))
    u = stats.mannwhitneyu(first, second, method="asymptotic").statistic
    assert cliffs_delta(first, second) == pytest.approx(2 * u / (len(first) * len(second)) - 1)


def test_rank_biserial_by_hand():
    """Kerby 2014: favourable minus unfavourable ranks. |d| = 1, 2, 2, 4 have ranks 1, 2.5, 2.5, 4."""
    assert rank_biserial(np.array([1.0, -2, 2, 4, 0])) == pytest.approx((1 + 2.5 + 4 - 2.5) / 10)


@given(numbers)
def test_rank_biserial_fits_wilcoxon(differences):
    told = differences[differences != 0]
    if not len(told):
        assert math.isnan(rank_biserial(differences))
        return
    smaller = stats.wilcoxon(told, method="asymptotic").statistic
    total = len(told) * (len(told) + 1) / 2
    assert abs(rank_biserial(differences)) == pytest.approx(1 - 2 * smaller / total)
    assert rank_biserial(-differences) == pytest.approx(-rank_biserial(differences))


def test_where_nothing_varies():
    assert math.isnan(cohen_d_z(np.zeros(4)))
    assert cohen_d_z(np.full(4, -0.5)) == -math.inf
    assert math.isnan(cohen_d_z(np.ones(1)))
    assert math.isnan(hedges_g(np.ones(3), np.ones(3)))
    assert hedges_g(np.full(3, 2.0), np.ones(3)) == math.inf
    assert math.isnan(hedges_g(np.ones(1), np.ones(3)))
    assert math.isnan(cliffs_delta(np.empty(0), np.ones(2)))
    assert cliffs_delta(np.full(3, 2.0), np.ones(2)) == 1
