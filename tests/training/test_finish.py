from types import SimpleNamespace

import numpy as np
import torch
from tiny import made_store, tiny_recipe
from torch import nn

from ichnos.models.checkpoint import Checkpoint
from ichnos.training import finish
from ichnos.training.batches import SliceDataset, validation_batches
from ichnos.training.data import Slices
from ichnos.training.finish import calibrate, predict

CPU = torch.device("cpu")


class Brightness(nn.Module):
    """Knows how bright a slice is."""

    def forward(self, pixels):
        bright = pixels.mean(dim=(1, 2, 3))
        return torch.stack([torch.zeros_like(bright), bright], dim=1)


def checkpoint_of(name, labels):
    settings = {"probability_gate": 0.7, "map_threshold": 0.3}
    return Checkpoint({"name": name, "arguments": {}}, {}, settings, labels, Brightness())


def batches_of(store):
    return validation_batches(SliceDataset(store, tiny_recipe().preprocessing), np.arange(len(store)), 7)


def test_slices_that_nobody_labelled_do_not_count():
    store = made_store()
    store.labels[5, 0] = -1
    probabilities, labels = predict(checkpoint_of("swin", ("no bleed", "bleed")), batches_of(store), CPU)
    known = store.labels[:, 0] >= 0
    assert labels.tolist() == store.is_positive[known].tolist()
    pixels = tiny_recipe().preprocessing.make_channels(store.hu[known].astype(np.float32))
    expected = 1 / (1 + np.exp(-pixels.mean(axis=(1, 2, 3))))
    np.testing.assert_allclose(probabilities, expected, rtol=1e-4)


def finished(name, labels, store=None):
    recipe = tiny_recipe()
    recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"store": "store"})})
    made = made_store()
    return calibrate(checkpoint_of(name, labels), recipe, batches_of(made), Slices(made, np.arange(len(made))), CPU)


def test_on_a_store_a_classifier_gets_its_gate_and_keeps_its_threshold():
    done = finished("swin", ("no bleed", "bleed"))
    assert done.segmentation["map_threshold"] == 0.3
    assert done.segmentation["probability_gate"] == done.training["calibration"]["probability_gate"] != 0.7


def test_a_network_of_pixels_has_no_gate():
    assert finished("unet", ("bleed",)).segmentation == {"probability_gate": 0.0, "map_threshold": 0.5}


def test_after_a_pretext_nothing_is_chosen():
    done = finished("unet", ())
    assert done.segmentation == {"probability_gate": 0.7, "map_threshold": 0.3}
    assert done.training == {}


def test_the_gate_keeps_the_share_that_the_recipe_asks_for():
    gates = []
    for asked in (0.2, 1.0):
        recipe = tiny_recipe(data={"gate_specificity": asked})
        recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"store": "store"})})
        made = made_store()
        slices = Slices(made, np.arange(len(made)))
        done = calibrate(checkpoint_of("swin", ("no bleed", "bleed")), recipe, batches_of(made), slices, CPU)
        gates.append(done.segmentation["probability_gate"])
    assert gates[0] < gates[1]


def test_masks_of_few_bleeding_phantoms_choose_the_threshold(monkeypatch):
    made = made_store(count=40, patients=8)  # each phantom is one of the recipe's eight
    made.labels[made.cases == 2] = 0
    made.has_mask[made.cases == 3] = False
    seeds = []
    monkeypatch.setattr(
        finish, "make_phantom", lambda seed, _: seeds.append(seed) or SimpleNamespace(scan=0, bleed_mask=0)
    )
    recipe = tiny_recipe(data={"calibration_phantoms": 2, "first_seed": 50})
    assert len(list(finish._labelled_scans(Slices(made, np.arange(10, 40)), recipe))) == 2
    assert seeds == [54, 55]
