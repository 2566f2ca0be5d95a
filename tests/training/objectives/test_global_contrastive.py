import math

import numpy as np
import pytest
import torch
from tiny import made_store, tiny_recipe
from torch import nn

from ichnos.errors import TrainingError
from ichnos.training.batches import SliceDataset
from ichnos.training.objectives.global_contrastive import GlobalContrastive


def batch(count=4):
    return SliceDataset(made_store(size=32), tiny_recipe().preprocessing).__getitems__(range(count))


class Named(nn.Module):
    """Knows each slice whatever its view: as many directions as slices."""

    def __init__(self, count):
        super().__init__()
        self.directions = torch.eye(count)

    def forward(self, pixels):
        return self.directions[: len(pixels)]


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_a_network_that_knows_each_slice_has_the_least_loss(temperature):
    loss = GlobalContrastive(temperature=temperature).loss(Named(4), batch(), torch.Generator())
    # of 7 others, one is alike (cosine 1) and six are not at all (cosine 0)
    assert loss.item() == pytest.approx(
        -math.log(math.exp(1 / temperature) / (math.exp(1 / temperature) + 6)), abs=1e-5
    )


def test_the_views_differ_and_each_passes_alone():
    seen = []

    class Looking(nn.Module):
        def forward(self, pixels):
            seen.append(pixels)
            return pixels.flatten(1)

    made = batch()
    GlobalContrastive().loss(Looking(), made, torch.Generator().manual_seed(1))
    assert [len(view) for view in seen] == [4, 4]
    assert not torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[0], made.pixels)


def test_patients_can_be_spread():
    store = made_store(count=60, patients=6)
    spread = GlobalContrastive(spreads_patients=True).draw_rows(store, np.arange(60), 0, torch.Generator())
    assert (store.cases[spread][1:] != store.cases[spread][:-1]).all()
    plain = GlobalContrastive().draw_rows(store, np.arange(60), 0, torch.Generator())
    assert (store.cases[plain][1:] == store.cases[plain][:-1]).any()


def test_one_slice_cannot_be_told_apart():
    with pytest.raises(TrainingError, match="draws 1 of 1 training slices; two are needed"):
        GlobalContrastive().check(made_store(), np.arange(1))
    measured = GlobalContrastive().measure(Named(1), batch(1), torch.Generator())
    with pytest.raises(TrainingError, match="one validation slice cannot be told apart"):
        GlobalContrastive().summarise(measured)


def test_no_labels_are_needed():
    store = made_store()
    store.labels[:] = -1
    GlobalContrastive().check(store, np.arange(40))
    with pytest.raises(TrainingError, match="sampling 'equal' draws 0 of 40"):
        GlobalContrastive(sampling="equal").check(store, np.arange(40))
