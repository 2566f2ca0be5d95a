"""What every method of `METHODS` keeps to, on every kind of transformer that it is defined for."""

import gc

import pytest
import torch
from maps.nets import TRANSFORMERS, liven, pixels_for, swin
from torch import nn

from ichnos.maps.families import find_anatomy
from ichnos.maps.methods import METHODS, explain
from ichnos.maps.settings import MapSettings, choose_settings, fit_stages

NETWORKS = {"swin": swin, **TRANSFORMERS}
CASES = [
    (method, network) for method in METHODS for network in NETWORKS if not (method == "rollout" and "swin" in network)
]
pytestmark = pytest.mark.parametrize(("method", "network"), CASES)


@pytest.fixture
def model(network: str) -> nn.Module:
    torch.manual_seed(0)
    return liven(NETWORKS[network]())


@pytest.fixture
def settings(method: str, model: nn.Module) -> MapSettings:
    return fit_stages(choose_settings(method), find_anatomy(model).stages)


@pytest.fixture
def pixels(network: str) -> torch.Tensor:
    return pixels_for(network, 3)


def state(model: nn.Module) -> list[object]:
    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in model.modules()]
    flags = [(parameter.requires_grad, parameter.grad) for parameter in model.parameters()]
    config = find_anatomy(model).transformer.config._attn_implementation
    return [hooks, flags, [module.training for module in model.modules()], config]


def test_maps_lie_in_zero_to_one_and_use_it(model: nn.Module, settings: MapSettings, pixels: torch.Tensor) -> None:
    found = explain(model, pixels, settings, (0, 1))
    assert found.maps.shape == (3, 2, *pixels.shape[2:])
    assert found.maps.dtype == torch.float32
    low, high = found.maps.amin((2, 3)), found.maps.amax((2, 3))
    assert torch.equal(low, torch.zeros_like(low))
    torch.testing.assert_close(high, (high > 0).float())
    assert (high > 0).any()


def test_logits_are_those_of_a_plain_pass(model: nn.Module, settings: MapSettings, pixels: torch.Tensor) -> None:
    with torch.no_grad():
        plain = model(pixels)
    plain = plain if isinstance(plain, torch.Tensor) else plain.logits
    torch.testing.assert_close(explain(model, pixels, settings, (0,)).logits, plain, atol=1e-4, rtol=1e-4)


def test_a_map_does_not_depend_on_its_batch(model: nn.Module, settings: MapSettings, pixels: torch.Tensor) -> None:
    together = explain(model, pixels, settings, (0, 1)).maps
    alone = torch.cat([explain(model, pixels[i : i + 1], settings, (0, 1)).maps for i in range(3)])
    torch.testing.assert_close(together, alone, atol=1e-3, rtol=0)


def test_a_map_repeats_to_the_bit(model: nn.Module, settings: MapSettings, pixels: torch.Tensor) -> None:
    first, second = (explain(model, pixels, settings, (1,)).maps for _ in range(2))
    assert torch.equal(first, second)


def test_the_model_is_left_as_it_was(model: nn.Module, settings: MapSettings, pixels: torch.Tensor) -> None:
    model.train()
    next(model.parameters()).requires_grad_(False)
    before = state(model)
    explain(model, pixels[:1], settings, (0,))
    assert state(model) == before


def test_nothing_piles_up(model: nn.Module, settings: MapSettings, pixels: torch.Tensor) -> None:
    counts = []
    gc.freeze()  # what is there already is not walked over again
    try:
        for _ in range(4):
            explain(model, pixels[:1], settings, (0,))
            gc.collect()
            counts.append(sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects()))
    finally:
        gc.unfreeze()
    assert counts[-1] <= counts[1]


def test_a_blank_slice_gives_no_nan(model: nn.Module, settings: MapSettings, pixels: torch.Tensor) -> None:
    assert torch.isfinite(explain(model, torch.zeros_like(pixels), settings, (0,)).maps).all()


def test_a_region_bounds_the_map(model: nn.Module, settings: MapSettings, pixels: torch.Tensor) -> None:
    region = torch.zeros(pixels.shape[0], *pixels.shape[2:])
    region[:, 8:24, 8:24] = 1
    maps = explain(model, pixels, settings, (0,), region).maps
    assert not maps[:, 0][region == 0].any()
