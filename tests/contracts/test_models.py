"""What every network of `MODELS` keeps to."""

import pytest
import torch
from tiny import SWIN

from ichnos.models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ichnos.models.create import KINDS, MODELS, create_model

SMALLEST = {
    "swin": SWIN,
    "unet": {"width": 4, "channels": 3, "outputs": 2},
    "light-unet": {"widths": [4, 8, 16]},
    "swin-unetr": {},
    "unet-classifier": {"width": 4, "channels": 3, "hidden": [8]},
    "unet-regions": {"width": 4, "channels": 3, "outputs": 2, "hidden": 8, "frozen_encoder": False},
}
"""Arguments of a small network for each name; all take 3 channels and give 2 outputs."""

SIZE = {"swin-unetr": 64}
"""Rows and columns that a network needs, if not 32."""

NO_GRADIENT = ("key.bias", "k_proj.bias")
"""Parameters whose effect a softmax cancels."""


def test_every_network_is_under_contract():
    assert SMALLEST.keys() == MODELS.keys() == KINDS.keys()


@pytest.fixture(params=sorted(MODELS))
def name(request):
    return request.param


@pytest.fixture
def size(name):
    return SIZE.get(name, 32)


@pytest.fixture
def model(name):
    torch.manual_seed(0)
    return create_model(name, SMALLEST[name])


@pytest.fixture
def pixels(size):
    return torch.randn(5, 3, size, size, generator=torch.Generator().manual_seed(1))


def settle(model, pixels):
    """Take the running statistics of batch normalisation from these slices; before, they dampen all differences."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    model.train()(pixels)
    return model.eval()


def output_shape(name, slices, outputs, size):
    """What the kind of a network promises: one vector a slice, one a pixel, one a place of a coarser grid."""
    grid = {"classifier": (), "segmenter": (size, size), "embedder": (size // 2, size // 2)}
    return (slices, outputs, *grid[KINDS[name]])


@pytest.mark.parametrize("slices", [1, 2, 5])
def test_slices_in_logits_out(name, model, pixels, size, slices):
    logits = model.eval()(pixels[:slices])
    assert logits.shape == output_shape(name, slices, 2, size)
    assert logits.dtype == torch.float32
    assert torch.isfinite(logits).all()


def test_in_training_it_gives_the_same_shape(name, model, pixels, size):
    assert model.train()(pixels).shape == output_shape(name, 5, 2, size)


def test_the_gradient_reaches_every_parameter(model, pixels):
    model.eval()  # no path is dropped
    logits = model(pixels)
    labels = torch.randint(2, (5, *logits.shape[2:]), generator=torch.Generator().manual_seed(2))
    torch.nn.functional.cross_entropy(logits, labels).backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None, parameter_name
        if not parameter_name.endswith(NO_GRADIENT):
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
    settle(model, pixels)
    together = model(pixels)
    apart = torch.cat([model(one[None]) for one in pixels])
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-5)
    assert (together - together[0]).abs().max() > 1e-4, "slices differ, so must their logits"


def test_one_seed_gives_one_network(name, model):
    torch.manual_seed(0)
    again = create_model(name, SMALLEST[name])
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


def test_it_counts_its_outputs_and_channels(name, size):
    model = create_model(name, {**SMALLEST[name], "channels": 1, "outputs": 6}).eval()
    assert model(torch.zeros(2, 1, size, size)).shape == output_shape(name, 2, 6, size)
