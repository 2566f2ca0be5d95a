from dataclasses import replace

import numpy as np
import pytest
import torch
from objectives import Fixed
from tiny import made_store, tiny_recipe

from ichnos.cohorts.slice_store import MARKS
from ichnos.errors import TrainingError
from ichnos.training.batches import SliceDataset
from ichnos.training.objectives.subtype_masks import LABELS, SubtypeMasks, take_subtypes


def batch_of(rows):
    return SliceDataset(made_store(), tiny_recipe().preprocessing).__getitems__(rows)


def loss_by_hand(logits, masks):
    """Of one label: half cross entropy, half Dice over all slices together."""
    p, t = 1 / (1 + np.exp(-logits.astype(float))), masks.astype(float)
    entropy = -np.log(np.where(masks, p, 1 - p)).mean()
    return (entropy + 1 - (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1)) / 2


@pytest.mark.parametrize("weight", [0.0, 0.3])
def test_the_loss_is_that_of_any_bleed_and_the_mean_of_the_subtypes(weight):
    batch, logits = batch_of([0, 1, 4]), torch.randn(3, 6, 8, 8, generator=torch.Generator().manual_seed(2))
    drawn = (batch.marks.numpy() & MARKS["intraparenchymal"]) != 0
    assert drawn.any()
    assert not drawn[1].any()
    masks = {name: drawn & (name in {"any", "intraparenchymal"}) for name in LABELS}
    each = [loss_by_hand(logits.numpy()[:, number], masks[name]) for number, name in enumerate(LABELS)]
    loss = SubtypeMasks(subtype_weight=weight).loss(Fixed(logits), batch, torch.Generator())
    assert loss.item() == pytest.approx(each[5] + weight * np.mean(each[:5]), rel=1e-5)


def test_blood_of_an_untold_subtype_is_any_bleed_alone():
    batch = batch_of([0])
    untold = replace(batch, marks=torch.full_like(batch.marks, MARKS["any"]))
    assert take_subtypes(untold)[0].all(dim=(1, 2)).tolist() == [False] * 5 + [True]


def test_dice_is_counted_on_any_bleed():
    batch = batch_of([0, 1])
    logits = torch.full((2, 6, 8, 8), 5.0)  # subtypes are not asked
    logits[:, 5] = torch.where(batch.bleed_masks, 1.0, -1.0)
    with torch.no_grad():
        measured = SubtypeMasks().measure(Fixed(logits), batch, torch.Generator())
    figures = SubtypeMasks().summarise(measured)
    assert figures["dice"] == 1.0
    assert figures["slice_dice"] == 1.0


def test_an_epoch_has_all_bleeding_slices_and_normal_ones_in_proportion():
    store = made_store()
    objective = SubtypeMasks(normals_per_bleed=2.0)
    rows = objective.draw_rows(store, np.arange(len(store)), 0, torch.Generator().manual_seed(0))
    assert store.is_positive[rows].sum() == store.is_positive.sum()
    assert len(rows) == 3 * store.is_positive.sum()


def test_masks_of_bleeds_are_needed():
    store = made_store()
    healthy = np.flatnonzero(~store.is_positive)
    with pytest.raises(TrainingError, match="none of 30 training slices with masks is labelled as bleeding"):
        SubtypeMasks().check(store, healthy)
    with pytest.raises(TrainingError, match="no validation slice has a mask"):
        SubtypeMasks().summarise({"loss": torch.zeros(0)})
