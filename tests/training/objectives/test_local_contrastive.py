import numpy as np
import pytest
import torch
from tiny import made_store, tiny_recipe
from torch import nn

from ichnos.errors import TrainingError
from ichnos.models.create import create_model
from ichnos.training.batches import SliceDataset
from ichnos.training.objectives import local_contrastive as module
from ichnos.training.objectives.local_contrastive import LocalContrastive, find_head


def batch(count=3):
    return SliceDataset(made_store(size=64), tiny_recipe().preprocessing).__getitems__(range(count))


class Places(nn.Module):
    """A vector of its own for each place, whatever is there; and notes what it was shown."""

    def __init__(self):
        super().__init__()
        self.seen = []
        self.vectors = torch.randn(1, 8, 32, 32, generator=torch.Generator().manual_seed(0))

    def forward(self, pixels):
        self.seen.append(pixels)
        return self.vectors.expand(len(pixels), -1, -1, -1)


CALM = {"rotation_degrees": 30, "scale": 0.2, "shift": 0.1, "flip": 0, "noise": 0}


def test_both_views_share_their_geometry_unless_the_paper_is_followed():
    aligned, moved = Places(), Places()
    LocalContrastive(view=CALM).loss(aligned, batch(), torch.Generator().manual_seed(1))
    LocalContrastive(view=CALM, aligned=False).loss(moved, batch(), torch.Generator().manual_seed(1))
    assert torch.equal(aligned.seen[0], aligned.seen[1]), "without changes of intensity, aligned views are the same"
    assert not torch.equal(moved.seen[0], moved.seen[1])


def test_intensities_of_aligned_views_differ():
    model = Places()
    LocalContrastive(view={**CALM, "brightness": 0.3}).loss(model, batch(), torch.Generator().manual_seed(1))
    assert not torch.equal(model.seen[0], model.seen[1])


def test_a_network_that_knows_each_place_has_hardly_any_loss():
    loss = LocalContrastive(view=CALM).loss(Places(), batch(), torch.Generator().manual_seed(1))
    assert loss.item() < 0.05  # 39 others at random: log 39 = 3.66


def test_regions_lie_in_the_head(monkeypatch):
    made = batch(1)
    made.pixels[:] = -1.0
    made.pixels[:, :, 6:60, 6:60] = torch.rand(54, 54, generator=torch.Generator().manual_seed(0)) + 1
    asked = []

    def remember(is_inside, grid, generator, *, regions):
        asked.append(is_inside)
        return torch.arange(regions)[None]

    monkeypatch.setattr(module, "choose_cells", remember)
    still = {"rotation_degrees": 0, "scale": 0, "shift": 0, "flip": 0, "noise": 0}
    LocalContrastive(view=still).loss(Places(), made, torch.Generator())
    expected = torch.zeros(1, 64, 64, dtype=torch.bool)
    expected[:, 6:60, 6:60] = True
    assert torch.equal(asked[0], expected)


def test_a_slice_that_is_all_alike_has_no_head():
    assert not find_head(torch.full((2, 3, 8, 8), 0.7)).any()


def test_a_frozen_encoder_stays_in_eval_mode_and_keeps_its_statistics():
    model = create_model("unet-regions", {"width": 4, "channels": 3, "hidden": 8, "outputs": 4}).train()
    before = {name: value.clone() for name, value in model.encoder.state_dict().items()}
    decoder = {name: value.clone() for name, value in model.decoder.state_dict().items() if "running" in name}
    LocalContrastive().loss(model, batch(), torch.Generator()).backward()
    assert all(torch.equal(before[name], value) for name, value in model.encoder.state_dict().items())
    assert all(parameter.grad is None for parameter in model.encoder.parameters())
    assert any(not torch.equal(decoder[name], model.decoder.state_dict()[name]) for name in decoder)


def test_no_slices_are_refused():
    store = made_store()
    store.labels[:] = -1
    LocalContrastive().check(store, np.arange(40))
    with pytest.raises(TrainingError, match="sampling 'equal' draws none of 40"):
        LocalContrastive(sampling="equal").check(store, np.arange(40))
