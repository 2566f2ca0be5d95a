import pytest
import torch
from maps.nets import TRANSFORMERS, liven, pixels_for, some_pixels, swin
from torch import nn

from ichnos.errors import UsageError
from ichnos.maps.activations import explain_by_activations
from ichnos.maps.methods import explain
from ichnos.maps.settings import MapSettings, choose_settings

CAM = choose_settings("grad-cam")


def test_activations_and_gradients_are_those_of_the_layer_laid_out_as_the_image() -> None:
    model, pixels = swin(), some_pixels(2)
    caught = {}

    def combine(activations: torch.Tensor, gradients: torch.Tensor) -> torch.Tensor:
        caught.update(activations=activations, gradients=gradients)
        return activations.sum(1)

    explain_by_activations(model, pixels, CAM, (1,), combine)
    layer = model.transformer.swin.encoder.layers[-1].blocks[-1].layernorm_before
    kept = []
    handle = layer.register_forward_hook(lambda *all_: kept.append(all_[2]))
    logits = model(pixels)
    handle.remove()
    (gradient,) = torch.autograd.grad(logits[:, 1].sum(), kept[0])
    for row in range(4):
        for column in range(4):
            token = row * 4 + column
            torch.testing.assert_close(caught["activations"][:, :, row, column], kept[0][:, token])
            torch.testing.assert_close(caught["gradients"][:, :, row, column], gradient[:, token], atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("depth", [0, 1])
def test_any_layer_can_be_chosen(depth: int) -> None:
    model = swin()
    names = [name for name, _ in model.named_modules() if name.endswith("layernorm_before")]
    name = names[0] if depth == 0 else names[-2]
    found = explain(model, some_pixels(2), CAM.model_copy(update={"layer": name}), (1,)).maps
    assert not torch.allclose(found, explain(model, some_pixels(2), CAM, (1,)).maps, atol=1e-2)


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_extra_tokens_are_left_out(name: str) -> None:
    found = explain(liven(TRANSFORMERS[name]()), pixels_for(name), CAM, (0, 2)).maps
    assert found.shape[:2] == (2, 2)
    assert torch.isfinite(found).all()


def test_a_network_of_convolutions_needs_a_layers_name() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    found = explain(model, some_pixels(2), CAM.model_copy(update={"layer": "0"}), (1,)).maps
    assert found.shape == (2, 1, 32, 32)
    with pytest.raises(UsageError, match="holds no transformer"):
        explain(model, some_pixels(2), CAM, (1,))


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            "transformer.classifie",
            "has no layer 'transformer.classifie'; near it are: transformer.classifier",
        ),
        ("transformer.classifier", r"output of shape \(1, 2\) is not laid out as the image"),
    ],
)
def test_a_layer_that_cannot_serve_is_refused(layer: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        explain(swin(), some_pixels(1), MapSettings(method="grad-cam", layer=layer), (1,))


def test_a_layer_after_which_nothing_depends_on_it_gives_zeros() -> None:
    model = swin()
    nn.init.zeros_(model.transformer.classifier.weight)
    assert not explain(model, some_pixels(2), CAM, (1,)).maps.any()
