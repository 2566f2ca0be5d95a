import torch
from tiny import made_store, tiny_recipe
from torch import nn

from ichnos.preprocessing.augmentation import Augmentation
from ichnos.training.batches import SliceDataset
from ichnos.training.objectives.registry import make_objective
from ichnos.training.steps import Training, augment


def test_masks_are_turned_with_their_slices():
    batch = SliceDataset(made_store(), tiny_recipe().preprocessing).__getitems__([0, 4, 8])
    flip = Augmentation(flip=1.0, rotation_degrees=0.0, scale=0.0, shift=0.0, noise=0.0)
    turned = augment(batch, flip, torch.Generator().manual_seed(0))
    torch.testing.assert_close(turned.pixels, batch.pixels.flip(-1))
    assert torch.equal(turned.marks, batch.marks.flip(-1))
    assert torch.equal(turned.labels, batch.labels)


def test_without_masks_slices_change_the_same():
    store = made_store()
    store.has_mask[:] = False
    batch = SliceDataset(store, tiny_recipe().preprocessing).__getitems__([0, 4])
    with_masks = SliceDataset(made_store(), tiny_recipe().preprocessing).__getitems__([0, 4])
    one, other = (augment(each, Augmentation(), torch.Generator().manual_seed(3)) for each in (batch, with_masks))
    torch.testing.assert_close(one.pixels, other.pixels)


def test_what_is_frozen_keeps_its_running_statistics():
    recipe = tiny_recipe()
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4))
    model[:2].requires_grad_(False)
    module = Training(model, make_objective(recipe.objective), recipe, 1).train()
    assert [one.training for one in model] == [False, False, True, True]
    before = [value.clone() for value in model[1].buffers()]
    model(torch.randn(5, 3, 4, 4))
    assert all(torch.equal(one, other) for one, other in zip(before, model[1].buffers(), strict=True))
    assert module.training
