"""What every network of `MODELS` keeps to."""

import pytest
import torch
from tiny import SWIN

from ichnos.models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ichnos.models.create import MODELS, create_model

SMALLEST = {"swin": SWIN}
"""Arguments of a small network for each name; all take 3 channels of 32 x 32 and give 2 logits."""


def test_every_network_is_under_contract():
    assert SMALLEST.keys() == MODELS.keys()


@pytest.fixture(params=sorted(MODELS))
def name(request):
    return request.param


@pytest.fixture
def model(name):
    torch.manual_seed(0)
    return create_model(name, SMALLEST[name])


@pytest.fixture
def pixels():
    return torch.randn(5, 3, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("slices", [1, 2, 5])
def test_slices_in_logits_out(model, pixels, slices):
    logits = model(pixels[:slices])
    assert logits.shape == (slices, 2)
    assert logits.dtype == torch.float32
    assert torch.isfinite(logits).all()


def test_the_gradient_reaches_every_parameter(model, pixels):
    model.eval()  # no path is dropped
    torch.nn.functional.cross_entropy(model(pixels), torch.tensor([0, 1, 0, 1, 1])).backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None, parameter_name
        if "key.bias" not in parameter_name and "k_proj.bias" not in parameter_name:  # softmax cancels it
            assert parameter.grad.abs().sum() > 0, parameter_name


def test_the_gradient_reaches_the_pixels(model, pixels):
    pixels.requires_grad_()
    model.eval()(pixels)[:, 1].sum().backward()
    assert (pixels.grad.abs().sum(dim=(1, 2, 3)) > 0).all()


def test_saved_and_loaded_it_answers_the_same(name, model, pixels, tmp_path):
    checkpoint = Checkpoint({"name": name, "arguments": SMALLEST[name]}, {}, {}, ("no bleed", "bleed"), model)
    loaded = load_checkpoint(save_checkpoint(checkpoint, tmp_path, "")).model
    assert torch.equal(loaded(pixels), model.eval()(pixels))


def test_in_eval_mode_it_is_deterministic(model, pixels):
    model.eval()
    assert torch.equal(model(pixels), model(pixels))


def test_a_slice_does_not_depend_on_its_batch(model, pixels):
    model.eval()
    together = model(pixels)
    apart = torch.cat([model(one[None]) for one in pixels])
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-5)
    assert (together - together[0]).abs().max() > 1e-4, "slices differ, so must their logits"


def test_one_seed_gives_one_network(name, model):
    torch.manual_seed(0)
    again = create_model(name, SMALLEST[name])
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


def test_it_counts_its_outputs_and_channels(name):
    model = create_model(name, {**SMALLEST[name], "channels": 1, "outputs": 6})
    assert model(torch.zeros(2, 1, 32, 32)).shape == (2, 6)
