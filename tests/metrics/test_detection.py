import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from ichnos.metrics.detection import (
    RATES,
    ConfusionMatrix,
    count_detections,
    detect_by_foreground,
    predictive_values,
    roc_auc,
    trace_roc,
)


def pair_count(probabilities, labels):
    """Mann-Whitney: the share of (bleed, no bleed) pairs in the right order; a tie is half right."""
    bleeding = [float(p) for p, label in zip(probabilities, labels, strict=True) if label]
    healthy = [float(p) for p, label in zip(probabilities, labels, strict=True) if not label]
    wins = [1.0 if b > h else 0.5 if b == h else 0.0 for b, h in product(bleeding, healthy)]
    return sum(wins) / len(wins)


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=30))
def test_it_is_the_share_of_pairs_in_the_right_order(items):
    probabilities = np.array([sixth / 6 for sixth, _ in items])
    labels = np.array([label for _, label in items])
    if labels.all() or not labels.any():
        assert math.isnan(roc_auc(probabilities, labels))
    else:
        assert roc_auc(probabilities, labels) == pytest.approx(pair_count(probabilities, labels))


def test_by_hand():
    labels = np.array([True, True, False, False])
    assert roc_auc(np.array([0.9, 0.8, 0.2, 0.1]), labels) == 1.0
    assert roc_auc(np.array([0.1, 0.2, 0.8, 0.9]), labels) == 0.0
    assert roc_auc(np.array([0.9, 0.3, 0.5, 0.1], np.float32), labels) == 0.75


@pytest.mark.parametrize("label", [True, False])
def test_one_kind_of_label_leaves_nothing_to_tell_apart(label):
    assert math.isnan(roc_auc(np.array([0.2, 0.7]), np.array([label, label])))


def test_of_hard_answers_it_is_the_balanced_accuracy():
    """What the first paper prints as AUC (Rasoulian et al. 2023, table 2)."""
    labels = np.array([True] * 5 + [False] * 4)
    answers = np.array([1, 1, 1, 0, 0, 0, 0, 0, 1], dtype=float)
    assert roc_auc(answers, labels) == pytest.approx((3 / 5 + 3 / 4) / 2)


def test_the_curve_runs_through_the_rates_of_each_threshold():
    rng = np.random.default_rng(0)
    labels, probabilities = rng.random(40) < 0.4, rng.integers(0, 8, 40) / 8
    false_positive_rate, sensitivity = trace_roc(probabilities, labels)
    assert (false_positive_rate[0], sensitivity[0]) == (0, 0)
    assert (false_positive_rate[-1], sensitivity[-1]) == (1, 1)
    steps = [count_detections(probabilities >= threshold, labels) for threshold in np.unique(probabilities)]
    known = {(round(1 - step.specificity, 12), round(step.recall, 12)) for step in steps} | {(0.0, 0.0)}
    assert {(round(x, 12), round(y, 12)) for x, y in zip(false_positive_rate, sensitivity, strict=True)} <= known
    assert np.trapezoid(sensitivity, false_positive_rate) == pytest.approx(roc_auc(probabilities, labels))


def test_a_curve_needs_both_labels():
    with pytest.raises(AssertionError, match="both labels"):
        trace_roc(np.array([0.1, 0.2]), np.array([True, True]))


def test_counts_by_hand():
    predicted = np.array([True, True, False, False, True])
    labels = np.array([True, False, True, False, False])
    assert count_detections(predicted, labels) == ConfusionMatrix(1, 1, 2, 1)
    assert ConfusionMatrix(1, 2, 3, 4) + ConfusionMatrix(10, 20, 30, 40) == ConfusionMatrix(11, 22, 33, 44)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30))
def test_rates_agree_with_scikit_learn(items):
    predicted, labels = np.array(items).T
    found = count_detections(predicted, labels)
    expected = {"accuracy": metrics.accuracy_score(labels, predicted)}
    if labels.any():
        expected["recall"] = metrics.recall_score(labels, predicted)
        expected["precision"] = metrics.precision_score(labels, predicted, zero_division=0)
        expected["f1"] = metrics.f1_score(labels, predicted, zero_division=0)
    if not labels.all():
        expected["specificity"] = metrics.recall_score(~labels, ~predicted)
    if labels.any() and not labels.all():
        expected["balanced_accuracy"] = metrics.balanced_accuracy_score(labels, predicted)
    for name, value in expected.items():
        assert getattr(found, name) == pytest.approx(value), name
    assert set(found.undefined) == {name for name in RATES if math.isnan(getattr(found, name))}


@pytest.mark.parametrize(
    ("matrix", "undefined"),
    [
        (ConfusionMatrix(0, 0, 0, 0), RATES),
        (ConfusionMatrix(0, 5, 0, 0), ("balanced_accuracy", "precision", "f1", "recall")),
        (ConfusionMatrix(0, 5, 2, 0), ("balanced_accuracy", "recall")),
        (ConfusionMatrix(3, 0, 0, 1), ("balanced_accuracy", "specificity")),
        (ConfusionMatrix(0, 5, 0, 4), ()),
    ],
)
def test_what_is_undefined_is_told(matrix, undefined):
    assert matrix.undefined == undefined


def test_a_silent_detector_has_no_precision_rather_than_an_undefined_one():
    silent = ConfusionMatrix(true_positive=0, true_negative=5, false_positive=0, false_negative=4)
    assert (silent.precision, silent.f1, silent.recall, silent.specificity) == (0, 0, 0, 1)
    alarmed = ConfusionMatrix(true_positive=0, true_negative=5, false_positive=2, false_negative=0)
    assert (alarmed.precision, alarmed.f1) == (0, 0)


def test_ten_pixels_of_foreground_make_a_slice_positive():
    bleed_mask = np.zeros((4, 5, 5), bool)
    for z, pixels in enumerate((0, 9, 10, 25)):
        bleed_mask[z].flat[:pixels] = True
    assert detect_by_foreground(bleed_mask).tolist() == [False, False, True, True]
    assert detect_by_foreground(bleed_mask, at_least=11).tolist() == [False, False, False, True]


@given(st.integers(1, 40), st.integers(0, 40), st.integers(0, 40), st.integers(1, 40))
def test_at_the_collections_own_prevalence_predictive_value_is_precision(hit, extra, missed, healthy):
    matrix = ConfusionMatrix(hit, healthy, extra, missed)
    share = matrix.positives / (matrix.positives + matrix.negatives)
    positive, negative = predictive_values(matrix.recall, matrix.specificity, share)
    assert positive == pytest.approx(matrix.precision)
    assert negative == pytest.approx(healthy / (healthy + missed))


def test_predictive_values_by_hand():
    """Sensitivity 0.9, specificity 0.95, one in a hundred: 0.9 right among 0.9 + 4.95 calls."""
    positive, negative = predictive_values(0.9, 0.95, 0.01)
    assert positive == pytest.approx(0.9 / 5.85)
    assert negative == pytest.approx(94.05 / 94.15)


def test_predictive_values_where_nothing_is_called():
    positive, negative = predictive_values(0.0, 1.0, 0.2)
    assert math.isnan(positive)
    assert negative == pytest.approx(0.8)
    positive, negative = predictive_values(1.0, 0.0, 0.2)
    assert positive == pytest.approx(0.2)
    assert math.isnan(negative)
