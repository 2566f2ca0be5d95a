import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ichnos.errors import UsageError
from ichnos.metrics.empty_policy import (
    EMPTY_POLICIES,
    OVERLAP_MEASURES,
    choose_policy,
    mean_dice_by_threshold,
    measure_overlap,
    summarise_overlaps,
    summarise_values,
)
from ichnos.metrics.overlap import Overlap, count_by_threshold, count_overlap

LEFT_OUT = None
FILLED = Overlap(3, 2, 1)
MISSED = Overlap(0, 0, 4)
INVENTED = Overlap(0, 4, 0)
BOTH_EMPTY = Overlap(0, 0, 0)

# The table of the module's docstring, by hand: Dice, IoU, precision, recall.
CASES = [
    ("excluded", FILLED, (6 / 9, 3 / 6, 3 / 5, 3 / 4)),
    ("excluded", MISSED, (0, 0, 0, 0)),
    ("excluded", INVENTED, (0, 0, 0, LEFT_OUT)),
    ("excluded", BOTH_EMPTY, (LEFT_OUT,) * 4),
    ("counted-one", FILLED, (6 / 9, 3 / 6, 3 / 5, 3 / 4)),
    ("counted-one", MISSED, (0, 0, 0, 0)),
    ("counted-one", INVENTED, (0, 0, 0, 1)),
    ("counted-one", BOTH_EMPTY, (1, 1, 1, 1)),
    ("epsilon-one", FILLED, (7 / 10, 4 / 7, 4 / 6, 4 / 5)),
    ("epsilon-one", MISSED, (1 / 5, 1 / 5, 1, 1 / 5)),
    ("epsilon-one", INVENTED, (1 / 5, 1 / 5, 1 / 5, 1)),
    ("epsilon-one", BOTH_EMPTY, (1, 1, 1, 1)),
]
counts = st.integers(0, 50)
overlaps = st.builds(Overlap, counts, counts, counts)


@pytest.mark.parametrize(("policy", "overlap", "expected"), CASES)
def test_each_case_of_each_policy_by_hand(policy, overlap, expected):
    for measure, value in zip(("dice", "iou", "precision", "recall"), expected, strict=True):
        found = measure_overlap(overlap, measure, policy)
        assert math.isnan(found) if value is LEFT_OUT else found == pytest.approx(value, abs=1e-15), measure


@given(overlaps)
def test_the_second_papers_formulas(overlap):
    """Spahr et al. 2023, equations 1 to 3, in exact fractions."""
    tp, fp, fn = overlap.true_positive, overlap.false_positive, overlap.false_negative
    expected = {
        "dice": Fraction(2 * tp + 1, 2 * tp + fp + fn + 1),
        "precision": Fraction(tp + 1, tp + fp + 1),
        "recall": Fraction(tp + 1, tp + fn + 1),
    }
    for measure, value in expected.items():
        assert measure_overlap(overlap, measure, "epsilon-one") == pytest.approx(float(value), rel=1e-15)


@given(overlaps, st.sampled_from(sorted(OVERLAP_MEASURES)))
def test_without_a_policy_the_plain_measure_is_the_one_of_excluded(overlap, measure):
    np.testing.assert_equal(getattr(overlap, measure), measure_overlap(overlap, measure, "excluded"))


@given(overlaps, st.sampled_from(sorted(OVERLAP_MEASURES)), st.sampled_from(sorted(EMPTY_POLICIES)))
def test_bounds(overlap, measure, policy):
    found = measure_overlap(overlap, measure, policy)
    assert math.isnan(found) or 0 <= found <= 1


@given(
    st.lists(overlaps, max_size=8),
    st.integers(0, 30),
    st.integers(0, 30),
    st.integers(0, 30),
    st.sampled_from(sorted(OVERLAP_MEASURES)),
    st.sampled_from(["excluded", "counted-one"]),
)
def test_a_missed_bleed_never_improves_a_mean(others, hit, extra, missing, measure, policy):
    """Whatever was predicted for a bleed, predicting nothing instead does not raise any mean."""
    labelled = hit + missing
    if not labelled:
        return
    before = summarise_overlaps([*others, Overlap(hit, extra, missing)], measure, policy)
    after = summarise_overlaps([*others, Overlap(0, 0, labelled)], measure, policy)
    assert after.scored == before.scored
    assert after.mean <= before.mean + 1e-12
    left_out = summarise_overlaps(others, measure, policy)
    assert left_out.scored == 0 or after.mean <= left_out.mean + 1e-12
    assert after.missed == before.missed + (hit + extra > 0)


