from dataclasses import replace

import numpy as np
import pytest
import torch
from objectives import Fixed
from pydantic import ValidationError
from tiny import made_store, tiny_recipe

from ichnos.errors import TrainingError, UsageError
from ichnos.training.batches import SliceDataset
from ichnos.training.objectives.supervised import Supervised


def batch_of(rows):
    return SliceDataset(made_store(), tiny_recipe().preprocessing).__getitems__(rows)


def logits_of(slices, outputs=1):
    return torch.randn(slices, outputs, 8, 8, generator=torch.Generator().manual_seed(3))


def dice_by_hand(probabilities, mask):
    p, t = probabilities.ravel().astype(float), mask.ravel().astype(float)
    return 1 - (2 * (p * t).sum() + 1) / ((p**2).sum() + (t**2).sum() + 1)


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


@pytest.mark.parametrize("weight", [1.0, 0.2])
def test_dice_is_that_of_equation_4_with_empty_slices_weighed_as_in_equation_5(weight):
    batch = batch_of([0, 1, 4])  # the middle one is healthy
    logits = logits_of(3)
    loss = Supervised(empty_weight=weight).loss(Fixed(logits), batch, torch.Generator())
    probabilities = sigmoid(logits[:, 0].numpy())
    each = [dice_by_hand(*pair) for pair in zip(probabilities, batch.bleed_masks.numpy(), strict=True)]
    assert loss.item() == pytest.approx((each[0] + weight * each[1] + each[2]) / 3, rel=1e-5)


def test_it_is_the_mask_that_makes_a_slice_empty_and_not_its_label():
    batch = batch_of([0])
    lost = replace(batch, marks=torch.zeros_like(batch.marks))
    assert lost.is_positive.all()
    full, weighed = (
        Supervised(empty_weight=weight).loss(Fixed(logits_of(1)), lost, torch.Generator()).item()
        for weight in (1.0, 0.2)
    )
    assert weighed == pytest.approx(0.2 * full)


def test_two_outputs_and_their_difference_have_one_dice_loss():
    batch, logits = batch_of([0, 1, 4]), logits_of(3, outputs=2)
    two = Supervised(classes=2).loss(Fixed(logits), batch, torch.Generator())
    one = Supervised().loss(Fixed(logits[:, 1:] - logits[:, :1]), batch, torch.Generator())
    assert two.item() == pytest.approx(one.item())


@pytest.mark.parametrize("classes", [1, 2])
def test_dice_and_cross_entropy_are_halved(classes):
    batch, logits = batch_of([0, 1]), logits_of(2, classes)
    loss = Supervised(classes=classes, compare="dice-ce").loss(Fixed(logits), batch, torch.Generator())
    numbers = logits.numpy()
    bleed = sigmoid(numbers[:, 0] if classes == 1 else numbers[:, 1] - numbers[:, 0])
    masks = batch.bleed_masks.numpy()
    entropy = -np.log(np.where(masks, bleed, 1 - bleed)).mean()
    dice = [
        (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1)
        for p, t in [*zip(bleed, masks, strict=True), *zip(1 - bleed, ~masks, strict=True)]
    ]
    assert loss.item() == pytest.approx((entropy + 1 - np.mean(dice)) / 2, rel=1e-5)


def test_an_empty_weight_does_not_go_with_cross_entropy():
    with pytest.raises(ValidationError, match="empty_weight belongs to compare = 'dice'"):
        Supervised(compare="dice-ce", empty_weight=0.2)


@pytest.mark.parametrize(("sampling", "count", "positives"), [("ich-only", 5, 5), ("mixed", 15, 5)])
def test_only_slices_with_masks_are_drawn(sampling, count, positives):
    store = made_store()
    store.has_mask[20:] = False
    drawn = Supervised(sampling=sampling).draw_rows(store, np.arange(40), 0, torch.Generator())
    assert drawn.max() < 20
    assert len(drawn) == count
    assert store.is_positive[drawn].sum() == positives


def test_balanced_slices_are_half_bleeding():
    store = made_store(count=400)
    drawn = Supervised(sampling="balanced").draw_rows(store, np.arange(400), 0, torch.Generator())
    assert len(drawn) == 400
    assert store.is_positive[drawn].mean() == pytest.approx(0.5, abs=0.125)


def test_masks_are_needed():
    store = made_store()
    store.has_mask[:] = False
    with pytest.raises(TrainingError, match="of 40 training slices 0 have masks"):
        Supervised().check(store, np.arange(40))
    store.has_mask[[1, 2]] = True
    with pytest.raises(TrainingError, match="2 have masks, and none of those is labelled as bleeding"):
        Supervised().check(store, np.arange(40))
    store.has_mask[:] = False
    store.has_mask[[0, 4]] = True
    Supervised().check(store, np.arange(40))
    with pytest.raises(TrainingError, match="all 2 training slices with masks bleed, so they cannot be balanced"):
        Supervised(sampling="balanced").check(store, np.arange(40))


def test_validation_counts_pixels_of_slices_with_masks():
    batch = batch_of([0, 1, 4])
    batch.has_mask[2] = False
    logits = torch.full((3, 1, 8, 8), -9.0)
    logits[0, 0, 2:4, 2:4] = 9.0  # just the blood
    logits[1, 0, 0, 0] = 9.0
    logits[2] = 9.0
    measured = Supervised().measure(Fixed(logits), batch, torch.Generator())
    figures = Supervised().summarise({name: value.detach() for name, value in measured.items()})
    assert figures["dice"] == pytest.approx(2 * 4 / (2 * 4 + 1))
    assert figures["slice_dice"] == 1.0
    each = [dice_by_hand(sigmoid(logits[one, 0].numpy()), batch.bleed_masks[one].numpy()) for one in range(2)]
    assert figures["loss"] == pytest.approx(np.mean(each), abs=1e-5)


def test_validation_without_masks_is_refused():
    batch = batch_of([0, 1])
    batch.has_mask[:] = False
    measured = Supervised().measure(Fixed(logits_of(2)), batch, torch.Generator())
    with pytest.raises(TrainingError, match="no validation slice has a mask"):
        Supervised().summarise(measured)


def test_a_network_of_other_outputs_is_refused():
    with pytest.raises(UsageError, match=r"2 x 2 x 8 x 8 numbers, not 1 for each pixel; set objective\.classes"):
        Supervised().loss(Fixed(logits_of(2, outputs=2)), batch_of([0, 1]), torch.Generator())
