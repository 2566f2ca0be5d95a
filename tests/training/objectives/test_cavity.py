from dataclasses import replace

import numpy as np
import pytest
import torch
from objectives import Fixed
from tiny import made_store, tiny_recipe

from ichnos.errors import TrainingError
from ichnos.training.batches import SliceDataset
from ichnos.training.objectives.cavity import Cavity


def batch_of(rows):
    """Slices of 8 x 8, of which the cavity is the upper half."""
    batch = SliceDataset(made_store(), tiny_recipe().preprocessing).__getitems__(rows)
    marks = batch.marks.clone()
    marks[:, 4:] = 0
    return replace(batch, marks=marks)


def test_the_loss_is_that_of_equation_4_on_the_cavity():
    batch, logits = batch_of([0, 1]), torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    p = 1 / (1 + np.exp(-logits.numpy()[:, 0].astype(float)))
    t = batch.brain_masks.numpy().astype(float)
    assert t[:, :4].all()
    by_hand = [1 - (2 * (a * b).sum() + 1) / ((a**2).sum() + (b**2).sum() + 1) for a, b in zip(p, t, strict=True)]
    assert Cavity().loss(Fixed(logits), batch, torch.Generator()).item() == pytest.approx(np.mean(by_hand), rel=1e-5)


def test_dice_is_counted_on_the_cavity():
    logits = torch.full((2, 1, 8, 8), -1.0)
    logits[:, :, :2] = 1.0  # half of the cavity and nothing else
    with torch.no_grad():
        measured = Cavity().measure(Fixed(logits), batch_of([0, 1]), torch.Generator())
    figures = Cavity().summarise(measured)
    assert figures["dice"] == pytest.approx(2 / 3)
    assert figures["slice_dice"] == pytest.approx(2 / 3)


def test_slices_without_a_drawn_cavity_are_refused():
    store = made_store()
    with pytest.raises(TrainingError, match="none of 40 training slices has a mask of the intracranial cavity"):
        Cavity().check(replace(store, marks=np.zeros_like(store.marks)), np.arange(len(store)))
    Cavity().check(store, np.arange(len(store)))


def test_an_epoch_sees_every_slice_once():
    rows = Cavity().draw_rows(made_store(), np.arange(3, 30), 0, torch.Generator().manual_seed(0))
    assert sorted(rows) == list(range(3, 30))
    assert list(rows) != sorted(rows)
