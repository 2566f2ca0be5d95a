import math

import numpy as np
import pytest
import torch
from tiny import made_store, tiny_recipe
from torch import nn

from ichnos.cohorts.slice_store import LABELS
from ichnos.errors import TrainingError
from ichnos.training.batches import SliceDataset
from ichnos.training.objectives.focal_labels import FocalLabels


class Fixed(nn.Module):
    """A network that has answered already."""

    def __init__(self, logits):
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits))

    def forward(self, pixels):
        return self.logits * 1


def batch_of(labels):
    made = SliceDataset(made_store(), tiny_recipe().preprocessing).__getitems__(range(len(labels)))
    made.labels[:] = torch.tensor(labels, dtype=torch.int8)
    return made


def focal(logit, label, gamma=2.0):
    right = 1 / (1 + math.exp(-logit if label else logit))
    return -((1 - right) ** gamma) * math.log(right)


def loss_of(objective, logits, labels):
    return objective.loss(Fixed(logits), batch_of(labels), torch.Generator()).item()


STORE_ORDER = [[1, 0, 1, 0, 0, 1], [0, 0, 0, 0, 0, 0]]
LOGITS = [[0.3, -2.0, 1.0, 0.0, 2.5, -0.5], [-1.0, 0.2, -0.3, 0.4, -2.0, 1.5]]


def test_binary_is_the_focal_loss_of_the_any_label():
    expected = (focal(0.7, 1) + focal(-1.2, 0)) / 2
    assert loss_of(FocalLabels(), [[0.7], [-1.2]], STORE_ORDER) == pytest.approx(expected, rel=1e-5)


def test_six_outputs_meet_the_labels_of_their_name():
    objective = FocalLabels(labels="subtypes")
    assert objective.outputs[-1] == "any"
    assert LABELS[0] == "any"
    each = [
        focal(LOGITS[one][place], STORE_ORDER[one][LABELS.index(name)])
        for one in range(2)
        for place, name in enumerate(objective.outputs)
    ]
    assert loss_of(objective, LOGITS, STORE_ORDER) == pytest.approx(np.mean(each), rel=1e-5)


def test_labels_that_nobody_gave_teach_nothing():
    labels = [[1, -1, 1, -1, -1, -1], [0, 0, 0, 0, 0, 0]]
    objective = FocalLabels(labels="subtypes")
    known = [
        focal(LOGITS[one][place], labels[one][LABELS.index(name)])
        for one in range(2)
        for place, name in enumerate(objective.outputs)
        if labels[one][LABELS.index(name)] >= 0
    ]
    model = Fixed(LOGITS)
    loss = objective.loss(model, batch_of(labels), torch.Generator())
    assert loss.item() == pytest.approx(np.mean(known), rel=1e-5)
    loss.backward()
    assert (model.logits.grad[0] != 0).sum() == 2
    assert (model.logits.grad[1] != 0).all()


def test_without_gamma_it_is_cross_entropy():
    expected = (math.log(1 + math.exp(-0.7)) + math.log(1 + math.exp(-1.2))) / 2
    assert loss_of(FocalLabels(gamma=0.0), [[0.7], [-1.2]], STORE_ORDER) == pytest.approx(expected, rel=1e-5)


def test_validation_tells_the_area_of_any_and_the_mean_of_subtypes_that_occur():
    labels = [[1, 0, 1, 0, 0, 0], [1, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]]
    objective = FocalLabels(labels="subtypes")
    logits = torch.zeros(4, 6)
    logits[:, 5] = torch.tensor([2.0, 0.5, 1.0, 0.0])  # any: 3 of 4 pairs in order
    logits[:, 1] = torch.tensor([3.0, 0.0, 1.0, 2.0])  # intraparenchymal: all in order
    logits[:, 3] = torch.tensor([3.0, 2.0, 1.0, 0.0])  # subarachnoid: 2 of 3
    measured = objective.measure(Fixed(logits.tolist()), batch_of(labels), torch.Generator())
    figures = objective.summarise({name: value.detach() for name, value in measured.items()})
    assert figures["auc"] == pytest.approx(3 / 4)
    assert figures["subtype_auc"] == pytest.approx((1 + 2 / 3) / 2)


def test_validation_without_any_label_is_refused():
    labels = [[-1] * 6] * 2
    measured = FocalLabels().measure(Fixed([[0.0], [1.0]]), batch_of(labels), torch.Generator())
    with pytest.raises(TrainingError, match="no validation slice is labelled"):
        FocalLabels().summarise(measured)


@pytest.mark.parametrize(("sampling", "share"), [("natural", 0.25), ("balanced", 0.5)])
def test_slices_are_sampled_as_asked(sampling, share):
    store = made_store(count=400)
    objective = FocalLabels(sampling=sampling)
    drawn = np.concatenate(
        [objective.draw_rows(store, np.arange(400), 0, torch.Generator().manual_seed(seed)) for seed in range(10)]
    )
    assert store.is_positive[drawn].mean() == pytest.approx(share, abs=0.04)


def test_balanced_epochs_may_begin_with_obvious_bleeds():
    store = made_store(count=400)
    store.is_obvious[::8] = False
    objective = FocalLabels(sampling="balanced", obvious_epochs=1)
    early, late = (
        objective.draw_rows(store, np.arange(400), epoch, torch.Generator().manual_seed(0)) for epoch in (0, 1)
    )
    assert not np.isin(early, np.arange(0, 400, 8)).any()
    assert np.isin(late, np.arange(0, 400, 8)).any()
