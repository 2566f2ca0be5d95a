import numpy as np
import pytest
from tiny_scales import make_trace

from ichnos.evaluation.reproduction.slice_scores import score_slices

LABEL = np.zeros((2, 4, 4), bool)
LABEL[0, 1, 1:3] = True  # two pixels in the first slice, none in the second


def score(traces, folds, calibrated=True):
    return score_slices(traces, folds, "everywhere", calibrated=calibrated)


def trace(case, inside, outside):
    """A map of `inside` on the label, `outside` on two other pixels, 0 elsewhere."""
    maps = np.where(LABEL, inside, 0.0)
    maps[0, 3, :2] = outside
    return make_trace(case, maps, LABEL)


def test_a_folds_threshold_is_chosen_on_the_others():
    # In a and b the blood is at 0.2 and noise at 0.1; in c it is the other way round with 0.9 and 0.5.
    traces = [trace("a", 0.2, 0.1), trace("b", 0.2, 0.1), trace("c", 0.9, 0.5)]
    folds = {"a": "0", "b": "0", "c": "1"}
    scores = score(traces, folds)
    assert scores.thresholds == {"0": 0.51, "1": 0.11}  # the smallest that leaves out the noise of the other fold
    assert scores.dice.tolist() == [0.0, 0.0, 2 * 2 / (2 * 2 + 2)]  # a, b: all below 0.51; c: noise is above 0.11
    assert scores.iou.tolist() == [0.0, 0.0, 0.5]
    assert scores.missed == 2
    assert scores.folds == ("0", "0", "1")


def test_changing_the_tested_fold_does_not_move_its_threshold():
    folds = {"a": "0", "b": "0", "c": "1"}
    before = score(
        [trace("a", 0.2, 0.1), trace("b", 0.2, 0.1), trace("c", 0.9, 0.5)], folds, "everywhere", calibrated=True
    )
    after = score(
        [trace("a", 0.2, 0.1), trace("b", 0.2, 0.1), trace("c", 0.3, 0.8)], folds, "everywhere", calibrated=True
    )
    assert before.thresholds["1"] == after.thresholds["1"]
    assert before.thresholds["0"] != after.thresholds["0"]


def test_a_segmentation_network_is_cut_at_one_half():
    scores = score([trace("a", 0.5, 0.49), trace("b", 0.6, 0.7)], {"a": "0", "b": "1"}, "everywhere", calibrated=False)
    assert scores.thresholds == {"0": 0.5, "1": 0.5}
    assert scores.dice.tolist() == [1.0, pytest.approx(2 / 3)]


def test_only_slices_that_are_labelled_and_drawn_are_scored_but_all_are_detected():
    invented = make_trace("a", np.full((2, 4, 4), 0.9), LABEL, labels=[1, 1])
    scores = score([invented], {"a": "0"}, calibrated=False)
    assert len(scores.dice) == 1
    called, labels = scores.detections()
    assert called.tolist() == [True, True]
    assert labels.tolist() == [True, True]
    assert scores.detections("1")[0].tolist() == []


def test_the_summary_is_mean_and_standard_error_of_slices():
    scores = score([trace("a", 0.5, 0.1), trace("b", 0.6, 0.7)], {"a": "0", "b": "1"}, "everywhere", calibrated=False)
    summary = scores.summary("dice")
    assert summary.mean == pytest.approx((1 + 2 / 3) / 2)
    assert summary.standard_error == pytest.approx(np.std([1, 2 / 3], ddof=1) / 2**0.5)
    assert scores.summary("dice", "1").scored == 1
