import math
from types import SimpleNamespace

import pytest
import torch
from tiny import made_store, tiny_recipe
from torch import nn

from ichnos.preprocessing.augmentation import Augmentation
from ichnos.training.batches import SliceDataset
from ichnos.training.objectives.registry import make_objective
from ichnos.training.objectives.slice_labels import SliceLabels
from ichnos.training.steps import NotFiniteError, Training, augment


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


def made_module(batches=7, recipe=None):
    """A step without Lightning's trainer; `epoch` and `process` say where it is."""
    recipe = recipe or tiny_recipe()

    class Placed(Training):
        epoch, process = 0, 0
        current_epoch = property(lambda self: self.epoch)
        global_rank = property(lambda self: self.process)
        global_step = property(lambda _: 0)
        log = staticmethod(lambda *_, **__: None)

    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 2))
    return Placed(model, make_objective(recipe.objective), recipe, batches)


def take(rows=(0, 1, 2, 4)):
    return SliceDataset(made_store(), tiny_recipe().preprocessing).__getitems__(list(rows))


def test_epoch_number_and_process_each_give_other_draws(monkeypatch):
    seeds = []

    def loss(self, model, batch, generator):
        seeds.append((generator.initial_seed(), torch.initial_seed()))
        return torch.tensor(1.0)

    monkeypatch.setattr(SliceLabels, "loss", loss)
    module = made_module()
    for module.epoch, number, module.process in [(0, 0, 0), (0, 6, 0), (1, 0, 0), (0, 0, 1), (1, 0, 0)]:
        module.training_step(take(), number)
    assert len(set(seeds)) == 4
    assert seeds[2] == seeds[4]
    assert all(one == other for one, other in seeds), "what the network drops is drawn anew too"


def test_an_objective_that_makes_its_own_views_gets_slices_as_they_are(monkeypatch):
    seen = []
    monkeypatch.setattr(SliceLabels, "loss", lambda _, __, batch, ___: seen.append(batch.pixels) or torch.tensor(1.0))
    for makes_views in (False, True):
        monkeypatch.setattr(SliceLabels, "makes_views", makes_views)
        made_module().training_step(take(), 0)
    assert not torch.equal(seen[0], take().pixels)
    assert torch.equal(seen[1], take().pixels)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_names_its_slices(monkeypatch, value):
    monkeypatch.setattr(SliceLabels, "loss", lambda *_: torch.tensor(value))
    with pytest.raises(NotFiniteError, match=r"lower optimisation\.learning_rate") as caught:
        made_module().training_step(take([3, 9]), 0)
    assert caught.value.rows == [3, 9]


def test_the_mean_loss_is_of_one_epoch(monkeypatch):
    losses = iter([1.0, 3.0, 10.0, 20.0])
    monkeypatch.setattr(SliceLabels, "loss", lambda *_: torch.tensor(next(losses)))
    module, means = made_module(), []
    module._trainer = SimpleNamespace(world_size=1, strategy=SimpleNamespace(root_device=torch.device("cpu")))
    for module.epoch in range(2):
        module.on_train_epoch_start()
        for number in range(2):
            module.training_step(take(), number)
        means.append(module._mean_loss())
        module.on_train_epoch_end()
    assert means == [2.0, 15.0]


def test_randomness_of_validation_depends_on_the_slices_alone(monkeypatch):
    seeds = []
    monkeypatch.setattr(
        SliceLabels, "measure", lambda _, __, ___, generator: seeds.append(generator.initial_seed()) or {}
    )
    module = made_module()
    for module.epoch, rows in [(0, [4, 5]), (1, [4, 5]), (0, [6, 7])]:
        module.validation_step(take(rows), 0)
    assert seeds[0] == seeds[1] != seeds[2]


@pytest.mark.parametrize(("accumulate", "steps"), [(1, 7), (2, 4), (3, 3), (7, 1)])
def test_a_cycle_is_as_long_as_there_are_steps(accumulate, steps):
    recipe = tiny_recipe(optimisation={"epochs": 5, "accumulate": accumulate})
    configured = made_module(7, recipe).configure_optimizers()["lr_scheduler"]
    assert configured["interval"] == "step"
    assert configured["scheduler"].total_steps == max(6, 5 * steps)


def test_a_figure_without_a_value_is_kept_but_not_logged(monkeypatch):
    monkeypatch.setattr(SliceLabels, "summarise", lambda *_: {"loss": 1.0, "roc_auc": float("nan")})
    module, logged = made_module(), {}
    monkeypatch.setattr(module, "log_dict", lambda figures, **_: logged.update(figures))
    monkeypatch.setattr(module, "_gather", dict)
    monkeypatch.setattr(module, "_mean_loss", lambda: 0.5)
    module.on_validation_epoch_end()
    assert logged == {"validation_loss": 1.0}
    assert math.isnan(module.figures["validation_roc_auc"])
