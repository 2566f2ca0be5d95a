import numpy as np
import pytest
from tiny_scales import make_trace

from ichnos.evaluation.reproduction.volume_scores import score_volumes
from ichnos.metrics.overlap import Overlap

NOTHING = np.zeros((2, 3, 3), bool)


def bleeding(predicted_pixels):
    label = NOTHING.copy()
    label[0, 0, :] = True
    maps = np.zeros((2, 3, 3))
    maps[0].flat[:predicted_pixels] = 0.5
    return maps, label


def test_counts_of_slices_add_up_before_they_are_divided():
    maps, label = bleeding(2)
    maps[1, 2, 2] = 0.9
    (overlap,) = score_volumes([make_trace("a", maps, label)], "everywhere").overlaps
    assert overlap == Overlap(2, 1, 1)


def test_views_and_policies():
    scores = score_volumes(
        [make_trace("a", *bleeding(3)), make_trace("b", np.zeros((2, 3, 3)), NOTHING), make_trace("c", *bleeding(0))],
        "everywhere",
    )
    assert scores.bleeds.tolist() == [True, False, True]
    assert scores.values("dice", "epsilon-one").tolist() == [1.0, 1.0, pytest.approx(1 / 4)]
    assert scores.values("dice", "excluded", bleeding_only=True).tolist() == [1.0, 0.0]
    assert scores.summary("recall", "epsilon-one", bleeding_only=False).mean == pytest.approx((1 + 1 + 1 / 4) / 3)
    assert scores.subtypes.sum(axis=0).tolist() == [0, 2, 0, 0, 0]
    assert scores.patients.tolist() == [0, 1, 2]


def test_recall_over_all_follows_from_recall_over_bleeding():
    scores = score_volumes([make_trace("a", *bleeding(1)), make_trace("b", np.ones((2, 3, 3)), NOTHING)], "everywhere")
    of_bleeding = scores.summary("recall", "epsilon-one", bleeding_only=True).mean
    assert scores.summary("recall", "epsilon-one", bleeding_only=False).mean == pytest.approx((of_bleeding + 1) / 2)
