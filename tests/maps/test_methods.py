import pytest
import torch
from maps.nets import EXTRA_TOKENS, TRANSFORMERS, liven, pixels_for, some_pixels, swin

from ichnos.errors import UsageError
from ichnos.maps.methods import METHODS, explain
from ichnos.maps.recorder import record_attention
from ichnos.maps.settings import PRESETS, MapSettings, choose_settings, fit_stages


def test_every_method_has_its_settings() -> None:
    assert METHODS.keys() == PRESETS["paper"].keys()
    assert PRESETS["reference"].keys() <= METHODS.keys()


def test_a_wrong_method_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"is called 'grad-can'; did you mean 'grad-cam'\?"):
        explain(swin(), some_pixels(1), MapSettings(method="grad-can"), (1,))


def test_a_region_must_fit() -> None:
    with pytest.raises(UsageError, match=r"the region has shape \(1, 8, 8\), the slices \(1, 32, 32\)"):
        explain(swin(), some_pixels(1), choose_settings("swin-sam"), (1,), torch.ones(1, 8, 8))


def test_an_empty_region_gives_an_empty_map() -> None:
    found = explain(swin(), some_pixels(2), choose_settings("swin-sam"), (1,), torch.zeros(2, 32, 32))
    assert not found.maps.any()


@pytest.mark.parametrize("name", EXTRA_TOKENS)
def test_global_attention_is_one_tile_without_its_extra_tokens(name: str) -> None:
    model, pixels = liven(TRANSFORMERS[name]()), pixels_for(name)
    with torch.no_grad(), record_attention(model) as recording:
        model(pixels)
    for block in recording.blocks:
        assert (block.tile, block.grid, block.shift) == ((4, 4), (4, 4), 0)
        assert block.extra_tokens == EXTRA_TOKENS[name]


@pytest.mark.parametrize("name", EXTRA_TOKENS)
def test_hgi_sam_on_global_attention_equals_its_definition(name: str) -> None:
    model, pixels = liven(TRANSFORMERS[name]()), pixels_for(name, 1)
    maps = explain(model, pixels, fit_stages(choose_settings("hgi-sam"), 1), (2,)).maps[0, 0]
    extra = EXTRA_TOKENS[name]
    with record_attention(model) as recording:
        logits = model(pixels).logits
    gradients = torch.autograd.grad(logits[0, 2], [block.weights for block in recording.blocks])
    looks = []
    for block, gradient in zip(recording.blocks, gradients, strict=True):
        heads = [
            gradient[0, head].square().sum().sqrt() * block.weights[0, head, extra:, extra:].mean(0)
            for head in range(2)
        ]
        looks.append((sum(heads) / 2).detach().reshape(1, 1, 4, 4))
    stage = (looks[0] * looks[1] + looks[2] * looks[3]) / 2
    expected = torch.nn.functional.interpolate(stage, (32, 32), mode="bilinear")[0, 0]
    expected = (expected - expected.min()) / (expected.max() - expected.min())
    torch.testing.assert_close(maps, expected, atol=1e-4, rtol=0)
