import math

import numpy as np
import pytest
import torch
from tiny import made_store, tiny_recipe
from torch import nn

from ichnos.errors import TrainingError
from ichnos.training.batches import SliceDataset
from ichnos.training.objectives.binary_pretext import BinaryPretext


class Fixed(nn.Module):
    def forward(self, pixels):
        return torch.tensor([[2.0, -1.0], [-20.0, 20.0]])


def batch_of(*labels):
    made = SliceDataset(made_store(), tiny_recipe().preprocessing).__getitems__(range(len(labels)))
    made.labels[:, 0] = torch.tensor(labels, dtype=torch.int8)
    return made


def test_it_is_plain_cross_entropy():
    loss = BinaryPretext().loss(Fixed(), batch_of(1, 1), torch.Generator())
    assert loss.item() == pytest.approx((math.log(math.exp(2) + math.exp(-1)) + 1) / 2)  # twice softmax: at least 0.31


def test_as_many_normal_as_bleeding_slices_are_drawn():
    store = made_store()
    drawn = BinaryPretext().draw_rows(store, np.arange(40), 0, torch.Generator())
    assert store.is_positive[drawn].sum() == 10
    assert len(drawn) == 20


def test_one_choice_of_normal_slices_can_be_kept():
    store = made_store()
    pretext = BinaryPretext(normals_seed=1)
    draws = [pretext.draw_rows(store, np.arange(40), seed, torch.Generator().manual_seed(seed)) for seed in range(3)]
    assert all(sorted(one) == sorted(draws[0]) for one in draws)


def test_slices_of_one_kind_are_refused():
    store = made_store()
    with pytest.raises(TrainingError, match="0 of 2 labelled training slices"):
        BinaryPretext().check(store, np.array([1, 2]))


def test_unlabelled_slices_do_not_count_in_validation():
    measured = BinaryPretext().measure(Fixed(), batch_of(-1, 1), torch.Generator())
    assert measured["is_positive"].tolist() == [True]
    assert BinaryPretext().summarise(measured)["loss"] == pytest.approx(0.0, abs=1e-6)
    with pytest.raises(TrainingError, match="no validation slice is labelled"):
        BinaryPretext().summarise(BinaryPretext().measure(Fixed(), batch_of(-1, -1), torch.Generator()))
