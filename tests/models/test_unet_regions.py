import pytest
import torch

from ichnos.models.unet import create_unet
from ichnos.models.unet_regions import create_unet_regions


def statistics(model):
    return {name: value.clone() for name, value in model.encoder.state_dict().items() if "running" in name}


def learn_once(model):
    model.train()
    optimizer = torch.optim.SGD([one for one in model.parameters() if one.requires_grad], lr=0.1)
    model(torch.randn(4, 1, 32, 32)).square().mean().backward()
    optimizer.step()


def test_the_papers_projection():
    with torch.device("meta"):
        first, _, second = create_unet_regions().projection
    assert [tuple(layer.weight.shape) for layer in (first, second)] == [(128, 64, 1, 1), (32, 128, 1, 1)]


def test_half_the_rows_and_columns():
    assert create_unet_regions(width=2)(torch.zeros(2, 1, 32, 48)).shape == (2, 32, 16, 24)


def test_a_frozen_encoder_neither_learns_nor_counts():
    torch.manual_seed(0)
    model = create_unet_regions(width=2, dropout=0.5)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    learn_once(model)
    changed = {
        name.partition(".")[0] for name, value in model.state_dict().items() if not torch.equal(value, before[name])
    }
    assert changed == {"decoder", "projection"}


def test_a_frozen_encoder_drops_nothing():
    torch.manual_seed(0)
    model = create_unet_regions(width=2, dropout=0.5).train()
    pixels = torch.randn(1, 1, 32, 32)
    assert torch.equal(model(pixels), model(pixels))
    assert model.decoder.training


@pytest.mark.parametrize("frozen", [True, False])
def test_whether_the_encoder_is_frozen_is_asked(frozen):
    torch.manual_seed(0)
    model = create_unet_regions(width=2, frozen_encoder=frozen)
    before = statistics(model)
    learn_once(model)
    assert all(torch.equal(value, before[name]) for name, value in statistics(model).items()) == frozen
    assert all(one.requires_grad != frozen for one in model.encoder.parameters())


def test_its_parts_have_the_names_of_the_unets():
    regions, unet = create_unet_regions(width=2), create_unet(width=2)
    names = [name for name in unet.state_dict() if name.startswith(("encoder.", "decoder.")) and "blocks.3" not in name]
    encoder_last = [name for name in unet.state_dict() if name.startswith("encoder.blocks.3")]
    found = [name for name in regions.state_dict() if not name.startswith("projection.")]
    assert sorted(found) == sorted(names + encoder_last)