def test_the_second_papers_policy_does_reward_a_miss():
    """Why it serves for comparison only; the counts tell."""
    poor = summarise_overlaps([Overlap(1, 9, 3)], "precision", "epsilon-one")
    missed = summarise_overlaps([Overlap(0, 0, 4)], "precision", "epsilon-one")
    assert missed.mean == 1 > poor.mean
    assert (missed.missed, poor.missed) == (1, 0)


@given(overlaps, counts)
def test_more_false_positives_never_help(overlap, extra):
    worse = overlap + Overlap(0, extra, 0)
    for policy in EMPTY_POLICIES:
        for measure in ("dice", "iou", "precision"):
            if overlap.is_missed and measure == "precision":
                continue  # a miss has no precision of its own: 0, or 1 in the second paper
            before, after = measure_overlap(overlap, measure, policy), measure_overlap(worse, measure, policy)
            assert math.isnan(before) or after <= before


@pytest.mark.parametrize(
    ("policy", "mean", "scored", "excluded"),
    [("excluded", (6 / 9 + 0 + 0) / 3, 3, 1), ("counted-one", (6 / 9 + 0 + 0 + 1) / 4, 4, 0)],
)
def test_a_summary_by_hand(policy, mean, scored, excluded):
    summary = summarise_overlaps(iter([FILLED, MISSED, INVENTED, BOTH_EMPTY]), "dice", policy)
    values = [6 / 9, 0, 0] + [1] * (policy == "counted-one")
    assert summary.mean == pytest.approx(mean)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
    assert summary.deviation == pytest.approx(deviation)
    assert summary.standard_error == pytest.approx(deviation / math.sqrt(len(values)))
    assert (summary.scored, summary.excluded) == (scored, excluded)
    assert (summary.both_empty, summary.missed, summary.invented) == (1, 1, 1)


def test_nothing_and_one_item():
    nothing = summarise_overlaps([], "dice", "excluded")
    assert (nothing.scored, nothing.excluded) == (0, 0)
    assert math.isnan(nothing.mean)
    one = summarise_overlaps([FILLED], "dice", "excluded")
    assert one.mean == pytest.approx(6 / 9)
    assert math.isnan(one.deviation)
    assert math.isnan(one.standard_error)


def test_an_infinite_value_makes_the_mean_infinite_and_is_not_dropped():
    summary = summarise_values(np.array([1.0, np.inf, np.nan]), both_empty=1, missed=1, invented=0)
    assert (summary.mean, summary.deviation, summary.scored, summary.excluded) == (np.inf, np.inf, 2, 1)


@pytest.mark.parametrize("policy", sorted(EMPTY_POLICIES))
def test_the_mean_curve_is_the_mean_of_the_curves(policy):
    rng = np.random.default_rng(1)
    values = rng.random((6, 4, 5))
    labels, allowed = rng.random((6, 4, 5)) < 0.3, rng.random((6, 4, 5)) < 0.8
    labels[:2] = False
    allowed[0] = False
    curve = mean_dice_by_threshold(
        (count_by_threshold(*item) for item in zip(values, labels, allowed, strict=True)), policy
    )
    for step in range(101):
        masks = [allow & (value >= step / 100) for value, allow in zip(values, allowed, strict=True)]
        one_by_one = [count_overlap(mask, label) for mask, label in zip(masks, labels, strict=True)]
        assert curve[step] == pytest.approx(summarise_overlaps(one_by_one, "dice", policy).mean)


def test_a_mean_curve_of_nothing_is_not_a_number():
    assert np.isnan(mean_dice_by_threshold([], "excluded")).all()


def test_wrong_names_are_refused():
    with pytest.raises(UsageError, match="no empty-mask policy is called 'epsilon'; did you mean 'epsilon-one'"):
        choose_policy("epsilon")
    with pytest.raises(UsageError, match="no overlap measure is called 'jaccard'"):
        measure_overlap(FILLED, "jaccard", "excluded")
