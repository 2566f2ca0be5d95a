from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny import made_store, tiny_recipe
from torch import nn

from ichnos.errors import TrainingError
from ichnos.preprocessing.patch_swaps import swap_patches
from ichnos.training.batches import SliceDataset
from ichnos.training.objectives.context_restoration import ContextRestoration


def batch():
    return SliceDataset(made_store(size=32), tiny_recipe().preprocessing).__getitems__([0, 1, 5])


PRETEXT = ContextRestoration(swaps=3, patch_px=8)


def test_the_target_is_the_slice_before_the_swaps():
    made = batch()
    spoilt = swap_patches(made.pixels, torch.Generator().manual_seed(4), swaps=3, side=8)
    loss = PRETEXT.loss(nn.Identity(), made, torch.Generator().manual_seed(4))
    assert loss.item() == pytest.approx(((spoilt - made.pixels) ** 2).mean().item())
    assert loss > 0


def test_a_network_that_restores_has_no_loss():
    made = batch()

    class Restored(nn.Module):
        def forward(self, pixels):
            return made.pixels

    assert PRETEXT.loss(Restored(), made, torch.Generator()).item() == 0.0


def test_validation_is_the_mean_over_slices():
    made = batch()
    measured = PRETEXT.measure(nn.Identity(), made, torch.Generator().manual_seed(4))
    assert measured["loss"].shape == (3,)
    whole = PRETEXT.loss(nn.Identity(), made, torch.Generator().manual_seed(4)).item()
    assert PRETEXT.summarise(measured)["loss"] == pytest.approx(whole)


def test_masks_and_labels_do_not_matter():
    made = batch()
    blind = replace(made, labels=torch.full_like(made.labels, -1), marks=torch.zeros_like(made.marks))
    losses = [PRETEXT.loss(nn.Identity(), one, torch.Generator().manual_seed(4)).item() for one in (made, blind)]
    assert losses[0] == losses[1]


def test_the_output_is_transferred_if_asked():
    assert ContextRestoration().parts == ("encoder", "decoder")
    assert ContextRestoration(transfers_output=True).parts == ("encoder", "decoder", "output")


def test_equal_sampling_needs_labels():
    store = made_store()
    store.labels[:] = -1
    everything = np.arange(40)
    assert len(ContextRestoration().draw_rows(store, everything, 0, torch.Generator())) == 40
    with pytest.raises(TrainingError, match="sampling 'equal' draws none of 40 training slices"):
        ContextRestoration(sampling="equal").check(store, everything)
