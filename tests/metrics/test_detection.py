import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ichnos.metrics.detection import roc_auc


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
