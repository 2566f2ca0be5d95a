import numpy as np
import pytest
from evaluation.made_cohort import labelled, make_cases
from scipy import stats
from statsmodels.stats.multitest import multipletests

from ichnos.errors import UsageError
from ichnos.evaluation.case_score import score_case
from ichnos.evaluation.compare import compare_scores, tabulate_differences
from ichnos.evaluation.predictions import Prediction
from ichnos.evaluation.protocols import PROTOCOLS
from ichnos.evaluation.score import Scores

CASES = make_cases()


def scored(change=lambda made: made.predicted, names=tuple(CASES)):
    cases = [score_case(labelled(name, CASES[name]), Prediction(change(CASES[name]))) for name in names]
    return Scores(tuple(cases), {})


def better(made):
    return made.predicted & made.label if made.predicted.any() else made.label


def test_differences_are_paired_and_p_values_scipys():
    found = compare_scores(scored(better), scored(), PROTOCOLS["label-efficient"])
    sides = []
    for change in (better, lambda made: made.predicted):
        totals = [score.overlap("256") for score in scored(change).cases]
        sides.append(
            [
                (2 * o.true_positive + 1) / (2 * o.true_positive + o.false_positive + o.false_negative + 1)
                for o in totals
            ]
        )
    dice = found[0]
    assert (dice.measure, dice.view, dice.items, dice.patients) == ("dice", "all", 8, 8)
    assert dice.first - dice.second == pytest.approx(np.mean(sides[0]) - np.mean(sides[1]))
    assert dice.low < dice.first - dice.second < dice.high
    assert dice.p_values["paired-t"] == pytest.approx(stats.ttest_rel(*sides).pvalue, abs=1e-6)
    assert dice.p_values["welch"] == pytest.approx(stats.ttest_ind(*sides, equal_var=False).pvalue, abs=1e-6)


def test_p_values_are_adjusted_over_the_measures_of_a_view():
    found = [one for one in compare_scores(scored(better), scored(), PROTOCOLS["ichnos"]) if one.view == "bleeding"]
    for test in ("paired-t", "sign-flip-by-patient"):
        expected = multipletests([one.p_values[test] for one in found], method="holm")[1]
        np.testing.assert_allclose([one.adjusted[test] for one in found], expected, atol=1e-9)


def test_items_that_one_side_leaves_out_leave_both():
    """`empty` is predicted empty by one and filled by the other."""
    found = compare_scores(scored(), scored(lambda made: ~made.predicted), PROTOCOLS["ichnos"])
    dice = next(one for one in found if (one.measure, one.view) == ("dice", "all"))
    assert (dice.items, dice.left_out) == (7, 1)


def test_a_set_does_not_differ_from_itself():
    for one in compare_scores(scored(), scored(), PROTOCOLS["ichnos"]):
        assert one.first == one.second
        assert one.adjusted["sign-flip-by-patient"] == 1.0


def test_different_cases_are_refused_by_name():
    few = scored(names=tuple(name for name in CASES if name not in ("missed", "shifted")))
    with pytest.raises(UsageError, match=r"2 case\(s\) were scored in the first set only: missed, shifted"):
        compare_scores(scored(), few, PROTOCOLS["ichnos"])
    with pytest.raises(UsageError, match=r"2 case\(s\) were scored in the second set only: missed, shifted"):
        compare_scores(few, scored(), PROTOCOLS["ichnos"])


def test_other_labels_are_refused():
    other = scored().cases[0].model_copy(update={"label_ml": 3.0})
    with pytest.raises(UsageError, match="case border has other labels in the two sets"):
        compare_scores(scored(), Scores((other, *scored().cases[1:]), {}), PROTOCOLS["ichnos"])


def test_one_item_is_not_enough():
    with pytest.raises(UsageError, match=r"has 1 item\(s\) in common"):
        compare_scores(scored(names=("shifted",)), scored(names=("shifted",)), PROTOCOLS["ichnos"])


def test_the_table_says_how_it_was_made():
    protocol = PROTOCOLS["ichnos"]
    table = tabulate_differences(compare_scores(scored(better), scored(), protocol), ("a", "b"), protocol, None)
    text = table.to_markdown()
    assert "a against b" in text
    assert "empty masks: excluded" in text
    assert "p, sign-flip-by-patient" in text
    assert len(table.rows) == 2 * len(protocol.measures)
