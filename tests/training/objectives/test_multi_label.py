import math

import numpy as np
import pytest
import torch
from tiny import made_store, tiny_recipe
from torch import nn

from ichnos.errors import TrainingError
from ichnos.training.batches import SliceDataset
from ichnos.training.objectives.multi_label import OUTPUTS, MultiLabelDice, MultiLabelEntropy, name_all

LOGITS = [[0.5, 1.0, -1.0, 2.0, 0.0, -0.3, 0.7], [1.5, -2.0, 0.1, 0.2, -0.4, 0.0, -1.0]]


class Fixed(nn.Module):
    def forward(self, pixels):
        return torch.tensor(LOGITS)


def batch_of(labels):
    made = SliceDataset(made_store(), tiny_recipe().preprocessing).__getitems__(range(len(labels)))
    made.labels[:] = torch.tensor(labels, dtype=torch.int8)
    return made


LABELS = [[1, 0, 1, 0, 0, 1], [0, 0, 0, 0, 0, 0]]
SEVEN = [[0, 1, 0, 1, 0, 0, 1], [1, 0, 0, 0, 0, 0, 0]]


def full_store(count=40):
    """A store in which each subtype occurs: every fourth slice bleeds, of the kinds in turn."""
    store = made_store(count)
    bleeding = np.arange(0, count, 4)
    store.labels[:, 1:] = 0
    store.labels[bleeding, 1 + np.arange(len(bleeding)) % 5] = 1
    return store


def test_the_first_of_seven_labels_says_that_there_is_none():
    assert OUTPUTS[:2] == ("none", "any")
    assert name_all(torch.tensor(LABELS, dtype=torch.int8)).int().tolist() == SEVEN


def test_cross_entropy_weighs_positives_by_their_rarity():
    weights = (1.0, 1.0, 67.6, 4.98, 7.24, 5.05, 3.58)  # of the RSNA slices that the paper trains on
    loss = MultiLabelEntropy(positive_weights=weights).loss(Fixed(), batch_of(LABELS), torch.Generator())
    each = [
        weight * math.log(1 + math.exp(-logit)) if label else math.log(1 + math.exp(logit))
        for logits, labels in zip(LOGITS, SEVEN, strict=True)
        for logit, label, weight in zip(logits, labels, weights, strict=True)
    ]
    assert loss.item() == pytest.approx(np.mean(each), rel=1e-5)


def test_dice_is_taken_over_the_labels_of_a_slice():
    loss = MultiLabelDice().loss(Fixed(), batch_of(LABELS), torch.Generator())
    probabilities, labels = 1 / (1 + np.exp(-np.array(LOGITS))), np.array(SEVEN)
    shared, squares = (probabilities * labels).sum(1), (probabilities**2).sum(1) + (labels**2).sum(1)
    assert loss.item() == pytest.approx(np.mean(1 - (2 * shared + 1) / (squares + 1)), rel=1e-5)


def test_weights_are_counted_in_what_is_drawn_of_the_training_slices():
    store = full_store()
    prepared = MultiLabelEntropy().prepare(store, np.arange(40))
    # 10 bleeding and 10 normal slices are drawn; each subtype is in 2 of the 20
    assert prepared.positive_weights == pytest.approx((1.0, 1.0, 9.0, 9.0, 9.0, 9.0, 9.0))
    assert prepared.prepare(store, np.arange(4)) is prepared


def test_weights_of_validation_slices_do_not_matter():
    store = full_store(80)
    chosen = np.arange(40)
    before = MultiLabelEntropy().prepare(store, chosen)
    store.labels[40:] = 1
    assert MultiLabelEntropy().prepare(store, chosen) == before


def test_a_kind_that_never_occurs_cannot_be_weighed():
    with pytest.raises(TrainingError, match="labelled epidural, intraventricular, subarachnoid, subdural"):
        MultiLabelEntropy().prepare(made_store(), np.arange(40))


def test_slices_without_all_labels_are_left_out():
    store = full_store()
    store.labels[:20, 2] = -1
    drawn = MultiLabelDice().draw_rows(store, np.arange(40), 0, torch.Generator())
    assert drawn.min() >= 20
    measured = MultiLabelDice().measure(Fixed(), batch_of([[1, -1, 0, 0, 0, 0], LABELS[0]]), torch.Generator())
    assert measured["labels"].int().tolist() == [SEVEN[0]]


def test_nothing_but_incomplete_labels_is_refused():
    store = full_store()
    store.labels[:, 3] = -1
    with pytest.raises(TrainingError, match="none of 40 training slices has all its subtypes labelled; use the obj"):
        MultiLabelDice().check(store, np.arange(40))
    measured = MultiLabelDice().measure(Fixed(), batch_of([[-1] * 6] * 2), torch.Generator())
    with pytest.raises(TrainingError, match="no validation slice has all its subtypes"):
        MultiLabelDice().summarise(measured)


def test_validation_tells_the_area_of_any_and_the_mean_of_subtypes_that_occur():
    measured = MultiLabelDice().measure(Fixed(), batch_of(LABELS), torch.Generator())
    figures = MultiLabelDice().summarise(measured)
    assert figures["auc"] == 1.0  # 1.0 above -2.0
    assert figures["subtype_auc"] == 1.0  # intraparenchymal 2.0 above 0.2, subdural 0.7 above -1.0
    without = MultiLabelDice().summarise({name: value[1:] for name, value in measured.items()})
    assert "subtype_auc" not in without
